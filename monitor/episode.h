#pragma once

// Episodes: one departure of one person, from the first look that shows it to its result. Internal
// to the core.

#include "monitor/transaction.h"
#include "monitor/verdict.h"

namespace driftwarden::monitor {

// Opens, updates and closes the person's episode by the verdict, with kinds, incident, evidence and
// tally. `in_baseline`: the person is part of a first complete read, nothing opens.
// Whether the verdict asks for an episode and none is open. Still so after UpdateEpisode: one
// ended, and what is left is to have another, in a command of its own.
bool MustOpen(const Person& person, const Verdict& verdict, bool in_baseline);
void UpdateEpisode(Transaction& tx, Person& person, const Verdict& verdict, bool in_baseline);

// Closes the open episode; actions that made no call yet are dropped.
void EndEpisode(Transaction& tx, Person& person, EpisodeResult result);

// Drops the person's actions of this episode that made no call yet and that `keep` does not want.
void DropActions(Transaction& tx, const Person& person, const std::vector<WantedAction>& keep,
                 const std::string& why);

// So long after the end of an episode somebody's sign-ins are still read.
constexpr absl::Duration kWatchedAfter = absl::Hours(24);

// How long the first revocation of an open episode took, for the metrics.
void TallyRevocationLag(Transaction& tx, const Person& person, const TimeBounds& revoked,
                        bool by_driftwarden);

// Takes an intent that made no call out of the budgets' windows.
void ReleaseCall(LinkState& link, const Action& action);

}  // namespace driftwarden::monitor
