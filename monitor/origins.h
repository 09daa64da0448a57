#pragma once

// What a verdict rests on, each with where it comes from: clocks, times, thresholds, severities.
// For people; pure.

#include <string>
#include <vector>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

struct ThresholdOrigin {
  std::string name;  // "warn_after"
  absl::Duration value;
  std::string from;  // "written in the configuration", "by default for tier0", ...
};

struct SourceClock {
  SourceName name;
  SourceKind kind = SourceKind::kActiveDirectory;
  TimeBounds last_read;   // begin and end of the last complete one; empty: none yet
  absl::Duration offset;  // the source's clock less ours
  absl::Duration stale_after;
  bool stale = false;
  bool gap = false;  // not everything is read again since it was last not read for a while
};

struct TimeOrigin {
  std::string name;  // "disabled_in_ad"
  TimeBounds at;
  std::string from;  // "the originating stamp of the write (version 4)", "between two looks", ...
};

struct DriftOrigin {
  OpenDrift drift;
  std::string sentence;              // the rule's
  std::string why;                   // this severity
  std::optional<absl::Time> opened;  // our commit; nothing: it is not recorded yet
};

struct Origins {
  TierName tier;
  Mode mode = Mode::kObserve;  // for revoking this person's sessions
  std::vector<DriftOrigin> drift;
  std::vector<SourceClock> sources;
  std::vector<TimeOrigin> times;
  std::optional<absl::Time> counts_from;  // of somebody who departed
  bool time_uncertain = false;            // they count from the late bound
  absl::Duration log_skew;                // by how much times of the tenant's logs may be off
  std::vector<ThresholdOrigin> thresholds;
};

Origins OriginsOf(const Person& person, const LinkState& link, const Policy& policy,
                  absl::Time now);

}  // namespace driftwarden::monitor
