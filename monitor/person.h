#pragma once

// The records of one link: people with their memory, actions, incidents, guards, evidence and the
// link itself. Plain values; the store turns them into bytes, the core into other values.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hex.h"
#include "monitor/cause_records.h"
#include "monitor/facts.h"
#include "monitor/told.h"
#include "monitor/verdict.h"

namespace driftwarden::monitor {

// What no source can re-tell.
struct Memory {
  bool inherited = false;                    // drift that was there at the first complete look
  bool before_our_time = false;              // disabled or gone on both sides at the first look
  std::optional<absl::Time> last_converged;  // set while AD still says disabled
  std::vector<absl::Time> toggles;           // AD enable/disable flips within the flap window
  uint32_t episodes = 0;                     // how many there have been
  bool departure_handled = false;            // the present departure had its episode, or needs none
  std::optional<absl::Time> returned_at;     // AD enabled again, Entra not yet
  // The last episode closed a short while ago: sign-ins are read until then.
  std::optional<absl::Time> watch_until;
  // Kinds of drift without a departure that were there at the first complete look, and since;
  // sorted.
  std::vector<DriftKind> inherited_kinds;
  // Resets of the AD password within the last kResetWindow, and when there last were two of them.
  std::vector<absl::Time> password_resets;
  std::optional<absl::Time> reset_twice_at;
  std::optional<Exemption> exemption;  // gone when its time is over
  std::optional<ExpectedLeave> leave;
  // The names people sign in with differ between the sides since then, as we saw it.
  std::optional<absl::Time> upn_differs_since;
  std::optional<CompromiseMark> compromised;  // until the sessions are revoked, or they are gone
  friend bool operator==(const Memory&, const Memory&) = default;
};

constexpr absl::Duration kResetWindow = absl::Minutes(10);

// Something about them was wrong before us, and nobody took it over.
inline bool HasInherited(const Memory& memory) {
  return memory.inherited || !memory.inherited_kinds.empty();
}

struct Person {
  PersonOrdinal ordinal = 0;
  Facts facts;
  Memory memory;
  std::optional<Episode> episode;  // the open one
  // The last verdict, for counters, indexes and lists.
  State state = State::kUnlinked;
  State phase = State::kUnlinked;
  TierName tier{"standard"};
  PersonClass person_class = PersonClass::kNone;
  absl::Time review_at = absl::InfiniteFuture();  // indexed; InfiniteFuture: none
  friend bool operator==(const Person&, const Person&) = default;
};

// Live in Entra and wrong before us, and somebody is to look at it before we may. Nobody has to
// look at what is never more than info.
inline bool WaitsForBaseline(const Person& person) {
  if (person.person_class != PersonClass::kNone || person.memory.exemption) return false;
  bool waits = person.memory.inherited;
  for (const DriftKind kind : person.memory.inherited_kinds) {
    waits = waits || kind != DriftKind::kOrphanSynced;
  }
  return waits && person.facts.EntraLive();
}

struct GateResult {
  std::string name;
  bool ok = false;
  std::string observed;
  friend bool operator==(const GateResult&, const GateResult&) = default;
};

// Numbers reach the disk. kCleared is shown as `intent` outside: gates passed, the call may or may
// not have been made; after a crash such an action is reconciled by reading.
enum class ActionState : uint8_t {
  kShadow = 1,
  kAwaitingApproval = 2,
  kApproved = 3,
  kDenied = 4,
  kExpired = 5,
  kBlocked = 6,
  kQueued = 7,
  kIntent = 8,
  kCleared = 9,
  kCalled = 10,
  kVerified = 11,
  kFailed = 12,
  kDropped = 13,
};
std::string_view ActionStateText(ActionState s);
bool IsLive(ActionState s);  // queued, intent, cleared, called, awaiting_approval, approved

struct Action {
  ActionId id;  // UUID, and Graph's client-request-id
  EpisodeId episode;
  PersonOrdinal person = 0;
  TierName tier;
  std::string entra_id;  // the target
  ActionKind kind = ActionKind::kRevokeSessions;
  ActionReason reason = ActionReason::kLag;
  ActionState state = ActionState::kQueued;
  std::vector<GateResult> gates;  // all that were looked at last
  absl::Time requested_at;
  std::optional<absl::Time> intent_at;
  std::optional<absl::Time> cleared_at;
  std::optional<TimeBounds> called;         // begin and end of the call, our clock
  std::optional<absl::Time> finished_at;    // verified, failed, blocked or dropped
  std::optional<SessionsValidFrom> before;  // sessions_valid_from as re-read before the call
  uint32_t attempts = 0;
  std::string request_id;              // Graph's request-id of the last call
  std::string outcome;                 // for people: why blocked, failed, dropped
  std::optional<absl::Time> retry_at;  // not before
  friend bool operator==(const Action&, const Action&) = default;
};

// What Alertmanager should be told. Everything firing is re-sent; label sets once announced are
// resolved before the record goes.
struct Incident {
  IncidentId id;
  std::string alertname;  // DriftwardenPerson, DriftwardenCause
  LabelSet labels;        // without annotations; alertname included
  std::optional<PersonOrdinal> person;
  absl::Time starts_at;
  std::optional<absl::Time> ended_at;  // set: to be sent resolved, then removed
  std::vector<LabelSet> announced;     // sent firing and not yet sent resolved
  friend bool operator==(const Incident&, const Incident&) = default;
};

// It says that an episode is open which is not the person's any more: a record of an earlier
// version that nobody ended.
bool IsLeftBehind(const Incident& incident, const Person& person);

struct GuardState {
  bool tripped = false;
  absl::Time since;  // of the trip, or of the last reset: windows are counted from there
  std::string detail;
  friend bool operator==(const GuardState&, const GuardState&) = default;
};
// The latching guards of this version; names are the contract's `guard` label.
constexpr const char* kGuardPercent = "max_percent_per_day";
constexpr const char* kGuardVerification = "verification_failed";
constexpr const char* kGuardMassDisable = "mass_disable";
constexpr const char* kGuardMassScopeExit = "mass_scope_exit";
constexpr const char* kGuardOwnCalls = "call_without_intent";
constexpr const char* kAllGuards[] = {kGuardPercent, kGuardVerification, kGuardMassDisable,
                                      kGuardMassScopeExit, kGuardOwnCalls};

// No guard, and kept beside them: what a person put on by hand, and takes off again.
constexpr const char* kPaused = "paused";

struct SourceState {
  SourceKind kind = SourceKind::kActiveDirectory;
  std::string cursor;                                     // of the last completed round
  absl::Time last_success = absl::InfinitePast();         // end of the last completed round
  absl::Time last_complete_begin = absl::InfinitePast();  // begin of the last completed round
  absl::Time last_change = absl::InfinitePast();
  absl::Duration clock_offset;
  bool snapshot_running = false;
  bool snapshot_complete = false;  // at least one full read was completed
  uint64_t snapshot_objects = 0;
  // The gap rule: after a gap nobody advances past pending until both sources completed a read
  // that began after it. InfinitePast: no gap.
  absl::Time gap_ended = absl::InfinitePast();
  uint64_t snapshot_batch = 0;  // number of the last batch that counted into snapshot_objects
  std::string base_dn;          // of the last batch that named one, see ChangeBatch
  friend bool operator==(const SourceState&, const SourceState&) = default;
};

struct CallStamp {  // for budgets and breakers, kept for 24 h
  absl::Time at;
  PersonOrdinal person = 0;
  ActionReason reason = ActionReason::kLag;
  friend bool operator==(const CallStamp&, const CallStamp&) = default;
};

struct UserCountKey {
  State state;
  TierName tier;
  friend auto operator<=>(const UserCountKey&, const UserCountKey&) = default;
};
struct OpenCountKey {
  DriftKind kind;
  TierName tier;
  Severity severity;
  friend auto operator<=>(const OpenCountKey&, const OpenCountKey&) = default;
};

// People with open drift, warning or worse: by what `status` and exit code 3 go.
struct DriftCounts {
  uint64_t departures = 0;
  uint64_t others = 0;  // who differ between the sides without having left
  uint64_t All() const { return departures + others; }
  friend bool operator==(const DriftCounts&, const DriftCounts&) = default;
};
bool IsInDrift(const Person& person);
// Takes the person into the count, or out of it: `sign` is 1 or -1.
void CountDrift(DriftCounts& counts, const Person& person, int64_t sign);

// Since when, and how far, the present policy judges a link's people.
struct PolicyEpoch {
  uint64_t number = 0;  // rises by one with each policy that differs; 0: none was recorded
  absl::Time since = absl::InfinitePast();
  std::string actor;                         // who put it in force
  std::map<std::string, std::string> parts;  // PolicyParts
  // Everybody there was when it began, 1 to judge_to, is judged anew; up to `judged` they are.
  PersonOrdinal judged = 0;
  PersonOrdinal judge_to = 0;
  friend bool operator==(const PolicyEpoch&, const PolicyEpoch&) = default;
};

// One record a link. Changed in the same commit as the people it counts.
struct LinkState {
  LinkName name;
  uint64_t next_person = 1;
  uint64_t next_episode = 1;
  std::map<SourceName, SourceState> sources;
  std::optional<absl::Time> engine_last_sync;  // of the tenant, or of Cloud Sync where later
  absl::Duration learned_cycle;                // zero: not learned, factor 1
  std::optional<absl::Time> baseline_at;       // both sides completely read for the first time
  std::optional<absl::Time> baseline_accepted;
  std::string baseline_accepted_by;
  std::map<std::string, GuardState> guards;
  uint32_t verification_failures = 0;  // in a row
  std::vector<CallStamp> calls;
  std::map<UserCountKey, int64_t> users;
  std::map<OpenCountKey, int64_t> open;  // open drift kinds of open episodes
  uint64_t linked_people = 0;            // people with both halves
  uint64_t inherited_live = 0;
  DriftCounts in_drift;
  uint64_t evidence_seq = 0;  // of the last entry; 0: none
  Sha256Digest evidence_hash{};
  PolicyEpoch policy;
  TenantFacts tenant;
  std::map<TenantLog, LogState> logs;
  LogState devices;  // of people with an open episode: what keeps them from being read
  // Begin of the tenant's last full read but the first, until each of those whom it did not return
  // was read directly: to be missing from it says nothing.
  std::optional<absl::Time> unreturned_since;
  CauseBook causes;
  friend bool operator==(const LinkState&, const LinkState&) = default;
};

// One link in the chain of evidence; ids only, names are joined at export.
struct EvidenceEntry {
  uint64_t seq = 0;
  absl::Time at;  // our commit
  LinkName link;
  std::string type;  // contract's timeline types, and gate_results, ...
  std::optional<PersonOrdinal> person;
  std::string episode;
  std::string action;
  TimeBounds fact;  // when it happened, as far as known
  std::string source;
  std::map<std::string, std::string> details;
  Sha256Digest previous{};
  Sha256Digest hash{};  // over every field above
  friend bool operator==(const EvidenceEntry&, const EvidenceEntry&) = default;
};

}  // namespace driftwarden::monitor
