#pragma once

// Commands of a link as pure functions from records to changed records. The engine loads what a
// command touches, calls one of these, and commits the result in one atomic write.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "monitor/evaluate.h"
#include "monitor/guards.h"
#include "monitor/person.h"
#include "monitor/policy.h"
#include "monitor/policy_epoch.h"

namespace driftwarden::monitor {

// What becomes of actions, as they are counted: the steps of the way and its ends. An outcome that
// does not stand here cannot be counted, and whoever exports counters declares all of these.
enum class ActionOutcome : uint8_t {
  kIntent = 1,
  kCalled = 2,
  kVerified = 3,
  kFailed = 4,
  kBlocked = 5,
  kDropped = 6,
};
constexpr ActionOutcome kAllActionOutcomes[] = {ActionOutcome::kIntent,   ActionOutcome::kCalled,
                                                ActionOutcome::kVerified, ActionOutcome::kFailed,
                                                ActionOutcome::kBlocked,  ActionOutcome::kDropped};
std::string_view ActionOutcomeText(ActionOutcome outcome);

// What the metrics count, in the order it happened. Set only from committed changes.
struct Tally {
  struct Lag {
    TierName tier;
    absl::Duration lag;  // LagBounds::observed
    bool by_driftwarden = false;
  };
  std::vector<std::pair<DriftKind, TierName>> episodes_opened;
  struct Closed {
    DriftKind kind;
    TierName tier;
    EpisodeResult result;
  };
  std::vector<Closed> episodes_closed;
  std::vector<Lag> disable_lags;
  std::vector<Lag> revocation_lags;
  std::vector<std::pair<SourceName, absl::Duration>> detection_lags;
  std::map<std::pair<SourceName, std::string>, uint64_t> source_changes;  // watched, unwatched, ...
  std::map<std::pair<SourceName, std::string>, uint64_t> source_resets;   // ResetReasonsOf
  std::map<std::pair<ActionKind, ActionOutcome>, uint64_t> actions;
  enum class Wait { kCall, kVerify };  // intent to the answered call; call to read-back
  struct ActionWait {
    ActionKind action;
    Wait wait;
    absl::Duration took;
  };
  std::vector<ActionWait> action_waits;
  uint64_t negative_lags = 0;
};

// What brought a command about, as evidence and log name it; at most one is set.
struct Cause {
  BatchId batch;    // a round of a source, or of direct reads
  ActionId intent;  // an action's own reads, calls and outcomes
};

// Everything one command writes: exactly one atomic commit.
struct Changes {
  Cause cause;
  LinkState link;                      // as it is after
  std::vector<Person> people;          // changed or new
  std::vector<PersonOrdinal> removed;  // merged into another person (a re-join)
  std::vector<Episode> closed_episodes;
  std::vector<Action> actions;      // changed or new
  std::vector<Incident> incidents;  // changed or new
  std::vector<IncidentId> removed_incidents;
  std::vector<EvidenceEntry> evidence;  // chained, in order
  Tally tally;
  // People judged here who are to be read directly, on both sides, as soon as may be: open episodes
  // and looks that contradict each other. Not stored: review_at brings them up again.
  std::vector<PersonOrdinal> reads_wanted;
  // Whom a batch of a full read of the tenant returned.
  std::vector<PersonOrdinal> returned;
  bool must_sync = false;  // holds a cursor, intent, incident, evidence or operator data
  bool wake_actions = false;
  bool wake_alerts = false;
};

// What a list of observations touches: the engine resolves these to people through the store.
// Anchors are those the observations name; a person's own follow from the person.
struct TouchedKeys {
  std::vector<Guid> guids;
  std::vector<std::string> entra_ids;
  std::vector<Anchor> anchors;
};
TouchedKeys KeysOf(const std::vector<Observation>& observations);

// How a touched person is found. The engine resolves keys to people through the store before a
// batch is applied; people that do not exist yet are created by the batch. The people that loaded
// ones conflict with (Facts::conflicts_with) are loaded too.
struct PeopleSet {
  std::map<PersonOrdinal, Person> by_ordinal;
  std::map<Guid, PersonOrdinal> by_guid;
  std::map<std::string, PersonOrdinal> by_entra_id;
  std::map<Anchor, PersonOrdinal> by_anchor;  // of AD halves or Entra halves, whichever came
  // Every action of the open episode, and live ones of earlier episodes; the incident of the person
  // that is open or still to be resolved.
  std::map<PersonOrdinal, std::vector<Action>> actions;
  std::map<PersonOrdinal, Incident> incidents;
};

struct Context {
  const LinkState& link;
  const Policy& policy;
  absl::Time now;
  Rng& rng;                    // for action ids
  bool clock_suspect = false;  // our own clock: no deadline verdict, no action
  // Of `policy`. Another one than the link's begins a new epoch in this very command; null: none is
  // kept.
  const PolicyStamp* stamp = nullptr;
  absl::Time running_since = absl::InfinitePast();  // this process reads
  // Two sources' clocks, read by this process and since its own jumped, agree with ours.
  bool clock_vouched = false;
};

Changes ApplyBatch(const Context& context, PeopleSet people, const ChangeBatch& batch);
// Direct reads: observations without a cursor. `round`: what they belong to.
Changes ApplyReads(const Context& context, PeopleSet people,
                   const std::vector<Observation>& observations, const BatchId& round);
// Everybody whom the full read that began at `since` did not return was read, `asked` people. Does
// nothing when another full read has ended meanwhile.
Changes ApplyConfirmed(const Context& context, absl::Time since, uint64_t asked);
// People whose review_at is due, or who are to be evaluated again (policy change, baseline).
Changes ApplyReview(const Context& context, PeopleSet people);
// Everybody from `after` (not included) to `to`, for the policy's epoch. Moves its mark from
// `after` to `to`; a mark that stands elsewhere stays. Not while the clock is suspect.
Changes ApplyPolicyReview(const Context& context, PeopleSet people, PersonOrdinal after,
                          PersonOrdinal to);

// The link's causes alone, when time may have opened or ended one (CausesDueAt).
Changes ApplyCauses(const Context& context);

// Action outcomes, reported by the runner. `result` values below.
struct GateReport {  // second phase: after the intent, before the call
  ActionId action;
  std::vector<GateResult> gates;
  std::optional<SessionsValidFrom> before;
  std::vector<Observation> observations;  // the re-reads, merged like direct reads
};
struct CallReport {
  ActionId action;
  TimeBounds called;
  Status status;  // of the call; PermissionDenied is never retried
  std::string request_id;
  bool sent = true;  // false: nothing left this machine
};
struct VerifyReport {
  ActionId action;
  bool verified = false;  // else: the time for verification is over
  absl::Time read_at;
  std::optional<SessionsValidFrom> value;
  std::optional<absl::Time> called_at_reconciled;  // found by reading after a crash
};
Changes ApplyGates(const Context& context, PeopleSet people, const GateReport& report);
Changes ApplyCall(const Context& context, PeopleSet people, const CallReport& report);
Changes ApplyVerify(const Context& context, PeopleSet people, const VerifyReport& report);

// Deliveries, reported by the dispatcher.
struct DeliveryReport {
  IncidentId incident;
  LabelSet labels;
  bool firing = true;  // false: was sent resolved
  std::string receiver;
};
Changes ApplyDelivery(const Context& context, PeopleSet people, std::vector<Incident> incidents,
                      const std::vector<DeliveryReport>& reports);

// What the tenant says of itself. Who is touched is in `people`; TenantKeysOf says who may be.
Changes ApplyTenant(const Context& context, PeopleSet people, const TenantLook& look);
// Entra ids of everybody whom a look may change.
std::vector<std::string> TenantKeysOf(const LinkState& link, const TenantLook& look);

// A page of one of the tenant's logs, of people who are known by the Entra ids it names; and the
// devices of one of them. When nothing is new no record but the link is changed.
Changes ApplyLog(const Context& context, PeopleSet people, const LogLook& look);
Changes ApplyDevices(const Context& context, PeopleSet people, const DeviceLook& look);

// Operator's writes.
Changes ApplyBaselineAccept(const Context& context, PeopleSet inherited_people,
                            const std::string& actor);
// `held_back`: people with actions that HeldBackBy(guard) says were blocked by it; they are due at
// once. Others are tried again at their own time.
Changes ApplyGuardReset(const Context& context, PeopleSet held_back, const std::string& guard,
                        const std::string& actor, const std::string& reason);
bool HeldBackBy(const Action& action, const std::string& guard);
// Nothing more is done in this link, and what is under way stops before its call, until
// ApplyGuardReset(kPaused). No change when it is paused already.
Changes ApplyPause(const Context& context, const std::string& actor, const std::string& reason);
// While it lasts the person is `exempt`; an episode that is open ends so. Replaces an earlier one.
Changes ApplyExemption(const Context& context, PeopleSet people, PersonOrdinal person,
                       const Exemption& exemption);
// The person is judged like any other from now on.
Changes ApplyExemptionRemoval(const Context& context, PeopleSet people, PersonOrdinal person,
                              const std::string& actor);

// Drift (reset_without_revoke) until the sessions are revoked. Replaces an earlier mark; nothing is
// written about whom CheckMarkable refuses.
Changes ApplyCompromiseMark(const Context& context, PeopleSet people, PersonOrdinal person,
                            const CompromiseMark& mark);
// Nothing is written when there is none.
Changes ApplyCompromiseUnmark(const Context& context, PeopleSet people, PersonOrdinal person,
                              const std::string& actor);

// Somebody is to leave. What came of each word is in `outcomes`, in their order.
struct LeaveWord {
  PersonOrdinal person = 0;
  ExpectedLeave leave;
};
Changes ApplyExpectedLeavers(const Context& context, PeopleSet people,
                             const std::vector<LeaveWord>& words,
                             std::vector<LeaveOutcome>* outcomes);
// Is not to leave. `forget`: as if it had never been told; else the file cannot tell it again.
// Nothing is written when the person is not expected to leave.
Changes ApplyLeaverWithdrawal(const Context& context, PeopleSet people, PersonOrdinal person,
                              const std::string& actor, bool forget);

}  // namespace driftwarden::monitor
