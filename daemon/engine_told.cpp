// What people tell about people: dated exemptions, compromised accounts, departures to come.

#include <utility>

#include "base/strings.h"
#include "daemon/engine.h"
#include "monitor/compromise.h"

namespace driftwarden::daemon {

using monitor::Changes;
using monitor::PersonOrdinal;

asio::awaitable<StatusOr<monitor::PeopleSet>> Engine::LoadOne(PersonOrdinal person) {
  store::PeopleKeys keys;
  keys.ordinals = {person};
  auto people = co_await Load(std::move(keys));
  co_return people;
}

asio::awaitable<Status> Engine::AddExemption(PersonOrdinal person, monitor::Exemption exemption) {
  auto body = ExemptBody(person, std::move(exemption));
  const Status done = co_await Command(Urgency::kOperator, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::ExemptBody(PersonOrdinal person, monitor::Exemption exemption) {
  const absl::Time now = Now();
  exemption.since = now;
  const Status sound = monitor::CheckExemption(exemption, now);
  if (!sound.ok()) co_return sound;
  auto people = co_await LoadOne(person);
  if (!people.ok()) co_return people.status();
  if (!people->by_ordinal.contains(person)) {
    co_return NotFoundError(Cat("there is no ", monitor::PersonIdText(link_, person), " any more"));
  }
  Changes changes =
      monitor::ApplyExemption(MakeContext(now), std::move(*people), person, exemption);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::RemoveExemption(PersonOrdinal person, std::string actor) {
  auto body = EndExemptionBody(person, std::move(actor));
  const Status done = co_await Command(Urgency::kOperator, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::EndExemptionBody(PersonOrdinal person, std::string actor) {
  auto people = co_await LoadOne(person);
  if (!people.ok()) co_return people.status();
  const auto found = people->by_ordinal.find(person);
  if (found == people->by_ordinal.end() || !found->second.memory.exemption) {
    co_return NotFoundError(Cat(monitor::PersonIdText(link_, person), " has no dated exemption"));
  }
  const absl::Time now = Now();
  Changes changes =
      monitor::ApplyExemptionRemoval(MakeContext(now), std::move(*people), person, actor);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::MarkCompromised(PersonOrdinal person,
                                                monitor::CompromiseMark mark) {
  auto body = MarkBody(person, std::move(mark));
  const Status done = co_await Command(Urgency::kOperator, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::MarkBody(PersonOrdinal person, monitor::CompromiseMark mark) {
  const absl::Time now = Now();
  mark.at = now;
  const Status sound = monitor::CheckCompromiseMark(mark);
  if (!sound.ok()) co_return sound;
  auto people = co_await LoadOne(person);
  if (!people.ok()) co_return people.status();
  const auto found = people->by_ordinal.find(person);
  if (found == people->by_ordinal.end()) {
    co_return NotFoundError(Cat("there is no ", monitor::PersonIdText(link_, person), " any more"));
  }
  const Status markable = monitor::CheckMarkable(found->second);
  if (!markable.ok()) co_return Annotate(markable, monitor::PersonIdText(link_, person));
  Changes changes =
      monitor::ApplyCompromiseMark(MakeContext(now), std::move(*people), person, mark);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::UnmarkCompromised(PersonOrdinal person, std::string actor) {
  auto body = UnmarkBody(person, std::move(actor));
  const Status done = co_await Command(Urgency::kOperator, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::UnmarkBody(PersonOrdinal person, std::string actor) {
  auto people = co_await LoadOne(person);
  if (!people.ok()) co_return people.status();
  const auto found = people->by_ordinal.find(person);
  if (found == people->by_ordinal.end() || !found->second.memory.compromised) {
    co_return NotFoundError(
        Cat(monitor::PersonIdText(link_, person), " is not marked as compromised"));
  }
  const absl::Time now = Now();
  Changes changes =
      monitor::ApplyCompromiseUnmark(MakeContext(now), std::move(*people), person, actor);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<StatusOr<std::vector<monitor::LeaveOutcome>>> Engine::ExpectLeavers(
    std::vector<monitor::LeaveWord> words) {
  auto body = ExpectBody(std::move(words));
  auto outcomes = co_await Command<StatusOr<std::vector<monitor::LeaveOutcome>>>(Urgency::kOperator,
                                                                                 std::move(body));
  co_return outcomes;
}

asio::awaitable<StatusOr<std::vector<monitor::LeaveOutcome>>> Engine::ExpectBody(
    std::vector<monitor::LeaveWord> words) {
  if (!state_->baseline_at.has_value()) {
    co_return PreconditionError(
        Cat(link_.value, ": nobody can be expected yet; both sides are still being read"));
  }
  store::PeopleKeys keys;
  for (const monitor::LeaveWord& word : words) keys.ordinals.push_back(word.person);
  auto people = co_await Load(std::move(keys));
  if (!people.ok()) co_return people.status();
  const absl::Time now = Now();
  std::vector<monitor::LeaveOutcome> outcomes;
  Changes changes =
      monitor::ApplyExpectedLeavers(MakeContext(now), std::move(*people), words, &outcomes);
  if (changes.evidence.empty()) co_return outcomes;  // nothing that was not known
  const Status committed = co_await Commit(std::move(changes));
  if (!committed.ok()) co_return committed;
  co_return outcomes;
}

asio::awaitable<Status> Engine::WithdrawLeaver(PersonOrdinal person, std::string actor,
                                               bool forget) {
  auto body = WithdrawBody(person, std::move(actor), forget);
  const Status done = co_await Command(Urgency::kOperator, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::WithdrawBody(PersonOrdinal person, std::string actor, bool forget) {
  auto people = co_await LoadOne(person);
  if (!people.ok()) co_return people.status();
  const absl::Time now = Now();
  Changes changes =
      monitor::ApplyLeaverWithdrawal(MakeContext(now), std::move(*people), person, actor, forget);
  if (changes.evidence.empty()) {
    co_return NotFoundError(Cat(monitor::PersonIdText(link_, person), " is not expected to leave"));
  }
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

}  // namespace driftwarden::daemon
