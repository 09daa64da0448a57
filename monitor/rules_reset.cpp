// reset_without_revoke opens when the password of an enabled account was reset twice within ten
// minutes, as after a compromise, or an operator says that it is in other hands, and no sessions
// were revoked since. Resets are off by default. It clears when a revocation at or after both is
// attributed, the account departs or is out of Entra, or the mark is taken back.

#include <algorithm>

#include "monitor/attribution.h"
#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kResetSentence[] =
    "reset_without_revoke opens when the password of an enabled account was reset twice within "
    "ten minutes, as after a compromise (off unless policy.reset_without_revoke is set), or when "
    "an operator marked it as compromised, and no sessions were revoked since. It clears when a "
    "revocation at or after the last reset, or the mark, is attributed, the account departs or is "
    "out of Entra, or the mark is taken back.";

std::optional<OpenDrift> OpenReset(const Situation& s) {
  if (s.entra == nullptr || !s.AdEnabled() || !s.live) return std::nullopt;
  const Memory& memory = s.person->memory;
  const auto others = RevocationsByOthers(s.person->facts, *s.policy, *s.link);
  const auto answered = [&](absl::Time at) {
    return LatestRevocation(s.person->facts, others, s.skew, at, at).has_value();
  };
  std::optional<absl::Time> since;
  if (memory.compromised && !answered(memory.compromised->at)) since = memory.compromised->at;
  const auto& reset = memory.reset_twice_at;
  if (s.policy->reset_without_revoke && reset && !answered(*reset + s.ad_skew)) {
    since = std::min(since.value_or(*reset), *reset);
  }
  if (!since) return std::nullopt;
  const bool tier0 = s.tier.value == kTier0;
  return OpenDrift{DriftKind::kResetWithoutRevoke, tier0 ? Severity::kWarning : Severity::kInfo,
                   *since};
}

}  // namespace

const Rule kResetWithoutRevokeRule = {DriftKind::kResetWithoutRevoke, kResetSentence,
                                      "info / warning", OpenReset};

}  // namespace driftwarden::monitor
