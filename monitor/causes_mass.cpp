// mass_disable and mass_scope_exit: more people at once than leave on any ordinary day. Each trips
// a guard of its name, which holds back what would be done to them, and clears when a named person
// resets that guard: that somebody looked is the evidence.

#include <algorithm>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/cause_counts.h"
#include "monitor/causes.h"
#include "monitor/guards.h"

namespace driftwarden::monitor {
namespace {

constexpr char kDisableSentence[] =
    "mass_disable opens when more than 25 people, or 0.5 % of the linked ones where that is more, "
    "left within 15 minutes; it clears when the guard mass_disable is reset.";
constexpr char kScopeSentence[] =
    "mass_scope_exit opens when more than 50 people, or 1 % of the linked ones where that is more, "
    "left the scope within one cycle; it clears when the guard mass_scope_exit is reset.";

CauseFinding FindingOf(const LinkSituation& s, const std::vector<RecentSlice>& slices,
                       absl::Duration window, double least, double share, const char* guard) {
  const double limit = std::max(least, share * static_cast<double>(s.link.linked_people));
  const Crowd crowd = MostWithin(slices, window);
  CauseFinding finding;
  finding.opens = static_cast<double>(crowd.count) > limit;
  finding.holds = IsTripped(s.link, guard);
  if (!finding.opens) return finding;
  finding.since = crowd.from;
  finding.until = crowd.until;
  finding.people = crowd.count;
  finding.detail = Cat(crowd.count, " within ", HumanDuration(window), " from ",
                       FormatRfc3339(crowd.from), ", more than ", static_cast<int64_t>(limit),
                       " of ", s.link.linked_people, " linked people");
  return finding;
}

std::vector<CauseFinding> FindDisable(const LinkSituation& s) {
  return {FindingOf(s, s.link.causes.departures, kMassDisableWindow, 25, 0.005, kGuardMassDisable)};
}

std::vector<CauseFinding> FindScopeExit(const LinkSituation& s) {
  return {FindingOf(s, s.link.causes.scope_exits, CycleOf(s.policy, s.link), 50, 0.01,
                    kGuardMassScopeExit)};
}

// Both times are of the controllers' stamps, which no other clock is compared with.
bool ExplainsDisable(const LinkCause& cause, const Person& person, const LinkSituation&) {
  return person.episode && person.episode->departed.hi >= cause.since &&
         person.episode->departed.hi <= cause.until;
}

bool ExplainsScopeExit(const LinkCause& cause, const Person& person, const LinkSituation&) {
  const AdHalf* ad = person.facts.DecidingAd();
  return ad != nullptr && ad->scope == ScopeState::kLeft && ad->scope_since.hi >= cause.since &&
         ad->scope_since.hi <= cause.until;
}

}  // namespace

const CauseRule kMassDisableCause = {
    CauseKind::kMassDisable,
    absl::InfiniteDuration(),
    kDisableSentence,
    "very many people were disabled or deleted in Active Directory at once",
    "Ask who disabled them. Meant: `driftwarden guard reset mass_disable --reason …`, and what is "
    "held back goes on. Not meant: enable them again before the next sync cycle.",
    kGuardMassDisable,
    false,
    FindDisable,
    ExplainsDisable};

const CauseRule kMassScopeExitCause = {
    CauseKind::kMassScopeExit,
    absl::InfiniteDuration(),
    kScopeSentence,
    "very many people were moved out of the sync engine's scope at once",
    "The engine deletes them in Entra in its next cycle. Ask who moved them, and stop its "
    "scheduler "
    "if nobody meant to. Meant: `driftwarden guard reset mass_scope_exit --reason …`.",
    kGuardMassScopeExit,
    false,
    FindScopeExit,
    ExplainsScopeExit};

}  // namespace driftwarden::monitor
