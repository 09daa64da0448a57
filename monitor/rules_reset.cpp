// reset_without_revoke opens when the password of an enabled account was reset twice within ten
// minutes, as after a compromise, and no sessions were revoked since. Off by default. It clears
// when a revocation at or after the last reset is attributed, or the account departs or is out of
// Entra.

#include <algorithm>

#include "monitor/attribution.h"
#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kResetSentence[] =
    "reset_without_revoke opens when the password of an enabled account was reset twice within "
    "ten minutes, as after a compromise, and no sessions were revoked since; off unless "
    "policy.reset_without_revoke is set. It clears when a revocation at or after the last reset "
    "is attributed, or the account departs or is out of Entra.";

std::optional<OpenDrift> OpenReset(const Situation& s) {
  if (!s.policy->reset_without_revoke || s.entra == nullptr) return std::nullopt;
  if (!s.AdEnabled() || !s.live) return std::nullopt;
  const auto reset = s.person->memory.reset_twice_at;
  if (!reset) return std::nullopt;
  const auto others = RevocationsByOthers(s.person->facts, *s.policy, *s.link);
  if (LatestRevocation(s.person->facts, others, s.skew, *reset, *reset)) return std::nullopt;
  const bool tier0 = s.tier.value == kTier0;
  return OpenDrift{DriftKind::kResetWithoutRevoke, tier0 ? Severity::kWarning : Severity::kInfo,
                   *reset};
}

}  // namespace

const Rule kResetWithoutRevokeRule = {DriftKind::kResetWithoutRevoke, kResetSentence,
                                      "info / warning", OpenReset};

}  // namespace driftwarden::monitor
