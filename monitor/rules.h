#pragma once

// The table of drift kinds: one small rule each. A rule opens its kind from a situation and gives
// the severity; a kind that is open and not opened again is cleared, so that clearing is always
// evidence of its own and never time alone. A new kind is a new rule and a row in AllRules().

#include <optional>
#include <span>

#include "monitor/situation.h"
#include "monitor/verdict.h"

namespace driftwarden::monitor {

struct Rule {
  DriftKind kind;
  // How it opens and clears; stands in docs/convergence.md, whose table is made from the rules.
  const char* sentence;
  const char* severity;  // standard / tier 0, in the words of that table
  std::optional<OpenDrift> (*open)(const Situation&);
  // Of kinds that need no departure: whether what they are about is so, however short. What was so
  // at the first look is inherited until it is not so any more.
  bool (*holds)(const Situation&) = nullptr;
};

extern const Rule kDisableLagRule;
extern const Rule kDeletedLiveRule;
extern const Rule kTokenNotRevokedRule;
extern const Rule kCloudReenabledRule;
extern const Rule kSignInAfterDisableRule;
extern const Rule kAccountExpiredLiveRule;
extern const Rule kNeverSyncedRule;
extern const Rule kReverseDriftRule;
extern const Rule kAnchorConflictRule;
extern const Rule kScopeExitRule;
extern const Rule kSourceOfAuthorityMovedRule;
extern const Rule kSoftDeletedRestoredRule;
extern const Rule kLockedOutByUsRule;
extern const Rule kResetWithoutRevokeRule;
extern const Rule kDeviceEnabledRule;
extern const Rule kLeftNotDisabledRule;
extern const Rule kOrphanSyncedRule;

std::span<const Rule* const> AllRules();

// The severity of an account that lags behind AD, by phase and timers; shared by both lag kinds.
Severity LagSeverity(const Situation& s, DriftKind kind);
// Live again because the account was restored, not because it was enabled.
bool CameBackByRestore(const Situation& s);
// Out of Entra by driftwarden's own hand, as an audit record says.
bool DisabledByUs(const Situation& s);

}  // namespace driftwarden::monitor
