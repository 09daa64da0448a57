#include "store/keys.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::store {

using monitor::PersonOrdinal;

namespace {

constexpr char kSchemaName[] = "schema";
constexpr char kLeaseName[] = "lease";
constexpr char kLinkNumberPrefix[] = "link/";
constexpr char kLinkStatePrefix[] = "state/";
constexpr char kLowMarkPrefix[] = "low/";
constexpr char kResiduePrefix[] = "residue/";

void PutId(ByteWriter& out, std::string_view id) {
  // Longer ids than 255 bytes share a length byte; they stay distinct, only their order is cruder.
  out.U8(static_cast<uint8_t>(std::min<size_t>(id.size(), 255)));
  out.Raw(id);
}

ByteWriter Begin(Index index, LinkNumber link) {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(index));
  out.U32(link);
  return out;
}

}  // namespace

std::string SchemaKey() {
  return kSchemaName;
}
std::string LeaseKey() {
  return kLeaseName;
}
std::string LinkNumberKey(const monitor::LinkName& link) {
  return kLinkNumberPrefix + link.value;
}
KvRange AllLinkNumbers() {
  return PrefixRange(kLinkNumberPrefix);
}
std::string LinkStateKey(LinkNumber link) {
  ByteWriter out;
  out.Raw(kLinkStatePrefix);
  out.U32(link);
  return out.Take();
}
std::string ResidueKey(LinkNumber link, PersonOrdinal ordinal) {
  ByteWriter out;
  out.Raw(kResiduePrefix);
  out.U32(link);
  out.U64(ordinal);
  return out.Take();
}
KvRange ResidueOfLink(LinkNumber link) {
  ByteWriter out;
  out.Raw(kResiduePrefix);
  out.U32(link);
  return PrefixRange(out.Take());
}
std::string LowMarkKey(LinkNumber link) {
  ByteWriter out;
  out.Raw(kLowMarkPrefix);
  out.U32(link);
  return out.Take();
}

std::string NumberKey(LinkNumber link, uint64_t number) {
  ByteWriter out;
  out.U32(link);
  out.U64(number);
  return out.Take();
}

KvRange NumbersFrom(LinkNumber link, uint64_t from) {
  return {NumberKey(link, from), AllOfLink(link).to};
}

KvRange NumbersAfter(LinkNumber link, uint64_t after) {
  return {NumberKey(link, after) + '\0', AllOfLink(link).to};
}

uint64_t NumberOfKey(std::string_view key) {
  if (key.size() < 8) return 0;
  return ByteReader(key.substr(key.size() - 8)).U64();
}

std::string IdKey(LinkNumber link, std::string_view id) {
  ByteWriter out;
  out.U32(link);
  PutId(out, id);
  return out.Take();
}

KvRange AllOfLink(LinkNumber link) {
  ByteWriter out;
  out.U32(link);
  return PrefixRange(out.Take());
}

std::string DeadlineKey(LinkNumber link, absl::Time due, PersonOrdinal ordinal) {
  ByteWriter out;
  out.U32(link);
  out.Time(due);
  out.U64(ordinal);
  return out.Take();
}

KvRange DeadlinesFrom(LinkNumber link, absl::Time low, absl::Time now) {
  return {DeadlineKey(link, low, 0), DeadlineKey(link, now, UINT64_MAX) + '\0'};
}

absl::Time DueOfDeadlineKey(std::string_view key) {
  ByteReader in(key);
  in.U32();
  return in.Time();
}

uint64_t LookupHash(Lookup kind, std::string_view text) {
  const bool as_is = kind == Lookup::kObjectGuid || kind == Lookup::kSid || kind == Lookup::kAnchor;
  const std::string lowered = as_is ? std::string() : ToLowerAscii(text);
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : as_is ? text : std::string_view(lowered)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

namespace {
std::string LookupPrefix(Lookup kind, std::string_view text) {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(kind));
  out.U64(LookupHash(kind, text));
  return out.Take();
}
}  // namespace

std::string LookupKey(Lookup kind, std::string_view text, LinkNumber link, PersonOrdinal ordinal) {
  return LookupPrefix(kind, text) + NumberKey(link, ordinal);
}

KvRange LookupRange(Lookup kind, std::string_view text, LinkNumber link) {
  const std::string prefix = LookupPrefix(kind, text);
  const KvRange numbers = AllOfLink(link);
  return {prefix + numbers.from, prefix + numbers.to};
}

KvRange LookupRangeAllLinks(Lookup kind, std::string_view text) {
  return PrefixRange(LookupPrefix(kind, text));
}

LinkNumber LinkOfLookupKey(std::string_view key) {
  return key.size() < 13 ? 0 : ByteReader(key.substr(9)).U32();
}

std::string IndexPrefix(Index index, LinkNumber link) {
  return Begin(index, link).Take();
}

