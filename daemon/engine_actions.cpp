// The engine's side of acting: handing out work and committing what was done.

#include <algorithm>
#include <set>
#include <tuple>

#include "base/strings.h"
#include "daemon/engine.h"
#include "monitor/evaluate.h"
#include "monitor/guards.h"

namespace driftwarden::daemon {

using monitor::Action;
using monitor::ActionState;
using monitor::Changes;
using monitor::PeopleSet;
using monitor::Person;
using monitor::PersonOrdinal;
using remediation::ActionWork;

struct Engine::LoadedAction {
  Action action;
  PeopleSet people;
};

namespace {

constexpr size_t kMaxClaimed =
    200;                         // people one claim looks at; the rest follows when they are done
constexpr int kMaxRefusals = 5;  // queued ones a spent budget turned away, before the rest waits

// Worst first: tier 0, then severity, then the older departure.
using Rank = std::tuple<int, int, absl::Time>;
Rank RankOf(const Action& action, const PeopleSet& people) {
  const auto found = people.by_ordinal.find(action.person);
  int severity = 0;
  absl::Time since = action.requested_at;
  if (found != people.by_ordinal.end() && found->second.episode) {
    const monitor::Episode& episode = *found->second.episode;
    const auto worst = WorstSeverity(episode);
    if (worst) severity = static_cast<int>(*worst);
    if (episode.OfDeparture()) since = episode.departed.hi;
  }
  const int tier = action.tier.value == monitor::kTier0 ? 0 : 1;
  return {tier, -severity, since};
}

bool IsDriven(const Action& action, absl::Time now) {
  if (action.retry_at && *action.retry_at > now) return false;
  switch (action.state) {
    case ActionState::kQueued:
    case ActionState::kIntent:
    case ActionState::kCleared:
    case ActionState::kCalled:
      return true;
    default:
      return false;
  }
}

// One person as a set of their own, with whoever they are in conflict with.
PeopleSet Only(const PeopleSet& people, PersonOrdinal ordinal) {
  PeopleSet only;
  const auto found = people.by_ordinal.find(ordinal);
  if (found == people.by_ordinal.end()) return only;
  only.by_ordinal.insert(*found);
  const auto actions = people.actions.find(ordinal);
  if (actions != people.actions.end()) only.actions.insert(*actions);
  const auto incident = people.incidents.find(ordinal);
  if (incident != people.incidents.end()) only.incidents.insert(*incident);
  return only;
}

template <typename T>
void Append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

template <typename K>
void Add(std::map<K, uint64_t>& to, const std::map<K, uint64_t>& from) {
  for (const auto& [key, count] : from) to[key] += count;
}

// `next` was applied on top of `all`: both become one commit.
void Join(Changes& all, Changes next) {
  all.link = std::move(next.link);
  Append(all.people, next.people);
  Append(all.removed, next.removed);
  Append(all.closed_episodes, next.closed_episodes);
  Append(all.actions, next.actions);
  Append(all.incidents, next.incidents);
  Append(all.removed_incidents, next.removed_incidents);
  Append(all.evidence, next.evidence);
  Append(all.reads_wanted, next.reads_wanted);
  Append(all.tally.episodes_opened, next.tally.episodes_opened);
  Append(all.tally.episodes_closed, next.tally.episodes_closed);
  Append(all.tally.disable_lags, next.tally.disable_lags);
  Append(all.tally.revocation_lags, next.tally.revocation_lags);
  Append(all.tally.detection_lags, next.tally.detection_lags);
  Append(all.tally.action_waits, next.tally.action_waits);
  Add(all.tally.source_changes, next.tally.source_changes);
  Add(all.tally.source_resets, next.tally.source_resets);
  Add(all.tally.actions, next.tally.actions);
  all.tally.negative_lags += next.tally.negative_lags;
  all.must_sync |= next.must_sync;
  all.wake_actions |= next.wake_actions;
  all.wake_alerts |= next.wake_alerts;
}

// Brings the loaded records up to what was decided.
void Update(PeopleSet& people, const Changes& changes) {
  for (const Person& person : changes.people) people.by_ordinal[person.ordinal] = person;
  for (const Action& action : changes.actions) {
    std::vector<Action>& known = people.actions[action.person];
    const auto same = [&](const Action& other) { return other.id == action.id; };
    const auto found = std::find_if(known.begin(), known.end(), same);
    if (found == known.end()) {
      known.push_back(action);
    } else {
      *found = action;
    }
  }
}

// The re-reads as observations, to be merged like any direct read.
std::vector<monitor::Observation> ObservationsOf(const monitor::ReReads& reads,
                                                 const Person& person,
                                                 const monitor::Policy& policy) {
  std::vector<monitor::Observation> out;
  if (reads.ad) {
    monitor::Look look;
    look.at = reads.ad_read;
    look.kind = monitor::LookKind::kDirect;
    for (const monitor::AdHalf& half : person.facts.ad) {
      if (half.object_guid == reads.ad->object_guid) look.source = half.source;
    }
    if (!look.source.empty()) out.push_back({look, *reads.ad});
  }
  if (reads.entra) {
    monitor::Look look;
    look.source = policy.entra_source;
    look.at = reads.entra_read;
    look.kind = monitor::LookKind::kDirect;
    out.push_back({look, *reads.entra});
  }
  return out;
}

}  // namespace

asio::awaitable<StatusOr<std::vector<ActionWork>>> Engine::Claim() {
  auto body = ClaimBody();
  auto work = co_await Command(Urgency::kOutcome, std::move(body));
  co_return work;
}

// Queued actions, worst first, each against what the ones before it left of the budgets.
Changes Engine::ReviewQueued(const std::vector<Action>& live, PeopleSet& people, absl::Time now) {
  Changes all;
  all.link = *state_;
  int refusals = 0;
  std::set<PersonOrdinal> reviewed;  // one commit holds a person once
  for (const Action& action : live) {
    if (action.state != ActionState::kQueued) continue;
    if (!reviewed.insert(action.person).second) continue;
    PeopleSet one = Only(people, action.person);
    if (one.by_ordinal.empty()) continue;
    const monitor::LinkState before = all.link;
    Changes changes = monitor::ApplyReview(MakeContext(before, now), std::move(one));
    Update(people, changes);
    for (const Action& known : people.actions[action.person]) {
      if (known.id == action.id && known.state == ActionState::kQueued) ++refusals;
    }
    Join(all, std::move(changes));
    if (refusals >= kMaxRefusals) break;
  }
  return all;
}

asio::awaitable<StatusOr<std::vector<ActionWork>>> Engine::ClaimBody() {
  auto list = [this] { return parts_.store.LiveActions(link_); };
  auto listed = co_await OnLane(parts_.lane, std::move(list));
  if (!listed.ok()) co_return Annotate(listed.status(), link_.value);
  const absl::Time now = Now();
  std::vector<Action> live = std::move(*listed);
  std::erase_if(live, [now](const Action& action) { return !IsDriven(action, now); });
  std::vector<ActionWork> work;
  if (live.empty()) co_return work;

  store::PeopleKeys keys;
  for (const Action& action : live) keys.ordinals.push_back(action.person);
  auto people = co_await Load(std::move(keys));
  if (!people.ok()) co_return people.status();
  std::stable_sort(live.begin(), live.end(), [&](const Action& a, const Action& b) {
    return RankOf(a, *people) < RankOf(b, *people);
  });
  if (live.size() > kMaxClaimed) live.resize(kMaxClaimed);

  Changes changes = ReviewQueued(live, *people, now);
  const Status committed = co_await Commit(std::move(changes));
  if (!committed.ok()) co_return committed;

  const auto source = state_->sources.find(policy_->entra_source);
  for (const Action& action : live) {
    const auto person = people->by_ordinal.find(action.person);
    if (person == people->by_ordinal.end()) continue;
    for (const Action& known : people->actions[action.person]) {
      if (known.id != action.id || known.state == ActionState::kQueued) continue;
      if (!IsDriven(known, now)) continue;
      ActionWork item;
      item.action = known;
      item.person = person->second;
      if (source != state_->sources.end()) item.tenant_clock_offset = source->second.clock_offset;
      work.push_back(std::move(item));
    }
  }
  co_return work;
}

asio::awaitable<Status> Engine::WaitForWork(absl::Duration at_most) {
  auto wait = actions_wake_.WaitFor(parts_.scheduler, at_most);
  const Status woken = co_await RunOn(strand_, std::move(wait));
  co_return woken;
}

asio::awaitable<StatusOr<Engine::LoadedAction>> Engine::LoadActionAndPerson(monitor::ActionId id) {
  auto read = [this, &id] { return parts_.store.LoadAction(link_, id); };
  auto action = co_await OnLane(parts_.lane, std::move(read));
  if (!action.ok()) co_return Annotate(action.status(), link_.value);
  if (!action->has_value()) co_return NotFoundError(Cat("no action ", id.value));
  LoadedAction loaded;
  loaded.action = **action;
  store::PeopleKeys keys;
  keys.ordinals.push_back(loaded.action.person);
  auto people = co_await Load(std::move(keys));
  if (!people.ok()) co_return people.status();
  loaded.people = std::move(*people);
  co_return loaded;
}

asio::awaitable<StatusOr<bool>> Engine::ReportGates(monitor::ActionId action,
                                                    monitor::ReReads reads) {
  auto body = GatesBody(std::move(action), std::move(reads));
  const auto go = co_await Command(Urgency::kOutcome, std::move(body));
  co_return go;
}

asio::awaitable<StatusOr<bool>> Engine::GatesBody(monitor::ActionId action,
                                                  monitor::ReReads reads) {
  auto loaded = co_await LoadActionAndPerson(action);
  if (!loaded.ok()) co_return loaded.status();
  const auto person = loaded->people.by_ordinal.find(loaded->action.person);
  if (person == loaded->people.by_ordinal.end() || !IsLive(loaded->action.state)) co_return false;

  const absl::Time now = Now();
  const monitor::Context context = MakeContext(now);
  monitor::GateReport report;
  report.action = action;
  report.gates = monitor::CheckReReads(reads, person->second, loaded->action.reason, *state_,
                                       *policy_, now, context.clock_suspect);
  if (reads.entra) report.before = reads.entra->sessions_valid_from;
  report.observations = ObservationsOf(reads, person->second, *policy_);
  Changes changes = monitor::ApplyGates(context, std::move(loaded->people), report);
  bool cleared = false;
  for (const Action& changed : changes.actions) {
    // With a time to try again it is cleared since before and may not be called again yet.
    if (changed.id == action && changed.state == ActionState::kCleared && !changed.retry_at) {
      cleared = true;
    }
  }
  const Status committed = co_await Commit(std::move(changes));
  if (!committed.ok()) co_return committed;
  co_return cleared;
}

asio::awaitable<Status> Engine::ReportCall(monitor::CallReport report) {
  auto body = CallBody(std::move(report));
  const Status done = co_await Command(Urgency::kOutcome, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::CallBody(monitor::CallReport report) {
  auto loaded = co_await LoadActionAndPerson(report.action);
  if (!loaded.ok()) co_return loaded.status();
  const absl::Time now = Now();
  Changes changes = monitor::ApplyCall(MakeContext(now), std::move(loaded->people), report);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::ReportVerify(monitor::VerifyReport report) {
  auto body = VerifyBody(std::move(report));
  const Status done = co_await Command(Urgency::kOutcome, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::VerifyBody(monitor::VerifyReport report) {
  auto loaded = co_await LoadActionAndPerson(report.action);
  if (!loaded.ok()) co_return loaded.status();
  const absl::Time now = Now();
  Changes changes = monitor::ApplyVerify(MakeContext(now), std::move(loaded->people), report);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

}  // namespace driftwarden::daemon
