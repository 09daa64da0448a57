#include "metrics/registry.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

#include "base/check.h"
#include "base/strings.h"

namespace driftwarden::metrics {

struct Registry::Impl {
  prometheus::Registry registry;
  std::map<Metric, prometheus::Family<prometheus::Gauge>*> gauges;
  std::map<Metric, prometheus::Family<prometheus::Counter>*> counters;
  std::map<Metric, prometheus::Family<prometheus::Histogram>*> histograms;

  static prometheus::Labels Labels(Metric metric, const LabelValues& values) {
    const MetricSpec& spec = SpecOf(metric);
    DW_CHECK(values.size() == spec.labels.size());
    prometheus::Labels labels;
    for (size_t i = 0; i < values.size(); ++i) labels.emplace(spec.labels[i], values[i]);
    return labels;
  }

  prometheus::Gauge& GaugeOf(Metric metric, const LabelValues& values) {
    return gauges.at(metric)->Add(Labels(metric, values));
  }
  prometheus::Counter& CounterOf(Metric metric, const LabelValues& values) {
    return counters.at(metric)->Add(Labels(metric, values));
  }
  prometheus::Histogram& HistogramOf(Metric metric, const LabelValues& values) {
    const auto& bounds = SpecOf(metric).bounds;
    return histograms.at(metric)->Add(Labels(metric, values),
                                      prometheus::Histogram::BucketBoundaries(bounds));
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {
  for (int i = 0; i < static_cast<int>(Metric::kCount); ++i) {
    const auto metric = static_cast<Metric>(i);
    const MetricSpec& spec = SpecOf(metric);
    const std::string name = Cat(kPrefix, spec.name);
    const std::string help(spec.help);
    switch (spec.type) {
      case MetricType::kGauge:
        impl_->gauges[metric] =
            &prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
        break;
      case MetricType::kCounter:
        impl_->counters[metric] =
            &prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
        break;
      case MetricType::kHistogram:
        impl_->histograms[metric] =
            &prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
        break;
    }
  }
}

Registry::~Registry() = default;

void Registry::Declare(Metric metric, const LabelValues& labels) {
  switch (SpecOf(metric).type) {
    case MetricType::kGauge:
      impl_->GaugeOf(metric, labels);
      break;
    case MetricType::kCounter:
      impl_->CounterOf(metric, labels);
      break;
    case MetricType::kHistogram:
      impl_->HistogramOf(metric, labels);
      break;
  }
}

void Registry::Set(Metric metric, const LabelValues& labels, double value) {
  impl_->GaugeOf(metric, labels).Set(value);
}

void Registry::Add(Metric metric, const LabelValues& labels, double by) {
  DW_CHECK(by >= 0);  // prometheus-cpp would ignore it silently
  impl_->CounterOf(metric, labels).Increment(by);
}

void Registry::Observe(Metric metric, const LabelValues& labels, double value) {
  impl_->HistogramOf(metric, labels).Observe(value);
}

void Registry::Remove(Metric metric, const LabelValues& labels) {
  DW_CHECK(SpecOf(metric).type == MetricType::kGauge);
  impl_->gauges.at(metric)->Remove(&impl_->GaugeOf(metric, labels));
}

double Registry::Value(Metric metric, const LabelValues& labels) const {
  // Looking makes no series: Add() of a family would.
  const prometheus::Labels series = Impl::Labels(metric, labels);
  switch (SpecOf(metric).type) {
    case MetricType::kGauge:
      return impl_->gauges.at(metric)->Has(series) ? impl_->GaugeOf(metric, labels).Value() : 0;
    case MetricType::kCounter:
      return impl_->counters.at(metric)->Has(series) ? impl_->CounterOf(metric, labels).Value() : 0;
    case MetricType::kHistogram:
      break;
  }
  return 0;
}

std::string Registry::Render() const {
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(impl_->registry.Collect());
}

}  // namespace driftwarden::metrics
