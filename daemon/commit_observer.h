#pragma once

// Who wants to know what was committed: the metrics.

#include "base/status.h"
#include "monitor/apply.h"

namespace driftwarden::daemon {

// Called on the engine's strand after each commit (and after each quiet round of a source, whose
// times change in memory only), in order, never before the store has it.
class CommitObserver {
 public:
  virtual ~CommitObserver() = default;
  virtual void OnCommit(const monitor::LinkState& link, const monitor::Tally& tally) = 0;
  // After each write to the store, how long it took and how it ended.
  virtual void OnWritten(absl::Duration took, const Status& status) {
    static_cast<void>(took);
    static_cast<void>(status);
  }
};

}  // namespace driftwarden::daemon
