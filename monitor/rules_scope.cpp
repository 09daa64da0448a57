// scope_exit opens when an enabled AD account left the scope and stays live in Entra: the sync
// engine no longer carries anything of it, a disable least of all. Info until warn_after, then a
// warning. It clears when the account is back in scope, departed, or out of Entra.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kScopeSentence[] =
    "scope_exit opens when an enabled AD account left the scope and stays live in Entra: the "
    "sync engine no longer carries anything of it, a disable least of all. Info until "
    "warn_after, then a warning. It clears when the account is back in scope, departed, or "
    "out of Entra.";

std::optional<OpenDrift> OpenScope(const Situation& s) {
  if (s.ad == nullptr || s.entra == nullptr || s.departed || !s.live) return std::nullopt;
  if (s.ad->scope != ScopeState::kLeft || s.ad->disabled != Tri::kNo) return std::nullopt;
  const absl::Time since = s.ad->scope_since.hi;
  const auto already = s.OpenSeverity(DriftKind::kScopeExit);
  if (!already && (!s.may_advance || s.now < since + s.thresholds.settle)) return std::nullopt;
  const bool late = s.now >= since + s.thresholds.warn_after;
  return OpenDrift{DriftKind::kScopeExit, late ? s.WarnOrCritical() : Severity::kInfo, since};
}

}  // namespace

const Rule kScopeExitRule = {DriftKind::kScopeExit, kScopeSentence,
                             "info; past `warn_after` warning / critical", OpenScope};

}  // namespace driftwarden::monitor
