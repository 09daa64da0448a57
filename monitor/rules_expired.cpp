// account_expired_live opens when accountExpires has passed by the domain controller's clock and
// the account is enabled in AD and live in Entra: expiry never syncs. It clears when the account is
// disabled or deleted in AD, out of Entra, or no longer expired.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kSentence[] =
    "account_expired_live opens when accountExpires has passed by the domain controller's "
    "clock and the account is enabled in AD and live in Entra: expiry never syncs. It clears "
    "when the account is disabled or deleted in AD, out of Entra, or no longer expired.";

bool Holds(const Situation& s) {
  return s.entra != nullptr && s.expired && s.live;
}

std::optional<OpenDrift> Open(const Situation& s) {
  if (!Holds(s)) return std::nullopt;
  const auto already = s.OpenSeverity(DriftKind::kAccountExpiredLive);
  if (!already && !s.may_advance) return std::nullopt;
  // Elsewhere AD itself refuses new sign-ins.
  const bool hash = AuthOf(s.person->facts, *s.policy, *s.link).mode == AuthMode::kPasswordHashSync;
  return OpenDrift{DriftKind::kAccountExpiredLive, hash ? Severity::kWarning : Severity::kInfo,
                   s.expires};
}

}  // namespace

const Rule kAccountExpiredLiveRule = {DriftKind::kAccountExpiredLive, kSentence,
                                      "a warning under password hash sync, else info", Open, Holds};

}  // namespace driftwarden::monitor
