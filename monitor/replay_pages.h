#pragma once

// Internal to the replay.

#include "monitor/replay.h"

namespace driftwarden::monitor {

// Alerts, revocations and lags that `entries`, sorted by time, tell of.
ReplayOutcome OutcomeOf(const std::vector<EvidenceEntry>& entries, const ReplayWindow& window);

}  // namespace driftwarden::monitor
