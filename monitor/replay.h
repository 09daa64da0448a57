#pragma once

// History once more, under other thresholds: what was recorded of a person (the evidence) is turned
// back into facts, and the code that judges today judges them again as they came. Pure. What
// evidence does not hold is assumed, and the same for every policy: both sources were read all the
// time and agreed, logs of sign-ins too where they can be read now, and every call succeeded.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "monitor/apply.h"

namespace driftwarden::monitor {

// Everything recorded of one person, oldest first, and the person as it is now.
struct PersonHistory {
  PeopleSet people;
  PersonOrdinal who = 0;
  std::vector<EvidenceEntry> entries;
  absl::Time oldest_episode = absl::InfiniteFuture();  // opened; entries must reach back to it
};

struct ReplayWindow {
  absl::Time from;
  absl::Time to;
};

// An alert about somebody, from its begin to its end or that of the window.
struct ReplayPage {
  absl::Time at;
  absl::Time until;
  Severity severity = Severity::kWarning;  // the worst while it lasted
  DriftKind kind = DriftKind::kDisableLag;
  friend bool operator==(const ReplayPage&, const ReplayPage&) = default;
};

struct ReplayOutcome {
  std::vector<ReplayPage> pages;    // that began within the window
  std::vector<absl::Time> revoked;  // verified calls within it because the sync lagged
  std::vector<absl::Time> sealed;   // and after the Entra disable
  // The longest that an account was live behind a departure, as the timers count it, of lags that
  // ended within the window.
  std::optional<absl::Duration> longest_lag;
  // That lag as AD's and Entra's own times bound it; nothing where it ended in another way than by
  // the Entra disable or deletion, or where nothing bounds it.
  std::optional<std::pair<absl::Duration, absl::Duration>> longest_lag_bounds;
  size_t alerts_sent = 0;  // deliveries within the window; a replay makes none

  std::optional<Severity> Worst() const;
};

// Kinds whose facts are in the evidence; others are taken over as they were recorded.
bool IsReplayed(DriftKind kind);

// What really happened.
ReplayOutcome RecordedOutcome(const PersonHistory& history, const ReplayWindow& window);

// Why somebody's history cannot be played again: "evidence_expired", "identity_conflict", ...
// Nothing: it can.
std::optional<std::string> WhyNotReplayed(const PersonHistory& history, const Policy& policy);

// What would have happened under `policy`. Nothing when it takes more steps than are allowed.
// Call it only when WhyNotReplayed has no objection.
std::optional<ReplayOutcome> ReplayPerson(const PersonHistory& history, const LinkState& link,
                                          const Policy& policy, const ReplayWindow& window);

// Thresholds of one tier and the mode, as they are to be tried; what is absent stays.
struct ReplayCandidate {
  TierName tier{kStandard};
  std::optional<absl::Duration> warn_after;
  std::optional<absl::Duration> revoke_after;
  std::optional<absl::Duration> breach_after;
  std::optional<absl::Duration> settle;
  std::optional<Mode> mode;

  bool Empty() const;
};
// InvalidArgument: there is no such tier.
StatusOr<Policy> WithCandidate(const Policy& policy, const ReplayCandidate& candidate);

}  // namespace driftwarden::monitor
