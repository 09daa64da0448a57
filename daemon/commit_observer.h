#pragma once

// Who wants to know what was committed: the metrics.

#include <vector>

#include "base/status.h"
#include "monitor/apply.h"

namespace driftwarden::daemon {

// Called on the engine's strand after each commit (and after each quiet round of a source, whose
// times change in memory only), in order, never before the store has it.
class CommitObserver {
 public:
  virtual ~CommitObserver() = default;
  virtual void OnCommit(const monitor::LinkState& link, const monitor::Tally& tally) = 0;
  // Each write to the store that was tried, and how many commands waited behind it.
  virtual void OnWrite(const Status& status, absl::Duration took, size_t waiting) = 0;
  // Every live action, at each look for work.
  virtual void OnLiveActions(const std::vector<monitor::Action>& actions) = 0;
};

}  // namespace driftwarden::daemon
