// What the engine loads: people by their keys, deadlines, open and inherited people, live work.

#include <algorithm>
#include <set>

#include "store/indexes.h"
#include "store/kv_state_store.h"
#include "store/records.h"

namespace driftwarden::store {
namespace {

// Live actions and those that budgets and limits look back at are among a person's newest.
constexpr size_t kRecentActions = 64;
constexpr size_t kIncidentsLookedAt = 64;

struct Wanted {
  Lookup kind;
  std::string text;
};

std::vector<Wanted> WantedOf(const PeopleKeys& keys) {
  std::vector<Wanted> out;
  for (const monitor::Guid& guid : keys.guids) {
    out.push_back({Lookup::kObjectGuid, std::string(guid.Raw())});
  }
  for (const std::string& id : keys.entra_ids) out.push_back({Lookup::kEntraId, id});
  for (const monitor::Anchor& anchor : keys.anchors) out.push_back({Lookup::kAnchor, anchor.value});
  return out;
}

bool IsWanted(const Person& person, const std::vector<Wanted>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&person](const Wanted& each) {
    return HasLookup(person, each.kind, each.text);
  });
}

void AddNames(PeopleSet& set, const Person& person) {
  for (const monitor::AdHalf& half : person.facts.ad) {
    set.by_guid.emplace(half.object_guid, person.ordinal);
  }
  if (person.facts.entra.has_value()) {
    set.by_entra_id.emplace(person.facts.entra->id, person.ordinal);
  }
}

// The person whose anchor it is comes before one a half of whom merely shows it (a re-join that
// is under way).
void AddAnchors(PeopleSet& set) {
  for (const auto& [ordinal, person] : set.by_ordinal) {
    if (!person.facts.anchor.empty()) set.by_anchor.emplace(person.facts.anchor, ordinal);
  }
  for (const auto& [ordinal, person] : set.by_ordinal) {
    for (const monitor::Anchor& shown : AnchorsOf(person.facts)) {
      set.by_anchor.emplace(shown, ordinal);
    }
  }
}

// Whoever never had an episode has neither actions nor an incident; that is almost everybody.
bool MayHaveWork(const Person& person) {
  return person.episode.has_value() || person.memory.episodes > 0;
}

// The incident of the open episode, else one that has not ended, else the last one.
std::optional<Incident> PickIncident(const Person& person, std::vector<Incident> incidents) {
  if (incidents.empty()) return std::nullopt;
  const auto rank = [&person](const Incident& incident) {
    if (person.episode.has_value() && incident.id.value == person.episode->id.value) return 2;
    return incident.ended_at.has_value() ? 0 : 1;
  };
  const auto best =
      std::max_element(incidents.begin(), incidents.end(),
                       [&rank](const Incident& a, const Incident& b) { return rank(a) < rank(b); });
  return std::move(*best);
}

Status AddWork(RecordReader& reader, LinkNumber link, const Person& person, PeopleSet& set) {
  const std::string of_actions = OrdinalIndexKey(Index::kPersonAction, link, person.ordinal);
  DW_ASSIGN_OR_RETURN(const auto action_ids,
                      reader.Tails(Family::kIndexes, PrefixRange(of_actions), of_actions.size() + 8,
                                   kRecentActions, true));
  if (!action_ids.empty()) {
    DW_ASSIGN_OR_RETURN(auto actions, reader.Actions(link, action_ids));
    std::reverse(actions.begin(), actions.end());
    set.actions[person.ordinal] = std::move(actions);
  }
  const std::string of_incidents = OrdinalIndexKey(Index::kPersonIncident, link, person.ordinal);
  DW_ASSIGN_OR_RETURN(const auto incident_ids,
                      reader.Tails(Family::kIndexes, PrefixRange(of_incidents),
                                   of_incidents.size() + 1, kIncidentsLookedAt, true));
  if (incident_ids.empty()) return OkStatus();
  DW_ASSIGN_OR_RETURN(auto incidents, reader.Incidents(link, incident_ids));
  auto incident = PickIncident(person, std::move(incidents));
  if (incident.has_value()) set.incidents[person.ordinal] = *std::move(incident);
  return OkStatus();
}

}  // namespace

