#include "base/bytes.h"
#include "store/keys.h"
#include "tests/fuzz/target.h"

namespace driftwarden::store {
namespace {

bool Inside(const KvRange& range, const std::string& key) {
  return range.from <= key && key < range.to;
}

bool Owned(Family family, const KvEntry& entry, Family owner, const std::string& key) {
  const auto found = OwnerOfEntry(family, entry);
  return found.has_value() && found->family == owner && found->key == key;
}

// Any bytes as a key and its value.
void TryBytes(std::string_view input) {
  ByteReader in(input);
  const auto family = static_cast<Family>(in.U8() % kFamilyCount);
  KvEntry entry;
  entry.key = in.Bytes();
  entry.value = in.Raw(in.remaining());
  if (const auto owner = OwnerOfEntry(family, entry)) (void)KeyText(owner->family, owner->key);
  (void)KeyText(family, entry.key);
  (void)NumberOfKey(entry.key);
  (void)DueOfDeadlineKey(entry.key);
  (void)LinkOfLookupKey(entry.key);
}

void CheckIndexes(LinkNumber link, uint64_t number, const std::string& id) {
  const auto owned = [](const std::string& key, Family owner, const std::string& of) {
    return Owned(Family::kIndexes, {key, ""}, owner, of);
  };
  const std::string person = NumberKey(link, number);
  const std::string named = IdKey(link, id);
  DW_HOLDS(owned(StateIndexKey(link, monitor::State::kUnlinked, number), Family::kPeople, person));
  DW_HOLDS(owned(OrdinalIndexKey(Index::kOpenPerson, link, number), Family::kPeople, person));
  DW_HOLDS(owned(OrdinalIndexKey(Index::kInherited, link, number), Family::kPeople, person));
  DW_HOLDS(owned(PersonEvidenceKey(link, 7, number), Family::kEvidence, person));
  DW_HOLDS(owned(IdIndexKey(Index::kLiveAction, link, id), Family::kActions, named));
  DW_HOLDS(
      owned(PersonIdIndexKey(Index::kPersonEpisode, link, number, id), Family::kEpisodes, named));
  DW_HOLDS(
      owned(PersonIdIndexKey(Index::kPersonIncident, link, number, id), Family::kIncidents, named));
  ByteWriter ordinal;
  ordinal.U64(number);
  DW_HOLDS(Owned(Family::kIndexes, {IdIndexKey(Index::kOpenEpisode, link, id), ordinal.Take()},
                 Family::kPeople, person));
}

// Keys made of any parts are found in their ranges, and give their parts back.
void TryParts(std::string_view input) {
  ByteReader in(input);
  const LinkNumber link = in.U32() % (UINT32_MAX - 1) + 1;  // what the store accepts
  const uint64_t number = in.U64();
  const absl::Time due = in.Time();
  const std::string id = in.Raw(in.remaining());
  DW_HOLDS(NumberOfKey(NumberKey(link, number)) == number);
  DW_HOLDS(Inside(AllOfLink(link), NumberKey(link, number)));
  DW_HOLDS(Inside(NumbersFrom(link, number), NumberKey(link, number)));
  DW_HOLDS(!Inside(NumbersAfter(link, number), NumberKey(link, number)));
  DW_HOLDS(Inside(AllOfLink(link), IdKey(link, id)));

  const std::string deadline = DeadlineKey(link, due, number);
  DW_HOLDS(DueOfDeadlineKey(deadline) == due);
  DW_HOLDS(Inside(DeadlinesFrom(link, absl::InfinitePast(), due), deadline));
  DW_HOLDS(Owned(Family::kDeadlines, {deadline, ""}, Family::kPeople, NumberKey(link, number)));

  const std::string lookup = LookupKey(Lookup::kUpn, id, link, number);
  DW_HOLDS(Inside(LookupRange(Lookup::kUpn, id, link), lookup));
  DW_HOLDS(Inside(LookupRangeAllLinks(Lookup::kUpn, id), lookup));
  DW_HOLDS(LinkOfLookupKey(lookup) == link);
  DW_HOLDS(Owned(Family::kLookups, {lookup, ""}, Family::kPeople, NumberKey(link, number)));

  CheckIndexes(link, number, id);
  monitor::Action action;
  action.id.value = id;
  action.person = number;
  action.requested_at = due;
  DW_HOLDS(Owned(Family::kIndexes, {PersonActionKey(link, action), ""}, Family::kActions,
                 IdKey(link, id)));
  DW_HOLDS(Owned(Family::kIndexes, {ActionTimeKey(link, action), ""}, Family::kActions,
                 IdKey(link, id)));
}

}  // namespace

DW_FUZZ_TARGET(keys) {
  TryBytes(input);
  TryParts(input);
}

}  // namespace driftwarden::store
