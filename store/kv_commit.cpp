// KvStateStore::Commit: one command's changes and all that follows from them as one write.

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "base/strings.h"
#include "store/indexes.h"
#include "store/kv_state_store.h"
#include "store/records.h"

namespace driftwarden::store {
namespace {

// One record as it is to be; nullopt bytes: gone.
struct NewRecord {
  std::optional<std::string> bytes;
  IndexEntries entries;
};
using NewRecords = std::map<std::string, NewRecord>;  // by key

// The number of a link that has none yet: one more than the highest.
StatusOr<LinkNumber> NextLinkNumber(RecordReader& reader) {
  DW_ASSIGN_OR_RETURN(const auto links, reader.Links());
  return links.empty() ? LinkNumber{1} : links.rbegin()->first + 1;
}

// Writes what differs between the stored records of one family and the new ones: the records, and
// of their entries only those that come or go.
Status Replace(KvSnapshot& snapshot, Family family, const NewRecords& records, KvBatch& batch) {
  std::vector<std::string> keys;
  keys.reserve(records.size());
  for (const auto& [key, record] : records) keys.push_back(key);
  DW_ASSIGN_OR_RETURN(const auto olds, snapshot.MultiGet(family, keys));
  std::vector<IndexEntry> gone, come;
  size_t at = 0;
  for (const auto& [key, record] : records) {
    const std::optional<std::string>& old = olds[at++];
    if (old == record.bytes) continue;
    IndexEntries before;
    if (old.has_value()) {
      DW_ASSIGN_OR_RETURN(before, EntriesOfRecord(family, key, *old));
    }
    std::set_difference(before.begin(), before.end(), record.entries.begin(), record.entries.end(),
                        std::back_inserter(gone));
    std::set_difference(record.entries.begin(), record.entries.end(), before.begin(), before.end(),
                        std::back_inserter(come));
    if (record.bytes.has_value()) {
      batch.Put(family, key, *record.bytes);
    } else {
      batch.Delete(family, key);
    }
  }
  // All deletions first: an open episode's entry may pass from one person to another.
  for (IndexEntry& entry : gone) batch.Delete(entry.family, std::move(entry.key));
  for (IndexEntry& entry : come) {
    batch.Put(entry.family, std::move(entry.key), std::move(entry.value));
  }
  return OkStatus();
}

NewRecords PeopleRecords(LinkNumber link, const Changes& changes) {
  NewRecords out;
  for (const PersonOrdinal ordinal : changes.removed) {
    out[NumberKey(link, ordinal)] = NewRecord{std::nullopt, {}};
  }
  for (const Person& person : changes.people) {
    out[NumberKey(link, person.ordinal)] = NewRecord{EncodePerson(person), EntriesOf(link, person)};
  }
  return out;
}

NewRecords IncidentRecords(LinkNumber link, const Changes& changes) {
  NewRecords out;
  for (const monitor::IncidentId& id : changes.removed_incidents) {
    out[IdKey(link, id.value)] = NewRecord{std::nullopt, {}};
  }
  for (const Incident& incident : changes.incidents) {
    out[IdKey(link, incident.id.value)] =
        NewRecord{EncodeIncident(incident), EntriesOf(link, incident)};
  }
  return out;
}

Status PutRecords(KvSnapshot& snapshot, LinkNumber link, const Changes& changes, KvBatch& batch) {
  NewRecords episodes, actions, evidence;
  for (const Episode& episode : changes.closed_episodes) {
    episodes[IdKey(link, episode.id.value)] =
        NewRecord{EncodeEpisode(episode), EntriesOf(link, episode)};
  }
  for (const Action& action : changes.actions) {
    actions[IdKey(link, action.id.value)] =
        NewRecord{EncodeAction(action), EntriesOf(link, action)};
  }
  for (const EvidenceEntry& entry : changes.evidence) {
    evidence[NumberKey(link, entry.seq)] = NewRecord{EncodeEvidence(entry), EntriesOf(link, entry)};
  }
  DW_RETURN_IF_ERROR(Replace(snapshot, Family::kPeople, PeopleRecords(link, changes), batch));
  DW_RETURN_IF_ERROR(Replace(snapshot, Family::kEpisodes, episodes, batch));
  DW_RETURN_IF_ERROR(Replace(snapshot, Family::kActions, actions, batch));
  DW_RETURN_IF_ERROR(Replace(snapshot, Family::kIncidents, IncidentRecords(link, changes), batch));
  return Replace(snapshot, Family::kEvidence, evidence, batch);
}

absl::Time EarliestDue(const Changes& changes) {
  absl::Time earliest = absl::InfiniteFuture();
  for (const Person& person : changes.people) earliest = std::min(earliest, person.review_at);
  return earliest;
}

}  // namespace

Status KvStateStore::Commit(uint64_t lease_epoch, const Changes& changes) {
  const std::lock_guard lock(write_mutex_);
  std::optional<RecordReader> reader(std::in_place, *kv_);
  DW_ASSIGN_OR_RETURN(const uint64_t epoch, reader->LeaseEpoch());
  if (lease_epoch != epoch || epoch == 0) {
    return PreconditionError(Cat("the store in ", kv_->path(), " was taken over: its lease is at ",
                                 epoch, ", this commit holds ", lease_epoch));
  }
  const LinkName& name = changes.link.name;
  if (name.empty()) return InternalError("a commit names no link");
  KvBatch batch;
  DW_ASSIGN_OR_RETURN(std::optional<LinkNumber> link, reader->NumberOf(name));
  if (!link.has_value()) {
    DW_ASSIGN_OR_RETURN(link, NextLinkNumber(*reader));
    batch.Put(Family::kMeta, LinkNumberKey(name), EncodeNumber(*link));
  }
  batch.Put(Family::kMeta, LinkStateKey(*link), EncodeLinkState(changes.link));
  DW_RETURN_IF_ERROR(PutRecords(reader->kv(), *link, changes, batch));
  for (const PersonOrdinal gone : changes.removed) {
    batch.Delete(Family::kMeta, ResidueKey(*link, gone));
  }

  const absl::Time earliest = EarliestDue(changes);
  DW_ASSIGN_OR_RETURN(const absl::Time known, LowMark(*link, *reader));
  DW_ASSIGN_OR_RETURN(const absl::Time stored, reader->LowMark(*link));
  const absl::Time mark = std::min(known, earliest);
  if (mark != stored) batch.Put(Family::kMeta, LowMarkKey(*link), EncodeMark(mark));
  reader.reset();  // its snapshot would make a disk in memory copy itself
  DW_RETURN_IF_ERROR(kv_->Write(batch, changes.must_sync));

  const std::lock_guard marks_lock(marks_mutex_);
  ++commits_;
  absl::Time& current = marks_[*link];
  current = std::min(current, earliest);
  return OkStatus();
}

}  // namespace driftwarden::store
