#include "watchers/graph/throttle.h"

#include <charconv>
#include <vector>

#include "base/strings.h"

namespace driftwarden::graph {

Throttles Throttle::what() const {
  if (EqualsIgnoreCase(information, "WriteLimitExceeded")) return Throttles::kWrites;
  const std::vector<std::string> parts = SplitString(scope, '/');
  if (parts.size() < 2) return Throttles::kAll;
  if (EqualsIgnoreCase(parts[1], "Write")) return Throttles::kWrites;
  if (EqualsIgnoreCase(parts[1], "Read")) return Throttles::kReads;
  return Throttles::kAll;
}

std::string_view Throttle::reason() const {
  if (information.empty()) return "unknown";
  if (EqualsIgnoreCase(information, "ResourceUnitLimitExceeded")) return "resource_units";
  if (EqualsIgnoreCase(information, "WriteLimitExceeded")) return "writes";
  if (EqualsIgnoreCase(information, "CPULimitExceeded")) return "cpu";
  return "other";
}

std::optional<double> ParseLoadNumber(std::string_view text) {
  text = TrimAscii(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(number > 0 && number <= 1e4)) return std::nullopt;
  return number;
}

}  // namespace driftwarden::graph
