// never_synced opens when the sync engine has run for two cycles since somebody was disabled or
// deleted in AD and the Entra account is untouched: filtered, refused or in error. It clears when
// the Entra account is disabled or deleted, or the AD account is enabled again.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kNeverSyncedSentence[] =
    "never_synced opens when the sync engine has run for two cycles since somebody was "
    "disabled or deleted in AD and the Entra account is untouched: filtered, refused or in "
    "error. It clears when the Entra account is disabled or deleted, or the AD account is "
    "enabled again.";

std::optional<OpenDrift> OpenNeverSynced(const Situation& s) {
  if (!s.departed || !s.live || !s.settled) return std::nullopt;
  if (!IsOpenPhase(s.phase) || s.phase == State::kRegressed) return std::nullopt;
  if (s.OpenSeverity(DriftKind::kNeverSynced)) {
    return OpenDrift{DriftKind::kNeverSynced, s.WarnOrCritical(), s.counts_from};
  }
  const auto& last = s.link->engine_last_sync;
  const absl::Duration two_cycles = 2 * CycleOf(*s.policy, *s.link);
  // Two clocks besides ours: the tenant's dates the sync, the controller's the departure.
  const bool over = last && *last - s.skew >= s.DepartedBy() + two_cycles;
  if (!s.may_advance || !over) return std::nullopt;
  return OpenDrift{DriftKind::kNeverSynced, s.WarnOrCritical(), s.counts_from};
}

}  // namespace

const Rule kNeverSyncedRule = {DriftKind::kNeverSynced, kNeverSyncedSentence, "warning / critical",
                               OpenNeverSynced};

}  // namespace driftwarden::monitor
