#include "store/record_reader.h"

#include <utility>

#include "store/record_fields.h"
#include "store/records.h"

namespace driftwarden::store {

using monitor::LinkName;
using monitor::PersonOrdinal;

namespace {

// Reads `keys` of a family and decodes what is there.
template <typename T>
StatusOr<std::vector<T>> ReadAll(KvSnapshot& snapshot, Family family,
                                 const std::vector<std::string>& keys,
                                 StatusOr<T> (*decode)(std::string_view, std::string_view)) {
  DW_ASSIGN_OR_RETURN(const auto values, snapshot.MultiGet(family, keys));
  std::vector<T> out;
  out.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i].has_value()) continue;
    DW_ASSIGN_OR_RETURN(T record, decode(keys[i], *values[i]));
    out.push_back(std::move(record));
  }
  return out;
}

std::vector<std::string> IdKeys(LinkNumber link, const std::vector<std::string>& ids) {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const std::string& id : ids) keys.push_back(IdKey(link, id));
  return keys;
}

StatusOr<LinkNumber> DecodeLinkNumber(std::string_view key, std::string_view bytes) {
  DW_ASSIGN_OR_RETURN(const uint64_t number, DecodeNumber(key, bytes));
  if (number == 0 || number >= UINT32_MAX) {
    return BadRecord(Family::kMeta, key, "is no link number");
  }
  return static_cast<LinkNumber>(number);
}

}  // namespace

StatusOr<uint64_t> RecordReader::LeaseEpoch() {
  DW_ASSIGN_OR_RETURN(const auto bytes, snapshot_->Get(Family::kMeta, LeaseKey()));
  if (!bytes.has_value()) return uint64_t{0};
  return DecodeNumber(LeaseKey(), *bytes);
}

StatusOr<std::optional<LinkNumber>> RecordReader::NumberOf(const LinkName& link) {
  const std::string key = LinkNumberKey(link);
  DW_ASSIGN_OR_RETURN(const auto bytes, snapshot_->Get(Family::kMeta, key));
  if (!bytes.has_value()) return std::optional<LinkNumber>();
  DW_ASSIGN_OR_RETURN(const LinkNumber number, DecodeLinkNumber(key, *bytes));
  return std::optional<LinkNumber>(number);
}

StatusOr<std::map<LinkNumber, LinkName>> RecordReader::Links() {
  const KvRange range = AllLinkNumbers();
  DW_ASSIGN_OR_RETURN(const auto entries, snapshot_->Scan(Family::kMeta, range, SIZE_MAX));
  std::map<LinkNumber, LinkName> out;
  for (const KvEntry& entry : entries) {
    DW_ASSIGN_OR_RETURN(const LinkNumber number, DecodeLinkNumber(entry.key, entry.value));
    LinkName name(entry.key.substr(range.from.size()));
    if (!out.emplace(number, std::move(name)).second) {
      return BadRecord(Family::kMeta, entry.key, "has the number of another link");
    }
  }
  return out;
}

StatusOr<std::optional<monitor::LinkState>> RecordReader::Link(LinkNumber link) {
  const std::string key = LinkStateKey(link);
  DW_ASSIGN_OR_RETURN(const auto bytes, snapshot_->Get(Family::kMeta, key));
  if (!bytes.has_value()) return std::optional<monitor::LinkState>();
  DW_ASSIGN_OR_RETURN(auto state, DecodeLinkState(key, *bytes));
  return std::optional<monitor::LinkState>(std::move(state));
}

StatusOr<absl::Time> RecordReader::LowMark(LinkNumber link) {
  const std::string key = LowMarkKey(link);
  DW_ASSIGN_OR_RETURN(const auto bytes, snapshot_->Get(Family::kMeta, key));
  if (!bytes.has_value()) return absl::InfinitePast();
  return DecodeMark(key, *bytes);
}

StatusOr<std::vector<monitor::Person>> RecordReader::People(
    LinkNumber link, const std::vector<PersonOrdinal>& ordinals) {
  std::vector<std::string> keys;
  keys.reserve(ordinals.size());
  for (const PersonOrdinal ordinal : ordinals) keys.push_back(NumberKey(link, ordinal));
  return ReadAll(*snapshot_, Family::kPeople, keys, DecodePerson);
}

StatusOr<std::optional<monitor::Episode>> RecordReader::Episode(LinkNumber link,
                                                                const monitor::EpisodeId& id) {
  DW_ASSIGN_OR_RETURN(
      auto found, ReadAll(*snapshot_, Family::kEpisodes, {IdKey(link, id.value)}, DecodeEpisode));
  if (found.empty()) return std::optional<monitor::Episode>();
  return std::optional<monitor::Episode>(std::move(found.front()));
}

StatusOr<std::vector<monitor::Action>> RecordReader::Actions(LinkNumber link,
                                                             const std::vector<std::string>& ids) {
  return ReadAll(*snapshot_, Family::kActions, IdKeys(link, ids), DecodeAction);
}

StatusOr<std::vector<monitor::Incident>> RecordReader::Incidents(
    LinkNumber link, const std::vector<std::string>& ids) {
  return ReadAll(*snapshot_, Family::kIncidents, IdKeys(link, ids), DecodeIncident);
}

StatusOr<std::vector<std::string>> RecordReader::Tails(Family family, const KvRange& range,
                                                       size_t skip, size_t limit, bool reverse) {
  DW_ASSIGN_OR_RETURN(const auto entries, snapshot_->Scan(family, range, limit, reverse));
  std::vector<std::string> out;
  out.reserve(entries.size());
  for (const KvEntry& entry : entries) {
    if (entry.key.size() < skip) return BadRecord(family, entry.key, "is too short a key");
    out.push_back(entry.key.substr(skip));
  }
  return out;
}

StatusOr<std::vector<uint64_t>> RecordReader::Numbers(Family family, const KvRange& range,
                                                      size_t limit) {
  DW_ASSIGN_OR_RETURN(const auto entries, snapshot_->Scan(family, range, limit));
  std::vector<uint64_t> out;
  out.reserve(entries.size());
  for (const KvEntry& entry : entries) out.push_back(NumberOfKey(entry.key));
  return out;
}

}  // namespace driftwarden::store
