// From wanted actions to intents: one live action for each (episode, action, reason), every gate's
// result recorded, nothing sent before the intent is committed.

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "monitor/episode.h"
#include "monitor/guards.h"
#include "monitor/settle.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kBlockedRetry = absl::Minutes(10);
constexpr absl::Duration kCallsKept = absl::Hours(24);
constexpr size_t kMostCalls = 5000;  // that nobody vouches to be so old

bool IsFor(const Action& action, const Person& person, const WantedAction& wanted) {
  return action.episode == person.episode->id && action.kind == wanted.action &&
         action.reason == wanted.reason;
}

// The live one, else the latest; null when there was none.
Action* LatestFor(Transaction& tx, const Person& person, const WantedAction& wanted) {
  Action* latest = nullptr;
  for (Action& action : tx.ActionsOf(person.ordinal)) {
    if (!IsFor(action, person, wanted)) continue;
    if (IsLive(action.state)) return &action;
    if (latest == nullptr || action.requested_at >= latest->requested_at) latest = &action;
  }
  return latest;
}

std::vector<std::string> FailedGates(const std::vector<GateResult>& gates) {
  std::vector<std::string> names;
  for (const GateResult& gate : gates) {
    if (!gate.ok) names.push_back(gate.name);
  }
  return names;
}

Action& NewAction(Transaction& tx, const Person& person, const WantedAction& wanted) {
  Action action;
  action.id = ActionId(MakeUuid(tx.rng()));
  action.episode = person.episode->id;
  action.person = person.ordinal;
  action.tier = person.tier;
  action.entra_id = person.facts.entra->id;
  action.kind = wanted.action;
  action.reason = wanted.reason;
  action.requested_at = tx.now();
  auto& actions = tx.ActionsOf(person.ordinal);
  actions.push_back(std::move(action));
  return actions.back();
}

void RecordGates(Transaction& tx, const Action& action, const char* type) {
  EvidenceEntry entry = EvidenceAbout(action, type);
  for (const GateResult& gate : action.gates) {
    entry.details[Cat("gate.", gate.name)] = Cat(gate.ok ? "ok: " : "no: ", gate.observed);
  }
  if (!action.outcome.empty()) entry.details["why"] = action.outcome;
  tx.Record(std::move(entry));
}

void StartIntent(Transaction& tx, Action& action) {
  action.state = ActionState::kIntent;
  action.intent_at = tx.now();
  action.retry_at.reset();
  action.outcome.clear();
  auto& calls = tx.link().calls;
  if (tx.clock_vouched() || calls.size() >= kMostCalls) {
    std::erase_if(calls, [&](const CallStamp& call) { return call.at <= tx.now() - kCallsKept; });
  }
  calls.push_back({tx.now(), action.person, action.reason});
  ++tx.tally().actions[{action.kind, ActionOutcome::kIntent}];
  RecordGates(tx, action, "action_intent");
  tx.WakeActions();
}

void Block(Transaction& tx, Action& action, const PermitResult& permit) {
  action.state = ActionState::kBlocked;
  action.finished_at = tx.now();
  const absl::Time usual = tx.now() + kBlockedRetry;
  action.retry_at = permit.retry_at == absl::InfiniteFuture() || permit.retry_at <= tx.now()
                        ? usual
                        : permit.retry_at;
  action.outcome = Cat("not permitted: ", JoinStrings(FailedGates(permit.gates), ", "));
  ++tx.tally().actions[{action.kind, ActionOutcome::kBlocked}];
  RecordGates(tx, action, "action_blocked");
}

// The urgent ones of a queue come first when a window has room again.
absl::Duration TurnInQueue(const Person& person, const WantedAction& wanted) {
  if (wanted.reason == ActionReason::kSeal) return absl::Milliseconds(300);
  switch (WorstSeverity(*person.episode).value_or(Severity::kInfo)) {
    case Severity::kCritical:
      return absl::ZeroDuration();
    case Severity::kWarning:
      return absl::Milliseconds(100);
    case Severity::kInfo:
      return absl::Milliseconds(200);
  }
  return absl::ZeroDuration();
}

