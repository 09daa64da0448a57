#include "simulator/ldap_ranges.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

constexpr std::string_view kMark = ";range=";

std::optional<ValueRange> ParseRange(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = ParseUint64(text.substr(0, dash));
  if (!from) return std::nullopt;
  ValueRange range;
  range.from = *from;
  if (text.substr(dash + 1) == "*") return range;
  range.to = ParseUint64(text.substr(dash + 1));
  if (!range.to || *range.to < range.from) return std::nullopt;
  return range;
}

}  // namespace

ValueRanges TakeRanges(std::vector<std::string>& attributes) {
  ValueRanges ranges;
  for (std::string& name : attributes) {
    const std::string lower = ToLowerAscii(name);
    const size_t at = lower.find(kMark);
    if (at == std::string::npos) continue;
    const auto range = ParseRange(std::string_view(lower).substr(at + kMark.size()));
    if (!range) continue;
    ranges[lower.substr(0, at)] = *range;
    name.resize(at);
  }
  return ranges;
}

void ApplyRanges(const ValueRanges& ranges, size_t limit, LdapEntry& entry) {
  LdapEntry parts;
  for (auto& [lower, attribute] : entry.attributes) {
    const auto asked = ranges.find(lower);
    const size_t total = attribute.values.size();
    if (asked == ranges.end() && (limit == 0 || total <= limit)) continue;
    const ValueRange range = asked == ranges.end() ? ValueRange() : asked->second;
    const size_t from = std::min(range.from, total);
    size_t end = range.to ? std::min(*range.to + 1, total) : total;
    if (limit > 0) end = std::min(end, from + limit);
    if (from < end) {
      const std::string last = end == total ? "*" : Cat(end - 1);
      LdapEntry::Attribute part;
      part.name = Cat(attribute.name, kMark, from, '-', last);
      for (size_t i = from; i < end; ++i) part.values.push_back(std::move(attribute.values[i]));
      const std::string key = ToLowerAscii(part.name);
      parts.attributes[key] = std::move(part);
    }
    // Named without a range as well, and empty, as Windows does.
    attribute.values.clear();
  }
  for (const auto& [lower, range] : ranges) entry.attributes.erase(lower);
  entry.attributes.merge(parts.attributes);
}

}  // namespace driftwarden::simulator
