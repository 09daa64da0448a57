#include "monitor/evaluate.h"

#include <algorithm>

#include "monitor/explain.h"
#include "monitor/rules.h"
#include "monitor/set_back.h"
#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

bool NeededSourceIsStale(const LinkState& link, const Policy& policy, const SourceName& name,
                         absl::Time now) {
  const auto found = link.sources.find(name);
  return found == link.sources.end() || SourceIsStale(found->second, policy.StaleAfter(name), now);
}

bool IsBlind(const Situation& s) {
  if (s.ad != nullptr && NeededSourceIsStale(*s.link, *s.policy, s.ad->source, s.now)) return true;
  return s.entra != nullptr && NeededSourceIsStale(*s.link, *s.policy, s.entra->source, s.now);
}

bool IsQuarantined(const Situation& s) {
  const Person& person = *s.person;
  return !person.memory.inherited && IsOpenPhase(s.phase) &&
         GradeOf(person.facts) == IdentityGrade::kConflict;
}

State StateOf(const Situation& s) {
  // No episode is open of them, so that there is nothing to quarantine.
  if (s.exempt) return State::kExempt;
  if (IsQuarantined(s)) return State::kQuarantined;
  const Memory& memory = s.person->memory;
  // A departure is judged for itself, whatever else was wrong before us.
  if (memory.inherited || (!s.departed && HasInherited(memory))) return State::kInherited;
  return s.phase;
}

std::vector<OpenDrift> DriftOf(const Situation& s, State state) {
  std::vector<OpenDrift> drift;
  const Memory& memory = s.person->memory;
  if (memory.inherited || state == State::kExempt || !s.link->baseline_at) return drift;
  for (const Rule* rule : AllRules()) {
    const auto& inherited = memory.inherited_kinds;
    if (std::find(inherited.begin(), inherited.end(), rule->kind) != inherited.end()) continue;
    auto open = rule->open(s);
    if (!open) continue;
    // Whose drift it is cannot be told: a human sorts it out, nothing more urgent is claimed.
    if (state == State::kQuarantined) open->severity = Severity::kWarning;
    drift.push_back(*open);
  }
  std::stable_sort(drift.begin(), drift.end(),
                   [](const OpenDrift& a, const OpenDrift& b) { return a.severity > b.severity; });
  return drift;
}

bool WantsLagRevoke(const Situation& s) {
  if (!s.live || !s.settled || !s.may_advance) return false;
  switch (s.phase) {
    case State::kPending:
    case State::kLagging:
    case State::kBreached:
      return s.elapsed >= s.thresholds.revoke_after;
    case State::kRegressed:
      return !s.contained;
    default:
      return false;
  }
}

// AD refuses them though it does not say disabled. Only where policy says that this counts.
bool WantsExpiryRevoke(const Situation& s) {
  if (!s.policy->act_on_expired || !s.expired || !s.live || !s.may_advance) return false;
  if (!s.surely_expired || !s.expiry_settled || s.expiry_contained) return false;
  return s.now >= s.ActsOnExpiryFrom();
}

std::vector<WantedAction> WantedOf(const Situation& s, State state) {
  std::vector<WantedAction> wanted;
  const bool hands_off = state == State::kInherited || state == State::kExempt;
  if (hands_off || state == State::kQuarantined || !s.link->baseline_at) {
    return wanted;
  }
  const auto& actions = s.policy->remediation.actions;
  const bool may_revoke =
      std::find(actions.begin(), actions.end(), ActionKind::kRevokeSessions) != actions.end();
  if (may_revoke && (WantsLagRevoke(s) || WantsExpiryRevoke(s))) {
    wanted.push_back({ActionKind::kRevokeSessions, ActionReason::kLag});
  }
  if (may_revoke && s.phase == State::kUnsealed) {
    wanted.push_back({ActionKind::kRevokeSessions, ActionReason::kSeal});
  }
  return wanted;
}

bool WantsReads(const Situation& s) {
  if (s.entra == nullptr || s.ad == nullptr) return false;
  if (s.entra->needs_direct_read) return true;
  if (s.exempt) return false;
  if (s.person->memory.inherited || !s.link->baseline_at) return false;
  if (s.departed && s.was_converged && s.live) return true;  // regressed, or perhaps
  // Else it would be told when the slow comparison comes to them.
  if (s.WaitsForGap() && !s.read_since_gap) return true;
  // How often an open case is read is the plan's business, once it is known to be one; after a gap
  // nothing of it is believed before it was read.
  return s.person->episode.has_value() ? !s.read_since_gap : IsOpenPhase(s.phase);
}

}  // namespace

std::vector<DriftKind> HoldingKinds(const Person& person, const LinkState& link,
                                    const Policy& policy, absl::Time now) {
  const Situation s = DescribeSituation(person, link, policy, now, {});
  std::vector<DriftKind> kinds;
  for (const Rule* rule : AllRules()) {
    if (rule->holds != nullptr && rule->holds(s)) kinds.push_back(rule->kind);
  }
  std::sort(kinds.begin(), kinds.end());
  return kinds;
}

bool SourceIsStale(const SourceState& source, absl::Duration stale_after, absl::Time now) {
  // Read by a clock that was ahead: when that was nobody knows.
  return now - source.last_success > stale_after || IsDatedLater(source.last_success, now);
}

Verdict Evaluate(const Person& person, const LinkState& link, const Policy& policy, absl::Time now,
                 const EvaluateOptions& options) {
  const Situation s = DescribeSituation(person, link, policy, now, options);
  Verdict verdict;
  verdict.phase = s.phase;
  verdict.state = StateOf(s);
  verdict.departed = s.departed;
  verdict.blind = IsBlind(s);
  verdict.drift = DriftOf(s, verdict.state);
  verdict.wanted = WantedOf(s, verdict.state);
  verdict.wants_reads = WantsReads(s);
  const NextReview next = NextReviewOf(s, verdict);
  verdict.review_at = next.at;
  if (!options.explain) return verdict;
  verdict.next = next.what;
  verdict.because = BecauseOf(s, verdict);
  return verdict;
}

}  // namespace driftwarden::monitor