std::string StateIndexKey(LinkNumber link, monitor::State state, PersonOrdinal ordinal) {
  ByteWriter out = Begin(Index::kState, link);
  out.U8(static_cast<uint8_t>(state));
  out.U64(ordinal);
  return out.Take();
}

std::string OrdinalIndexKey(Index index, LinkNumber link, PersonOrdinal ordinal) {
  ByteWriter out = Begin(index, link);
  out.U64(ordinal);
  return out.Take();
}

std::string IdIndexKey(Index index, LinkNumber link, std::string_view id) {
  ByteWriter out = Begin(index, link);
  PutId(out, id);
  return out.Take();
}

std::string PersonIdIndexKey(Index index, LinkNumber link, PersonOrdinal ordinal,
                             std::string_view id) {
  ByteWriter out = Begin(index, link);
  out.U64(ordinal);
  PutId(out, id);
  return out.Take();
}

std::string PersonActionKey(LinkNumber link, const monitor::Action& action) {
  ByteWriter out = Begin(Index::kPersonAction, link);
  out.U64(action.person);
  out.Time(action.requested_at);
  out.Raw(action.id.value);
  return out.Take();
}

std::string ActionTimeKey(LinkNumber link, const monitor::Action& action) {
  ByteWriter out = Begin(Index::kActionTime, link);
  out.Time(action.requested_at);
  out.Raw(action.id.value);
  return out.Take();
}

std::string PersonEvidenceKey(LinkNumber link, PersonOrdinal ordinal, uint64_t seq) {
  ByteWriter out = Begin(Index::kPersonEvidence, link);
  out.U64(ordinal);
  out.U64(seq);
  return out.Take();
}

KvRange PrefixRange(std::string prefix) {
  std::string to = prefix;
  while (!to.empty() && static_cast<unsigned char>(to.back()) == 0xff) to.pop_back();
  DW_CHECK(!to.empty());  // no prefix of ours is all ones
  to.back() = static_cast<char>(static_cast<unsigned char>(to.back()) + 1);
  return {std::move(prefix), std::move(to)};
}

KvRange PrefixRangeAfter(const std::string& prefix, const std::string& key) {
  return {key + '\0', PrefixRange(prefix).to};
}

namespace {

std::optional<Owner> OwnerOfIndexEntry(const KvEntry& entry) {
  ByteReader in(entry.key);
  const auto index = static_cast<Index>(in.U8());
  const LinkNumber link = in.U32();
  Owner owner;
  switch (index) {
    case Index::kState:
      in.U8();
      owner = {Family::kPeople, NumberKey(link, in.U64())};
      break;
    case Index::kOpenPerson:
    case Index::kInherited:
    case Index::kWatched:
    case Index::kExempted:
    case Index::kExpected:
      owner = {Family::kPeople, NumberKey(link, in.U64())};
      break;
    case Index::kLiveAction:
      in.U8();
      owner = {Family::kActions, IdKey(link, in.Raw(in.remaining()))};
      break;
    case Index::kPersonAction:
      in.U64();
      [[fallthrough]];
    case Index::kActionTime:
      in.U64();
      owner = {Family::kActions, IdKey(link, in.Raw(in.remaining()))};
      break;
    case Index::kPersonEpisode:
    case Index::kPersonIncident:
      in.U64();
      in.U8();
      owner = {index == Index::kPersonEpisode ? Family::kEpisodes : Family::kIncidents,
               IdKey(link, in.Raw(in.remaining()))};
      break;
    case Index::kPersonEvidence:
      in.U64();
      owner = {Family::kEvidence, NumberKey(link, in.U64())};
      break;
    case Index::kOpenEpisode:
      if (entry.value.size() != 8) return std::nullopt;
      in.Raw(in.remaining());
      owner = {Family::kPeople, NumberKey(link, NumberOfKey(entry.value))};
      break;
    default:
      return std::nullopt;
  }
  if (!in.AtEnd()) return std::nullopt;
  return owner;
}

}  // namespace

std::optional<Owner> OwnerOfEntry(Family family, const KvEntry& entry) {
  constexpr size_t kLookupSize = 21;
  constexpr size_t kDeadlineSize = 20;
  const std::string& key = entry.key;
  if (family == Family::kLookups && key.size() == kLookupSize) {
    return Owner{Family::kPeople, key.substr(9)};
  }
  if (family == Family::kDeadlines && key.size() == kDeadlineSize) {
    return Owner{Family::kPeople, key.substr(0, 4) + key.substr(12)};
  }
  if (family == Family::kIndexes) return OwnerOfIndexEntry(entry);
  return std::nullopt;
}

std::string KeyText(Family family, std::string_view key) {
  // Keys of meta are names first, numbers after.
  if (family == Family::kMeta) return Cat("meta ", Printable(key));
  return Cat(FamilyName(family), " ", HexEncode(key));
}

}  // namespace driftwarden::store
