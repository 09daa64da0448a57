#include "monitor/join.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "monitor/compromise.h"
#include "monitor/episode.h"
#include "monitor/exemption.h"
#include "monitor/leavers.h"

namespace driftwarden::monitor {
namespace {

Anchor AnchorOfView(const AdView& view) {
  if (view.consistency_guid && !view.consistency_guid->empty()) {
    return AnchorOf(*view.consistency_guid);
  }
  return AnchorOf(view.object_guid.Raw());
}

AdHalf* HalfOf(Person& person, const Guid& guid) {
  for (AdHalf& half : person.facts.ad) {
    if (half.object_guid == guid) return &half;
  }
  return nullptr;
}

// The person of the two that keeps its number: an open episode must not move, else AD decides.
bool Keeps(const Person& a, const Person& b) {
  if (a.episode.has_value() != b.episode.has_value()) return a.episode.has_value();
  if (a.facts.ad.empty() != b.facts.ad.empty()) return !a.facts.ad.empty();
  return a.ordinal < b.ordinal;
}

void MoveRecords(Transaction& tx, PersonOrdinal from, PersonOrdinal to) {
  std::vector<Action> moved = std::move(tx.ActionsOf(from));
  tx.ActionsOf(from).clear();
  for (Action& action : moved) {
    action.person = to;
    tx.MarkChanged(action);
    tx.ActionsOf(to).push_back(std::move(action));
  }
  if (tx.IncidentOf(to) == nullptr) tx.MoveIncident(from, to);
}

// Two people are one: the one that keeps its number takes everything of the other.
void MergePeople(Transaction& tx, PersonOrdinal first, PersonOrdinal second) {
  if (!Keeps(tx.Touch(first), tx.Touch(second))) std::swap(first, second);
  Person& keep = tx.Touch(first);
  Person& gone = tx.Touch(second);
  if (gone.episode && keep.episode) EndEpisode(tx, gone, EpisodeResult::kSuperseded);
  EvidenceEntry entry = EvidenceAbout(keep, "rejoined");
  entry.details["removed"] = Cat(gone.ordinal);
  tx.Record(std::move(entry));
  // A departure is AD's: so is what is remembered of it.
  const uint32_t episodes = std::max(keep.memory.episodes, gone.memory.episodes);
  const auto leave = StrongerOf(keep.memory.leave, gone.memory.leave);
  const auto exemption = LaterOf(keep.memory.exemption, gone.memory.exemption);
  const auto compromised = LaterOf(keep.memory.compromised, gone.memory.compromised);
  if (keep.facts.ad.empty() && !gone.facts.ad.empty()) keep.memory = gone.memory;
  keep.memory.episodes = episodes;
  keep.memory.exemption = exemption;  // people are exempted and leave, not records
  keep.memory.leave = leave;
  keep.memory.compromised = compromised;
  for (AdHalf& half : gone.facts.ad) keep.facts.ad.push_back(std::move(half));
  if (!keep.facts.entra) {
    keep.facts.entra = std::move(gone.facts.entra);
    keep.facts.last_revocation = std::move(gone.facts.last_revocation);
  }
  if (keep.facts.conflicts_with == gone.ordinal) keep.facts.conflicts_with.reset();
  MoveRecords(tx, second, first);
  tx.Remove(second);
  tx.IndexPerson(keep);
}

void SwapEntra(Transaction& tx, PersonOrdinal a, PersonOrdinal b) {
  Person& first = tx.Touch(a);
  Person& second = tx.Touch(b);
  std::swap(first.facts.entra, second.facts.entra);
  std::swap(first.facts.last_revocation, second.facts.last_revocation);
  EvidenceEntry entry = EvidenceAbout(first, "rejoined");
  entry.details["entra_with"] = Cat(b);
  tx.Record(std::move(entry));
  tx.IndexPerson(second);
  tx.IndexPerson(first);
}

void MoveAd(Transaction& tx, PersonOrdinal from, PersonOrdinal to, const Guid& guid) {
  Person& source = tx.Touch(from);
  Person& target = tx.Touch(to);
  const auto at = std::find_if(source.facts.ad.begin(), source.facts.ad.end(),
                               [&](const AdHalf& half) { return half.object_guid == guid; });
  target.facts.ad.push_back(std::move(*at));
  source.facts.ad.erase(at);
  EvidenceEntry entry = EvidenceAbout(target, "rejoined");
  entry.details["ad_account"] = guid.ToString();
  entry.details["from"] = Cat(from);
  tx.Record(std::move(entry));
  tx.IndexPerson(target);
}

bool IsGone(const EntraHalf& half) {
  return half.deletion != EntraDeletion::kLive;
}

}  // namespace

AdHalf* ResolveAd(Transaction& tx, const AdView& view, PersonOrdinal& person) {
  const Person* known = tx.FindByGuid(view.object_guid);
  if (known != nullptr) {
    person = known->ordinal;
    if (AdHalf* half = HalfOf(tx.Touch(person), view.object_guid)) return half;
  }
  if (view.partial) return nullptr;
  known = tx.FindByAnchor(AnchorOfView(view));
  if (known == nullptr && view.deleted.value_or(false) && tx.link().baseline_at) return nullptr;
  person = known != nullptr ? known->ordinal : tx.Create().ordinal;
  return &tx.Touch(person).facts.ad.emplace_back();
}

EntraHalf* ResolveEntra(Transaction& tx, const EntraView& view, PersonOrdinal& person) {
  const Person* known = tx.FindByEntraId(view.id);
  if (known != nullptr && known->facts.entra && known->facts.entra->id == view.id) {
    person = known->ordinal;
    return &*tx.Touch(person).facts.entra;
  }
  if (view.deletion.value_or(EntraDeletion::kLive) != EntraDeletion::kLive) return nullptr;
  known = view.immutable_id ? tx.FindByAnchor(*view.immutable_id) : nullptr;
  const bool free = known != nullptr && !known->facts.entra;
  person = free ? known->ordinal : tx.Create().ordinal;
  return &tx.Touch(person).facts.entra.emplace();
}

void RejoinAd(Transaction& tx, PersonOrdinal person, const Guid& guid) {
  Person& self = tx.Touch(person);
  const AdHalf* half = HalfOf(self, guid);
  if (half == nullptr) return;
  const Anchor anchor = AnchorOf(*half);
  const Person* other = tx.FindByAnchor(anchor);
  if (other == nullptr || other->ordinal == person) {
    tx.IndexPerson(self);
    return;
  }
  const PersonOrdinal target = other->ordinal;
  const bool alone = self.facts.ad.size() == 1;
  if (alone && !self.facts.entra) {
    MergePeople(tx, person, target);
  } else if (alone && other->facts.ad.empty()) {
    SwapEntra(tx, person, target);
  } else {
    MoveAd(tx, person, target, guid);
  }
}

void RejoinEntra(Transaction& tx, PersonOrdinal person) {
  Person& self = tx.Touch(person);
  if (!self.facts.entra) return;
  const Anchor anchor = self.facts.entra->immutable_id;
  const bool at_home = std::any_of(self.facts.ad.begin(), self.facts.ad.end(),
                                   [&](const AdHalf& half) { return AnchorOf(half) == anchor; });
  const Person* other = tx.FindByAnchor(anchor);
  if (at_home || other == nullptr || other->ordinal == person) {
    tx.IndexPerson(self);
    return;
  }
  const PersonOrdinal target = other->ordinal;
  if (!other->facts.entra) {
    if (self.facts.ad.empty()) {
      MergePeople(tx, person, target);
    } else {
      SwapEntra(tx, target, person);
    }
    return;
  }
  tx.IndexPerson(self);
  if (IsGone(*self.facts.entra)) return;
  if (IsGone(*other->facts.entra)) {
    SwapEntra(tx, target, person);  // the account was made anew: the deleted one steps aside
    return;
  }
  self.facts.conflicts_with = target;
  tx.Touch(target).facts.conflicts_with = person;
}

void ClearConflict(Transaction& tx, PersonOrdinal person) {
  Person& self = tx.Touch(person);
  if (!self.facts.conflicts_with) return;
  const PersonOrdinal other_ordinal = *self.facts.conflicts_with;
  const Person* other = tx.Find(other_ordinal);
  if (other == nullptr) return;  // not loaded: the next command that loads both decides
  const auto& mine = self.facts.entra;
  const auto& theirs = other->facts.entra;
  if (mine && theirs && !IsGone(*mine) && !IsGone(*theirs) &&
      mine->immutable_id == theirs->immutable_id) {
    return;
  }
  self.facts.conflicts_with.reset();
  tx.Touch(other_ordinal).facts.conflicts_with.reset();
  // Whoever was kept apart may belong together now.
  const bool mine_gone = mine && IsGone(*mine);
  RejoinEntra(tx, mine_gone ? other_ordinal : person);
}

}  // namespace driftwarden::monitor
