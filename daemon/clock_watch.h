#pragma once

// Suspects our own clock: when wall and steady time part by more than 5 s, nothing is decided by
// the wall clock until the clocks of two sources, read after that, agree with it. One strand.

#include <set>

#include "base/time.h"
#include "monitor/ids.h"

namespace driftwarden::daemon {

class ClockWatch {
 public:
  // Compares both clocks with the last look. True when the clock became suspect by this look.
  bool Look(absl::Time wall, absl::Duration steady);
  // A round of `source` that began at `round_begun` read that offset. True when that ended it.
  bool Agree(const monitor::SourceName& source, absl::Time round_begun, absl::Duration offset);
  bool suspect() const { return suspect_; }
  // Two sources that were read since the start, and since the last jump, are as near as is needed
  // to act by them: nothing is hours ahead.
  bool vouched() const;

 private:
  bool looked_ = false;
  absl::Time wall_;
  absl::Duration steady_;
  bool suspect_ = false;
  absl::Time since_ = absl::InfinitePast();
  std::set<monitor::SourceName> agreeing_;
  std::set<monitor::SourceName> vouching_;
};

}  // namespace driftwarden::daemon
