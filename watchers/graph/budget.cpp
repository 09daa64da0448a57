#include "watchers/graph/budget.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::graph {
namespace {

// How long a wait is before another look, when nothing tells how long it will be.
constexpr absl::Duration kTick = absl::Milliseconds(100);
constexpr absl::Duration kLongestLook = absl::Seconds(1);

// Up to which share of the limit, all requests counted, a priority may go. The gaps are what the
// higher ones find free when they come.
constexpr std::array<double, kPriorities> kCeilings = {0.35, 0.55, 0.75, 1.0};
// And of its own it has that much, whatever the higher ones use, as long as there is a tenth left.
constexpr std::array<double, kPriorities> kFloors = {0.05, 0.10, 0.10, 1.0};
constexpr double kFloorCeiling = 0.9;
// Requests under way at once, those of the lower priorities included: a tenant that does not answer
// must leave a connection to act.
constexpr std::array<size_t, kPriorities> kAtOnce = {2, 4, Budget::kConnections - 1, SIZE_MAX};

constexpr size_t Index(Priority priority) {
  return static_cast<size_t>(priority);
}

}  // namespace

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

const char* PriorityText(Priority priority) {
  switch (priority) {
    case Priority::kEvidence:
      return "evidence";
    case Priority::kPoll:
      return "poll";
    case Priority::kDirectRead:
      return "direct_read";
    case Priority::kAct:
      return "act";
  }
  return "poll";
}

Budget::Permit::Permit(Budget* budget, Priority priority, RequestCost cost)
    : budget_(budget), priority_(priority), cost_(cost), reserved_(cost) {
  budget->units_.under_way += cost.units;
  budget->writes_.under_way += cost.writes;
  budget->own_[Index(priority)].under_way += cost.units;
  budget->last_sent_[Index(priority)] = budget->Now();
  ++budget->requests_[Index(priority)];
}

double Budget::Permit::Done() {
  if (budget_ == nullptr) return 0;
  std::exchange(budget_, nullptr)->End(priority_, reserved_, cost_);
  return cost_.units;
}

void Budget::Permit::Unsent() {
  if (budget_ != nullptr) std::exchange(budget_, nullptr)->End(priority_, reserved_, std::nullopt);
}

void Budget::End(Priority priority, RequestCost reserved, std::optional<RequestCost> charged) {
  Account& own = own_[Index(priority)];
  --requests_[Index(priority)];
  // Sums of fractions must not leave a crumb behind that counts for ever.
  const auto release = [](double& under_way, double amount) {
    under_way = under_way - amount < 1e-6 ? 0 : under_way - amount;
  };
  release(units_.under_way, reserved.units);
  release(writes_.under_way, reserved.writes);
  release(own.under_way, reserved.units);
  if (!charged.has_value()) return;
  const absl::Duration now = Now();
  units_.spent.Add(now, charged->units);
  own.spent.Add(now, charged->units);
  if (charged->writes > 0) writes_.spent.Add(now, charged->writes);
}

void Budget::Charge(Priority priority, double units) {
  units_.spent.Add(Now(), units);
  own_[Index(priority)].spent.Add(Now(), units);
}

void Budget::TenantSaid(double share) {
  foreign_share_ = std::max(0.0, share - units() / unit_limit_);
  told_until_ = Now() + kUnitWindow;
}

void Budget::SetDirectorySize(uint64_t users) {
  unit_limit_ = users < 50 ? 3500 : users <= 500 ? 5000 : 8000;
}

double Budget::Share() const {
  const double foreign = Now() < told_until_ ? foreign_share_ : 0;
  return std::max(units() / unit_limit_ + foreign, writes() / kWriteLimit);
}

absl::Duration Budget::Account::FreeIn(absl::Duration now, double most) const {
  // When what is under way will be over nobody knows.
  if (under_way >= most) return kTick;
  return spent.FreeAt(now, most - under_way) - now;
}

absl::Duration Budget::HeldByRefusal(Priority priority, bool write) const {
  const auto& until = write ? writes_held_until_ : reads_held_until_;
  return std::max(absl::ZeroDuration(), until[Index(priority)] - Now());
}

bool Budget::Crowded(Priority priority) const {
  if (priority == Priority::kAct) return false;
  size_t requests = 0;
  for (size_t i = 0; i <= Index(priority); ++i) requests += requests_[i];
  return requests >= kAtOnce[Index(priority)];
}

absl::Duration Budget::HeldByUnits(Priority priority, double units) const {
  const absl::Duration now = Now();
  const size_t i = Index(priority);
  const bool act = priority == Priority::kAct;
  const bool patient = act || now - last_sent_[i] < kLongestPace;
  const bool told = !act && patient && now < told_until_;
  const double foreign = told ? foreign_share_ * unit_limit_ : 0;
  const double used = units_.CountedAt(now) + foreign;
  const double ceiling = patient ? kCeilings[i] : kFloorCeiling;
  const double most = std::max(0.0, ceiling * unit_limit_ - units);
  if (used <= most) return absl::ZeroDuration();
  const bool floor = own_[i].CountedAt(now) + units <= kFloors[i] * unit_limit_ &&
                     used + units <= kFloorCeiling * unit_limit_;
  if (floor && !act) return absl::ZeroDuration();
  return std::clamp(units_.FreeIn(now, most - foreign), kTick, kLongestLook);
}

absl::Duration Budget::HeldFor(Priority priority, RequestCost cost) const {
  absl::Duration held = HeldByRefusal(priority, cost.writes > 0);
  held = std::max(held, HeldByUnits(priority, cost.units));
  if (cost.writes > 0) {
    held = std::max(held, writes_.FreeIn(Now(), kWriteLimit - cost.writes));
  }
  if (Crowded(priority)) held = std::max(held, kTick);
  return held;
}

void Budget::Throttled(Priority priority, absl::Duration wait, Throttles what) {
  wait = std::clamp(wait, absl::ZeroDuration(), kLongestHold);
  absl::Duration until = Now() + wait;
  for (size_t i = Index(priority) + 1; i-- > 0;) {
    if (what != Throttles::kWrites) reads_held_until_[i] = std::max(reads_held_until_[i], until);
    if (what != Throttles::kReads) writes_held_until_[i] = std::max(writes_held_until_[i], until);
    until += kStagger;
  }
}

struct Budget::Place {
  std::deque<uint64_t>& queue;
  const uint64_t ticket;

  Place(Budget& budget, Priority priority)
      : queue(budget.queue_[Index(priority)]), ticket(budget.next_ticket_++) {
    queue.push_back(ticket);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { queue.erase(std::find(queue.begin(), queue.end(), ticket)); }
  bool first() const { return queue.front() == ticket; }
};

asio::awaitable<StatusOr<Budget::Permit>> Budget::Acquire(Priority priority, RequestCost cost,
                                                          absl::Duration patience) {
  const absl::Duration give_up = Now() + patience;
  const Place place(*this, priority);
  while (true) {
    absl::Duration held = HeldFor(priority, cost);
    if (!place.first()) held = std::max(held, kTick);
    if (held <= absl::ZeroDuration()) co_return Permit(this, priority, cost);
    const absl::Duration until = Now() + held;
    if (until > give_up) {
      co_return ThrottledError(
          Cat("the tenant's budget is spent, or it asked for less load; next request in ",
              HumanDuration(held)),
          held);
    }
    const Status slept = co_await scheduler_.SleepUntil(until);
    if (!slept.ok()) co_return slept;
  }
}

}  // namespace driftwarden::graph
