#include "monitor/verdict.h"

#include <algorithm>
#include <iterator>

namespace driftwarden::monitor {
namespace {

template <typename Enum, size_t N>
std::optional<Enum> Find(const Enum (&all)[N], std::string_view (*text_of)(Enum),
                         std::string_view text) {
  for (const Enum value : all) {
    if (text_of(value) == text) return value;
  }
  return std::nullopt;
}

constexpr ActionKind kAllActionKinds[] = {ActionKind::kRevokeSessions, ActionKind::kDisableAccount,
                                          ActionKind::kDisableDevices};

// Which of two open kinds of one severity is the worse one; what may not be silenced by another
// comes last. What only says why somebody lags stands before the lag: its alert keeps its name.
constexpr DriftKind kByWeight[] = {
    DriftKind::kOrphanSynced,       DriftKind::kDeviceEnabled,
    DriftKind::kResetWithoutRevoke, DriftKind::kTokenNotRevoked,
    DriftKind::kAccountExpiredLive, DriftKind::kReverseDrift,
    DriftKind::kLockedOutByUs,      DriftKind::kLeftNotDisabled,
    DriftKind::kScopeExit,          DriftKind::kAnchorConflict,
    DriftKind::kNeverSynced,        DriftKind::kSourceOfAuthorityMoved,
    DriftKind::kDisableLag,         DriftKind::kDeletedLive,
    DriftKind::kCloudReenabled,     DriftKind::kSoftDeletedRestored,
    DriftKind::kSignInAfterDisable};
static_assert(std::size(kByWeight) == std::size(kAllDriftKinds));

int Weight(const EpisodeKind& kind) {
  const auto at = std::find(std::begin(kByWeight), std::end(kByWeight), kind.kind);
  return static_cast<int>(kind.severity) * 100 + static_cast<int>(at - std::begin(kByWeight));
}

}  // namespace

std::string_view StateText(State s) {
  switch (s) {
    case State::kUnlinked:
      return "unlinked";
    case State::kAligned:
      return "aligned";
    case State::kPending:
      return "pending";
    case State::kLagging:
      return "lagging";
    case State::kBreached:
      return "breached";
    case State::kContained:
      return "contained";
    case State::kUnsealed:
      return "unsealed";
    case State::kConverged:
      return "converged";
    case State::kRegressed:
      return "regressed";
    case State::kReversed:
      return "reversed";
    case State::kQuarantined:
      return "quarantined";
    case State::kExempt:
      return "exempt";
    case State::kInherited:
      return "inherited";
    case State::kBlind:
      return "blind";
  }
  return "unknown";
}

std::optional<State> ParseState(std::string_view text) {
  return Find(kAllStates, StateText, text);
}

bool IsOpenPhase(State phase) {
  switch (phase) {
    case State::kPending:
    case State::kLagging:
    case State::kBreached:
    case State::kContained:
    case State::kUnsealed:
    case State::kRegressed:
      return true;
    default:
      return false;
  }
}

bool IsOpenState(State state) {
  return state == State::kQuarantined || IsOpenPhase(state);
}

std::string_view DriftKindText(DriftKind k) {
  switch (k) {
    case DriftKind::kDisableLag:
      return "disable_lag";
    case DriftKind::kTokenNotRevoked:
      return "token_not_revoked";
    case DriftKind::kCloudReenabled:
      return "cloud_reenabled";
    case DriftKind::kDeletedLive:
      return "deleted_live";
    case DriftKind::kSignInAfterDisable:
      return "signin_after_disable";
    case DriftKind::kAccountExpiredLive:
      return "account_expired_live";
    case DriftKind::kNeverSynced:
      return "never_synced";
    case DriftKind::kReverseDrift:
      return "reverse_drift";
    case DriftKind::kAnchorConflict:
      return "anchor_conflict";
    case DriftKind::kScopeExit:
      return "scope_exit";
    case DriftKind::kSourceOfAuthorityMoved:
      return "source_of_authority_moved";
    case DriftKind::kSoftDeletedRestored:
      return "soft_deleted_restored";
    case DriftKind::kLockedOutByUs:
      return "locked_out_by_us";
    case DriftKind::kResetWithoutRevoke:
      return "reset_without_revoke";
    case DriftKind::kDeviceEnabled:
      return "device_enabled";
    case DriftKind::kLeftNotDisabled:
      return "left_not_disabled";
    case DriftKind::kOrphanSynced:
      return "orphan_synced";
  }
  return "unknown";
}

std::optional<DriftKind> ParseDriftKind(std::string_view text) {
  return Find(kAllDriftKinds, DriftKindText, text);
}

bool IsWithoutDeparture(DriftKind k) {
  switch (k) {
    case DriftKind::kAccountExpiredLive:
    case DriftKind::kReverseDrift:
    case DriftKind::kScopeExit:
    case DriftKind::kLockedOutByUs:
    case DriftKind::kResetWithoutRevoke:
    case DriftKind::kDeviceEnabled:
    case DriftKind::kLeftNotDisabled:
    case DriftKind::kOrphanSynced:
      return true;
    default:
      return false;
  }
}

std::string_view SeverityText(Severity s) {
  switch (s) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kCritical:
      return "critical";
  }
  return "unknown";
}

