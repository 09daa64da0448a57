// account_expired_live opens when accountExpires has passed by the domain controller's clock and
// the account is enabled in AD and live in Entra: expiry never syncs. It clears when the account is
// disabled or deleted in AD, out of Entra, or no longer expired.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kExpiredSentence[] =
    "account_expired_live opens when accountExpires has passed by the domain controller's "
    "clock and the account is enabled in AD and live in Entra: expiry never syncs. It clears "
    "when the account is disabled or deleted in AD, out of Entra, or no longer expired.";

bool ExpiredHolds(const Situation& s) {
  return s.entra != nullptr && s.expired && s.live;
}

std::optional<OpenDrift> OpenExpired(const Situation& s) {
  if (!ExpiredHolds(s)) return std::nullopt;
  const auto already = s.OpenSeverity(DriftKind::kAccountExpiredLive);
  if (!already && !s.may_advance) return std::nullopt;
  // Elsewhere AD itself refuses new sign-ins.
  const bool hash = AuthOf(s.person->facts, *s.policy, *s.link).mode == AuthMode::kPasswordHashSync;
  return OpenDrift{DriftKind::kAccountExpiredLive, hash ? Severity::kWarning : Severity::kInfo,
                   s.expires};
}

}  // namespace

const Rule kAccountExpiredLiveRule = {DriftKind::kAccountExpiredLive, kExpiredSentence,
                                      "a warning under password hash sync, else info", OpenExpired,
                                      ExpiredHolds};

}  // namespace driftwarden::monitor
