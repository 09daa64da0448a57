#include "base/time.h"

#include <ctime>

#include "absl/time/clock.h"
#include "base/strings.h"

namespace driftwarden {

absl::Time SystemClock::Wall() const {
  return absl::Now();
}

absl::Duration SystemClock::Steady() const {
  timespec now{};
  // BOOTTIME counts a suspended machine's sleep too: a laptop or VM that slept was really away.
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

std::string FormatRfc3339(absl::Time at) {
  if (at == absl::InfinitePast()) return "infinite-past";
  if (at == absl::InfiniteFuture()) return "infinite-future";
  const absl::Time cut = absl::FromUnixMicros(absl::ToUnixMicros(at));
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ", cut, absl::UTCTimeZone());
}

std::optional<absl::Time> ParseRfc3339(std::string_view text) {
  // absl would also take "infinite-future", spaces around and years of any length.
  constexpr std::string_view kDigits = "0123456789";
  if (text.find_first_not_of(kDigits) != 4 || text[4] != '-') return std::nullopt;
  if (!text.ends_with('Z') && kDigits.find(text.back()) == std::string_view::npos) {
    return std::nullopt;
  }
  absl::Time at;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &at, &error)) return std::nullopt;
  return at;
}

}  // namespace driftwarden
