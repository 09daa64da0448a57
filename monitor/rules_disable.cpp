// disable_lag opens when the AD account is disabled, a second look agrees and the Entra account is
// still enabled; it follows the phases and clears when the Entra account is disabled or deleted, or
// the AD account is enabled again.

#include <algorithm>

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kDisableSentence[] =
    "disable_lag opens when the AD account is disabled, a second look agrees and the Entra account "
    "is still enabled; it follows the phases and clears when the Entra account is disabled or "
    "deleted, or the AD account is enabled again.";

Severity ByTimers(const Situation& s) {
  if (s.elapsed >= s.thresholds.breach_after) return Severity::kCritical;
  return s.elapsed >= s.thresholds.warn_after ? Severity::kWarning : Severity::kInfo;
}

// Revoked but live. Where AD refuses new sign-ins that is nearly as good as disabled; under
// password hash synchronisation the password still works, but nobody used it as long as the logs of
// sign-ins show that.
Severity ContainedSeverity(const Situation& s, DriftKind kind) {
  if (!s.may_advance) return s.OpenSeverity(kind).value_or(Severity::kInfo);
  const Severity by_timers = ByTimers(s);
  const AuthMode mode = AuthOf(s.person->facts, *s.policy, *s.link).mode;
  const bool nobody = s.no_sign_in_until && s.now <= *s.no_sign_in_until;
  if (mode == AuthMode::kPasswordHashSync && !nobody) return by_timers;
  return std::min(by_timers, Severity::kWarning);
}

std::optional<OpenDrift> OpenDisable(const Situation& s) {
  if (!s.departed || s.ad->deleted || !s.settled) return std::nullopt;
  if (!IsOpenPhase(s.phase) || s.phase == State::kUnsealed || s.phase == State::kRegressed) {
    return std::nullopt;
  }
  return OpenDrift{DriftKind::kDisableLag, LagSeverity(s, DriftKind::kDisableLag), s.counts_from};
}

}  // namespace

Severity LagSeverity(const Situation& s, DriftKind kind) {
  Severity severity = Severity::kInfo;
  switch (s.phase) {
    case State::kBreached:
      severity = Severity::kCritical;
      break;
    case State::kLagging:
      severity = Severity::kWarning;
      break;
    case State::kContained:
      severity = ContainedSeverity(s, kind);
      break;
    default:
      break;
  }
  // A containment that was refused, or could not be verified, needs a human now.
  const bool failed = s.person->episode && s.person->episode->containment_failed;
  return failed ? std::max(severity, Severity::kWarning) : severity;
}

const Rule kDisableLagRule = {DriftKind::kDisableLag, kDisableSentence,
                              "by phase: info, warning, critical", OpenDisable};

}  // namespace driftwarden::monitor
