// What the API asks: lists in pages, one record by its id, search by name.

#include <algorithm>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/strings.h"
#include "store/indexes.h"
#include "store/kv_state_store.h"
#include "store/records.h"

namespace driftwarden::store {
namespace {

constexpr size_t kMaxPage = 10'000;
constexpr size_t kFoundAtMost = 1000;

size_t PageSize(size_t limit) {
  return std::clamp<size_t>(limit, 1, kMaxPage);
}

Status BadCursor() {
  return InvalidError("the cursor is not one that this list gave out");
}

struct Name {
  Lookup kind;
  std::string text;
};

// Everything `text` could be.
std::vector<Name> NamesOf(const std::string& text) {
  std::vector<Name> out = {{Lookup::kUpn, text},
                           {Lookup::kSamAccountName, text},
                           {Lookup::kAnchor, text},
                           {Lookup::kEntraId, text}};
  if (const auto guid = monitor::Guid::Parse(text); guid.has_value()) {
    out.push_back({Lookup::kObjectGuid, std::string(guid->Raw())});
  }
  if (const auto sid = monitor::Sid::Parse(text); sid.has_value()) {
    out.push_back({Lookup::kSid, sid->bytes});
  }
  return out;
}

StatusOr<std::vector<EvidenceEntry>> EvidenceOf(RecordReader& reader,
                                                const std::vector<std::string>& keys) {
  std::vector<EvidenceEntry> out;
  DW_ASSIGN_OR_RETURN(const auto values, reader.kv().MultiGet(Family::kEvidence, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i].has_value()) continue;
    DW_ASSIGN_OR_RETURN(EvidenceEntry evidence, DecodeEvidence(keys[i], *values[i]));
    out.push_back(std::move(evidence));
  }
  return out;
}

// Of a departure that is open or over.
StatusOr<std::optional<Episode>> EpisodeById(RecordReader& reader, LinkNumber link,
                                             const EpisodeId& id) {
  DW_ASSIGN_OR_RETURN(
      const auto owner,
      reader.kv().Get(Family::kIndexes, IdIndexKey(Index::kOpenEpisode, link, id.value)));
  if (owner.has_value()) {
    DW_ASSIGN_OR_RETURN(auto people, reader.People(link, {NumberOfKey(*owner)}));
    if (!people.empty() && people.front().episode.has_value()) return people.front().episode;
  }
  return reader.Episode(link, id);
}

using PeopleFound = std::set<std::pair<LinkNumber, PersonOrdinal>>;

// Whom `text` names as the id of a person, of their episode or of an action on them.
Status AddById(RecordReader& reader, const std::map<LinkNumber, LinkName>& links,
               const std::string& text, PeopleFound& out) {
  PeopleFound named;
  if (const auto id = monitor::ParsePersonId(text); id.has_value()) {
    DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(id->link));
    if (link.has_value()) named.emplace(*link, id->ordinal);
  }
  if (const auto name = monitor::LinkOfEpisode(EpisodeId(text)); name.has_value()) {
    DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(*name));
    if (link.has_value()) {
      DW_ASSIGN_OR_RETURN(const auto episode, EpisodeById(reader, *link, EpisodeId(text)));
      if (episode.has_value()) named.emplace(*link, episode->person);
    }
  }
  if (monitor::Guid::Parse(text).has_value()) {  // as the ids of actions are
    for (const auto& [link, name] : links) {
      DW_ASSIGN_OR_RETURN(const auto actions, reader.Actions(link, {text}));
      for (const Action& action : actions) named.emplace(link, action.person);
    }
  }
  for (const auto& [link, ordinal] : named) {
    DW_ASSIGN_OR_RETURN(const auto people, reader.People(link, {ordinal}));
    if (!people.empty()) out.emplace(link, ordinal);
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<std::pair<LinkName, PersonOrdinal>>> KvStateStore::Find(
    const std::string& text) {
  std::vector<std::pair<LinkName, PersonOrdinal>> out;
  if (text.empty()) return out;
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto links, reader.Links());
  PeopleFound found;
  for (const Name& name : NamesOf(text)) {
    DW_ASSIGN_OR_RETURN(const auto entries,
                        reader.kv().Scan(Family::kLookups,
                                         LookupRangeAllLinks(name.kind, name.text), kFoundAtMost));
    for (const KvEntry& entry : entries) {
      const LinkNumber link = LinkOfLookupKey(entry.key);
      DW_ASSIGN_OR_RETURN(const auto people, reader.People(link, {NumberOfKey(entry.key)}));
      if (people.empty() || !HasLookup(people.front(), name.kind, name.text)) continue;
      found.emplace(link, people.front().ordinal);
    }
  }
  DW_RETURN_IF_ERROR(AddById(reader, links, text, found));
  for (const auto& [link, ordinal] : found) {
    const auto name = links.find(link);
    if (name != links.end()) out.emplace_back(name->second, ordinal);
  }
  return out;
}

