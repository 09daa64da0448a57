#pragma once

// The counts that causes are found by. Pure, bounded: the work is in the change, never in the
// number of people.

#include <cstdint>
#include <optional>
#include <vector>

#include "monitor/person.h"

namespace driftwarden::monitor {

constexpr size_t kSlicesKept = 64;
constexpr absl::Duration kMassDisableWindow = absl::Minutes(15);

// Counts one change that happened at `at`, for windows of this length.
void CountRecent(std::vector<RecentSlice>& slices, absl::Time at, absl::Time now,
                 absl::Duration window);
// What was counted longer ago than the window no longer matters.
void ForgetRecent(std::vector<RecentSlice>& slices, absl::Time now, absl::Duration window);

// The fullest window.
struct Crowd {
  uint64_t count = 0;
  absl::Time from;
  absl::Time until;
};
Crowd MostWithin(const std::vector<RecentSlice>& slices, absl::Duration window);

// Since when this person, whom AD says has left, waits for the sync engine: when the departure was
// seen. Follows from the record alone. Nothing: does not wait.
std::optional<absl::Time> WaitsSince(const Person& person);
// Takes the person into the count, or out of it: `sign` is 1 or -1.
void CountWaiting(std::vector<WaitingSlice>& slices, const Person& person, int64_t sign);
// Those whose departure was seen after `after` and not after `upto`; a slice that begins before
// `after` is left out.
int64_t WaitingBetween(const std::vector<WaitingSlice>& slices, absl::Time after, absl::Time upto);

}  // namespace driftwarden::monitor
