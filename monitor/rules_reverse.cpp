// reverse_drift opens when the account is enabled in AD and disabled or deleted in Entra: at once
// when an audit record names a person or an application that is neither the sync engine nor
// driftwarden, since the next sync undoes it, else after two cycles. It clears when both sides
// agree again.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kReverseSentence[] =
    "reverse_drift opens when the account is enabled in AD and disabled or deleted in Entra: "
    "at once when an audit record names a person or an application that is neither the sync "
    "engine nor driftwarden, since the next sync undoes it, else after two cycles. It clears "
    "when both sides agree again.";

bool ReverseHolds(const Situation& s) {
  return s.entra != nullptr && s.AdEnabled() && s.ad->scope == ScopeState::kIn &&
         (s.gone || s.disabled);
}

std::optional<OpenDrift> OpenReverse(const Situation& s) {
  if (!ReverseHolds(s)) return std::nullopt;
  const bool already = s.OpenSeverity(DriftKind::kReverseDrift).has_value();
  const bool over = s.may_advance && s.now >= s.ReversedFrom();
  if (!already && !over && !s.ShutOutByHand()) return std::nullopt;
  const bool tier0 = s.tier.value == kTier0;
  return OpenDrift{DriftKind::kReverseDrift, tier0 ? Severity::kInfo : Severity::kWarning,
                   s.EntraOutSince()};
}

}  // namespace

const Rule kReverseDriftRule = {DriftKind::kReverseDrift, kReverseSentence, "warning / info",
                                OpenReverse, ReverseHolds};

}  // namespace driftwarden::monitor