StatusOr<std::optional<Episode>> KvStateStore::LoadEpisode(const EpisodeId& id) {
  const auto name = monitor::LinkOfEpisode(id);
  if (!name.has_value()) return std::optional<Episode>();
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(*name));
  if (!link.has_value()) return std::optional<Episode>();
  return EpisodeById(reader, *link, id);
}

StatusOr<Page<Episode>> KvStateStore::ListEpisodes(const LinkName& name, bool open_only,
                                                   const std::string& cursor, size_t limit) {
  RecordReader reader(*kv_);
  Page<Episode> page;
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return page;
  const size_t size = PageSize(limit);
  // Both lists are sorted alike by id: take a page of each and merge. One more than asked tells
  // whether there is a next page.
  KvRange open_range = PrefixRange(IndexPrefix(Index::kOpenEpisode, *link));
  KvRange closed_range = AllOfLink(*link);
  if (!cursor.empty()) {
    if (monitor::LinkOfEpisode(EpisodeId(cursor)) != name) return BadCursor();
    open_range.to = IdIndexKey(Index::kOpenEpisode, *link, cursor);
    closed_range.to = IdKey(*link, cursor);
  }
  DW_ASSIGN_OR_RETURN(const auto open,
                      reader.kv().Scan(Family::kIndexes, open_range, size + 1, true));
  std::vector<PersonOrdinal> owners;
  for (const KvEntry& entry : open) owners.push_back(NumberOfKey(entry.value));
  DW_ASSIGN_OR_RETURN(auto people, reader.People(*link, owners));
  std::map<std::string, Episode, std::greater<>> found;
  for (Person& person : people) {
    if (person.episode.has_value()) {
      found.emplace(IdKey(*link, person.episode->id.value), *std::move(person.episode));
    }
  }
  if (!open_only) {
    DW_ASSIGN_OR_RETURN(const auto closed,
                        reader.kv().Scan(Family::kEpisodes, closed_range, size + 1, true));
    for (const KvEntry& entry : closed) {
      DW_ASSIGN_OR_RETURN(Episode episode, DecodeEpisode(entry.key, entry.value));
      found.emplace(entry.key, std::move(episode));
    }
  }
  for (auto& [key, episode] : found) {
    if (page.items.size() == size) {
      page.next_cursor = page.items.back().id.value;
      break;
    }
    page.items.push_back(std::move(episode));
  }
  return page;
}

StatusOr<std::vector<Episode>> KvStateStore::PersonEpisodes(const LinkName& name,
                                                            PersonOrdinal person, size_t limit) {
  RecordReader reader(*kv_);
  std::vector<Episode> out;
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return out;
  DW_ASSIGN_OR_RETURN(auto people, reader.People(*link, {person}));
  if (!people.empty() && people.front().episode.has_value()) {
    out.push_back(*std::move(people.front().episode));
  }
  const std::string prefix = OrdinalIndexKey(Index::kPersonEpisode, *link, person);
  DW_ASSIGN_OR_RETURN(const auto ids, reader.Tails(Family::kIndexes, PrefixRange(prefix),
                                                   prefix.size() + 1, PageSize(limit), true));
  for (const std::string& id : ids) {
    DW_ASSIGN_OR_RETURN(auto episode, reader.Episode(*link, EpisodeId(id)));
    if (episode.has_value() && out.size() < PageSize(limit)) out.push_back(*std::move(episode));
  }
  return out;
}

