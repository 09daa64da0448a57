#pragma once

// Virtual time for production coroutines: everything that is ready runs, then time jumps to the
// next sleeper. One thread, one order: the same seed gives the same run.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/async/scheduler.h"
#include "base/check.h"

namespace driftwarden::testing {

class SimClock final : public Clock {
 public:
  explicit SimClock(absl::Time start) : start_(start) {}
  absl::Time Wall() const override { return start_ + steady_ + step_; }
  absl::Duration Steady() const override { return steady_; }
  // What the world's own clocks go by.
  absl::Time True() const { return start_ + steady_; }
  // Somebody sets the machine's wall clock.
  void StepWall(absl::Duration by) { step_ += by; }
  void AdvanceTo(absl::Duration steady) { steady_ = std::max(steady_, steady); }

 private:
  const absl::Time start_;
  absl::Duration steady_;
  absl::Duration step_;
};

class SimScheduler final : public Scheduler {
 public:
  SimScheduler(asio::io_context& io, SimClock& clock) : io_(io), clock_(clock) {}

  asio::awaitable<Status> SleepUntil(absl::Duration steady) override {
    const auto before = co_await asio::this_coro::cancellation_state;
    if (before.cancelled() != asio::cancellation_type::none) co_return CancelledError("stopping");
    if (steady <= clock_.Steady()) co_return OkStatus();
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
    const Key key(steady, ++serial_);
    sleepers_.emplace(key, &timer);
    const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    static_cast<void>(error);
    sleepers_.erase(key);
    const auto after = co_await asio::this_coro::cancellation_state;
    if (after.cancelled() != asio::cancellation_type::none) co_return CancelledError("stopping");
    co_return OkStatus();
  }
  const Clock& clock() const override { return clock_; }

  // Everything that can run without time passing.
  void Settle() {
    io_.restart();
    for (uint64_t steps = 0; io_.poll_one() > 0; ++steps) DW_CHECK(steps < kLivelock);
  }
  // One sleep ends, if one does until `until`.
  bool Step(absl::Duration until) {
    Settle();
    if (sleepers_.empty() || sleepers_.begin()->first.first > until) return false;
    const auto next = sleepers_.begin();
    clock_.AdvanceTo(next->first.first);
    asio::steady_timer* const timer = next->second;
    sleepers_.erase(next);
    timer->cancel();
    Settle();
    return true;
  }
  void RunFor(absl::Duration d) {
    const absl::Duration until = clock_.Steady() + d;
    while (Step(until)) continue;
    clock_.AdvanceTo(until);
  }
  // Until `done` or `at_most` is over. True: done.
  bool RunUntil(const std::function<bool()>& done, absl::Duration at_most) {
    const absl::Duration until = clock_.Steady() + at_most;
    Settle();
    while (!done()) {
      if (!Step(until)) return clock_.AdvanceTo(until), done();
    }
    return true;
  }
  size_t sleepers() const { return sleepers_.size(); }

 private:
  using Key = std::pair<absl::Duration, uint64_t>;
  static constexpr uint64_t kLivelock = 5'000'000;  // steps without time passing: somebody spins

  asio::io_context& io_;
  SimClock& clock_;
  uint64_t serial_ = 0;
  std::map<Key, asio::steady_timer*> sleepers_;
};

}  // namespace driftwarden::testing
