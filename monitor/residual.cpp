#include "monitor/residual.h"

#include <algorithm>

#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

// The vendor's stated upper bounds.
constexpr absl::Duration kCaeBound = absl::Minutes(15);
constexpr absl::Duration kUsualLifetime = absl::Minutes(90);
constexpr absl::Duration kLifetimeWithoutConditionalAccess = absl::Minutes(120);

// Since when no token can be issued any more.
absl::Time LastIssue(const Situation& s) {
  const absl::Time out = s.EntraOutSince();
  const absl::Time disabled = s.entra->disabled_since.hi;
  const bool before = s.gone && s.entra->enabled == Tri::kNo && disabled != absl::InfinitePast();
  return before ? std::min(out, disabled) : out;
}

// When the last token can have been issued, as the sign-ins tell; nothing: they do not.
std::optional<absl::Time> LastIssueByLogs(const Situation& s, absl::Time out) {
  const AccountLogs& logs = s.entra->logs;
  absl::Time last = absl::InfinitePast();
  for (const SignIn& sign_in : logs.successes) last = std::max(last, sign_in.at.hi + s.skew);
  if (last - 2 * s.skew > out) return last;  // it happened, whatever else was read
  absl::Time covered = absl::InfinitePast();
  for (const TimeBounds& read : {logs.interactive_read, logs.non_interactive_read}) {
    const bool none = read.hi == absl::InfinitePast();
    if (none || read.hi - s.skew < out + kLogIngestDelay) return std::nullopt;
    covered = std::max(covered, read.lo + s.skew);
  }
  // Of what lies before the logs nothing is known: the last one may have been just then.
  return std::min(std::max(last, covered), out);
}

}  // namespace

std::string_view TokenBoundText(TokenBound bound) {
  switch (bound) {
    case TokenBound::kDefault:
      return "default";
    case TokenBound::kNoConditionalAccess:
      return "no_conditional_access";
    case TokenBound::kTenantPolicy:
      return "tenant_policy";
    case TokenBound::kConfigured:
      return "configured";
  }
  return "unknown";
}

TokenLifetime TokenLifetimeOf(const Policy& policy, const LinkState& link) {
  if (policy.access_token_lifetime) {
    return {*policy.access_token_lifetime, TokenBound::kConfigured, false};
  }
  const auto& access = link.tenant.conditional_access;
  const auto& policies = link.tenant.token_policies;
  TokenLifetime lifetime{kUsualLifetime, TokenBound::kDefault, !access || !policies};
  if (!access || *access == 0) {
    lifetime.longest = kLifetimeWithoutConditionalAccess;
    lifetime.bound = TokenBound::kNoConditionalAccess;
  }
  if (!policies || policies->longest == absl::ZeroDuration()) return lifetime;
  // A policy of some applications leaves the others as they are.
  if (policies->for_all || policies->longest > lifetime.longest) {
    return {policies->longest, TokenBound::kTenantPolicy, false};
  }
  return lifetime;
}

ResidualAccess ResidualAccessOf(const Person& person, const LinkState& link, const Policy& policy,
                                absl::Time now) {
  const Situation s = DescribeSituation(person, link, policy, now, {});
  ResidualAccess residual;
  residual.lifetime = TokenLifetimeOf(policy, link);
  if (!s.departed || s.entra == nullptr) return residual;
  residual.new_sessions_possible = s.live;
  const bool guest = s.entra->guest == Tri::kYes;
  if (!s.gone && !s.disabled) {
    // Of a guest neither is evaluated here, and no revocation of ours reaches their home.
    if (s.live && s.revocation && !guest) residual.cae_until = s.revocation->hi + kCaeBound;
    return residual;
  }
  const absl::Time out = LastIssue(s);
  if (out == absl::InfinitePast()) return residual;
  const bool revoked_first = s.revocation && s.quiet_since_revocation && s.revocation->hi < out;
  if (!guest) residual.cae_until = (revoked_first ? s.revocation->hi : out) + kCaeBound;
  const auto last = LastIssueByLogs(s, out);
  residual.by_last_sign_in = last && *last != out;
  residual.tokens_until = last.value_or(out) + residual.lifetime.longest;
  return residual;
}

}  // namespace driftwarden::monitor
