#pragma once

// Turns at a lane whose work waits for others' machines. A lane has few threads, and work that
// hangs keeps its thread to the end of its time: half of them are therefore kept for work of which
// it was just seen that it will not hang. Whoever gets no turn waits without a thread, and not
// longer than it wants to.
//
//   auto turn = co_await turns.Take(LaneTurns::Claim::kUnproven, absl::Seconds(10));
//   if (!turn.ok()) co_return turn.status();
//   const auto result = co_await OnLane(turns.lane(), std::move(work));
//
// One executor: every member must be called on it, and turns end on it.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <list>
#include <optional>

#include "absl/time/time.h"
#include "base/async/lane.h"
#include "base/status.h"

namespace driftwarden {

class LaneTurns {
 public:
  enum class Claim {
    kUnproven,  // may hang for as long as it is allowed to
    kProven,    // whom it waits for has just given a sign of life
  };

  // Ends when it is destroyed. Must not outlive the turns it was taken from.
  class Turn {
   public:
    Turn(Turn&& other) noexcept;
    Turn& operator=(Turn&& other) = delete;
    ~Turn();

   private:
    friend class LaneTurns;
    Turn(LaneTurns& turns, Claim claim) : turns_(&turns), claim_(claim) {}
    LaneTurns* turns_;
    Claim claim_;
  };

  // `lane`, which must outlive it, has `threads` threads, at least two, and does nothing else.
  LaneTurns(Lane& lane, size_t threads);
  ~LaneTurns();
  LaneTurns(const LaneTurns&) = delete;
  LaneTurns& operator=(const LaneTurns&) = delete;

  // A turn for unproven work when one is free now and nobody waits for it.
  std::optional<Turn> TakeFree();
  // The first to come is the first to be served, within what its claim allows. DeadlineExceeded
  // after `at_most`, Cancelled when the caller is.
  asio::awaitable<StatusOr<Turn>> Take(Claim claim, absl::Duration at_most);

  Lane& lane() { return lane_; }
  size_t taken() const { return taken_; }
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiter {
    Waiter(const asio::any_io_executor& executor, Claim c) : timer(executor), claim(c) {}
    asio::steady_timer timer;
    const Claim claim;
    bool granted = false;
  };

  bool Fits(Claim claim) const;
  void Begin(Claim claim);
  void End(Claim claim);

  Lane& lane_;
  const size_t threads_;
  size_t taken_ = 0;
  size_t unproven_ = 0;  // of those taken
  std::list<Waiter*> waiting_;
};

}  // namespace driftwarden
