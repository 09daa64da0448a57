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
  // The sentence that stands in docs/convergence.md.
  const char* sentence;
  std::optional<OpenDrift> (*open)(const Situation&);
};

extern const Rule kDisableLagRule;
extern const Rule kDeletedLiveRule;
extern const Rule kTokenNotRevokedRule;
extern const Rule kCloudReenabledRule;
extern const Rule kSignInAfterDisableRule;

std::span<const Rule* const> AllRules();

// The severity of an account that lags behind AD, by phase and timers; shared by both lag kinds.
Severity LagSeverity(const Situation& s, DriftKind kind);

}  // namespace driftwarden::monitor
