#pragma once

// How far the clocks of sources may be from ours, and how sure the time of a departure is. Times
// of two clocks are compared widened by both, to the side on which nobody is accused, or believed
// to be out, of what may not have happened yet.

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

// From here on a source's clock is told as a fault. Actions stop at kMaxSkewForAction.
constexpr absl::Duration kSkewWarns = absl::Seconds(30);

// By how much a time that the source stamped may differ from ours: its clock's offset, as it was
// measured last, in whole seconds. Zero where none was measured.
absl::Duration SkewOf(const LinkState& link, const SourceName& source);

// How often the source is asked; 5 s where the configuration does not say.
absl::Duration PollOf(const Policy& policy, const SourceName& source);

// Known to more than two polls only: the timers count from the late bound.
bool IsTimeUncertain(const AdHalf& half, const TimeBounds& departure, const Policy& policy);

}  // namespace driftwarden::monitor