std::string_view EpisodeResultText(EpisodeResult r) {
  switch (r) {
    case EpisodeResult::kConverged:
      return "converged";
    case EpisodeResult::kDeleted:
      return "deleted";
    case EpisodeResult::kReversed:
      return "reversed";
    case EpisodeResult::kNoCloudAccount:
      return "no_cloud_account";
    case EpisodeResult::kSuperseded:
      return "superseded";
    case EpisodeResult::kExempt:
      return "exempt";
  }
  return "unknown";
}

std::optional<EpisodeResult> ParseEpisodeResult(std::string_view text) {
  return Find(kAllEpisodeResults, EpisodeResultText, text);
}

std::string_view ActionKindText(ActionKind a) {
  switch (a) {
    case ActionKind::kRevokeSessions:
      return "revoke_sessions";
    case ActionKind::kDisableAccount:
      return "disable_account";
    case ActionKind::kDisableDevices:
      return "disable_devices";
  }
  return "unknown";
}

std::optional<ActionKind> ParseActionKind(std::string_view text) {
  return Find(kAllActionKinds, ActionKindText, text);
}

std::string_view PersonClassText(PersonClass c) {
  switch (c) {
    case PersonClass::kNone:
      return "";
    case PersonClass::kBreakGlass:
      return "break_glass";
    case PersonClass::kService:
      return "service";
    case PersonClass::kSharedMailbox:
      return "shared_mailbox";
  }
  return "unknown";
}

std::string_view ActionReasonText(ActionReason r) {
  switch (r) {
    case ActionReason::kLag:
      return "lag";
    case ActionReason::kSeal:
      return "seal";
  }
  return "unknown";
}

DriftKind LeadingKind(const Episode& episode) {
  const EpisodeKind* leading = nullptr;
  for (const EpisodeKind& kind : episode.kinds) {
    if (!kind.cleared && (leading == nullptr || Weight(kind) > Weight(*leading))) leading = &kind;
  }
  if (leading == nullptr) {
    for (const EpisodeKind& kind : episode.kinds) {
      if (leading == nullptr || *kind.cleared >= *leading->cleared) leading = &kind;
    }
  }
  if (leading != nullptr) return leading->kind;
  return episode.deleted_in_ad ? DriftKind::kDeletedLive : DriftKind::kDisableLag;
}

std::optional<Severity> WorstSeverity(const Episode& episode) {
  std::optional<Severity> worst;
  for (const EpisodeKind& kind : episode.kinds) {
    if (!kind.cleared && (!worst || kind.severity > *worst)) worst = kind.severity;
  }
  return worst;
}

}  // namespace driftwarden::monitor
