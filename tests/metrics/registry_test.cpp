// The registry: every metric of the table can be made, declared and rendered.

#include "metrics/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/strings.h"

namespace driftwarden::metrics {
namespace {

// The exposition's lines that begin with `prefix`.
std::vector<std::string> Lines(const Registry& registry, const std::string& prefix) {
  std::vector<std::string> out;
  for (const std::string& line : SplitString(registry.Render(), '\n')) {
    if (line.starts_with(prefix)) out.push_back(line);
  }
  return out;
}

// A label value for each label, different for each.
LabelValues ValuesFor(const MetricSpec& spec) {
  LabelValues values;
  for (const std::string_view label : spec.labels) values.push_back(Cat("a-", label));
  return values;
}

std::string TypeText(MetricType type) {
  switch (type) {
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kCounter:
      return "counter";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "";
}

TEST(Specs, AreOneForEachMetricWithNamesThatFollowTheRules) {
  ASSERT_EQ(Specs().size(), static_cast<size_t>(Metric::kCount));
  std::set<std::string_view> names;
  for (const MetricSpec& spec : Specs()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_TRUE(std::all_of(spec.name.begin(), spec.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_';
    })) << spec.name;
    EXPECT_FALSE(spec.help.empty()) << spec.name;
    EXPECT_EQ(spec.name.ends_with("_total"), spec.type == MetricType::kCounter) << spec.name;
    EXPECT_EQ(spec.bounds.empty(), spec.type != MetricType::kHistogram) << spec.name;
    EXPECT_TRUE(std::is_sorted(spec.bounds.begin(), spec.bounds.end())) << spec.name;
  }
}

TEST(Specs, NoLabelCouldHoldAPersonOrAnAddress) {
  const std::set<std::string_view> allowed = {
      "link",     "state",    "kind",    "tier",     "severity", "result", "by",
      "source",   "change",   "reason",  "entra",    "route",    "code",   "action",
      "outcome",  "wait",     "guard",   "mode",     "receiver", "part",   "version",
      "revision", "tracking", "finding", "priority", "log"};
  for (const MetricSpec& spec : Specs()) {
    for (const std::string_view label : spec.labels) {
      EXPECT_EQ(allowed.count(label), 1u) << spec.name << " " << label;
    }
  }
}

TEST(Registry, EverySpecIsExportedWithHelpTypeAndZeroOnceDeclared) {
  Registry registry;
  for (int i = 0; i < static_cast<int>(Metric::kCount); ++i) {
    registry.Declare(static_cast<Metric>(i), ValuesFor(SpecOf(static_cast<Metric>(i))));
  }
  for (const MetricSpec& spec : Specs()) {
    const std::string name = Cat("driftwarden_", spec.name);
    EXPECT_EQ(Lines(registry, Cat("# HELP ", name, " ")),
              std::vector<std::string>{Cat("# HELP ", name, " ", spec.help)});
    EXPECT_EQ(Lines(registry, Cat("# TYPE ", name, " ")),
              std::vector<std::string>{Cat("# TYPE ", name, " ", TypeText(spec.type))});
    const bool histogram = spec.type == MetricType::kHistogram;
    const auto series = Lines(registry, Cat(name, histogram ? "_count{" : "{"));
    ASSERT_EQ(series.size(), 1u) << name;
    EXPECT_TRUE(series[0].ends_with("} 0")) << series[0];
    for (const std::string_view label : spec.labels) {
      EXPECT_NE(series[0].find(Cat(label, "=\"a-", label, "\"")), std::string::npos) << series[0];
    }
  }
}

TEST(Registry, GaugesAreSetAndCountersAdded) {
  Registry registry;
  registry.Set(Metric::kSourceUp, {"corp"}, 1);
  registry.Set(Metric::kSourceUp, {"corp"}, 0.5);
  registry.Add(Metric::kNegativeLags, {"main"});
  registry.Add(Metric::kNegativeLags, {"main"}, 2);
  EXPECT_EQ(registry.Value(Metric::kSourceUp, {"corp"}), 0.5);
  EXPECT_EQ(registry.Value(Metric::kNegativeLags, {"main"}), 3);
  registry.Declare(Metric::kNegativeLags, {"main"});  // again: changes nothing
  EXPECT_EQ(registry.Value(Metric::kNegativeLags, {"main"}), 3);
}

TEST(Registry, AHistogramCountsIntoItsBuckets) {
  Registry registry;
  registry.Observe(Metric::kStoreCommitDuration, {"main"}, 0.007);
  registry.Observe(Metric::kStoreCommitDuration, {"main"}, 1000);
  const std::string name = "driftwarden_store_commit_duration_seconds";
  EXPECT_EQ(Lines(registry, name + "_count"),
            std::vector<std::string>{name + "_count{link=\"main\"} 2"});
  const auto buckets = Lines(registry, name + "_bucket");
  ASSERT_EQ(buckets.size(), SpecOf(Metric::kStoreCommitDuration).bounds.size() + 1);
  EXPECT_EQ(buckets[0], name + "_bucket{link=\"main\",le=\"0.005\"} 0");
  EXPECT_EQ(buckets[1], name + "_bucket{link=\"main\",le=\"0.01\"} 1");
  EXPECT_EQ(buckets.back(), name + "_bucket{link=\"main\",le=\"+Inf\"} 2");
}

TEST(Registry, LabelValuesAreEscaped) {
  Registry registry;
  registry.Set(Metric::kSourceUp, {"a\"b\\c\nd"}, 1);
  EXPECT_EQ(Lines(registry, "driftwarden_source_up{"),
            std::vector<std::string>{R"(driftwarden_source_up{source="a\"b\\c\nd"} 1)"});
}

TEST(Registry, AskingForAnUnknownSeriesIsZeroAndMakesNone) {
  Registry registry;
  EXPECT_EQ(registry.Value(Metric::kSourceUp, {"nobody"}), 0);
  EXPECT_EQ(registry.Value(Metric::kNegativeLags, {"nobody"}), 0);
  EXPECT_EQ(registry.Render().find("nobody"), std::string::npos);
}

TEST(Registry, ARemovedSeriesIsGone) {
  Registry registry;
  registry.Set(Metric::kSourceUp, {"corp"}, 1);
  registry.Set(Metric::kSourceUp, {"other"}, 1);
  registry.Remove(Metric::kSourceUp, {"corp"});
  EXPECT_EQ(Lines(registry, "driftwarden_source_up{"),
            std::vector<std::string>{"driftwarden_source_up{source=\"other\"} 1"});
}

}  // namespace
}  // namespace driftwarden::metrics
