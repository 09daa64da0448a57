#include "daemon/read_plan.h"

#include <algorithm>

namespace driftwarden::daemon {
namespace {

// From these shares of the tenant's allowance on less is read.
constexpr double kBusy = 0.5;
constexpr double kNearlyFull = 0.8;
// In rounds: how long somebody is read in each of them, how seldom at most, and tier 0.
constexpr int kQuickRounds = 240;
constexpr int kLongestRounds = 40;
constexpr int kTier0Rounds = 4;
constexpr absl::Duration kOver = absl::Hours(1);
constexpr int kDeadlineRounds = 4;  // so long before a deadline

}  // namespace

ReadPlan::ReadPlan(absl::Duration interval)
    : interval_(interval),
      quick_for_(std::min(absl::Hours(1), interval * kQuickRounds)),
      longest_(std::max(interval, std::min(absl::Minutes(10), interval * kLongestRounds))) {}

absl::Duration ReadPlan::IntervalOf(const Facts& facts, absl::Time now, double share) const {
  if (facts.over) return std::max(kOver, longest_);
  const absl::Duration age = now - facts.since;
  const bool quick = age < quick_for_ || facts.deadline - now < kDeadlineRounds * interval_;
  absl::Duration interval = interval_;
  if (!quick) {
    // Twice as long ago, half as often.
    interval = interval_ * std::min(absl::FDivDuration(age, quick_for_), 1e6);
    if (facts.tier0) interval = std::min(interval, kTier0Rounds * interval_);
    if (share >= kBusy) interval *= 2;
  }
  if (share >= kNearlyFull) interval *= 2;
  return std::clamp(interval, interval_, longest_);
}

size_t ReadPlan::RoundOf(size_t limit, double share) {
  if (share >= kNearlyFull) return std::max<size_t>(1, limit / 4);
  if (share >= kBusy) return std::max<size_t>(1, limit / 2);
  return limit;
}

void ReadPlan::Note(monitor::PersonOrdinal person) {
  if (entries_.size() < kMost) entries_.try_emplace(person);
}

void ReadPlan::Hurry(monitor::PersonOrdinal person) {
  const auto entry = entries_.find(person);
  if (entry != entries_.end()) entry->second = Entry();
}

void ReadPlan::HurryAll() {
  for (auto& [person, entry] : entries_) entry = Entry();
}

std::vector<monitor::PersonOrdinal> ReadPlan::Due(absl::Duration now, size_t limit) const {
  using Each = std::pair<absl::Duration, monitor::PersonOrdinal>;
  std::vector<Each> often, seldom;
  for (const auto& [person, entry] : entries_) {
    if (entry.due <= now) (entry.seldom ? seldom : often).emplace_back(entry.due, person);
  }
  std::sort(often.begin(), often.end());
  std::sort(seldom.begin(), seldom.end());
  const size_t left = limit - std::min(limit, often.size());
  const size_t few = std::min(seldom.size(), std::max(left, (limit + 3) / 4));
  often.resize(std::min(often.size(), limit - few));
  seldom.resize(few);
  often.insert(often.end(), seldom.begin(), seldom.end());
  std::vector<monitor::PersonOrdinal> people;
  people.reserve(often.size());
  for (const Each& each : often) people.push_back(each.second);
  return people;
}

void ReadPlan::Planned(monitor::PersonOrdinal person, absl::Duration now, absl::Duration interval) {
  const auto entry = entries_.find(person);
  if (entry == entries_.end()) return;
  // A round that begins a little early must not put somebody off by a whole one.
  entry->second.due = now + interval - interval_ / 4;
  entry->second.seldom = interval > 2 * interval_;
}

}  // namespace driftwarden::daemon
