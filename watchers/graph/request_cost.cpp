#include "watchers/graph/request_cost.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/strings.h"

namespace driftwarden::graph {
namespace {

constexpr double kFullBatch = 20;

// The path below the version and the query of either form of URL.
std::pair<std::string_view, std::string_view> Split(std::string_view url) {
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    const size_t path = url.find('/', scheme + 3);
    url = path == std::string_view::npos ? std::string_view() : url.substr(path);
    const size_t below = url.find('/', 1);
    url = below == std::string_view::npos ? std::string_view() : url.substr(below);
  }
  const size_t mark = url.find('?');
  if (mark == std::string_view::npos) return {url, std::string_view()};
  return {url.substr(0, mark), url.substr(mark + 1)};
}

double BaseUnits(const std::vector<std::string>& path) {
  const size_t depth = path.size();
  if (depth == 0) return 1;
  // A function of the collection, such as delta, is not listed.
  if (path[0] == "users" && (depth == 1 || (depth == 2 && !path[1].starts_with("delta")))) {
    return 2;
  }
  if (depth >= 3 && path[0] == "groups") {
    if (path[2] == "members") return 3;
    if (path[2].starts_with("transitive")) return 5;
  }
  return 1;
}

double OptionUnits(std::string_view query) {
  double units = 0;
  for (const std::string& part : SplitString(query, '&')) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = ToLowerAscii(part.substr(0, equals));
    if (name == "$select" || name == "%24select") units -= 1;
    if (name == "$expand" || name == "%24expand") units += 1;
    if (name == "$top" || name == "%24top") {
      const auto top = ParseUint64(part.substr(equals + 1));
      if (top.has_value() && *top < 20) units -= 1;
    }
  }
  return units;
}

}  // namespace

RequestCost CostOf(std::string_view method, std::string_view url) {
  const auto [path, query] = Split(url);
  std::vector<std::string> segments;
  for (std::string& segment : SplitString(path, '/')) {
    if (!segment.empty()) segments.push_back(std::move(segment));
  }
  if (!segments.empty() && segments[0] == "$batch") return RequestCost(kFullBatch, 0);
  if (method != "GET") return RequestCost(1, 1);
  return RequestCost(std::max(1.0, BaseUnits(segments) + OptionUnits(query)), 0);
}

}  // namespace driftwarden::graph
