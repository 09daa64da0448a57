#pragma once

// What the simulated directories and tenants answered when they were asked about one account: kept
// by the world's side of the wire, whatever the monitor made of it.

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/time.h"

namespace driftwarden::testing {

struct ReadBook {
  struct OfDirectory {
    absl::Time at;  // true time of the answer
    bool out = false;
  };
  struct OfAccount {
    TimeBounds at;  // as the asker noted it
    bool live = false;
    bool enabled = false;
  };
  using Key = std::pair<size_t, uint64_t>;  // forest or tenant, person

  // Somebody answered within [from, to] that the person is out.
  bool SaidOut(Key person, absl::Time from, absl::Time to) const {
    const auto found = directory.find(person);
    return found != directory.end() &&
           std::any_of(found->second.begin(), found->second.end(), [&](const OfDirectory& read) {
             return read.out && read.at >= from && read.at <= to;
           });
  }

  std::map<Key, std::vector<OfDirectory>> directory;
  std::map<Key, std::vector<OfAccount>> accounts;
  // Called straight before a directory looks the person up: minds may change at that moment.
  std::function<void(size_t forest, uint64_t person)> before_directory_read;
};

}  // namespace driftwarden::testing
