// signin_after_disable opens on a successful sign-in after the AD disable: critical when it began
// after the Entra disable or deletion, ten minutes after an attributed revocation, or past
// breach_after; a warning when it is interactive and earlier than that. It clears when a later
// revocation is attributed, when the account is disabled or deleted after the sign-in, when the
// logs are read completely for two hours past the last success of an account that is out, or when
// the AD account is enabled.

#include <algorithm>

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kSigninSentence[] =
    "signin_after_disable opens on a successful sign-in after the AD disable: critical when it "
    "began after the Entra disable or deletion, ten minutes after an attributed revocation, or "
    "past breach_after; a warning when it is interactive and earlier than that. It clears when a "
    "later revocation is attributed, when the account is disabled or deleted after the sign-in, "
    "when the logs are read completely for two hours past the last success of an account that is "
    "out, or when the AD account is enabled.";

constexpr absl::Duration kQuiet = absl::Hours(2);

// A row may sum up sign-ins of a while: it counts from its begin, so that what may have happened
// before the disable opens nothing.
absl::Time BeginOf(const Situation& s, const SignIn& sign_in) {
  return sign_in.at.lo - s.skew;
}

std::optional<Severity> SeverityOf(const Situation& s, const SignIn& sign_in) {
  const absl::Time begin = BeginOf(s, sign_in);
  if (begin <= s.DepartedBy()) return std::nullopt;
  if (s.revocation && s.revocation->lo > sign_in.at.hi + s.skew) return std::nullopt;
  if (s.gone || s.disabled) {
    if (begin <= s.EntraOutSince()) return std::nullopt;  // over, as far as signing in goes
    return Severity::kCritical;
  }
  if (s.revocation && begin > s.revocation->hi + kRevocationTakes) return Severity::kCritical;
  if (begin >= s.counts_from + s.thresholds.breach_after) return Severity::kCritical;
  if (!sign_in.interactive) return std::nullopt;  // a session goes on: exposure, and shown as such
  return Severity::kWarning;
}

// Nobody signed in any more, and somebody looked. Only of an account that is out: one that is live
// may be signed in to at any time.
bool IsQuiet(const Situation& s) {
  if (!s.gone && !s.disabled) return false;
  const AccountLogs& logs = s.entra->logs;
  const absl::Time last = logs.successes.back().at.hi;
  bool any = false;
  for (const TenantLog log : {TenantLog::kInteractiveSignIns, TenantLog::kNonInteractiveSignIns}) {
    const auto state = s.link->logs.find(log);
    if (state != s.link->logs.end() && state->second.limit != LogLimit::kNone) continue;
    const TimeBounds& read = logs.ReadOf(log);
    if (read.lo > last || read.hi < last + kQuiet + kLogIngestDelay) return false;
    any = true;
  }
  return any;
}

std::optional<OpenDrift> OpenSignin(const Situation& s) {
  if (!s.departed || s.entra == nullptr || !s.settled) return std::nullopt;
  if (s.entra->logs.successes.empty() || IsQuiet(s)) return std::nullopt;
  std::optional<OpenDrift> worst;
  for (const SignIn& sign_in : s.entra->logs.successes) {
    const auto severity = SeverityOf(s, sign_in);
    if (!severity || (worst && worst->severity > *severity)) continue;
    const absl::Time begin = BeginOf(s, sign_in);
    const bool same = worst && worst->severity == *severity;
    const absl::Time since = same ? std::min(worst->since, begin) : begin;
    worst = OpenDrift{DriftKind::kSignInAfterDisable, *severity, since};
  }
  return worst;
}

}  // namespace

const Rule kSignInAfterDisableRule = {
    DriftKind::kSignInAfterDisable, kSigninSentence,
    "critical; a warning: interactive, before `breach_after` and any revocation", OpenSignin};

}  // namespace driftwarden::monitor
