#include "monitor/clocks.h"

namespace driftwarden::monitor {

absl::Duration SkewOf(const LinkState& link, const SourceName& source) {
  const auto found = link.sources.find(source);
  if (found == link.sources.end()) return absl::ZeroDuration();
  return absl::Ceil(absl::AbsDuration(found->second.clock_offset), absl::Seconds(1));
}

absl::Duration PollOf(const Policy& policy, const SourceName& source) {
  const auto found = policy.poll_intervals.find(source);
  return found == policy.poll_intervals.end() ? absl::Seconds(5) : found->second;
}

bool IsTimeUncertain(const AdHalf& half, const TimeBounds& departure, const Policy& policy) {
  if (departure.Width() > 2 * PollOf(policy, half.source)) return true;
  return half.disabled == Tri::kYes && half.time_uncertain;
}

}  // namespace driftwarden::monitor
