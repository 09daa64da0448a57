#include "daemon/deadline_loop.h"

#include "base/async/backoff.h"

namespace driftwarden::daemon {
namespace {
constexpr absl::Duration kAtMost = absl::Seconds(60);
// Deadlines that come close together share a command.
constexpr absl::Duration kGather = absl::Milliseconds(20);
}  // namespace

asio::awaitable<void> DeadlineLoop::Run() {
  Backoff backoff(absl::Milliseconds(200), absl::Seconds(60), rng_);
  while (true) {
    const Status woken = co_await engine_.WaitForDue(kAtMost);
    if (!woken.ok()) co_return;
    const Status reviewed = co_await engine_.ReviewDue();
    if (reviewed.code() == StatusCode::kCancelled) co_return;
    absl::Duration rest = kGather;
    if (reviewed.ok()) {
      backoff.Reset();
    } else {
      log_.Warn("deadlines_failed", Message(reviewed), {{"link", engine_.link().value}});
      rest = backoff.Next();
    }
    const Status slept = co_await scheduler_.SleepFor(rest);
    if (!slept.ok()) co_return;
  }
}

}  // namespace driftwarden::daemon
