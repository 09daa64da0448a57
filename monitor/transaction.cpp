#include "monitor/transaction.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "monitor/cause_counts.h"
#include "monitor/evidence.h"
#include "monitor/set_back.h"

namespace driftwarden::monitor {
namespace {

template <typename Key>
void Add(std::map<Key, int64_t>& counters, const Key& key, int64_t by) {
  const auto at = counters.try_emplace(key, 0).first;
  at->second += by;
  if (at->second == 0) counters.erase(at);
}

bool HasAnchor(const Person& person, const Anchor& anchor) {
  const std::vector<Anchor> anchors = AnchorsOf(person.facts);
  return std::find(anchors.begin(), anchors.end(), anchor) != anchors.end();
}

}  // namespace

Transaction::Transaction(const Context& context, PeopleSet people)
    : context_(context), people_(std::move(people)) {
  changes_.link = context.link;
  EnterEpoch();
  // Whoever was loaded can be found, by whatever key it was loaded.
  for (const auto& [ordinal, person] : people_.by_ordinal) {
    for (const AdHalf& half : person.facts.ad) {
      people_.by_guid.try_emplace(half.object_guid, ordinal);
    }
    if (person.facts.entra) people_.by_entra_id.try_emplace(person.facts.entra->id, ordinal);
    for (const Anchor& anchor : AnchorsOf(person.facts)) {
      people_.by_anchor.try_emplace(anchor, ordinal);
    }
  }
  SetDatesBack();
}

void Transaction::SetDatesBack() {
  // A clock that may be wrong itself is no reason to take another date for wrong.
  if (!clock_vouched()) return;
  if (IsDatedLater(link(), now())) {
    SetBack(link(), now());
    // Nobody knows whose deadlines were set by that clock: everybody is judged anew.
    link().policy.judged = 0;
    link().policy.judge_to = link().next_person - 1;
    EvidenceEntry entry;
    entry.type = "clock_set_back";
    entry.fact = TimeBounds::Exactly(now());
    Record(std::move(entry));
  }
  for (const auto& [ordinal, person] : people_.by_ordinal) {
    if (IsDatedLater(person, now())) SetBack(Touch(ordinal), now());
  }
  for (auto& [person, actions] : people_.actions) {
    for (Action& action : actions) {
      if (!IsDatedLater(action, now())) continue;
      SetBack(action, now());
      MarkChanged(action);
    }
  }
}

// Before anything else: what is decided by the new policy stands behind it in the evidence.
void Transaction::EnterEpoch() {
  PolicyEpoch& epoch = link().policy;
  const PolicyStamp* stamp = context_.stamp;
  if (stamp == nullptr || stamp->parts == epoch.parts) return;
  EvidenceEntry entry;
  entry.type = "policy_epoch";
  entry.details["actor"] = stamp->actor;
  entry.details["policy"] = PolicyHash(stamp->parts);
  if (epoch.number > 0) {
    entry.details["changed"] = JoinStrings(ChangedParts(epoch.parts, stamp->parts), ", ");
  }
  ++epoch.number;
  entry.details["epoch"] = Cat(epoch.number);
  epoch.since = now();
  epoch.actor = stamp->actor;
  epoch.parts = stamp->parts;
  epoch.judged = 0;
  epoch.judge_to = link().next_person - 1;
  Record(std::move(entry));
}

const Person* Transaction::Find(PersonOrdinal ordinal) const {
  const auto found = people_.by_ordinal.find(ordinal);
  return found == people_.by_ordinal.end() ? nullptr : &found->second;
}

Person& Transaction::Touch(PersonOrdinal ordinal) {
  const auto found = people_.by_ordinal.find(ordinal);
  DW_CHECK(found != people_.by_ordinal.end());
  if (touched_.insert(ordinal).second) {
    before_.emplace(ordinal, found->second);
    Count(found->second, -1);
  }
  return found->second;
}

Person& Transaction::Create() {
  const PersonOrdinal ordinal = link().next_person++;
  Person& person = people_.by_ordinal[ordinal];
  person.ordinal = ordinal;
  touched_.insert(ordinal);
  return person;
}

void Transaction::Remove(PersonOrdinal ordinal) {
  Touch(ordinal);
  if (before_.contains(ordinal)) changes_.removed.push_back(ordinal);
  touched_.erase(ordinal);
  reads_wanted_.erase(ordinal);
  people_.by_ordinal.erase(ordinal);
}

const Person* Transaction::FindByGuid(const Guid& guid) const {
  const auto found = people_.by_guid.find(guid);
  return found == people_.by_guid.end() ? nullptr : Find(found->second);
}

const Person* Transaction::FindByEntraId(const std::string& id) const {
  const auto found = people_.by_entra_id.find(id);
  return found == people_.by_entra_id.end() ? nullptr : Find(found->second);
}

const Person* Transaction::FindByAnchor(const Anchor& anchor) const {
  const auto found = people_.by_anchor.find(anchor);
  if (anchor.empty() || found == people_.by_anchor.end()) return nullptr;
  const Person* person = Find(found->second);
  if (person == nullptr || !HasAnchor(*person, anchor)) return nullptr;
  if (person->facts.ad.empty() && person->facts.conflicts_with) {
    const Person* other = Find(*person->facts.conflicts_with);
    if (other != nullptr && !other->facts.ad.empty() && HasAnchor(*other, anchor)) return other;
  }
  return person;
}

void Transaction::IndexPerson(const Person& person) {
  for (const AdHalf& half : person.facts.ad) {
    people_.by_guid[half.object_guid] = person.ordinal;
  }
  if (person.facts.entra) people_.by_entra_id[person.facts.entra->id] = person.ordinal;
  for (const Anchor& anchor : AnchorsOf(person.facts)) {
    const Person* known = FindByAnchor(anchor);
    if (known == nullptr || known->facts.ad.empty()) people_.by_anchor[anchor] = person.ordinal;
  }
}

Action* Transaction::FindAction(const ActionId& id) {
  for (auto& [person, actions] : people_.actions) {
    for (Action& action : actions) {
      if (action.id == id) return &action;
    }
  }
  return nullptr;
}

void Transaction::MarkChanged(const Action& action) {
  changed_actions_.insert(action.id);
  changes_.must_sync = true;
}

Incident* Transaction::IncidentOf(PersonOrdinal person) {
  const auto found = people_.incidents.find(person);
  return found == people_.incidents.end() ? nullptr : &found->second;
}

void Transaction::PutIncident(PersonOrdinal person, const Incident& incident) {
  const auto known = people_.incidents.find(person);
  // An episode that this very command ended, before another began: its end is still to be told.
  if (changed_incidents_.contains(person) && known->second.id != incident.id) {
    changes_.incidents.push_back(known->second);
  }
  people_.incidents[person] = incident;
  changed_incidents_.insert(person);
  changes_.must_sync = true;
  changes_.wake_alerts = true;
}

void Transaction::RemoveIncident(PersonOrdinal person) {
  const auto found = people_.incidents.find(person);
  if (found == people_.incidents.end()) return;
  changes_.removed_incidents.push_back(found->second.id);
  changed_incidents_.erase(person);
  people_.incidents.erase(found);
  changes_.must_sync = true;
}

void Transaction::MoveIncident(PersonOrdinal from, PersonOrdinal to) {
  const auto found = people_.incidents.find(from);
  if (found == people_.incidents.end()) return;
  Incident incident = std::move(found->second);
  people_.incidents.erase(found);
  changed_incidents_.erase(from);
  incident.person = to;
  PutIncident(to, incident);
}

void Transaction::Record(EvidenceEntry entry) {
  entry.at = now();
  const Cause& cause = changes_.cause;
  if (!cause.batch.empty()) entry.details["batch"] = cause.batch.value;
  const bool told = entry.action == cause.intent.value;
  if (!cause.intent.empty() && !told) entry.details["intent"] = cause.intent.value;
  ChainEvidence(link(), entry);
  changes_.evidence.push_back(std::move(entry));
  changes_.must_sync = true;
}

void Transaction::Count(const Person& person, int64_t sign) {
  Add(link().users, UserCountKey{person.state, person.tier}, sign);
  if (person.episode) {
    for (const EpisodeKind& kind : person.episode->kinds) {
      if (kind.cleared) continue;
      Add(link().open, OpenCountKey{kind.kind, person.episode->tier, kind.severity}, sign);
    }
  }
  CountWaiting(link().causes.waiting, person, sign);
  CountDrift(link().in_drift, person, sign);
  const auto by = static_cast<uint64_t>(sign);  // modulo arithmetic: adding -1 subtracts one
  if (person.facts.Linked()) link().linked_people += by;
  if (WaitsForBaseline(person)) link().inherited_live += by;
}

void Transaction::TripGuard(const std::string& guard, std::string why, EvidenceEntry entry) {
  entry.type = "guard_tripped";
  entry.details["guard"] = guard;
  entry.details["why"] = why;
  link().guards[guard] = {true, now(), std::move(why)};
  Record(std::move(entry));
}

Changes Transaction::Finish() {
  for (const PersonOrdinal ordinal : touched_) {
    const Person& person = people_.by_ordinal.at(ordinal);
    Count(person, 1);
    const auto before = before_.find(ordinal);
    if (before == before_.end() || !(before->second == person)) changes_.people.push_back(person);
  }
  UpdateCauses(*this);
  for (const auto& [person, actions] : people_.actions) {
    for (const Action& action : actions) {
      if (changed_actions_.contains(action.id)) changes_.actions.push_back(action);
    }
  }
  for (const PersonOrdinal person : changed_incidents_) {
    changes_.incidents.push_back(people_.incidents.at(person));
  }
  changes_.reads_wanted.assign(reads_wanted_.begin(), reads_wanted_.end());
  return std::move(changes_);
}

EvidenceEntry EvidenceAbout(const Person& person, std::string type) {
  EvidenceEntry entry;
  entry.type = std::move(type);
  entry.person = person.ordinal;
  if (person.episode) entry.episode = person.episode->id.value;
  return entry;
}

EvidenceEntry EvidenceAbout(const Action& action, std::string type) {
  EvidenceEntry entry;
  entry.type = std::move(type);
  entry.person = action.person;
  entry.episode = action.episode.value;
  entry.action = action.id.value;
  entry.details["action"] = ActionKindText(action.kind);
  entry.details["reason"] = ActionReasonText(action.reason);
  return entry;
}

}  // namespace driftwarden::monitor
