#pragma once

// What only a look through a link's open people and actions can tell; for gauges that no commit
// could keep cheaply.

#include <map>
#include <utility>

#include "base/status.h"
#include "store/state_store.h"

namespace driftwarden::daemon {

struct LinkCensus {
  // When the longest open drift of a kind and tier began.
  std::map<std::pair<monitor::DriftKind, monitor::TierName>, absl::Time> oldest_open;
  std::map<monitor::ActionKind, uint64_t> live_actions;
  uint64_t leavers_waiting = 0;
  uint64_t leavers_overdue = 0;
};

// Blocks: belongs on a store lane. Reads people in bounded pages.
StatusOr<LinkCensus> TakeCensus(store::StateStore& store, const monitor::LinkName& link,
                                absl::Time now);

}  // namespace driftwarden::daemon
