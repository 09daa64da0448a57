// What the action runner reports: gates after the re-reads, the call, the verification. Each is
// applied only in the state it belongs to, so that a report delivered twice changes nothing.

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "monitor/episode.h"
#include "monitor/guards.h"
#include "monitor/merge_all.h"
#include "monitor/settle.h"

namespace driftwarden::monitor {
namespace {

constexpr uint32_t kFailuresThatTrip = 3;
constexpr absl::Duration kReconcileAgain = absl::Minutes(2);

// Later results take the place of earlier ones of the same name.
void PutGates(std::vector<GateResult>& gates, const std::vector<GateResult>& later) {
  for (const GateResult& gate : later) {
    const auto known = std::find_if(gates.begin(), gates.end(),
                                    [&](const GateResult& g) { return g.name == gate.name; });
    if (known == gates.end()) {
      gates.push_back(gate);
    } else {
      *known = gate;
    }
  }
}

std::string FirstFailed(const std::vector<GateResult>& gates) {
  for (const GateResult& gate : gates) {
    if (!gate.ok) return Cat(gate.name, ": ", gate.observed);
  }
  return "";
}

void RecordOutcome(Transaction& tx, const Action& action, const char* type) {
  EvidenceEntry entry = EvidenceAbout(action, type);
  if (!action.outcome.empty()) entry.details["why"] = action.outcome;
  if (!action.request_id.empty()) entry.details["request_id"] = action.request_id;
  if (action.called) entry.fact = *action.called;
  tx.Record(std::move(entry));
}

// Ends an action that did not do what it was for; `retry_at` InfiniteFuture: never again.
void Fail(Transaction& tx, Action& action, ActionState state, const char* type, std::string outcome,
          absl::Time retry_at) {
  action.state = state;
  action.finished_at = tx.now();
  action.retry_at = retry_at;
  action.outcome = std::move(outcome);
  const bool blocked = state == ActionState::kBlocked;
  ++tx.tally().actions[{action.kind, blocked ? ActionOutcome::kBlocked : ActionOutcome::kFailed}];
  tx.MarkChanged(action);
  RecordOutcome(tx, action, type);
}

uint32_t TriesBefore(Transaction& tx, const Action& action) {
  uint32_t tries = action.attempts;
  for (const Action& other : tx.ActionsOf(action.person)) {
    const bool same = other.episode == action.episode && other.reason == action.reason;
    if (same && other.id != action.id && other.state != ActionState::kVerified) ++tries;
  }
  return tries;
}

Episode* EpisodeOf(Transaction& tx, const Action& action) {
  if (tx.Find(action.person) == nullptr) return nullptr;
  Person& person = tx.Touch(action.person);
  if (!person.episode || person.episode->id != action.episode) return nullptr;
  return &*person.episode;
}

// After the re-reads are merged: the same departure of the same account still calls for it.
GateResult StillWanted(Transaction& tx, const Person& person, const Action& action) {
  const char* name = "still_wanted";
  if (!person.episode || person.episode->id != action.episode) {
    return {name, false, "the episode is over"};
  }
  if (!person.facts.entra || person.facts.entra->id != action.entra_id) {
    return {name, false, "another Entra account is theirs now"};
  }
  const Verdict verdict = Evaluate(person, tx.link(), tx.policy(), tx.now());
  const WantedAction same{action.kind, action.reason};
  const bool wanted =
      std::find(verdict.wanted.begin(), verdict.wanted.end(), same) != verdict.wanted.end();
  return {name, wanted, wanted ? "still called for" : "no longer called for"};
}

// Whether a call that may have been made already may be made once more: it counts anew.
bool MayCallAgain(Transaction& tx, Action& action) {
  const Person* person = tx.Find(action.person);
  const Verdict verdict = Evaluate(*person, tx.link(), tx.policy(), tx.now());
  const PermitResult permit = PermitAction(*person, verdict, {action.kind, action.reason},
                                           tx.link(), tx.policy(), tx.now(), tx.clock_suspect());
  if (permit.permission == Permission::kAllow) {
    tx.link().calls.push_back({tx.now(), action.person, action.reason});
    return true;
  }
  PutGates(action.gates, permit.gates);
  // It stays what it is, so that reading goes on: the call that was made may yet show.
  action.retry_at = std::min(permit.retry_at, tx.now() + kReconcileAgain);
  action.outcome = Cat("waits: ", FirstFailed(permit.gates));
  return false;
}

void GuardVerification(Transaction& tx, const Action& action) {
  LinkState& link = tx.link();
  ++link.verification_failures;
  const bool tripped = link.guards[kGuardVerification].tripped;
  if (link.verification_failures < kFailuresThatTrip || tripped) return;
  tx.TripGuard(kGuardVerification,
               Cat(link.verification_failures, " revocations in a row could not be verified"),
               EvidenceAbout(action, ""));
}

void RecordRevocation(Transaction& tx, const Action& action, const VerifyReport& report) {
  if (tx.Find(action.person) == nullptr) return;
  Person& person = tx.Touch(action.person);
  Revocation revocation;
  revocation.called = *action.called;
  if (report.value) revocation.sessions_valid_from = report.value->at;
  revocation.verified_at = report.read_at;
  revocation.action = action.id;
  const auto& known = person.facts.last_revocation;
  if (!known || known->called.lo <= revocation.called.lo) person.facts.last_revocation = revocation;
  if (report.value && person.facts.entra && person.facts.entra->id == action.entra_id) {
    auto& current = person.facts.entra->sessions_valid_from;
    if (!current || current->never || current->at < report.value->at) current = report.value;
  }
  EvidenceEntry entry = EvidenceAbout(action, "sessions_revoked");
  entry.fact = *action.called;
  entry.source = tx.policy().entra_source.value;
  if (report.value) entry.details["sessions_valid_from"] = FormatRfc3339(report.value->at);
  tx.Record(std::move(entry));
}

void TallyWait(Transaction& tx, const Action& action, Tally::Wait wait, absl::Duration took) {
  tx.tally().action_waits.push_back({action.kind, wait, std::max(took, absl::ZeroDuration())});
}

void TallyRevocation(Transaction& tx, const Action& action) {
  Episode* episode = EpisodeOf(tx, action);
  if (episode == nullptr || episode->revoked) return;
  episode->revoked = action.called->lo;
  if (!episode->OfDeparture()) return;  // there is no moment to count from
  TallyRevocationLag(tx, *tx.Find(action.person), *action.called, true);
}

}  // namespace

std::string_view ActionOutcomeText(ActionOutcome outcome) {
  switch (outcome) {
    case ActionOutcome::kIntent:
      return "intent";
    case ActionOutcome::kCalled:
      return "called";
    case ActionOutcome::kVerified:
      return "verified";
    case ActionOutcome::kFailed:
      return "failed";
    case ActionOutcome::kBlocked:
      return "blocked";
    case ActionOutcome::kDropped:
      return "dropped";
  }
  return "unknown";
}

Changes ApplyGates(const Context& context, PeopleSet people, const GateReport& report) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({{}, report.action});
  MergeObservations(tx, report.observations, false);
  Action* action = tx.FindAction(report.action);
  const bool open = action != nullptr && (action->state == ActionState::kIntent ||
                                          action->state == ActionState::kCleared);
  if (!open) return tx.Finish();
  std::vector<GateResult> gates = report.gates;
  if (const Person* person = tx.Find(action->person)) {
    action->tier = TierOf(person->facts, tx.policy());
    gates.push_back(StillWanted(tx, *person, *action));
  }
  const Mode mode = ModeFor(tx.policy(), action->tier, action->kind);
  gates.push_back({"mode", mode == Mode::kAuto, std::string(ModeText(mode))});
  PutGates(action->gates, gates);
  tx.MarkChanged(*action);
  EvidenceEntry entry = EvidenceAbout(*action, "gate_results");
  for (const GateResult& gate : gates) {
    entry.details[Cat("gate.", gate.name)] = Cat(gate.ok ? "ok: " : "no: ", gate.observed);
  }
  tx.Record(std::move(entry));
  const bool maybe_called = action->state == ActionState::kCleared;
  if (maybe_called && OnlyPassing(gates)) {
    action->retry_at = tx.now() + BackOff(0);  // we cannot see just now; reading goes on
  } else if (!AllOk(gates)) {
    if (!maybe_called) ReleaseCall(tx.link(), *action);
    const absl::Time retry = tx.now() + BackOff(TriesBefore(tx, *action));
    Fail(tx, *action, ActionState::kBlocked, "action_blocked", FirstFailed(gates), retry);
  } else if (!maybe_called || MayCallAgain(tx, *action)) {
    action->state = ActionState::kCleared;
    action->cleared_at = tx.now();
    action->retry_at.reset();
    action->before = report.before;
  }
  SettlePerson(tx, action->person, false);
  return tx.Finish();
}

