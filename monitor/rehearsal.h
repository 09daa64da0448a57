#pragma once

// One person played through the core's own commands, on copies: what would be if a fact or the
// clock were another. Whatever the engine would open, page and want is asked of the same code; only
// the reading of the sources is stood in for. Not thread-safe, cheap to copy.

#include <set>
#include <vector>

#include "base/rng.h"
#include "monitor/apply.h"

namespace driftwarden::monitor {

class Rehearsal {
 public:
  // `people` holds `who`, as the store loads it (actions and incident included). `policy` must
  // outlive it.
  Rehearsal(PeopleSet people, PersonOrdinal who, LinkState link, const Policy& policy);

  // To be changed between two calls of Judge. Null when the person was joined with another.
  Person* person();
  LinkState& link() { return link_; }

  // As if every source named had just been read completely, and the accounts directly: all of it
  // agrees with what is known. Logs of sign-ins in `logs` are read up to `now`.
  void LookAgain(absl::Time now, const std::set<SourceName>& sources,
                 const std::set<TenantLog>& logs);
  // One command of the engine that judges the person at `now`. What it recorded is returned.
  std::vector<EvidenceEntry> Judge(absl::Time now);
  // Every action with an intent is carried out at once, and succeeds.
  std::vector<EvidenceEntry> CarryOut(absl::Time now);
  // A page of a log about the person.
  std::vector<EvidenceEntry> ReadLog(absl::Time now, const LogLook& look);
  // The operator hands over what was there at the first look.
  std::vector<EvidenceEntry> AcceptBaseline(absl::Time now);

  // Of the last command: the episodes it closed.
  const std::vector<Episode>& closed() const { return closed_; }

 private:
  // What time it is is given.
  Context context(absl::Time now) {
    Context context{link_, policy_, now, rng_};
    context.clock_vouched = true;
    return context;
  }
  std::vector<EvidenceEntry> Commit(Changes changes);

  PeopleSet people_;
  PersonOrdinal who_;
  LinkState link_;
  const Policy& policy_;
  SeededRng rng_{1};
  std::vector<Episode> closed_;
};

}  // namespace driftwarden::monitor
