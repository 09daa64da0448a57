// locked_out_by_us opens when AD says enabled and the Entra account is still disabled by
// driftwarden's own hand: we keep somebody out who may be in. Critical after one sync cycle, for
// tier 0 at once. It clears when the Entra account is enabled or deleted, or departs again.

#include <algorithm>

#include "monitor/attribution.h"
#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kLockedOutSentence[] =
    "locked_out_by_us opens when AD says enabled and the Entra account is still disabled by "
    "driftwarden's own hand: it keeps somebody out who may be in. Critical after one sync cycle. "
    "It "
    "clears when the Entra account is enabled or deleted, or the AD account departs again.";

std::optional<OpenDrift> OpenLockedOut(const Situation& s) {
  if (s.entra == nullptr || !s.AdEnabled() || !DisabledByUs(s)) return std::nullopt;
  // Who returns is locked out from then on, not since the disable that was right.
  absl::Time since = s.EntraOutSince();
  if (s.person->memory.returned_at) since = std::max(since, *s.person->memory.returned_at);
  since = s.OpenSince(DriftKind::kLockedOutByUs).value_or(since);
  const bool late = s.tier.value == kTier0 || s.now >= since + CycleOf(*s.policy, *s.link);
  return OpenDrift{DriftKind::kLockedOutByUs, late ? Severity::kCritical : Severity::kWarning,
                   since};
}

}  // namespace

bool DisabledByUs(const Situation& s) {
  if (!s.disabled) return false;
  const AuditRecord* record = DisableRecord(*s.entra, s.skew);
  return record != nullptr && ActorOf(*record, *s.policy, *s.link) == ActorKind::kDriftwarden;
}

const Rule kLockedOutByUsRule = {DriftKind::kLockedOutByUs, kLockedOutSentence,
                                 "warning, after one cycle critical / critical", OpenLockedOut};

}  // namespace driftwarden::monitor
