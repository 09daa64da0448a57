#pragma once

// What is remembered of a link so that what ails many people at once is found without looking at
// the people: what was opened, and counts that move with the people in the same commit.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "monitor/ids.h"
#include "monitor/verdict.h"

namespace driftwarden::monitor {

using LabelSet = std::map<std::string, std::string>;

// Numbers reach the disk. In order of precedence: of several that explain a person the first does.
enum class CauseKind : uint8_t {
  kSourceStale = 1,
  kEngineStalled = 2,
  kExportBlocked = 3,
  kMassDisable = 4,
  kMassScopeExit = 5,
  kCollapsed = 6,   // no cause that is known, but very many with the same kind of drift
  kInherited = 7,   // nobody's cause: the count of who drifted before us and is still live
  kNotRevoked = 8,  // the summary of whom driftwarden may not seal by itself
};
constexpr CauseKind kAllCauseKinds[] = {CauseKind::kSourceStale,   CauseKind::kEngineStalled,
                                        CauseKind::kExportBlocked, CauseKind::kMassDisable,
                                        CauseKind::kMassScopeExit, CauseKind::kCollapsed,
                                        CauseKind::kInherited,     CauseKind::kNotRevoked};
constexpr CauseKind kLastCauseKind = CauseKind::kNotRevoked;
std::string_view CauseKindText(CauseKind kind);  // "engine_stalled"

// One that is open, or has ended and is still to be told so.
struct LinkCause {
  uint64_t number = 0;  // of the link's causes, from 1: names it
  CauseKind kind = CauseKind::kSourceStale;
  std::string subject;  // source_stale: the source; collapsed: the kind of drift; else empty
  absl::Time since;     // when it began, by the facts
  absl::Time until = absl::InfinitePast();  // mass_*: the last change that belongs to it
  absl::Time opened;                        // our commit
  uint64_t people = 0;                      // by the counts, when it was judged last
  std::string detail;                       // the numbers behind it, for people
  // What ends it was seen: it ends then, unless it comes back before.
  std::optional<absl::Time> ends_at;
  std::optional<absl::Time> ended_at;            // to be sent resolved, then forgotten
  std::vector<LabelSet> announced;               // sent firing and not yet sent resolved
  Severity severity = Severity::kWarning;        // until it is late, see CauseRule::critical_after
  absl::Time counted_at = absl::InfinitePast();  // when `people` and `detail` were taken
  friend bool operator==(const LinkCause&, const LinkCause&) = default;
};

// Changes that happened from `from` on, counted; a slice is a fifteenth of the window it is for.
struct RecentSlice {
  absl::Time from;
  uint64_t count = 0;
  absl::Time counted = absl::InfinitePast();  // our commit of the last of them
  friend bool operator==(const RecentSlice&, const RecentSlice&) = default;
};

// People who wait for the sync engine, by when their departure was seen: in (from, upto].
struct WaitingSlice {
  absl::Time from;
  absl::Time upto;
  int64_t people = 0;
  friend bool operator==(const WaitingSlice&, const WaitingSlice&) = default;
};

struct CauseBook {
  uint64_t next = 1;
  std::vector<LinkCause> causes;
  std::vector<RecentSlice> departures;   // rising; of people with both halves
  std::vector<RecentSlice> scope_exits;  // rising
  std::vector<WaitingSlice> waiting;     // rising, apart from one another
  // False: a record of before they and LinkState::in_drift were counted.
  bool waiting_known = false;
  // Somebody whose departure was seen then was carried to Entra since by the engine: whoever left
  // before and is still live waits for a reason of their own.
  absl::Time carried = absl::InfinitePast();
  std::optional<absl::Time> previous_sync;        // the one before LinkState::engine_last_sync
  absl::Time tenant_read = absl::InfinitePast();  // when the last sync was read last
  friend bool operator==(const CauseBook&, const CauseBook&) = default;
};

}  // namespace driftwarden::monitor
