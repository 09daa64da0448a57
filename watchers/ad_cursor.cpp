#include "watchers/ad_cursor.h"

#include <algorithm>

#include "base/strings.h"
#include "monitor/observation.h"

namespace driftwarden::watchers {
namespace {

constexpr std::string_view kVersion1 = "usn1";  // bounds only
constexpr std::string_view kVersion2 = "usn2";
constexpr std::string_view kFull = "full";

std::string BoundText1(const AdBound& bound) {
  return Cat(bound.dsa.ToString(), ':', bound.invocation_id.ToString(), ':', bound.usn);
}

std::string BoundText(const AdBound& bound) {
  std::string text = BoundText1(bound);
  if (bound.canary) text += Cat(':', bound.canary->object.ToString(), ':', bound.canary->usn);
  return text;
}

std::string SnapshotText(const AdSnapshot& full) {
  return Cat(kFull, ':', full.reason, ':', absl::ToUnixMicros(full.begun), ':', full.below);
}

std::optional<AdBound> ParseBound(const std::vector<std::string>& parts) {
  const auto dsa = monitor::Guid::Parse(parts[0]);
  const auto invocation = monitor::Guid::Parse(parts[1]);
  const auto usn = ParseUint64(parts[2]);
  if (!dsa || !invocation || !usn) return std::nullopt;
  AdBound bound;
  bound.dsa = *dsa;
  bound.invocation_id = *invocation;
  bound.usn = *usn;
  if (parts.size() == 3) return bound;
  const auto object = monitor::Guid::Parse(parts[3]);
  const auto seen = ParseUint64(parts[4]);
  if (!object || !seen) return std::nullopt;
  bound.canary = AdCanary{*object, *seen};
  return bound;
}

std::optional<absl::Time> ParseMicros(const std::string& text) {
  const auto micros = ParseUint64(text);
  if (!micros || *micros > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return absl::FromUnixMicros(static_cast<int64_t>(*micros));
}

std::optional<AdSnapshot> ParseSnapshot(const std::vector<std::string>& parts) {
  const auto& resets = monitor::ResetReasonsOf(monitor::SourceKind::kActiveDirectory);
  AdSnapshot full;
  full.reason = parts[1];
  if (full.reason != monitor::kFirstRead &&
      std::find(resets.begin(), resets.end(), full.reason) == resets.end()) {
    return std::nullopt;
  }
  const auto begun = ParseMicros(parts[2]);
  const auto below = ParseUint64(parts[3]);
  if (!begun || !below || *below == 0) return std::nullopt;
  full.begun = *begun;
  full.below = *below;
  return full;
}

// One word after the server's; false when it makes no sense there.
bool ParseWord(const std::string& word, bool first_version, AdCursor& cursor) {
  if (cursor.snapshot) return false;  // it is the last word
  const std::vector<std::string> parts = SplitString(word, ':');
  if (!first_version && parts.size() == 4 && parts[0] == kFull) {
    cursor.snapshot = ParseSnapshot(parts);
    return cursor.snapshot.has_value();
  }
  const bool fits = first_version ? parts.size() == 3 : parts.size() == 3 || parts.size() == 5;
  const std::optional<AdBound> bound = fits ? ParseBound(parts) : std::nullopt;
  if (!bound || cursor.Find(bound->dsa) != nullptr) return false;
  if (cursor.bounds.size() == AdCursor::kMaxBounds) return false;
  cursor.bounds.push_back(*bound);
  return true;
}

std::string ToString1(const AdCursor& cursor) {
  std::string out = Cat(kVersion1, ' ', cursor.server);
  for (const AdBound& bound : cursor.bounds) out += Cat(' ', BoundText1(bound));
  return out;
}

}  // namespace

const AdBound* AdCursor::Find(const monitor::Guid& dsa) const {
  const auto found =
      std::find_if(bounds.begin(), bounds.end(), [&dsa](const AdBound& b) { return b.dsa == dsa; });
  return found == bounds.end() ? nullptr : &*found;
}

void AdCursor::GiveUpSnapshot() {
  if (!snapshot) return;
  snapshot.reset();
  bounds.erase(bounds.begin());
}

void AdCursor::TurnTo(const monitor::Guid& dsa, absl::Time now) {
  if (bounds.front().dsa == dsa) return;
  since = now;
  GiveUpSnapshot();
  const auto found =
      std::find_if(bounds.begin(), bounds.end(), [&dsa](const AdBound& b) { return b.dsa == dsa; });
  std::rotate(bounds.begin(), found, found + 1);
}

void AdCursor::Begin(const AdBound& bound, const AdSnapshot& full) {
  if (!bounds.empty()) since = full.begun;
  GiveUpSnapshot();
  std::erase_if(bounds, [&bound](const AdBound& b) { return b.dsa == bound.dsa; });
  bounds.insert(bounds.begin(), bound);
  if (bounds.size() > kMaxBounds) bounds.resize(kMaxBounds);
  snapshot = full;
}

std::string AdCursor::ToString() const {
  std::string out = Cat(kVersion2, ' ', server, ' ', absl::ToUnixMicros(since));
  for (const AdBound& bound : bounds) out += Cat(' ', BoundText(bound));
  if (snapshot) out += Cat(' ', SnapshotText(*snapshot));
  return out;
}

std::optional<AdCursor> ParseAdCursor(std::string_view text) {
  constexpr size_t kMaxWords = 3 + AdCursor::kMaxBounds + 1;
  const std::vector<std::string> words = SplitString(text, ' ');
  if (words.size() < 3 || words.size() > kMaxWords) return std::nullopt;
  const bool first_version = words[0] == kVersion1;
  if (!first_version && words[0] != kVersion2) return std::nullopt;
  AdCursor cursor;
  cursor.server = words[1];
  size_t next = 2;
  if (!first_version) {
    const auto since = ParseMicros(words[next++]);
    if (!since) return std::nullopt;
    cursor.since = *since;
  }
  for (; next < words.size(); ++next) {
    if (!ParseWord(words[next], first_version, cursor)) return std::nullopt;
  }
  if (cursor.bounds.empty()) return std::nullopt;
  // Capitals, leading zeros: not ours.
  if ((first_version ? ToString1(cursor) : cursor.ToString()) != text) return std::nullopt;
  return cursor;
}

}  // namespace driftwarden::watchers
