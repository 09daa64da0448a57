#pragma once

// The layout of keys, as FORMAT.md gives it. Numbers are big-endian, so that keys sort like them.
// Ids of one link sort by length, then by bytes ("e9.x" before "e17.x").

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "monitor/person.h"
#include "store/kv.h"

namespace driftwarden::store {

// Dense number of a link in this store, given at its first commit.
using LinkNumber = uint32_t;

// meta
std::string SchemaKey();
std::string LeaseKey();
std::string LinkNumberKey(const monitor::LinkName& link);
std::string LinkStateKey(LinkNumber link);
std::string LowMarkKey(LinkNumber link);
// What is left of somebody in the tenant: link, ordinal.
std::string ResidueKey(LinkNumber link, monitor::PersonOrdinal ordinal);
KvRange ResidueOfLink(LinkNumber link);
KvRange AllLinkNumbers();

// people, evidence: link, number
std::string NumberKey(LinkNumber link, uint64_t number);
KvRange NumbersAfter(LinkNumber link, uint64_t after);  // exclusive
KvRange NumbersFrom(LinkNumber link, uint64_t from);    // inclusive
uint64_t NumberOfKey(std::string_view key);             // the last eight bytes

// episodes, actions, incidents: link, length, id
std::string IdKey(LinkNumber link, std::string_view id);
KvRange AllOfLink(LinkNumber link);

// deadlines: link, due, ordinal
std::string DeadlineKey(LinkNumber link, absl::Time due, monitor::PersonOrdinal ordinal);
KvRange DeadlinesFrom(LinkNumber link, absl::Time low, absl::Time now);  // low..now inclusive
absl::Time DueOfDeadlineKey(std::string_view key);

// lookups: kind, 64-bit hash, link, ordinal
enum class Lookup : uint8_t {
  kObjectGuid = 1,
  kSid = 2,
  kAnchor = 3,
  kEntraId = 4,
  kUpn = 5,
  kSamAccountName = 6,
};
// FNV-1a, 64 bits; of the lower-cased text for all but GUIDs, SIDs and anchors. Collisions are told
// apart by reading the person.
uint64_t LookupHash(Lookup kind, std::string_view text);
std::string LookupKey(Lookup kind, std::string_view text, LinkNumber link,
                      monitor::PersonOrdinal ordinal);
KvRange LookupRange(Lookup kind, std::string_view text, LinkNumber link);
KvRange LookupRangeAllLinks(Lookup kind, std::string_view text);
LinkNumber LinkOfLookupKey(std::string_view key);

// indexes: kind, link, then
enum class Index : uint8_t {
  kState = 1,           // state, ordinal
  kOpenPerson = 2,      // ordinal
  kInherited = 3,       // ordinal
  kLiveAction = 4,      // length, action id
  kPersonAction = 5,    // ordinal, requested_at, action id
  kPersonEpisode = 6,   // ordinal, length, episode id (closed ones)
  kActionTime = 7,      // requested_at, action id
  kPersonEvidence = 8,  // ordinal, seq
  kPersonIncident = 9,  // ordinal, length, incident id
  kOpenEpisode = 10,    // length, episode id; the value is the ordinal
  kWatched = 11,        // ordinal
  kExempted = 12,       // ordinal
  kExpected = 13,       // ordinal
};
std::string IndexPrefix(Index index, LinkNumber link);
std::string StateIndexKey(LinkNumber link, monitor::State state, monitor::PersonOrdinal ordinal);
std::string OrdinalIndexKey(Index index, LinkNumber link, monitor::PersonOrdinal ordinal);
std::string IdIndexKey(Index index, LinkNumber link, std::string_view id);
std::string PersonIdIndexKey(Index index, LinkNumber link, monitor::PersonOrdinal ordinal,
                             std::string_view id);
std::string PersonActionKey(LinkNumber link, const monitor::Action& action);
std::string ActionTimeKey(LinkNumber link, const monitor::Action& action);
std::string PersonEvidenceKey(LinkNumber link, monitor::PersonOrdinal ordinal, uint64_t seq);

// Every key that begins with `prefix`.
KvRange PrefixRange(std::string prefix);
// The same, without what is at or before `key` (which begins with `prefix`).
KvRange PrefixRangeAfter(const std::string& prefix, const std::string& key);

// To whom an entry of the families lookups, deadlines and indexes belongs; nullopt for bytes that
// are no such key.
struct Owner {
  Family family = Family::kPeople;
  std::string key;
};
std::optional<Owner> OwnerOfEntry(Family family, const KvEntry& entry);

// "people 000000010000000000000002", for messages.
std::string KeyText(Family family, std::string_view key);

}  // namespace driftwarden::store