namespace {

// Of a call that was not accepted: what time, or somebody's work on the monitor, may mend.
bool IsPassing(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kResourceExhausted ||
         code == StatusCode::kUnauthenticated || code == StatusCode::kCancelled;
}

// Nothing was sent: the call counts nowhere, and every gate is asked again before the next try.
void StartOver(Transaction& tx, Action& action, const Status& why) {
  const absl::Duration wait =
      std::max(RetryAfter(why).value_or(absl::ZeroDuration()), BackOff(TriesBefore(tx, action)));
  ReleaseCall(tx.link(), action);
  ++action.attempts;
  action.state = ActionState::kQueued;
  action.retry_at = tx.now() + wait;
  action.outcome = Cat("not sent: ", Message(why));
  tx.MarkChanged(action);
  RecordOutcome(tx, action, "action_queued");
}

}  // namespace

Changes ApplyCall(const Context& context, PeopleSet people, const CallReport& report) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({{}, report.action});
  Action* action = tx.FindAction(report.action);
  if (action == nullptr || action->state != ActionState::kCleared) return tx.Finish();
  const PersonOrdinal person = action->person;
  if (!report.sent && IsPassing(report.status.code())) {
    StartOver(tx, *action, report.status);
    SettlePerson(tx, person, false);
    return tx.Finish();
  }
  action->called = report.called;
  action->request_id = report.request_id;
  ++action->attempts;
  if (Episode* episode = EpisodeOf(tx, *action)) {
    ++(action->reason == ActionReason::kLag ? episode->revokes : episode->seals);
  }
  const StatusCode code = report.status.code();
  // No answer is not a no: the call may have arrived, so reading decides.
  if (report.status.ok() || code == StatusCode::kDeadlineExceeded) {
    action->state = ActionState::kCalled;
    action->outcome = report.status.ok() ? "" : "no answer in time: reading decides";
    ++tx.tally().actions[{action->kind, ActionOutcome::kCalled}];
    const absl::Time intent_at = action->intent_at.value_or(report.called.lo);
    TallyWait(tx, *action, Tally::Wait::kCall, report.called.hi - intent_at);
    tx.MarkChanged(*action);
    RecordOutcome(tx, *action, "action_called");
    tx.WakeActions();
  } else {
    const bool passing = IsPassing(code);
    const absl::Duration wait = std::max(RetryAfter(report.status).value_or(absl::ZeroDuration()),
                                         BackOff(TriesBefore(tx, *action)));
    if (!passing && code != StatusCode::kNotFound) {
      if (Episode* episode = EpisodeOf(tx, *action)) episode->containment_failed = true;
    }
    const bool again = passing || code == StatusCode::kNotFound;
    const std::string refused =
        code == StatusCode::kPermissionDenied ? "refused for privilege: " : "";
    RecordOutcome(tx, *action, "action_called");
    Fail(tx, *action, ActionState::kFailed, "action_failed", Cat(refused, Message(report.status)),
         again ? tx.now() + wait : absl::InfiniteFuture());
  }
  SettlePerson(tx, person, false);
  return tx.Finish();
}

