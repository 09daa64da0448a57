#pragma once

// The live values behind /metrics. prometheus-cpp is hidden in registry.cpp. Thread-safe. Label
// values are given in the order of MetricSpec::labels. Series known in advance are made at start
// with Declare, so that they are exported as 0 from the first scrape.

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/names.h"

namespace driftwarden::metrics {

using LabelValues = std::vector<std::string>;

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  void Declare(Metric metric, const LabelValues& labels);
  void Set(Metric metric, const LabelValues& labels, double value);      // gauges
  void Add(Metric metric, const LabelValues& labels, double by = 1);     // counters, by >= 0
  void Observe(Metric metric, const LabelValues& labels, double value);  // histograms
  void Remove(Metric metric, const LabelValues& labels);
  // A gauge's or counter's value; 0 when there is no such series. For tests and status.
  double Value(Metric metric, const LabelValues& labels) const;

  // The text exposition format 0.0.4.
  std::string Render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwarden::metrics
