#pragma once

// What ails many people at once, found before what ails each: one small rule for every cause, in a
// table. A rule says whether its cause opens, whether what opened it still holds, and whom it
// explains. Pure; the cost is in sources, open causes and counts, never in people.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

struct LinkSituation {
  const LinkState& link;
  const Policy& policy;
  absl::Time now;
  // Since when this process reads: what was not read while it was down is no source's fault.
  absl::Time running_since = absl::InfinitePast();
};

// What a rule finds of one subject; one that it does not name any more is over.
struct CauseFinding {
  std::string subject = {};
  bool opens = false;
  bool holds = false;  // of one that is open: what ends it was not seen
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfinitePast();
  uint64_t people = 0;
  std::string detail = {};
  Severity severity = Severity::kWarning;
  // When `opens` may become true although nothing is committed.
  absl::Time review_at = absl::InfiniteFuture();
};

struct CauseRule {
  CauseKind kind;
  // A warning for so long, then critical; sooner when somebody whom it explains is.
  absl::Duration critical_after;
  const char* sentence;  // what stands in docs/convergence.md
  const char* title;     // of the alert: what is wrong
  const char* advice;    // of the alert: what to do first
  const char* guard;     // the latching guard that trips with it; null: none
  // How long it outlives what ends it: until everything that says so is read. True: a source's
  // stale bound; false: not at all.
  bool lingers;
  std::vector<CauseFinding> (*find)(const LinkSituation&);
  // Whether what is open of this person follows from the cause. Exceptions and kinds of drift that
  // no cause explains are seen to before. Null: it explains nobody.
  bool (*explains)(const LinkCause&, const Person&, const LinkSituation&);
  // What it tells is its own count, not whom it explains.
  bool counted = false;
  // So long what was counted stands, unless the severity changes; zero: until the next commit.
  absl::Duration counted_for = absl::ZeroDuration();
};

extern const CauseRule kSourceStaleCause;
extern const CauseRule kEngineStalledCause;
extern const CauseRule kExportBlockedCause;
extern const CauseRule kMassDisableCause;
extern const CauseRule kMassScopeExitCause;
extern const CauseRule kCollapsedCause;
extern const CauseRule kInheritedCause;
extern const CauseRule kNotRevokedCause;

// In order of CauseKind, one for each.
std::span<const CauseRule* const> AllCauseRules();
const CauseRule& CauseRuleOf(CauseKind kind);

// The incidents of a link: what its causes come to. Findings by kind.
struct LinkVerdict {
  std::vector<std::pair<CauseKind, CauseFinding>> findings;
};
LinkVerdict EvaluateLink(const LinkSituation& situation);

// The earliest moment at which the causes are to be judged although nothing is committed.
absl::Time CausesDueAt(const LinkSituation& situation);

// The systemic cause that explains everything for which this person would be told about, null when
// none does. Never of a sign-in after the Entra disable or a verified revocation, and of tier 0
// only in the summary of whose sessions were not revoked.
const LinkCause* ExplainedBy(const Person& person, const LinkSituation& situation);
// The collapsed alert the person would stand in, null when there is none. Same exceptions.
const LinkCause* CollapsedInto(const Person& person, const LinkState& link);

// Whoever it explains may make it worse.
Severity SeverityOf(const LinkCause& cause, absl::Time now);
IncidentId CauseIdOf(const LinkCause& cause, const LinkName& link);
// As it is told, but for the severity, which changes with time and people.
Incident CauseIncident(const LinkCause& cause, const LinkName& link, Severity severity);

// More people than this with one kind of drift are told in one alert, until they are three quarters
// of it.
uint64_t CollapseEndsAt(const Policy& policy);

// Whether driftwarden may revoke the sessions of this tier's people without anybody's word.
bool RevokesByItself(const Policy& policy, const TierName& tier);

// For the rules: people the engine owes a disable, of whom it has not carried a later one.
uint64_t OwedPeople(const LinkState& link);
// For the rules: what the tenant itself says of the engine; empty: nothing.
std::string EngineSays(const LinkState& link);
}  // namespace driftwarden::monitor
