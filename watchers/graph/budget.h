#pragma once

// One budget a tenant. Graph throttles an application in a tenant as a whole, so who goes first
// after a refusal must be decided here: act > direct read > poll > evidence.

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "base/async/scheduler.h"
#include "base/status.h"

namespace driftwarden::graph {

namespace asio = boost::asio;

enum class Priority : uint8_t { kEvidence = 0, kPoll = 1, kDirectRead = 2, kAct = 3 };
inline constexpr size_t kPriorities = 4;

// "low", "normal" or "high", the x-ms-throttle-priority of a request.
const char* ThrottlePriorityText(Priority priority);

// A refusal holds its own priority and everything below until its Retry-After is over; what is
// above still tries, because a revocation must not wait for a poll's mistake. After a hold the
// higher ones go first: each step down waits kStagger longer. One executor.
class Budget {
 public:
  static constexpr absl::Duration kStagger = absl::Milliseconds(250);
  // Longer wishes of the server are cut: a wrong date must not stop the monitor for a day.
  static constexpr absl::Duration kLongestHold = absl::Minutes(10);

  // `scheduler` must outlive it.
  explicit Budget(Scheduler& scheduler) : scheduler_(scheduler) {}

  // Resumes when a request of this priority may go. ResourceExhausted, with the remaining wait,
  // when that is more than `patience` away; Cancelled.
  asio::awaitable<Status> Acquire(Priority priority, absl::Duration patience);
  void Throttled(Priority priority, absl::Duration wait);
  // Zero when a request may go now.
  absl::Duration HeldFor(Priority priority) const;

 private:
  Scheduler& scheduler_;
  std::array<absl::Duration, kPriorities> held_until_{};  // steady time
};

}  // namespace driftwarden::graph
