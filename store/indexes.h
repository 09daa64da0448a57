#pragma once

// What follows from a record: the entries of lookups, deadlines and indexes that lead to it. A
// commit writes the difference between the old record's entries and the new one's; a check compares
// them with what is stored.

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "monitor/person.h"
#include "store/keys.h"

namespace driftwarden::store {

struct IndexEntry {
  Family family = Family::kIndexes;
  std::string key;
  std::string value;
  friend auto operator<=>(const IndexEntry&, const IndexEntry&) = default;
};
using IndexEntries = std::vector<IndexEntry>;  // sorted, each once

// Most people are in one of the others, which are therefore not indexed by state.
bool IsIndexedState(monitor::State state);

IndexEntries EntriesOf(LinkNumber link, const monitor::Person& person);
IndexEntries EntriesOf(LinkNumber link, const monitor::Episode& closed);
IndexEntries EntriesOf(LinkNumber link, const monitor::Action& action);
IndexEntries EntriesOf(LinkNumber link, const monitor::Incident& incident);
IndexEntries EntriesOf(LinkNumber link, const monitor::EvidenceEntry& entry);

// The entries of a stored record, whichever it is; `key` begins with its link's number.
StatusOr<IndexEntries> EntriesOfRecord(Family family, std::string_view key, std::string_view bytes);

// True when `text` is what the lookup `kind` of this person leads by; ignores case for all but
// GUIDs, SIDs and anchors (whose texts are raw bytes, raw bytes and base64).
bool HasLookup(const monitor::Person& person, Lookup kind, std::string_view text);

}  // namespace driftwarden::store
