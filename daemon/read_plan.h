#pragma once

// When each person with an open episode is to be read directly again. Whoever has just departed,
// or is about to be acted upon, every round; those of whom nothing new was learned for long more
// seldom, up to a longest interval that nobody exceeds while a round has room. A few bytes a
// person, at most kMost of them; not thread-safe.

#include <cstddef>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "monitor/ids.h"

namespace driftwarden::daemon {

class ReadPlan {
 public:
  static constexpr size_t kMost = 200'000;

  // `interval`: between two rounds.
  explicit ReadPlan(absl::Duration interval);

  // What decides how often somebody is read.
  struct Facts {
    absl::Time since;     // when something last happened to the departure
    absl::Time deadline;  // when something may happen by itself; InfiniteFuture: never
    bool tier0 = false;
    bool over = false;  // the departure is over; something is left that no direct read tells
  };
  // `share`: of the tenant's allowance that is in use; the plan slows down as it rises.
  absl::Duration IntervalOf(const Facts& facts, absl::Time now, double share) const;
  // How many a round may read, of at most `limit`.
  static size_t RoundOf(size_t limit, double share);

  // Somebody has an open episode; new ones are due at once.
  void Note(monitor::PersonOrdinal person);
  // Something happened, or the read failed: due at once, when the person is noted.
  void Hurry(monitor::PersonOrdinal person);
  // What is known of everybody is in doubt: all are due at once.
  void HurryAll();
  // At most `limit` who are due at `now` (steady), the longest overdue first; a quarter of the room
  // is kept for those who are read seldom. They stay due until Planned.
  std::vector<monitor::PersonOrdinal> Due(absl::Duration now, size_t limit) const;
  // Is read now, and again after `interval`.
  void Planned(monitor::PersonOrdinal person, absl::Duration now, absl::Duration interval);
  // No open episode any more.
  void Forget(monitor::PersonOrdinal person) { entries_.erase(person); }

  size_t size() const { return entries_.size(); }
  absl::Duration longest() const { return longest_; }

 private:
  struct Entry {
    absl::Duration due = -absl::InfiniteDuration();  // steady
    bool seldom = false;
  };

  const absl::Duration interval_;
  const absl::Duration quick_for_;  // after something happened
  const absl::Duration longest_;
  std::map<monitor::PersonOrdinal, Entry> entries_;
};

}  // namespace driftwarden::daemon
