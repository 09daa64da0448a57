#include "base/async/wake_up.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "base/async/event.h"

namespace driftwarden {

// Shared by the waiter and its sleeper, whichever ends last.
struct WakeUp::Round {
  AsyncEvent over;
  asio::cancellation_signal stop_sleeping;
  bool asleep = true;
  explicit Round(const asio::any_io_executor& executor) : over(executor) {}
};

WakeUp::WakeUp(asio::any_io_executor executor) : executor_(std::move(executor)) {}
WakeUp::~WakeUp() = default;

void WakeUp::Notify() {
  if (waiting_.empty()) notified_ = true;
  for (const auto& round : waiting_) round->over.Set();
}

void WakeUp::Close() {
  closed_ = true;
  Notify();
}

asio::awaitable<void> WakeUp::Sleep(std::shared_ptr<Round> round, Scheduler* scheduler,
                                    absl::Duration at_most) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const Status slept = co_await scheduler->SleepFor(at_most);
  if (slept.ok()) round->over.Set();
}

asio::awaitable<Status> WakeUp::WaitFor(Scheduler& scheduler, absl::Duration at_most) {
  if (closed_) co_return CancelledError("stopping");
  if (std::exchange(notified_, false)) co_return OkStatus();
  const auto round = std::make_shared<Round>(executor_);
  const auto self = waiting_.insert(waiting_.end(), round);
  // An error can only be Asio's own for a sleeper that was cancelled before its first step.
  auto ended = [round](const std::exception_ptr&) { round->asleep = false; };
  asio::co_spawn(executor_, Sleep(round, &scheduler, at_most),
                 asio::bind_cancellation_slot(round->stop_sleeping.slot(), std::move(ended)));
  const bool woken = co_await round->over.Wait();
  waiting_.erase(self);
  if (round->asleep) round->stop_sleeping.emit(asio::cancellation_type::terminal);
  if (!woken || closed_) co_return CancelledError("stopping");
  co_return OkStatus();
}

}  // namespace driftwarden
