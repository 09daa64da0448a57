#pragma once

// What the simulated directories and tenants answered when they were asked about one account, where
// the answer arrived: kept by the world's side of the wire, whatever the monitor made of it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/time.h"

namespace driftwarden::testing {

struct ReadBook {
  // Who asked: a loop that follows people, the slow comparison, or the runner of that link.
  static constexpr size_t kLoop = SIZE_MAX;
  static constexpr size_t kComparison = SIZE_MAX - 1;
  struct OfDirectory {
    absl::Time at;  // true time of the answer
    bool out = false;
    bool deleted = false;
    size_t asker = kLoop;
    bool second = false;   // by a second controller
    uint32_t version = 0;  // of userAccountControl
    // Of an account that is enabled, by the controller's own clock: from when on its date makes AD
    // refuse it, which is never before the write that made it so.
    absl::Time refused_from = absl::InfiniteFuture();
    uint32_t expires_version = 0;  // of accountExpires
    // By how much the wall clock moved ahead since it was last compared with the controller's.
    absl::Duration clock_moved;
  };
  struct OfAccount {
    TimeBounds at;  // as the asker noted it
    bool live = false;
    bool enabled = false;
  };
  using Key = std::pair<size_t, uint64_t>;  // forest or tenant, person

  // The last answer that a link's runner had within [from, to]; null: none.
  const OfDirectory* LastForCall(Key person, size_t link, bool second, absl::Time from,
                                 absl::Time to) const {
    const auto found = directory.find(person);
    if (found == directory.end()) return nullptr;
    const OfDirectory* last = nullptr;
    for (const OfDirectory& read : found->second) {
      const bool meant = read.asker == link && read.second == second;
      if (meant && read.at >= from && read.at <= to) last = &read;
    }
    return last;
  }

  // When a round of a source was last taken, with its clock in it; true time.
  absl::Time round_taken = absl::InfinitePast();
  // Rounds of each forest's changes, begun and taken; true time.
  std::map<size_t, std::vector<TimeBounds>> rounds;
  // By how much the wall clock was off then, as the round measured the controller's against it.
  absl::Duration round_wall_off;
  std::map<Key, std::vector<OfDirectory>> directory;
  std::map<Key, std::vector<OfAccount>> accounts;
  // Called straight before a directory looks the person up, but for the slow comparison: minds may
  // change at that moment.
  std::function<void(size_t forest, uint64_t person)> before_directory_read;
};

}  // namespace driftwarden::testing
