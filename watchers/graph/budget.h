#pragma once

// One budget a tenant. Graph throttles an application in a tenant as a whole, so who may ask, and
// who goes first, must be decided here: act > direct read > poll > evidence.
//
// What is documented is kept before the tenant has to refuse: resource units in 10 s by the size of
// the tenant, writes in 150 s. A request counts from when it is sent until that long after its
// answer, so that whenever the tenant saw it, its count is never above ours.

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "base/async/scheduler.h"
#include "base/status.h"
#include "watchers/graph/request_cost.h"
#include "watchers/graph/retry_after.h"
#include "watchers/graph/spent_window.h"

namespace driftwarden::graph {

namespace asio = boost::asio;

enum class Priority : uint8_t { kEvidence = 0, kPoll = 1, kDirectRead = 2, kAct = 3 };
inline constexpr size_t kPriorities = 4;
inline constexpr Priority kAllPriorities[] = {Priority::kEvidence, Priority::kPoll,
                                              Priority::kDirectRead, Priority::kAct};

// "low", "normal" or "high", the x-ms-throttle-priority of a request.
const char* ThrottlePriorityText(Priority priority);
// "evidence", "poll", "direct_read" or "act".
const char* PriorityText(Priority priority);

// What a refusal for load is about.
enum class Throttles : uint8_t { kAll, kReads, kWrites };

// One executor.
class Budget {
 public:
  static constexpr absl::Duration kStagger = absl::Milliseconds(250);
  // Longer wishes of the server are cut: a wrong date must not stop the monitor for a day.
  static constexpr absl::Duration kLongestHold = kLongestRetryAfter;
  // Nobody is held for longer than that by pacing alone, while there is anything left at all.
  static constexpr absl::Duration kLongestPace = absl::Seconds(30);
  static constexpr absl::Duration kUnitWindow = absl::Seconds(10);
  static constexpr absl::Duration kWriteWindow = absl::Seconds(150);
  static constexpr double kWriteLimit = 3000;
  // All priorities but act together are never on more connections than one less than that.
  static constexpr size_t kConnections = 8;

  // A request under way. Counts in full until it ends, and when it ends as sent at what it cost.
  class Permit {
   public:
    Permit(Permit&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          priority_(other.priority_),
          cost_(other.cost_),
          reserved_(other.reserved_) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() { (void)Done(); }

    // The tenant said what it cost.
    void Correct(double units) { cost_.units = units; }
    // It was answered, or may have arrived. Returns the units that are charged.
    double Done();
    // It never left.
    void Unsent();

   private:
    friend class Budget;
    Permit(Budget* budget, Priority priority, RequestCost cost);

    Budget* budget_;  // null: over
    Priority priority_;
    RequestCost cost_;
    RequestCost reserved_;
  };

  // `scheduler` must outlive it.
  explicit Budget(Scheduler& scheduler) : scheduler_(scheduler) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Resumes when a request of this priority may go; within a priority the first comes first.
  // ResourceExhausted, with the remaining wait, when that is more than `patience` away; Cancelled.
  asio::awaitable<StatusOr<Permit>> Acquire(Priority priority, RequestCost cost,
                                            absl::Duration patience);
  // A refusal holds its own priority and everything below until its Retry-After is over; what is
  // above still tries, because a revocation must not wait for a poll's mistake. After a hold the
  // higher ones go first: each step down waits kStagger longer.
  void Throttled(Priority priority, absl::Duration wait, Throttles what = Throttles::kAll);
  // Units that a request under way cost beyond what was reserved for it.
  void Charge(Priority priority, double units);
  // x-ms-throttle-limit-percentage: the share of its limit that the tenant sees used. What it is
  // above our own is taken for somebody else's, and holds everything but act for one window.
  void TenantSaid(double share);
  // How many users the tenant has; zero: not known, and the smallest limit holds.
  void SetDirectorySize(uint64_t users);

  // Zero when a request may go now.
  absl::Duration HeldFor(Priority priority, RequestCost cost = RequestCost()) const;
  double unit_limit() const { return unit_limit_; }
  // Of the limit of units or writes, by our own count or the tenant's word, whichever is more.
  double Share() const;
  // Units that count now, and writes.
  double units() const { return units_.CountedAt(Now()); }
  double writes() const { return writes_.CountedAt(Now()); }

 private:
  struct Account {
    SpentWindow spent;
    double under_way = 0;
    explicit Account(absl::Duration window) : spent(window) {}
    double CountedAt(absl::Duration now) const { return under_way + spent.Total(now); }
    absl::Duration FreeIn(absl::Duration now, double most) const;
  };
  // A place in the queue of a priority.
  struct Place;

  absl::Duration Now() const { return scheduler_.clock().Steady(); }
  void End(Priority priority, RequestCost reserved, std::optional<RequestCost> charged);
  absl::Duration HeldByRefusal(Priority priority, bool write) const;
  absl::Duration HeldByUnits(Priority priority, double units) const;
  bool Crowded(Priority priority) const;

  Scheduler& scheduler_;
  double unit_limit_ = 3500;
  Account units_{kUnitWindow};
  Account writes_{kWriteWindow};
  std::array<Account, kPriorities> own_{Account(kUnitWindow), Account(kUnitWindow),
                                        Account(kUnitWindow), Account(kUnitWindow)};
  std::array<size_t, kPriorities> requests_{};           // under way
  std::array<std::deque<uint64_t>, kPriorities> queue_;  // tickets of those who wait
  uint64_t next_ticket_ = 0;
  // Steady times.
  std::array<absl::Duration, kPriorities> reads_held_until_{};
  std::array<absl::Duration, kPriorities> writes_held_until_{};
  std::array<absl::Duration, kPriorities> last_sent_{};
  double foreign_share_ = 0;  // above our own, by the tenant's word
  absl::Duration told_until_ = -absl::InfiniteDuration();
};

}  // namespace driftwarden::graph
