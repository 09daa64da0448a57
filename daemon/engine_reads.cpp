// Whom the direct reads are to read.

#include <algorithm>

#include "daemon/engine.h"

namespace driftwarden::daemon {

using monitor::PersonOrdinal;

namespace {

// While somebody's disable has not settled, or may be undone, AD is asked again too.
bool WantsAccounts(const monitor::Person& person) {
  return person.phase == monitor::State::kPending || person.phase == monitor::State::kRegressed;
}

// When something was last learned of the departure.
absl::Time LastNews(const monitor::Person& person) {
  absl::Time last = absl::InfinitePast();
  if (!person.episode) return last;
  const monitor::Episode& episode = *person.episode;
  last = std::max(last, episode.opened);
  for (const monitor::EpisodeKind& kind : episode.kinds) {
    last = std::max(last, kind.cleared.value_or(kind.opened));
  }
  if (episode.entra_disabled) last = std::max(last, episode.entra_disabled->hi);
  return std::max(last, episode.revoked.value_or(last));
}

// Only what was left behind keeps the episode open; the feeds tell if they come back.
bool IsOver(const monitor::Person& person) {
  return person.episode && !person.episode->OfDeparture() &&
         person.phase == monitor::State::kConverged;
}

DirectTarget TargetOf(const monitor::Person& person, bool everything) {
  DirectTarget target;
  target.person = person.ordinal;
  target.open = person.episode.has_value();
  const monitor::Facts& facts = person.facts;
  if (facts.entra) target.entra_id = facts.entra->id;
  target.pace.since = LastNews(person);
  target.pace.deadline = person.review_at;
  target.pace.over = IsOver(person);
  target.pace.tier0 = person.tier.value == monitor::kTier0;
  if (!everything && !WantsAccounts(person)) return target;
  for (const monitor::AdHalf& half : facts.ad) {
    target.accounts.emplace_back(half.source, half.object_guid);
  }
  return target;
}

}  // namespace

asio::awaitable<StatusOr<std::vector<DirectTarget>>> Engine::OpenTargets(PersonOrdinal after,
                                                                         size_t limit) {
  auto read = OpenTargetsOnStrand(after, limit);
  auto targets = co_await RunOn(strand_, std::move(read));
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<DirectTarget>>> Engine::OpenTargetsOnStrand(
    PersonOrdinal after, size_t limit) {
  auto list = [this, after, limit] { return parts_.store.OpenPeople(link_, after, limit); };
  auto open = co_await OnLane(parts_.lane, std::move(list));
  if (!open.ok()) co_return open.status();
  std::vector<PersonOrdinal> people = std::move(*open);
  auto targets = co_await TargetsOf(std::move(people), false);
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<DirectTarget>>> Engine::WantedTargets(size_t limit) {
  auto read = WantedTargetsOnStrand(limit);
  auto targets = co_await RunOn(strand_, std::move(read));
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<DirectTarget>>> Engine::WantedTargetsOnStrand(size_t limit) {
  std::vector<PersonOrdinal> people;
  while (!reads_wanted_.empty() && people.size() < limit) {
    people.push_back(*reads_wanted_.begin());
    reads_wanted_.erase(reads_wanted_.begin());
  }
  auto targets = co_await TargetsOf(std::move(people), true);
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<DirectTarget>>> Engine::TargetsOf(
    std::vector<PersonOrdinal> people, bool everything) {
  std::vector<DirectTarget> targets;
  if (people.empty()) co_return targets;
  store::PeopleKeys keys;
  keys.ordinals = std::move(people);
  auto loaded = co_await Load(std::move(keys));
  if (!loaded.ok()) co_return loaded.status();
  for (const auto& [ordinal, person] : loaded->by_ordinal) {
    targets.push_back(TargetOf(person, everything));
  }
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<PersonOrdinal>>> Engine::OpenPeople(PersonOrdinal after,
                                                                         size_t limit) {
  auto list = [this, after, limit] { return parts_.store.OpenPeople(link_, after, limit); };
  auto open = co_await OnLane(parts_.lane, std::move(list));
  co_return open;
}

asio::awaitable<StatusOr<std::vector<DirectTarget>>> Engine::Targets(
    std::vector<PersonOrdinal> people) {
  auto read = TargetsOf(std::move(people), false);
  auto targets = co_await RunOn(strand_, std::move(read));
  co_return targets;
}

asio::awaitable<std::vector<PersonOrdinal>> Engine::TakeNews() {
  auto taken = co_await RunOn(strand_, TakeNewsOnStrand());
  co_return taken;
}

asio::awaitable<std::vector<PersonOrdinal>> Engine::TakeNewsOnStrand() {
  std::vector<PersonOrdinal> people(news_.begin(), news_.end());
  news_.clear();
  co_return people;
}

}  // namespace driftwarden::daemon