StatusOr<std::optional<Action>> KvStateStore::LoadAction(const LinkName& name, const ActionId& id) {
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return std::optional<Action>();
  DW_ASSIGN_OR_RETURN(auto found, reader.Actions(*link, {id.value}));
  if (found.empty()) return std::optional<Action>();
  return std::optional<Action>(std::move(found.front()));
}

StatusOr<Page<Action>> KvStateStore::ListActions(const LinkName& name, const std::string& cursor,
                                                 size_t limit) {
  RecordReader reader(*kv_);
  Page<Action> page;
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return page;
  const std::string prefix = IndexPrefix(Index::kActionTime, *link);
  KvRange range = PrefixRange(prefix);
  if (!cursor.empty()) {
    const auto at = HexDecode(cursor);
    if (!at.has_value() || at->size() < 8) return BadCursor();
    range.to = prefix + *at;
  }
  const size_t size = PageSize(limit);
  DW_ASSIGN_OR_RETURN(auto tails,
                      reader.Tails(Family::kIndexes, range, prefix.size(), size + 1, true));
  if (tails.size() > size) {
    tails.resize(size);
    page.next_cursor = HexEncode(tails.back());
  }
  std::vector<std::string> ids;
  for (const std::string& tail : tails)
    ids.push_back(tail.substr(std::min<size_t>(8, tail.size())));
  DW_ASSIGN_OR_RETURN(page.items, reader.Actions(*link, ids));
  return page;
}

StatusOr<std::vector<Action>> KvStateStore::PersonActions(const LinkName& name,
                                                          PersonOrdinal person, size_t limit) {
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return std::vector<Action>();
  const std::string prefix = OrdinalIndexKey(Index::kPersonAction, *link, person);
  DW_ASSIGN_OR_RETURN(const auto ids, reader.Tails(Family::kIndexes, PrefixRange(prefix),
                                                   prefix.size() + 8, PageSize(limit), true));
  return reader.Actions(*link, ids);
}

StatusOr<std::vector<EvidenceEntry>> KvStateStore::Evidence(const LinkName& name, uint64_t from_seq,
                                                            size_t limit) {
  RecordReader reader(*kv_);
  std::vector<EvidenceEntry> out;
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return out;
  DW_ASSIGN_OR_RETURN(const auto entries,
                      reader.kv().Scan(Family::kEvidence, NumbersFrom(*link, from_seq), limit));
  for (const KvEntry& entry : entries) {
    DW_ASSIGN_OR_RETURN(EvidenceEntry evidence, DecodeEvidence(entry.key, entry.value));
    out.push_back(std::move(evidence));
  }
  return out;
}

StatusOr<std::vector<EvidenceEntry>> KvStateStore::PersonEvidence(const LinkName& name,
                                                                  PersonOrdinal person,
                                                                  size_t limit) {
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return std::vector<EvidenceEntry>();
  const KvRange range = PrefixRange(OrdinalIndexKey(Index::kPersonEvidence, *link, person));
  DW_ASSIGN_OR_RETURN(const auto newest,
                      reader.kv().Scan(Family::kIndexes, range, PageSize(limit), true));
  std::vector<std::string> keys;
  for (const KvEntry& entry : newest) keys.push_back(NumberKey(*link, NumberOfKey(entry.key)));
  std::reverse(keys.begin(), keys.end());
  return EvidenceOf(reader, keys);
}

StatusOr<std::vector<EvidenceEntry>> KvStateStore::PersonEvidenceAfter(const LinkName& name,
                                                                       PersonOrdinal person,
                                                                       uint64_t after_seq,
                                                                       size_t limit) {
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return std::vector<EvidenceEntry>();
  const KvRange range = PrefixRangeAfter(OrdinalIndexKey(Index::kPersonEvidence, *link, person),
                                         PersonEvidenceKey(*link, person, after_seq));
  DW_ASSIGN_OR_RETURN(const auto numbers, reader.Numbers(Family::kIndexes, range, PageSize(limit)));
  std::vector<std::string> keys;
  for (const uint64_t seq : numbers) keys.push_back(NumberKey(*link, seq));
  return EvidenceOf(reader, keys);
}

}  // namespace driftwarden::store