// Puts one wanted action before the gates; `action` is the queued one or the latest, or null.
absl::Time TryAction(Transaction& tx, Person& person, const Verdict& verdict,
                     const WantedAction& wanted, Action* action) {
  const PermitResult permit =
      PermitAction(person, verdict, wanted, tx.link(), tx.policy(), tx.now(), tx.clock_suspect());
  const bool queued = action != nullptr && action->state == ActionState::kQueued;
  if (!permit.gates.front().ok && !queued) return absl::InfiniteFuture();  // mode observe
  if (OnlyPassing(permit.gates)) return permit.retry_at;
  if (!permit.trip_guard.empty()) {
    tx.TripGuard(permit.trip_guard, permit.gates.back().observed, EvidenceAbout(person, ""));
  }
  // Blocked for the same reasons as before: one record, not one for every try.
  const bool refused =
      permit.permission == Permission::kNo || permit.permission == Permission::kApproval;
  if (refused && action != nullptr && action->state == ActionState::kBlocked &&
      FailedGates(action->gates) == FailedGates(permit.gates)) {
    if (action->retry_at && *action->retry_at > tx.now()) return *action->retry_at;
    action->gates = permit.gates;
    action->retry_at =
        std::max(permit.retry_at == absl::InfiniteFuture() ? tx.now() : permit.retry_at,
                 tx.now() + kBlockedRetry);
    tx.MarkChanged(*action);
    return *action->retry_at;
  }
  Action& target = queued ? *action : NewAction(tx, person, wanted);
  target.gates = permit.gates;
  target.tier = person.tier;
  switch (permit.permission) {
    case Permission::kAllow:
      StartIntent(tx, target);
      break;
    case Permission::kQueue: {
      target.state = ActionState::kQueued;
      // At the latest: the policy, and with it the budget, may have changed.
      target.retry_at =
          std::min(permit.retry_at, tx.now() + kBlockedRetry) + TurnInQueue(person, wanted);
      target.outcome = Cat("waits: ", JoinStrings(FailedGates(permit.gates), ", "));
      if (!queued) RecordGates(tx, target, "action_queued");
      break;
    }
    case Permission::kShadow: {
      target.state = ActionState::kShadow;
      target.finished_at = tx.now();
      RecordGates(tx, target, "action_shadow");
      break;
    }
    case Permission::kApproval:  // nobody can approve in this version: told, and tried again
    case Permission::kNo:
      Block(tx, target, permit);
      break;
  }
  tx.MarkChanged(target);
  return target.retry_at.value_or(absl::InfiniteFuture());
}

}  // namespace

bool OnlyPassing(const std::vector<GateResult>& gates) {
  const std::vector<std::string> failed = FailedGates(gates);
  return !failed.empty() && std::all_of(failed.begin(), failed.end(), [](const std::string& name) {
    return name == "clock" || name == "not_blind";
  });
}

absl::Duration BackOff(uint32_t times) {
  const uint32_t doublings = std::min<uint32_t>(times, 5);
  return std::min(absl::Seconds(30) * (1 << doublings), kBlockedRetry);
}

absl::Time UpdateActions(Transaction& tx, Person& person, const Verdict& verdict) {
  absl::Time again = absl::InfiniteFuture();
  if (!person.episode || !person.facts.entra) return again;
  DropActions(tx, person, verdict.wanted, "no longer wanted");
  for (const WantedAction& wanted : verdict.wanted) {
    Action* latest = LatestFor(tx, person, wanted);
    if (latest != nullptr) {
      // What was never permitted is asked anew each time: the policy may have changed.
      const bool unsent = latest->state == ActionState::kBlocked && !latest->intent_at;
      const bool waits = !unsent && latest->retry_at && *latest->retry_at > tx.now();
      if (waits) again = std::min(again, *latest->retry_at);
      const bool in_hand = IsLive(latest->state) && latest->state != ActionState::kQueued;
      const bool told = latest->state == ActionState::kShadow &&
                        ModeFor(tx.policy(), person.tier, wanted.action) == Mode::kShadow;
      if (waits || in_hand || told) continue;
    }
    again = std::min(again, TryAction(tx, person, verdict, wanted, latest));
  }
  return again;
}

}  // namespace driftwarden::monitor
