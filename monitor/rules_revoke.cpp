// token_not_revoked opens revoke_after later than the Entra disable when no revocation at or after
// it is known; it clears when one is verified, or the account is deleted or live again.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kRevokeSentence[] =
    "token_not_revoked opens revoke_after later than the Entra disable when no revocation at or "
    "after it is known; it clears when one is verified, or the account is deleted or live again.";

std::optional<OpenDrift> OpenRevoke(const Situation& s) {
  if (s.phase != State::kUnsealed) return std::nullopt;
  const absl::Time since = s.EntraOutSince();
  const auto already = s.OpenSeverity(DriftKind::kTokenNotRevoked);
  if (!already && (!s.may_advance || s.now < since + s.thresholds.revoke_after)) {
    return std::nullopt;
  }
  // Nobody can sign in; what is at stake is that old sessions come back to life with the account.
  Severity severity = s.tier.value == kTier0 ? Severity::kWarning : Severity::kInfo;
  if (s.person->episode && s.person->episode->containment_failed) severity = Severity::kWarning;
  return OpenDrift{DriftKind::kTokenNotRevoked, severity, since};
}

}  // namespace

const Rule kTokenNotRevokedRule = {DriftKind::kTokenNotRevoked, kRevokeSentence, "info / warning",
                                   OpenRevoke};

}  // namespace driftwarden::monitor
