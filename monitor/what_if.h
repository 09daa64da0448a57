#pragma once

// What would change a verdict: time alone, or one fact that is another. Asked of the code that
// judges, on copies; pure.

#include <string>
#include <vector>

#include "monitor/apply.h"

namespace driftwarden::monitor {

struct Outlook {
  std::string what;  // by time: what happens then; by evidence: the one thing that is another
  absl::Time at;     // by evidence: now
  std::string then;  // what comes next after that, for people; empty: nothing by itself
  absl::Time then_at = absl::InfiniteFuture();
  State state = State::kUnlinked;
  bool blind = false;
  std::vector<OpenDrift> drift;  // worst first
  std::vector<WantedAction> wanted;
  std::optional<EpisodeResult> ended;  // the open episode closes with it
};

// At most `kMostSteps` moments at which the verdict changes although nothing else does: both sides
// are read on as now (a source that is stale stays so) and say the same, the sync engine stands
// still, and no action is carried out. `people` holds `who` as the store loads it.
std::vector<Outlook> ChangesByTime(const PeopleSet& people, PersonOrdinal who,
                                   const LinkState& link, const Policy& policy, absl::Time now);
constexpr size_t kMostSteps = 4;

// Every single piece of evidence of a list that would make the verdict of this moment another one.
std::vector<Outlook> ChangesByEvidence(const PeopleSet& people, PersonOrdinal who,
                                       const LinkState& link, const Policy& policy, absl::Time now);

}  // namespace driftwarden::monitor
