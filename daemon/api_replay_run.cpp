// policy/replay: reads what was recorded, a few people at a time, and judges it again. Reads only;
// between two pieces of work the lane is free for others.

#include <algorithm>
#include <map>
#include <utility>

#include "base/strings.h"
#include "daemon/api.h"
#include "daemon/api_json.h"
#include "daemon/api_replay.h"

namespace driftwarden::daemon {

using monitor::PersonOrdinal;
using net::ServerResponse;

namespace {

constexpr size_t kEpisodesAtOnce = 500;
constexpr size_t kPeopleAtOnce = 4;
constexpr size_t kEntriesAtOnce = 1000;
constexpr size_t kMostEntries = 5000;      // of one person
constexpr size_t kMostEpisodes = 200'000;  // looked through
constexpr size_t kMostReplays = 100'000;   // people times policies

// Whose history is played, with the begin of their first episode of the time.
using Cast = std::map<PersonOrdinal, absl::Time>;

Status TooMuch() {
  return InvalidError(Cat("that is more than is played in one go (", kMostReplays,
                          " people times policies, ", kMostEpisodes,
                          " episodes); shorten the time, name a link, or fewer values"));
}

void AddToCast(const monitor::Episode& episode, const monitor::ReplayWindow& window, Cast& cast) {
  const bool over = episode.closed && *episode.closed < window.from;
  if (over || episode.opened > window.to) return;
  const auto [at, added] = cast.emplace(episode.person, episode.opened);
  if (!added) at->second = std::min(at->second, episode.opened);
}

// All that was recorded of one person. Nothing: too much of it.
StatusOr<std::optional<std::vector<monitor::EvidenceEntry>>> EntriesOf(
    store::StateStore& store, const monitor::LinkName& link, PersonOrdinal person) {
  std::vector<monitor::EvidenceEntry> entries;
  while (true) {
    const uint64_t after = entries.empty() ? 0 : entries.back().seq;
    DW_ASSIGN_OR_RETURN(auto page, store.PersonEvidenceAfter(link, person, after, kEntriesAtOnce));
    const bool last = page.size() < kEntriesAtOnce;
    entries.insert(entries.end(), std::make_move_iterator(page.begin()),
                   std::make_move_iterator(page.end()));
    if (last) return std::optional(std::move(entries));
    if (entries.size() > kMostEntries) {
      return std::optional<std::vector<monitor::EvidenceEntry>>();
    }
  }
}

// One link's part of a replay.
struct LinkReplay {
  monitor::LinkName link;
  std::shared_ptr<const monitor::LinkState> state;
  std::vector<monitor::Policy> policies;  // the present one first
  const ReplayRequest* request = nullptr;
  monitor::ReplayReport* report = nullptr;
};

void PlayOne(const LinkReplay& replay, const monitor::PersonHistory& history) {
  const monitor::Policy& present = replay.policies.front();
  const auto why_not = monitor::WhyNotReplayed(history, present);
  if (why_not) {
    replay.report->AddNotEvaluated(*why_not);
    return;
  }
  const monitor::Person& person = history.people.by_ordinal.at(history.who);
  monitor::ReplayedPerson out;
  out.tier = monitor::TierOf(person.facts, present);
  if (!replay.request->tier.empty() && out.tier.value != replay.request->tier) return;
  out.id = monitor::PersonIdText(replay.link, history.who);
  out.upn = UpnOf(person);
  out.recorded = monitor::RecordedOutcome(history, replay.request->window);
  for (const monitor::Policy& policy : replay.policies) {
    auto outcome = monitor::ReplayPerson(history, *replay.state, policy, replay.request->window);
    if (!outcome) {
      replay.report->AddNotEvaluated("too_many_steps");
      return;
    }
    out.outcomes.push_back(*std::move(outcome));
    out.warn_after.push_back(monitor::ThresholdsFor(out.tier, policy, *replay.state).warn_after);
  }
  replay.report->Add(out);
}

Status PlaySome(store::StateStore& store, const LinkReplay& replay, Cast::const_iterator from,
                Cast::const_iterator to) {
  for (; from != to; ++from) {
    monitor::PersonHistory history;
    history.who = from->first;
    history.oldest_episode = from->second;
    store::PeopleKeys keys;
    keys.ordinals = {history.who};
    DW_ASSIGN_OR_RETURN(history.people, store.LoadPeople(replay.link, keys));
    DW_ASSIGN_OR_RETURN(auto entries, EntriesOf(store, replay.link, history.who));
    if (!entries.has_value()) {
      replay.report->AddNotEvaluated("too_much_evidence");
      continue;
    }
    history.entries = *std::move(entries);
    PlayOne(replay, history);
  }
  return OkStatus();
}

// What it refers to outlives it, as in every coroutine below.
asio::awaitable<StatusOr<Cast>> CastOf(store::StateStore* store, Lane* lane, monitor::LinkName link,
                                       monitor::ReplayWindow window) {
  Cast cast;
  std::string cursor;
  size_t seen = 0;
  do {
    auto list = [store, &link, &cursor] {
      return store->ListEpisodes(link, false, cursor, kEpisodesAtOnce);
    };
    const auto page = co_await OnLane(*lane, std::move(list));
    if (!page.ok()) co_return page.status();
    for (const auto& episode : page->items) AddToCast(episode, window, cast);
    seen += page->items.size();
    cursor = page->next_cursor;
  } while (!cursor.empty() && seen < kMostEpisodes);
  if (!cursor.empty()) co_return TooMuch();
  co_return cast;
}

asio::awaitable<Status> Play(store::StateStore* store, Lane* lane, const LinkReplay* replay,
                             const Cast* cast) {
  for (auto from = cast->cbegin(); from != cast->cend();) {
    auto to = from;
    for (size_t i = 0; i < kPeopleAtOnce && to != cast->cend(); ++i) ++to;
    auto play = [store, replay, from, to] { return PlaySome(*store, *replay, from, to); };
    const Status played = co_await OnLane(*lane, std::move(play));
    if (!played.ok()) co_return played;
    from = to;
  }
  co_return OkStatus();
}

}  // namespace

asio::awaitable<ServerResponse> Api::PolicyReplay(Request request) {
  const auto asked = ParseReplayRequest(request, parts_.clock.Wall());
  if (!asked.ok()) co_return ErrorResponse(asked.status());
  const std::string wanted(request.Query("link"));
  if (!wanted.empty() && FindLink(wanted) == nullptr) {
    co_return ErrorResponse(NotFoundError(Cat("there is no link \"", Printable(wanted, 80), "\"")));
  }
  // Everybody is of the tier that the present policies say.
  const Status tier = CheckTier(request, false);
  if (!tier.ok()) co_return ErrorResponse(tier);
  std::vector<std::string> names = {"present policy"};
  for (const auto& candidate : asked->candidates) names.push_back(CandidateText(candidate));
  monitor::ReplayReport report(names, asked->most_listed);
  std::vector<ReplayedLink> links;
  size_t replays = 0;
  for (LinkPort* const link : parts_.links) {
    if (!wanted.empty() && link->link().value != wanted) continue;
    LinkReplay replay;
    replay.link = link->link();
    replay.state = link->State();
    replay.policies.push_back(*link->CurrentPolicy());
    replay.request = &*asked;
    replay.report = &report;
    for (const auto& candidate : asked->candidates) {
      auto policy = monitor::WithCandidate(replay.policies.front(), candidate);
      if (!policy.ok()) co_return ErrorResponse(policy.status());
      replay.policies.push_back(*std::move(policy));
    }
    const auto cast = co_await CastOf(&parts_.store, &parts_.read_lane, replay.link, asked->window);
    if (!cast.ok()) co_return ErrorResponse(cast.status());
    replays += cast->size() * replay.policies.size();
    if (replays > kMostReplays) co_return ErrorResponse(TooMuch());
    const Status played = co_await Play(&parts_.store, &parts_.read_lane, &replay, &*cast);
    if (!played.ok()) co_return ErrorResponse(played);
    const auto& epoch = replay.state->policy;
    const bool first = epoch.number <= 1;  // nothing was judged by another
    links.push_back({replay.link, first ? absl::InfinitePast() : epoch.since,
                     replay.policies.front().remediation.budgets});
  }
  co_return JsonResponse(200, ReplayJson(*asked, report, links));
}

}  // namespace driftwarden::daemon
