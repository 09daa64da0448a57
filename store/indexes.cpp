#include "store/indexes.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/strings.h"
#include "store/records.h"

namespace driftwarden::store {

using monitor::Person;

namespace {

struct LookupText {
  Lookup kind;
  std::string text;
};

void Add(std::vector<LookupText>& out, Lookup kind, std::string_view text) {
  if (!text.empty()) out.push_back({kind, std::string(text)});
}

std::vector<LookupText> LookupsOf(const Person& person) {
  std::vector<LookupText> out;
  for (const monitor::Anchor& anchor : AnchorsOf(person.facts)) {
    Add(out, Lookup::kAnchor, anchor.value);
  }
  for (const monitor::AdHalf& half : person.facts.ad) {
    if (!half.object_guid.IsZero()) Add(out, Lookup::kObjectGuid, half.object_guid.Raw());
    Add(out, Lookup::kSid, half.sid.bytes);
    Add(out, Lookup::kUpn, half.upn);
    Add(out, Lookup::kSamAccountName, half.sam_account_name);
  }
  if (person.facts.entra.has_value()) {
    const monitor::EntraHalf& half = *person.facts.entra;
    Add(out, Lookup::kEntraId, half.id);
    Add(out, Lookup::kSid, half.on_premises_sid.bytes);
    Add(out, Lookup::kUpn, half.upn);
    Add(out, Lookup::kSamAccountName, half.sam_account_name);
  }
  return out;
}

IndexEntries Sorted(IndexEntries entries) {
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

bool MatchesText(Lookup kind, std::string_view a, std::string_view b) {
  const bool as_is = kind == Lookup::kObjectGuid || kind == Lookup::kSid || kind == Lookup::kAnchor;
  return as_is ? a == b : EqualsIgnoreCase(a, b);
}

template <typename T>
StatusOr<IndexEntries> OfDecoded(LinkNumber link, const StatusOr<T>& record) {
  if (!record.ok()) return record.status();
  return EntriesOf(link, *record);
}

}  // namespace

bool IsIndexedState(monitor::State state) {
  return state != monitor::State::kUnlinked && state != monitor::State::kAligned &&
         state != monitor::State::kConverged;
}

IndexEntries EntriesOf(LinkNumber link, const Person& person) {
  IndexEntries out;
  const monitor::PersonOrdinal ordinal = person.ordinal;
  for (const LookupText& lookup : LookupsOf(person)) {
    out.push_back({Family::kLookups, LookupKey(lookup.kind, lookup.text, link, ordinal), ""});
  }
  if (person.review_at != absl::InfiniteFuture()) {
    out.push_back({Family::kDeadlines, DeadlineKey(link, person.review_at, ordinal), ""});
  }
  if (IsIndexedState(person.state)) {
    out.push_back({Family::kIndexes, StateIndexKey(link, person.state, ordinal), ""});
  }
  if (HasInherited(person.memory)) {
    out.push_back({Family::kIndexes, OrdinalIndexKey(Index::kInherited, link, ordinal), ""});
  }
  if (person.memory.watch_until.has_value()) {
    out.push_back({Family::kIndexes, OrdinalIndexKey(Index::kWatched, link, ordinal), ""});
  }
  if (person.memory.exemption.has_value()) {
    out.push_back({Family::kIndexes, OrdinalIndexKey(Index::kExempted, link, ordinal), ""});
  }
  const auto& leave = person.memory.leave;
  if (leave.has_value() && leave->end == monitor::LeaveEnd::kExpected) {
    out.push_back({Family::kIndexes, OrdinalIndexKey(Index::kExpected, link, ordinal), ""});
  }
  if (person.episode.has_value()) {
    ByteWriter value;
    value.U64(ordinal);
    out.push_back({Family::kIndexes, OrdinalIndexKey(Index::kOpenPerson, link, ordinal), ""});
    out.push_back({Family::kIndexes,
                   IdIndexKey(Index::kOpenEpisode, link, person.episode->id.value), value.Take()});
  }
  return Sorted(std::move(out));
}

IndexEntries EntriesOf(LinkNumber link, const monitor::Episode& closed) {
  return {{Family::kIndexes,
           PersonIdIndexKey(Index::kPersonEpisode, link, closed.person, closed.id.value), ""}};
}

IndexEntries EntriesOf(LinkNumber link, const monitor::Action& action) {
  IndexEntries out;
  out.push_back({Family::kIndexes, PersonActionKey(link, action), ""});
  out.push_back({Family::kIndexes, ActionTimeKey(link, action), ""});
  if (monitor::IsLive(action.state)) {
    out.push_back({Family::kIndexes, IdIndexKey(Index::kLiveAction, link, action.id.value), ""});
  }
  return Sorted(std::move(out));
}

IndexEntries EntriesOf(LinkNumber link, const monitor::Incident& incident) {
  if (!incident.person.has_value()) return {};
  return {{Family::kIndexes,
           PersonIdIndexKey(Index::kPersonIncident, link, *incident.person, incident.id.value),
           ""}};
}

IndexEntries EntriesOf(LinkNumber link, const monitor::EvidenceEntry& entry) {
  if (!entry.person.has_value()) return {};
  return {{Family::kIndexes, PersonEvidenceKey(link, *entry.person, entry.seq), ""}};
}

StatusOr<IndexEntries> EntriesOfRecord(Family family, std::string_view key,
                                       std::string_view bytes) {
  const LinkNumber link = ByteReader(key).U32();
  switch (family) {
    case Family::kPeople:
      return OfDecoded(link, DecodePerson(key, bytes));
    case Family::kEpisodes:
      return OfDecoded(link, DecodeEpisode(key, bytes));
    case Family::kActions:
      return OfDecoded(link, DecodeAction(key, bytes));
    case Family::kIncidents:
      return OfDecoded(link, DecodeIncident(key, bytes));
    case Family::kEvidence:
      return OfDecoded(link, DecodeEvidence(key, bytes));
    case Family::kMeta:
    case Family::kLookups:
    case Family::kDeadlines:
    case Family::kIndexes:
      break;
  }
  return IndexEntries();
}

bool HasLookup(const Person& person, Lookup kind, std::string_view text) {
  const std::vector<LookupText> lookups = LookupsOf(person);
  return std::any_of(lookups.begin(), lookups.end(), [&](const LookupText& lookup) {
    return lookup.kind == kind && MatchesText(kind, lookup.text, text);
  });
}

}  // namespace driftwarden::store
