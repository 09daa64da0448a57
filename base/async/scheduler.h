#pragma once

// Waiting is injected like time: production sleeps on a timer, the simulation steps virtual time.

#include <boost/asio/awaitable.hpp>

#include "base/status.h"
#include "base/time.h"

namespace driftwarden {

namespace asio = boost::asio;

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Resumes on the caller's executor when the Clock's Steady() reaches `steady`. Cancelled when the
  // coroutine is cancelled. May be called from any executor.
  virtual asio::awaitable<Status> SleepUntil(absl::Duration steady) = 0;
  virtual const Clock& clock() const = 0;

  asio::awaitable<Status> SleepFor(absl::Duration d) { return SleepUntil(clock().Steady() + d); }
};

// `clock` must outlive it.
class RealScheduler final : public Scheduler {
 public:
  explicit RealScheduler(const Clock& clock) : clock_(clock) {}
  asio::awaitable<Status> SleepUntil(absl::Duration steady) override;
  const Clock& clock() const override { return clock_; }

 private:
  const Clock& clock_;
};

}  // namespace driftwarden
