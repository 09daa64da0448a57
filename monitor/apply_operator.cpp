// Deadlines, deliveries and what an operator decides.

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "monitor/causes.h"
#include "monitor/settle.h"
#include "monitor/transaction.h"

namespace driftwarden::monitor {
namespace {

void RecordDelivery(Transaction& tx, const Incident& incident, const DeliveryReport& report,
                    const char* type) {
  EvidenceEntry entry;
  entry.type = type;
  entry.person = incident.person;
  if (incident.person) {
    entry.episode = incident.id.value;
  } else {
    entry.details["cause"] = incident.id.value;
  }
  entry.details["receiver"] = report.receiver;
  for (const char* label : {"kind", "severity", "tier"}) {
    const auto found = report.labels.find(label);
    if (found != report.labels.end()) entry.details[label] = found->second;
  }
  tx.Record(std::move(entry));
}

// True when the report changed the incident.
bool Deliver(Transaction& tx, Incident& incident, const DeliveryReport& report) {
  auto& announced = incident.announced;
  const auto known = std::find(announced.begin(), announced.end(), report.labels);
  if (report.firing) {
    if (known != announced.end()) return false;
    announced.push_back(report.labels);
    RecordDelivery(tx, incident, report, "alert_sent");
    return true;
  }
  if (known == announced.end()) return false;
  announced.erase(known);
  RecordDelivery(tx, incident, report, "alert_resolved");
  return true;
}

LinkCause* FindCause(LinkState& link, const IncidentId& id) {
  for (LinkCause& cause : link.causes.causes) {
    if (CauseIdOf(cause, link.name) == id) return &cause;
  }
  return nullptr;
}

void JudgeTouched(Transaction& tx) {
  const std::set<PersonOrdinal> touched = tx.touched();
  for (const PersonOrdinal person : touched) {
    SettlePerson(tx, person, !tx.link().baseline_at);
  }
}

}  // namespace

Changes ApplyReview(const Context& context, PeopleSet people) {
  // While our own clock is not to be trusted no deadline has passed for certain.
  constexpr absl::Duration kAskAgain = absl::Seconds(5);
  Transaction tx(context, std::move(people));
  for (const auto& entry : tx.people().by_ordinal) {
    if (tx.clock_suspect()) {
      Person& person = tx.Touch(entry.first);
      if (person.review_at <= tx.now()) person.review_at = tx.now() + kAskAgain;
      continue;
    }
    tx.Touch(entry.first);
  }
  if (tx.clock_suspect()) return tx.Finish();
  JudgeTouched(tx);
  return tx.Finish();
}

Changes ApplyPolicyReview(const Context& context, PeopleSet people, PersonOrdinal after,
                          PersonOrdinal to) {
  Transaction tx(context, std::move(people));
  for (const auto& entry : tx.people().by_ordinal) tx.Touch(entry.first);
  JudgeTouched(tx);
  PolicyEpoch& epoch = tx.link().policy;
  if (epoch.judged == after) epoch.judged = std::min(to, epoch.judge_to);
  return tx.Finish();
}

Changes ApplyDelivery(const Context& context, PeopleSet people, std::vector<Incident> incidents,
                      const std::vector<DeliveryReport>& reports) {
  Transaction tx(context, std::move(people));
  Changes extra;
  for (Incident& incident : incidents) {
    const Person* const person = incident.person ? tx.Find(*incident.person) : nullptr;
    if (person != nullptr && IsLeftBehind(incident, *person)) incident.ended_at = tx.now();
    bool changed = false;
    for (const DeliveryReport& report : reports) {
      if (report.incident == incident.id) changed |= Deliver(tx, incident, report);
    }
    if (LinkCause* cause = FindCause(tx.link(), incident.id)) {
      cause->announced = incident.announced;
    } else if (incident.ended_at && incident.announced.empty()) {
      extra.removed_incidents.push_back(incident.id);
    } else if (changed) {
      extra.incidents.push_back(std::move(incident));
    }
  }
  Changes changes = tx.Finish();
  changes.incidents = std::move(extra.incidents);
  changes.removed_incidents = std::move(extra.removed_incidents);
  changes.must_sync |= !changes.incidents.empty() || !changes.removed_incidents.empty();
  return changes;
}

Changes ApplyBaselineAccept(const Context& context, PeopleSet inherited_people,
                            const std::string& actor) {
  Transaction tx(context, std::move(inherited_people));
  LinkState& link = tx.link();
  if (!link.baseline_at) return tx.Finish();
  if (!link.baseline_accepted) {
    link.baseline_accepted = tx.now();
    link.baseline_accepted_by = actor;
    EvidenceEntry entry;
    entry.type = "baseline_accepted";
    entry.details["actor"] = actor;
    entry.details["inherited_live"] = Cat(link.inherited_live);
    tx.Record(std::move(entry));
  }
  for (const auto& entry : tx.people().by_ordinal) {
    if (!HasInherited(entry.second.memory)) continue;
    Person& person = tx.Touch(entry.first);
    person.memory.inherited = false;
    person.memory.inherited_kinds.clear();
    for (AdHalf& half : person.facts.ad) half.baseline_departed = false;
  }
  const std::set<PersonOrdinal> touched = tx.touched();
  for (const PersonOrdinal person : touched) SettlePerson(tx, person, false);
  tx.SetMustSync();
  return tx.Finish();
}

namespace {

EvidenceEntry EntryOfBrake(std::string type, const std::string& actor, const std::string& reason) {
  EvidenceEntry entry;
  entry.type = std::move(type);
  entry.details["actor"] = actor;
  if (!reason.empty()) entry.details["reason"] = reason;
  return entry;
}

std::string ByWhom(const std::string& actor, const std::string& reason) {
  return Cat("by ", actor, reason.empty() ? "" : ": ", reason);
}

}  // namespace

Changes ApplyPause(const Context& context, const std::string& actor, const std::string& reason) {
  Transaction tx(context, {});
  GuardState& pause = tx.link().guards[kPaused];
  if (pause.tripped) return tx.Finish();
  pause = {true, tx.now(), ByWhom(actor, reason)};
  tx.Record(EntryOfBrake("automation_paused", actor, reason));
  return tx.Finish();
}

bool HeldBackBy(const Action& action, const std::string& guard) {
  if (action.state != ActionState::kBlocked || !action.retry_at) return false;
  const std::string gate = GateOf(guard);
  return std::any_of(action.gates.begin(), action.gates.end(),
                     [&](const GateResult& g) { return !g.ok && g.name == gate; });
}

Changes ApplyGuardReset(const Context& context, PeopleSet held_back, const std::string& guard,
                        const std::string& actor, const std::string& reason) {
  Transaction tx(context, std::move(held_back));
  const auto found = tx.link().guards.find(guard);
  if (found == tx.link().guards.end() || !found->second.tripped) return tx.Finish();
  found->second = {false, tx.now(), Cat("reset ", ByWhom(actor, reason))};
  if (guard == kGuardVerification) tx.link().verification_failures = 0;
  // Counted anew from here.
  if (guard == kGuardMassDisable) tx.link().causes.departures.clear();
  if (guard == kGuardMassScopeExit) tx.link().causes.scope_exits.clear();
  const bool pause = guard == kPaused;
  EvidenceEntry entry = EntryOfBrake(pause ? "automation_resumed" : "guard_reset", actor, reason);
  if (!pause) entry.details["guard"] = guard;
  tx.Record(std::move(entry));
  for (const auto& [ordinal, loaded] : tx.people().by_ordinal) {
    for (Action& action : tx.ActionsOf(ordinal)) {
      if (!HeldBackBy(action, guard) || *action.retry_at <= tx.now()) continue;
      action.retry_at = tx.now();
      tx.MarkChanged(action);
      Person& person = tx.Touch(ordinal);
      person.review_at = std::min(person.review_at, tx.now());
    }
  }
  tx.WakeActions();
  return tx.Finish();
}

}  // namespace driftwarden::monitor
