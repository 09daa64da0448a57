// docs/metrics.md lists every metric with its type and labels, and none that does not exist.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/strings.h"
#include "metrics/names.h"

namespace driftwarden::metrics {
namespace {

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

// The rows "| `driftwarden_x` | type | `label`, `label` | …" by name, as "type | labels".
std::multimap<std::string, std::string> RowsOf(std::istream& page) {
  const std::string begin = Cat("| `", kPrefix);
  std::multimap<std::string, std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with(begin)) continue;
    const std::vector<std::string> cells = SplitString(line, '|');
    if (cells.size() < 5) {
      ADD_FAILURE() << line;
      continue;
    }
    const size_t name_end = line.find('`', begin.size());
    rows.emplace(line.substr(begin.size(), name_end - begin.size()), Cat(cells[2], "|", cells[3]));
  }
  return rows;
}

TEST(Docs, TheMetricsPageIsTheTableOfMetrics) {
  std::ifstream page(DRIFTWARDEN_SOURCE_DIR "/docs/metrics.md");
  ASSERT_TRUE(page.good());
  const auto rows = RowsOf(page);
  for (const MetricSpec& spec : Specs()) {
    std::vector<std::string> labels;
    for (const std::string_view label : spec.labels) labels.push_back(Cat("`", label, "`"));
    const std::string name(spec.name);
    ASSERT_EQ(rows.count(name), 1u) << name;
    EXPECT_EQ(rows.find(name)->second,
              Cat(" ", TypeText(spec.type), " | ", JoinStrings(labels, ", "), " "))
        << name;
  }
  EXPECT_EQ(rows.size(), Specs().size());
}

}  // namespace
}  // namespace driftwarden::metrics