Changes ApplyVerify(const Context& context, PeopleSet people, const VerifyReport& report) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({{}, report.action});
  Action* action = tx.FindAction(report.action);
  const bool open = action != nullptr && (action->state == ActionState::kCalled ||
                                          action->state == ActionState::kCleared);
  if (!open) return tx.Finish();
  const PersonOrdinal person = action->person;
  if (report.verified) {
    if (!action->called) {  // found by reading after a crash: begun after the gates, at the latest
                            // now
      const absl::Time begun = action->cleared_at.value_or(report.read_at);
      action->called = TimeBounds{report.called_at_reconciled.value_or(begun), report.read_at};
      ++action->attempts;
      if (Episode* episode = EpisodeOf(tx, *action)) {
        ++(action->reason == ActionReason::kLag ? episode->revokes : episode->seals);
      }
    }
    action->state = ActionState::kVerified;
    action->finished_at = tx.now();
    action->outcome.clear();
    ++tx.tally().actions[{action->kind, ActionOutcome::kVerified}];
    TallyWait(tx, *action, Tally::Wait::kVerify, report.read_at - action->called->lo);
    tx.link().verification_failures = 0;
    tx.MarkChanged(*action);
    RecordOutcome(tx, *action, "action_verified");
    RecordRevocation(tx, *action, report);
    TallyRevocation(tx, *action);
    if (Episode* episode = EpisodeOf(tx, *action)) episode->containment_failed = false;
  } else if (action->state == ActionState::kCleared) {
    // Nothing shows and no call was recorded: it was never made.
    ReleaseCall(tx.link(), *action);
    action->state = ActionState::kQueued;
    action->retry_at = tx.now();
    action->outcome = "no trace of a call: started over";
    tx.MarkChanged(*action);
    RecordOutcome(tx, *action, "action_queued");
  } else {
    Fail(tx, *action, ActionState::kFailed, "action_failed", "the revocation did not show in time",
         tx.now() + BackOff(TriesBefore(tx, *action)));
    if (Episode* episode = EpisodeOf(tx, *action)) episode->containment_failed = true;
    GuardVerification(tx, *action);
  }
  SettlePerson(tx, person, false);
  return tx.Finish();
}

}  // namespace driftwarden::monitor
