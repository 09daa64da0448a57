#include "daemon/census.h"

#include <algorithm>
#include <vector>

namespace driftwarden::daemon {
namespace {

constexpr size_t kPage = 500;

void Count(const monitor::Person& person, LinkCensus& census) {
  if (!person.episode.has_value()) return;
  for (const monitor::EpisodeKind& kind : person.episode->kinds) {
    if (kind.cleared.has_value()) continue;
    const auto [at, added] =
        census.oldest_open.try_emplace({kind.kind, person.episode->tier}, kind.since);
    if (!added) at->second = std::min(at->second, kind.since);
  }
}

Status CountLeavers(store::StateStore& store, const monitor::LinkName& link, absl::Time now,
                    LinkCensus& census) {
  store::PeopleFilter filter;
  filter.expected = true;
  std::string cursor;
  do {
    DW_ASSIGN_OR_RETURN(const auto page, store.ListPeople(link, filter, cursor, kPage));
    for (const monitor::Person& person : page.items) {
      const monitor::AdHalf* ad = person.facts.DecidingAd();
      const bool departed = ad != nullptr && monitor::Departed(*ad);
      const bool overdue = !departed && now >= person.memory.leave->effective;
      ++(overdue ? census.leavers_overdue : census.leavers_waiting);
    }
    cursor = page.next_cursor;
  } while (!cursor.empty());
  return OkStatus();
}

}  // namespace

StatusOr<LinkCensus> TakeCensus(store::StateStore& store, const monitor::LinkName& link,
                                absl::Time now) {
  LinkCensus census;
  DW_RETURN_IF_ERROR(CountLeavers(store, link, now, census));
  DW_ASSIGN_OR_RETURN(const std::vector<monitor::Action> actions, store.LiveActions(link));
  for (const monitor::Action& action : actions) ++census.live_actions[action.kind];
  store::PeopleKeys keys;
  monitor::PersonOrdinal after = 0;
  while (true) {
    DW_ASSIGN_OR_RETURN(keys.ordinals, store.OpenPeople(link, after, kPage));
    if (keys.ordinals.empty()) return census;
    after = keys.ordinals.back();
    DW_ASSIGN_OR_RETURN(const monitor::PeopleSet people, store.LoadPeople(link, keys));
    for (const auto& [ordinal, person] : people.by_ordinal) Count(person, census);
  }
}

}  // namespace driftwarden::daemon
