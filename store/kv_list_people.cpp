// KvStateStore::ListPeople: the narrowest index that holds everybody wanted, then the filter.

#include <algorithm>

#include "base/strings.h"
#include "store/indexes.h"
#include "store/kv_state_store.h"

namespace driftwarden::store {
using monitor::LeaveEnd;

namespace {

constexpr size_t kMaxPage = 10'000;
constexpr size_t kLookedAtAtMost = 50'000;  // people a call
constexpr size_t kChunk = 500;

// Where to look: keys of one family that end in ordinals.
struct Source {
  Family family = Family::kPeople;
  std::string prefix;
};

Source SourceFor(LinkNumber link, const PeopleFilter& filter) {
  if (filter.exempted) return {Family::kIndexes, IndexPrefix(Index::kExempted, link)};
  if (filter.expected) return {Family::kIndexes, IndexPrefix(Index::kExpected, link)};
  if (filter.state.has_value() && IsIndexedState(*filter.state)) {
    std::string prefix = StateIndexKey(link, *filter.state, 0);
    prefix.resize(prefix.size() - sizeof(PersonOrdinal));
    return {Family::kIndexes, std::move(prefix)};
  }
  if (filter.with_open_episode || filter.kind.has_value()) {
    return {Family::kIndexes, IndexPrefix(Index::kOpenPerson, link)};
  }
  return {Family::kPeople, AllOfLink(link).from};
}

bool Contains(const std::string& name, const std::string& lowered) {
  return ToLowerAscii(name).find(lowered) != std::string::npos;
}

bool HasText(const Person& person, const std::string& lowered) {
  const auto& facts = person.facts;
  const bool in_ad = std::any_of(facts.ad.begin(), facts.ad.end(), [&](const auto& half) {
    return Contains(half.upn, lowered) || Contains(half.sam_account_name, lowered);
  });
  if (in_ad || !facts.entra.has_value()) return in_ad;
  return Contains(facts.entra->upn, lowered) || Contains(facts.entra->sam_account_name, lowered);
}

bool HasOpenKind(const Person& person, monitor::DriftKind kind) {
  if (!person.episode.has_value()) return false;
  const auto& kinds = person.episode->kinds;
  return std::any_of(kinds.begin(), kinds.end(), [kind](const monitor::EpisodeKind& each) {
    return each.kind == kind && !each.cleared.has_value();
  });
}

bool Matches(const Person& person, const PeopleFilter& filter, const std::string& lowered) {
  if (filter.state.has_value() && person.state != *filter.state) return false;
  if (filter.kind.has_value() && !HasOpenKind(person, *filter.kind)) return false;
  if (filter.tier.has_value() && person.tier != *filter.tier) return false;
  if (filter.with_open_episode && !person.episode.has_value()) return false;
  const auto& memory = person.memory;
  if (filter.exempted && !memory.exemption.has_value()) return false;
  const bool expected = memory.leave.has_value() && memory.leave->end == LeaveEnd::kExpected;
  if (filter.expected && !expected) return false;
  if (filter.where && !filter.where(person)) return false;
  return lowered.empty() || HasText(person, lowered);
}

std::string KeyAfter(const Source& source, PersonOrdinal after) {
  std::string key = source.prefix;
  for (int shift = 56; shift >= 0; shift -= 8)
    key.push_back(static_cast<char>(after >> shift & 255));
  return key;
}

}  // namespace

StatusOr<Page<Person>> KvStateStore::ListPeople(const LinkName& name, const PeopleFilter& filter,
                                                const std::string& cursor, size_t limit) {
  RecordReader reader(*kv_);
  Page<Person> page;
  const auto begin = cursor.empty() ? std::optional<uint64_t>(0) : ParseUint64(cursor);
  if (!begin.has_value()) return InvalidError("the cursor is not one that this list gave out");
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link.has_value()) return page;
  const Source source = SourceFor(*link, filter);
  const std::string lowered = ToLowerAscii(filter.text);
  const size_t size = std::clamp<size_t>(limit, 1, kMaxPage);
  PersonOrdinal last = *begin;
  for (size_t looked_at = 0; looked_at < kLookedAtAtMost; looked_at += kChunk) {
    const KvRange range = PrefixRangeAfter(source.prefix, KeyAfter(source, last));
    DW_ASSIGN_OR_RETURN(const auto ordinals, reader.Numbers(source.family, range, kChunk));
    if (ordinals.empty()) return page;
    DW_ASSIGN_OR_RETURN(auto people, reader.People(*link, ordinals));
    for (Person& person : people) {
      if (!Matches(person, filter, lowered)) continue;
      if (page.items.size() == size) {
        page.next_cursor = Cat(page.items.back().ordinal);
        return page;
      }
      page.items.push_back(std::move(person));
    }
    last = ordinals.back();
  }
  page.next_cursor = Cat(last);
  return page;
}

}  // namespace driftwarden::store
