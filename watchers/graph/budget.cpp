#include "watchers/graph/budget.h"

#include <algorithm>

#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::graph {

const char* ThrottlePriorityText(Priority priority) {
  switch (priority) {
    case Priority::kEvidence:
    case Priority::kPoll:
      return "low";
    case Priority::kDirectRead:
      return "normal";
    case Priority::kAct:
      return "high";
  }
  return "normal";
}

absl::Duration Budget::HeldFor(Priority priority) const {
  const absl::Duration until = held_until_[static_cast<size_t>(priority)];
  return std::max(absl::ZeroDuration(), until - scheduler_.clock().Steady());
}

void Budget::Throttled(Priority priority, absl::Duration wait) {
  wait = std::clamp(wait, absl::ZeroDuration(), kLongestHold);
  absl::Duration until = scheduler_.clock().Steady() + wait;
  for (size_t i = static_cast<size_t>(priority) + 1; i-- > 0;) {
    held_until_[i] = std::max(held_until_[i], until);
    until += kStagger;
  }
}

asio::awaitable<Status> Budget::Acquire(Priority priority, absl::Duration patience) {
  const absl::Duration give_up = scheduler_.clock().Steady() + patience;
  while (true) {
    const absl::Duration held = HeldFor(priority);
    if (held <= absl::ZeroDuration()) co_return OkStatus();
    const absl::Duration until = scheduler_.clock().Steady() + held;
    if (until > give_up) {
      co_return ThrottledError(
          Cat("the tenant asked for less load; next request in ", HumanDuration(held)), held);
    }
    const Status slept = co_await scheduler_.SleepUntil(until);
    if (!slept.ok()) co_return slept;
  }
}

}  // namespace driftwarden::graph
