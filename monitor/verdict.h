#pragma once

// The vocabulary of decisions. Enumerators reach the disk: numbers are explicit and never reused.

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "monitor/ids.h"

namespace driftwarden::monitor {

// Overlays first (the first that holds is the state), then phases.
enum class State : uint8_t {
  kUnlinked = 1,
  kAligned = 2,
  kPending = 3,
  kLagging = 4,
  kBreached = 5,
  kContained = 6,
  kUnsealed = 7,
  kConverged = 8,
  kRegressed = 9,
  kReversed = 10,
  kQuarantined = 20,
  kExempt = 21,
  kInherited = 22,
  kBlind = 23,
};
constexpr State kAllStates[] = {
    State::kUnlinked,    State::kAligned,  State::kPending,   State::kLagging,   State::kBreached,
    State::kContained,   State::kUnsealed, State::kConverged, State::kRegressed, State::kReversed,
    State::kQuarantined, State::kExempt,   State::kInherited, State::kBlind};
std::string_view StateText(State s);  // "pending"
std::optional<State> ParseState(std::string_view text);
// A phase in which a departure is not over: an episode is open while it lasts.
bool IsOpenPhase(State phase);
// The same of a stored state: `quarantined` stands over open phases only, and the departure below
// it is as open as any.
bool IsOpenState(State state);

enum class DriftKind : uint8_t {
  kDisableLag = 1,
  kTokenNotRevoked = 2,
  kCloudReenabled = 3,
  kDeletedLive = 4,
  kSignInAfterDisable = 5,
  kAccountExpiredLive = 6,
  kNeverSynced = 7,
  kReverseDrift = 8,
  kAnchorConflict = 9,
  kScopeExit = 10,
  kSourceOfAuthorityMoved = 11,
  kSoftDeletedRestored = 12,
  kLockedOutByUs = 13,
  kResetWithoutRevoke = 14,
  kDeviceEnabled = 15,
  kLeftNotDisabled = 16,
  kOrphanSynced = 17,
};
constexpr DriftKind kAllDriftKinds[] = {DriftKind::kDisableLag,
                                        DriftKind::kTokenNotRevoked,
                                        DriftKind::kCloudReenabled,
                                        DriftKind::kDeletedLive,
                                        DriftKind::kSignInAfterDisable,
                                        DriftKind::kAccountExpiredLive,
                                        DriftKind::kNeverSynced,
                                        DriftKind::kReverseDrift,
                                        DriftKind::kAnchorConflict,
                                        DriftKind::kScopeExit,
                                        DriftKind::kSourceOfAuthorityMoved,
                                        DriftKind::kSoftDeletedRestored,
                                        DriftKind::kLockedOutByUs,
                                        DriftKind::kResetWithoutRevoke,
                                        DriftKind::kDeviceEnabled,
                                        DriftKind::kLeftNotDisabled,
                                        DriftKind::kOrphanSynced};
constexpr DriftKind kLastDriftKind = kAllDriftKinds[std::size(kAllDriftKinds) - 1];
std::string_view DriftKindText(DriftKind k);  // "disable_lag"
std::optional<DriftKind> ParseDriftKind(std::string_view text);
// Of somebody who is enabled in AD, or whose departure is over: no state of a departure stands for
// it.
bool IsWithoutDeparture(DriftKind k);

enum class Severity : uint8_t { kInfo = 1, kWarning = 2, kCritical = 3 };
constexpr Severity kAllSeverities[] = {Severity::kInfo, Severity::kWarning, Severity::kCritical};
std::string_view SeverityText(Severity s);

enum class EpisodeResult : uint8_t {
  kConverged = 1,
  kDeleted = 2,
  kReversed = 3,
  kNoCloudAccount = 4,
  kSuperseded = 5,
  kExempt = 6,
};
constexpr EpisodeResult kAllEpisodeResults[] = {
    EpisodeResult::kConverged,      EpisodeResult::kDeleted,    EpisodeResult::kReversed,
    EpisodeResult::kNoCloudAccount, EpisodeResult::kSuperseded, EpisodeResult::kExempt};
std::string_view EpisodeResultText(EpisodeResult r);
std::optional<EpisodeResult> ParseEpisodeResult(std::string_view text);

enum class ActionKind : uint8_t { kRevokeSessions = 1, kDisableAccount = 2, kDisableDevices = 3 };
std::string_view ActionKindText(ActionKind a);  // "revoke_sessions"
std::optional<ActionKind> ParseActionKind(std::string_view text);

// Accounts that are watched and shown, but of no person who could leave: exempt, never acted on.
enum class PersonClass : uint8_t { kNone = 0, kBreakGlass = 1, kService = 2, kSharedMailbox = 3 };
constexpr PersonClass kAllPersonClasses[] = {PersonClass::kBreakGlass, PersonClass::kService,
                                             PersonClass::kSharedMailbox};
std::string_view PersonClassText(PersonClass c);  // "break_glass"; "" for kNone

// Why an action is wanted: the sync lags, or the account is disabled but not sealed.
enum class ActionReason : uint8_t { kLag = 1, kSeal = 2 };
std::string_view ActionReasonText(ActionReason r);  // "lag", "seal"

struct OpenDrift {
  DriftKind kind = DriftKind::kDisableLag;
  Severity severity = Severity::kInfo;
  absl::Time since;  // when the drift began, as paging counts it
  friend bool operator==(const OpenDrift&, const OpenDrift&) = default;
};

struct WantedAction {
  ActionKind action = ActionKind::kRevokeSessions;
  ActionReason reason = ActionReason::kLag;
  friend bool operator==(const WantedAction&, const WantedAction&) = default;
};

// Which rule decided, and the inputs it compared, as data: `drift explain` prints it.
struct Because {
  std::string rule;
  std::vector<std::pair<std::string, std::string>> inputs;
};

struct Verdict {
  State state = State::kUnlinked;  // overlay if one holds, else the phase; never kBlind (see below)
  State phase = State::kUnlinked;
  bool blind = false;            // a needed source is stale: shown as `blind`, no action starts
  bool departed = false;         // AD disabled or deleted
  std::vector<OpenDrift> drift;  // worst first
  std::vector<WantedAction> wanted;
  absl::Time review_at = absl::InfiniteFuture();
  std::string next;  // what happens at review_at, for people
  Because because;
  bool wants_reads = false;  // both sides are to be read directly, at once, while this holds
};

// One departure of one person, from AD disable or deletion to its result.
struct EpisodeKind {
  DriftKind kind = DriftKind::kDisableLag;
  Severity severity = Severity::kInfo;
  absl::Time since;   // paging's zero
  absl::Time opened;  // our commit
  std::optional<absl::Time> cleared;
  friend bool operator==(const EpisodeKind&, const EpisodeKind&) = default;
};

struct Episode {
  EpisodeId id;
  LinkName link;
  PersonOrdinal person = 0;
  TierName tier;
  State phase = State::kPending;  // while open; the last one when closed
  // AD disable or deletion. Empty: nobody departed, the kinds below are about something else.
  TimeBounds departed;
  bool deleted_in_ad = false;
  absl::Time opened;
  std::vector<EpisodeKind> kinds;            // open and cleared
  std::optional<TimeBounds> entra_disabled;  // this episode's Entra disable or deletion
  std::optional<absl::Time> revoked;         // first attributed revocation after the departure
  std::optional<EpisodeResult> result;
  std::optional<absl::Time> closed;
  uint32_t revokes = 0;             // calls made for lag (max_revokes_per_episode)
  uint32_t seals = 0;               // calls made to seal, counted apart
  bool containment_failed = false;  // a call was refused or could not be verified: a human must act
  bool OfDeparture() const { return !(departed == TimeBounds{}); }
  friend bool operator==(const Episode&, const Episode&) = default;
};

// The worst kind open, else the last one, at first disable_lag or deleted_live.
DriftKind LeadingKind(const Episode& episode);
std::optional<Severity> WorstSeverity(const Episode& episode);  // of open kinds

}  // namespace driftwarden::monitor
