// The phase of a person: the table in docs/convergence.md, from its last row upwards.

#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

// Both sides exist and AD says enabled (or does not say).
State PhasePresent(const Situation& s) {
  if (!s.gone && !s.disabled) return State::kAligned;
  // The sync engine takes away whom it no longer sees.
  if (s.ad->scope == ScopeState::kLeft) return State::kUnlinked;
  if (s.returned || s.ShutOutByHand()) return State::kReversed;
  // Entra is out while AD is not: normal for a while (a new hire).
  const absl::Duration wait = 2 * CycleOf(*s.policy, *s.link);
  return s.now >= s.EntraOutSince() + wait ? State::kReversed : State::kAligned;
}

// Departed and not known to be out of Entra: the timers decide, but only forwards and only when
// nothing stands in the way of trusting them.
State PhaseByTimers(const Situation& s) {
  if (!s.settled) return State::kPending;
  State reached = State::kPending;
  if (s.elapsed >= s.thresholds.warn_after) reached = State::kLagging;
  if (s.elapsed >= s.thresholds.breach_after) reached = State::kBreached;
  if (s.may_advance || reached == State::kPending) return reached;
  const State before = s.person->phase;
  if (before == State::kBreached) return reached;
  return before == State::kLagging ? State::kLagging : State::kPending;
}

}  // namespace

State PhaseOf(const Situation& s) {
  if (s.ad == nullptr || s.entra == nullptr) return State::kUnlinked;
  if (!s.departed) return PhasePresent(s);
  if (s.gone) return State::kConverged;
  if (s.disabled) {
    const bool over = s.sealed || s.never_lived || s.person->memory.before_our_time ||
                      !s.policy->require_revocation;
    return over ? State::kConverged : State::kUnsealed;
  }
  if (s.was_converged) {
    // Live again after it was over. One answer may come from a replica that has not heard.
    const bool stays = s.person->phase == State::kRegressed && s.live;
    return stays || s.regression_confirmed ? State::kRegressed : State::kConverged;
  }
  if (s.contained) return State::kContained;
  return PhaseByTimers(s);
}

}  // namespace driftwarden::monitor
