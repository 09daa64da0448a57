#include "monitor/rehearsal.h"

#include <algorithm>
#include <utility>

namespace driftwarden::monitor {
namespace {

void LookAtAd(AdHalf& half, absl::Time now) {
  half.last_look = TimeBounds::Exactly(now);
  if (half.disabled == Tri::kNo) half.enabled_seen = std::max(half.enabled_seen, now);
}

void LookAtEntra(EntraHalf& half, absl::Time now) {
  half.last_look = TimeBounds::Exactly(now);
  half.last_direct_look = half.last_look;
  half.needs_direct_read = false;
  if (half.deletion != EntraDeletion::kLive || half.enabled != Tri::kYes) return;
  half.enabled_seen = std::max(half.enabled_seen, now);
  if (half.live_direct_first == absl::InfinitePast()) half.live_direct_first = now;
}

void PutAction(std::vector<Action>& actions, const Action& changed) {
  const auto known = std::find_if(actions.begin(), actions.end(),
                                  [&](const Action& action) { return action.id == changed.id; });
  if (known == actions.end()) {
    actions.push_back(changed);
  } else {
    *known = changed;
  }
}

}  // namespace

Rehearsal::Rehearsal(PeopleSet people, PersonOrdinal who, LinkState link, const Policy& policy)
    : people_(std::move(people)), who_(who), link_(std::move(link)), policy_(policy) {}

Person* Rehearsal::person() {
  const auto found = people_.by_ordinal.find(who_);
  return found == people_.by_ordinal.end() ? nullptr : &found->second;
}

void Rehearsal::LookAgain(absl::Time now, const std::set<SourceName>& sources,
                          const std::set<TenantLog>& logs) {
  for (const SourceName& name : sources) {
    SourceState& source = link_.sources[name];
    source.last_success = std::max(source.last_success, now);
    source.last_complete_begin = std::max(source.last_complete_begin, now);
  }
  Person* const self = person();
  if (self == nullptr) return;
  for (AdHalf& half : self->facts.ad) {
    if (sources.contains(half.source)) LookAtAd(half, now);
  }
  auto& entra = self->facts.entra;
  if (!entra || !sources.contains(entra->source)) return;
  LookAtEntra(*entra, now);
  for (const TenantLog log : logs) {
    TimeBounds& read = log == TenantLog::kInteractiveSignIns ? entra->logs.interactive_read
                                                             : entra->logs.non_interactive_read;
    read.hi = std::max(read.hi, now);
  }
}

std::vector<EvidenceEntry> Rehearsal::Judge(absl::Time now) {
  return Commit(ApplyReview(context(now), people_));
}

std::vector<EvidenceEntry> Rehearsal::CarryOut(absl::Time now) {
  std::vector<EvidenceEntry> evidence;
  const auto append = [&](std::vector<EvidenceEntry> more) {
    evidence.insert(evidence.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  };
  std::vector<ActionId> intents;
  for (const Action& action : people_.actions[who_]) {
    if (action.state == ActionState::kIntent) intents.push_back(action.id);
  }
  std::vector<Episode> closed;
  for (const ActionId& id : intents) {
    GateReport gates;
    gates.action = id;
    gates.gates = {{"rehearsal", true, "assumed"}};
    append(Commit(ApplyGates(context(now), people_, gates)));
    closed.insert(closed.end(), closed_.begin(), closed_.end());
    const CallReport call{id, TimeBounds::Exactly(now), OkStatus(), "", true};
    append(Commit(ApplyCall(context(now), people_, call)));
    closed.insert(closed.end(), closed_.begin(), closed_.end());
    VerifyReport verify;
    verify.action = id;
    verify.verified = true;
    verify.read_at = now;
    verify.value = SessionsValidFrom{false, now};
    append(Commit(ApplyVerify(context(now), people_, verify)));
    closed.insert(closed.end(), closed_.begin(), closed_.end());
  }
  closed_ = std::move(closed);
  return evidence;
}

std::vector<EvidenceEntry> Rehearsal::ReadLog(absl::Time now, const LogLook& look) {
  return Commit(ApplyLog(context(now), people_, look));
}

std::vector<EvidenceEntry> Rehearsal::AcceptBaseline(absl::Time now) {
  return Commit(ApplyBaselineAccept(context(now), people_, "rehearsal"));
}

std::vector<EvidenceEntry> Rehearsal::Commit(Changes changes) {
  link_ = std::move(changes.link);
  for (Person& changed : changes.people) {
    const PersonOrdinal ordinal = changed.ordinal;
    people_.by_ordinal[ordinal] = std::move(changed);
  }
  for (const PersonOrdinal ordinal : changes.removed) people_.by_ordinal.erase(ordinal);
  for (const Action& action : changes.actions) PutAction(people_.actions[action.person], action);
  // Nothing is delivered, so nobody has to be told that it is over.
  for (Incident& incident : changes.incidents) {
    if (incident.person) people_.incidents[*incident.person] = std::move(incident);
  }
  std::erase_if(people_.incidents, [&](const auto& entry) {
    const auto& gone = changes.removed_incidents;
    return std::find(gone.begin(), gone.end(), entry.second.id) != gone.end();
  });
  closed_ = std::move(changes.closed_episodes);
  return std::move(changes.evidence);
}

}  // namespace driftwarden::monitor
