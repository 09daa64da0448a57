// What changes people by observation, time and operators' writes.

#include <algorithm>

#include "base/strings.h"
#include "daemon/engine.h"
#include "monitor/evaluate.h"

namespace driftwarden::daemon {

using monitor::Changes;
using monitor::PeopleSet;
using monitor::PersonOrdinal;

namespace {

constexpr absl::Duration kSuspectRecheck = absl::Seconds(1);
constexpr absl::Duration kStuckRecheck = absl::Seconds(1);

store::PeopleKeys KeysFor(const std::vector<monitor::Observation>& observations) {
  monitor::TouchedKeys touched = monitor::KeysOf(observations);
  store::PeopleKeys keys;
  keys.guids = std::move(touched.guids);
  keys.entra_ids = std::move(touched.entra_ids);
  keys.anchors = std::move(touched.anchors);
  return keys;
}

// Of `page`, whoever has an action that the guard blocked.
void TakeHeldBack(PeopleSet& page, const std::string& guard, PeopleSet& to) {
  for (auto& [ordinal, actions] : page.actions) {
    const bool held = std::any_of(actions.begin(), actions.end(), [&](const monitor::Action& a) {
      return monitor::HeldBackBy(a, guard);
    });
    const auto person = page.by_ordinal.find(ordinal);
    if (!held || person == page.by_ordinal.end()) continue;
    to.by_ordinal.insert(*person);
    to.actions.emplace(ordinal, std::move(actions));
    const auto incident = page.incidents.find(ordinal);
    if (incident != page.incidents.end()) to.incidents.insert(*incident);
  }
}

}  // namespace

asio::awaitable<Status> Engine::Deliver(monitor::ChangeBatch batch) {
  auto body = BatchBody(std::move(batch));
  const Status done = co_await Command(Urgency::kBatch, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::BatchBody(monitor::ChangeBatch batch) {
  if (batch.completes_round &&
      clock_watch_.Agree(batch.source, batch.round.lo, batch.clock_offset)) {
    PublishSuspicion();
    parts_.log.Info(
        "clock_trusted", "two sources' clocks agree with ours again",
        {{"link", link_.value}, {"source", batch.source.value}, {"batch", batch.id.value}});
    next_due_ = absl::InfinitePast();
    due_wake_.Notify();
  }
  PeopleSet people;
  if (!batch.observations.empty()) {
    store::PeopleKeys keys = KeysFor(batch.observations);
    auto loaded = co_await Load(std::move(keys));
    if (!loaded.ok()) co_return loaded.status();
    people = std::move(*loaded);
  }
  const absl::Time now = Now();
  Changes changes = monitor::ApplyBatch(MakeContext(now), std::move(people), batch);
  const std::vector<monitor::PersonOrdinal> returned = std::move(changes.returned);
  const Status committed = co_await Commit(std::move(changes));
  if (committed.ok() && batch.in_snapshot) NoteReturned(batch.round.lo, returned);
  co_return committed;
}

asio::awaitable<Status> Engine::DeliverReads(std::vector<monitor::Observation> observations,
                                             monitor::BatchId round) {
  auto body = ReadsBody(std::move(observations), std::move(round));
  const Status done = co_await Command(Urgency::kDirectRead, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::ReadsBody(std::vector<monitor::Observation> observations,
                                          monitor::BatchId round) {
  store::PeopleKeys keys = KeysFor(observations);
  auto people = co_await Load(std::move(keys));
  if (!people.ok()) co_return people.status();
  const absl::Time now = Now();
  Changes changes = monitor::ApplyReads(MakeContext(now), std::move(*people), observations, round);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::ReviewDue() {
  auto body = ReviewDueBody();
  const Status done = co_await Command(Urgency::kDeadline, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::ReviewDueBody() {
  const absl::Time now = Now();
  if (clock_watch_.suspect()) {  // no deadline is judged by a clock that may be wrong
    next_due_ = now + kSuspectRecheck;
    co_return OkStatus();
  }
  if (CausesDue() <= now) {
    const Status judged = co_await JudgeCauses();
    if (!judged.ok()) co_return judged;
  }
  auto list = [this, now] { return parts_.store.DueBefore(link_, now, options_.review_limit); };
  auto due = co_await OnLane(parts_.lane, std::move(list));
  if (!due.ok()) co_return Annotate(due.status(), link_.value);
  if (!due->empty()) {
    std::vector<PersonOrdinal> people = std::move(*due);
    const Status reviewed = co_await ReviewBody(std::move(people));
    if (!reviewed.ok()) co_return reviewed;
  }
  if (judges_anew_) {
    const Status judged = co_await JudgeSomeBody();
    if (!judged.ok()) co_return judged;
    judges_anew_ = !monitor::IsJudged(state_->policy);
  }
  const Status found = co_await FindNextDue();
  if (judges_anew_) {
    next_due_ = now;
  } else if (next_due_ <= now && (due->empty() || due->size() < options_.review_limit)) {
    next_due_ = now + kStuckRecheck;  // judged just now and due still: not in a tight loop
  }
  co_return found;
}

asio::awaitable<Status> Engine::FindNextDue() {
  next_due_ = CausesDue();
  auto first = [this] { return parts_.store.DueBefore(link_, absl::InfiniteFuture(), 1); };
  auto due = co_await OnLane(parts_.lane, std::move(first));
  if (!due.ok()) co_return Annotate(due.status(), link_.value);
  if (due->empty()) co_return OkStatus();
  store::PeopleKeys keys;
  keys.ordinals = std::move(*due);
  auto people = co_await Load(std::move(keys));
  if (!people.ok()) co_return people.status();
  for (const auto& [ordinal, person] : people->by_ordinal) {
    next_due_ = std::min(next_due_, person.review_at);
  }
  co_return OkStatus();
}

// A dead source brings no batch: time alone finds that it is dead.
asio::awaitable<Status> Engine::JudgeCauses() {
  const absl::Time now = Now();
  Changes changes = monitor::ApplyCauses(MakeContext(now));
  if (changes.link == *state_) co_return OkStatus();
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::ReviewBody(std::vector<PersonOrdinal> people) {
  store::PeopleKeys keys;
  keys.ordinals = std::move(people);
  auto loaded = co_await Load(std::move(keys));
  if (!loaded.ok()) co_return loaded.status();
  const absl::Time now = Now();
  Changes changes = monitor::ApplyReview(MakeContext(now), std::move(*loaded));
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::WaitForDue(absl::Duration at_most) {
  auto wait = WaitForDueOnStrand(at_most);
  const Status woken = co_await RunOn(strand_, std::move(wait));
  co_return woken;
}

asio::awaitable<Status> Engine::WaitForDueOnStrand(absl::Duration at_most) {
  const absl::Duration left = std::min(at_most, next_due_ - Now());
  if (left <= absl::ZeroDuration()) co_return failed_;
  const Status woken = co_await due_wake_.WaitFor(parts_.scheduler, left);
  co_return woken;
}

asio::awaitable<Status> Engine::AcceptBaseline(std::string actor) {
  PersonOrdinal after = 0;
  bool first = true;
  while (true) {
    auto list = [this, after] {
      return parts_.store.InheritedPeople(link_, after, options_.review_limit);
    };
    auto inherited = co_await OnLane(parts_.lane, std::move(list));
    if (!inherited.ok()) co_return inherited.status();
    if (inherited->empty() && !first) co_return OkStatus();
    first = false;
    if (!inherited->empty()) after = inherited->back();
    std::vector<PersonOrdinal> people = std::move(*inherited);
    auto body = BaselineBody(std::move(people), actor);
    const Status done = co_await Command(Urgency::kOperator, std::move(body));
    if (!done.ok()) co_return done;
  }
}

asio::awaitable<Status> Engine::BaselineBody(std::vector<PersonOrdinal> people, std::string actor) {
  PeopleSet loaded;
  if (!people.empty()) {
    store::PeopleKeys keys;
    keys.ordinals = std::move(people);
    auto answer = co_await Load(std::move(keys));
    if (!answer.ok()) co_return answer.status();
    loaded = std::move(*answer);
  }
  if (!state_->baseline_at.has_value()) {
    co_return PreconditionError(
        Cat(link_.value, ": there is no baseline yet; both sides are still being read"));
  }
  const absl::Time now = Now();
  Changes changes = monitor::ApplyBaselineAccept(MakeContext(now), std::move(loaded), actor);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::ResetGuard(std::string guard, std::string actor,
                                           std::string reason) {
  auto body = GuardBody(std::move(guard), std::move(actor), std::move(reason));
  const Status done = co_await Command(Urgency::kOperator, std::move(body));
  if (!done.ok()) co_return done;
  const Status reviewed = co_await ReviewOpen();  // what the guard held back is wanted again
  co_return reviewed;
}

asio::awaitable<Status> Engine::Pause(std::string actor, std::string reason) {
  auto body = PauseBody(std::move(actor), std::move(reason));
  const Status done = co_await Command(Urgency::kOperator, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::PauseBody(std::string actor, std::string reason) {
  const absl::Time now = Now();
  Changes changes = monitor::ApplyPause(MakeContext(now), actor, reason);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<StatusOr<PeopleSet>> Engine::LoadHeldBack(std::string guard) {
  PeopleSet held_back;
  PersonOrdinal after = 0;
  while (held_back.by_ordinal.size() < options_.review_limit) {
    auto list = [this, after] {
      return parts_.store.OpenPeople(link_, after, options_.review_limit);
    };
    auto open = co_await OnLane(parts_.lane, std::move(list));
    if (!open.ok()) co_return open.status();
    if (open->empty()) break;
    after = open->back();
    store::PeopleKeys keys;
    keys.ordinals = std::move(*open);
    auto page = co_await Load(std::move(keys));
    if (!page.ok()) co_return page.status();
    TakeHeldBack(*page, guard, held_back);
  }
  co_return held_back;
}

asio::awaitable<Status> Engine::GuardBody(std::string guard, std::string actor,
                                          std::string reason) {
  const auto found = state_->guards.find(guard);
  if (found == state_->guards.end()) {
    co_return NotFoundError(Cat("no guard is called \"", Printable(guard), "\""));
  }
  if (!found->second.tripped) co_return OkStatus();
  auto held_back = co_await LoadHeldBack(guard);
  if (!held_back.ok()) co_return held_back.status();
  const absl::Time now = Now();
  Changes changes =
      monitor::ApplyGuardReset(MakeContext(now), std::move(*held_back), guard, actor, reason);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

}  // namespace driftwarden::daemon