StatusOr<PeopleSet> KvStateStore::LoadPeople(const LinkName& name, const PeopleKeys& keys) {
  RecordReader reader(*kv_);
  PeopleSet set;
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return set;
  const std::set<PersonOrdinal> asked(keys.ordinals.begin(), keys.ordinals.end());
  std::set<PersonOrdinal> candidates = asked;
  // Which wanted keys led to a person: hashes collide, so each is verified on the record.
  std::map<PersonOrdinal, std::vector<Wanted>> led_by;
  for (const Wanted& wanted : WantedOf(keys)) {
    if (wanted.text.empty()) continue;
    DW_ASSIGN_OR_RETURN(
        const auto found,
        reader.Numbers(Family::kLookups, LookupRange(wanted.kind, wanted.text, *link), SIZE_MAX));
    for (const PersonOrdinal ordinal : found) {
      candidates.insert(ordinal);
      led_by[ordinal].push_back(wanted);
    }
  }
  DW_ASSIGN_OR_RETURN(auto people, reader.People(*link, {candidates.begin(), candidates.end()}));
  for (Person& person : people) {
    if (!asked.contains(person.ordinal) && !IsWanted(person, led_by[person.ordinal])) continue;
    AddNames(set, person);
    if (MayHaveWork(person)) DW_RETURN_IF_ERROR(AddWork(reader, *link, person, set));
    set.by_ordinal.emplace(person.ordinal, std::move(person));
  }
  AddAnchors(set);
  return set;
}

StatusOr<absl::Time> KvStateStore::LowMark(LinkNumber link, RecordReader& reader) {
  {
    const std::lock_guard lock(marks_mutex_);
    const auto it = marks_.find(link);
    if (it != marks_.end()) return it->second;
  }
  DW_ASSIGN_OR_RETURN(const absl::Time stored, reader.LowMark(link));
  const std::lock_guard lock(marks_mutex_);
  return marks_.emplace(link, stored).first->second;
}

StatusOr<std::vector<PersonOrdinal>> KvStateStore::DueBefore(const LinkName& name, absl::Time now,
                                                             size_t limit) {
  uint64_t commits_before = 0;
  {
    const std::lock_guard lock(marks_mutex_);
    commits_before = commits_;
  }
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return std::vector<PersonOrdinal>();
  DW_ASSIGN_OR_RETURN(const absl::Time mark, LowMark(*link, reader));
  DW_ASSIGN_OR_RETURN(const auto entries,
                      reader.kv().Scan(Family::kDeadlines, DeadlinesFrom(*link, mark, now),
                                       std::max<size_t>(limit, 1)));
  std::vector<PersonOrdinal> out;
  for (const KvEntry& entry : entries) out.push_back(NumberOfKey(entry.key));
  const absl::Time first = entries.empty() ? now : DueOfDeadlineKey(entries.front().key);
  const std::lock_guard lock(marks_mutex_);
  if (commits_ == commits_before && first > marks_[*link]) marks_[*link] = first;
  return out;
}

StatusOr<std::vector<PersonOrdinal>> KvStateStore::OrdinalsOf(Index index, const LinkName& name,
                                                              PersonOrdinal after, size_t limit) {
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return std::vector<PersonOrdinal>();
  const KvRange range =
      PrefixRangeAfter(IndexPrefix(index, *link), OrdinalIndexKey(index, *link, after));
  return reader.Numbers(Family::kIndexes, range, limit);
}

StatusOr<std::vector<PersonOrdinal>> KvStateStore::OpenPeople(const LinkName& link,
                                                              PersonOrdinal after, size_t limit) {
  return OrdinalsOf(Index::kOpenPerson, link, after, limit);
}

StatusOr<std::vector<PersonOrdinal>> KvStateStore::WatchedPeople(const LinkName& link,
                                                                 PersonOrdinal after,
                                                                 size_t limit) {
  return OrdinalsOf(Index::kWatched, link, after, limit);
}

StatusOr<std::vector<PersonOrdinal>> KvStateStore::InheritedPeople(const LinkName& link,
                                                                   PersonOrdinal after,
                                                                   size_t limit) {
  return OrdinalsOf(Index::kInherited, link, after, limit);
}

StatusOr<std::vector<Action>> KvStateStore::LiveActions(const LinkName& name) {
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return std::vector<Action>();
  const std::string prefix = IndexPrefix(Index::kLiveAction, *link);
  DW_ASSIGN_OR_RETURN(const auto ids, reader.Tails(Family::kIndexes, PrefixRange(prefix),
                                                   prefix.size() + 1, SIZE_MAX));
  return reader.Actions(*link, ids);
}

StatusOr<std::vector<Incident>> KvStateStore::Incidents(const LinkName& name) {
  RecordReader reader(*kv_);
  std::vector<Incident> out;
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return out;
  DW_ASSIGN_OR_RETURN(const auto entries,
                      reader.kv().Scan(Family::kIncidents, AllOfLink(*link), SIZE_MAX));
  for (const KvEntry& entry : entries) {
    DW_ASSIGN_OR_RETURN(Incident incident, DecodeIncident(entry.key, entry.value));
    out.push_back(std::move(incident));
  }
  return out;
}

}  // namespace driftwarden::store
