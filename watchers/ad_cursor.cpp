#include "watchers/ad_cursor.h"

#include <algorithm>

#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

constexpr std::string_view kVersion = "usn1";

std::optional<AdBound> ParseBound(std::string_view text) {
  const std::vector<std::string> parts = SplitString(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto dsa = monitor::Guid::Parse(parts[0]);
  const auto invocation = monitor::Guid::Parse(parts[1]);
  const auto usn = ParseUint64(parts[2]);
  if (!dsa || !invocation || !usn) return std::nullopt;
  AdBound bound;
  bound.dsa = *dsa;
  bound.invocation_id = *invocation;
  bound.usn = *usn;
  return bound;
}

}  // namespace

const AdBound* AdCursor::Find(const monitor::Guid& dsa) const {
  const auto found =
      std::find_if(bounds.begin(), bounds.end(), [&dsa](const AdBound& b) { return b.dsa == dsa; });
  return found == bounds.end() ? nullptr : &*found;
}

void AdCursor::Advance(const AdBound& bound) {
  std::erase_if(bounds, [&bound](const AdBound& b) { return b.dsa == bound.dsa; });
  bounds.insert(bounds.begin(), bound);
  if (bounds.size() > kMaxBounds) bounds.resize(kMaxBounds);
}

std::string AdCursor::ToString() const {
  std::string out = Cat(kVersion, ' ', server);
  for (const AdBound& bound : bounds) {
    out += Cat(' ', bound.dsa.ToString(), ':', bound.invocation_id.ToString(), ':', bound.usn);
  }
  return out;
}

std::optional<AdCursor> ParseAdCursor(std::string_view text) {
  const std::vector<std::string> parts = SplitString(text, ' ');
  if (parts.size() < 3 || parts.size() > 2 + AdCursor::kMaxBounds || parts[0] != kVersion) {
    return std::nullopt;
  }
  AdCursor cursor;
  cursor.server = parts[1];
  for (size_t i = 2; i < parts.size(); ++i) {
    const std::optional<AdBound> bound = ParseBound(parts[i]);
    if (!bound || cursor.Find(bound->dsa) != nullptr) return std::nullopt;
    cursor.bounds.push_back(*bound);
  }
  if (cursor.ToString() != text) return std::nullopt;  // capitals, leading zeros: not ours
  return cursor;
}

}  // namespace driftwarden::watchers
