// Whom a full read of the tenant did not return. That says nothing of them: each is read directly.

#include "daemon/engine.h"

namespace driftwarden::daemon {

void Engine::NoteReturned(absl::Time round, const std::vector<monitor::PersonOrdinal>& people) {
  if (people.empty()) return;
  if (round != returned_round_) {
    returned_.clear();
    returned_round_ = round;
  }
  for (const monitor::PersonOrdinal person : people) {
    // Ordinals are dense: this grows with the people there are, by a bit each.
    if (person >= returned_.size()) returned_.resize(person + person / 4 + 64);
    returned_[person] = true;
  }
}

asio::awaitable<std::vector<monitor::PersonOrdinal>> Engine::NotReturned(
    absl::Time round, std::vector<monitor::PersonOrdinal> people) {
  auto body = NotReturnedOnStrand(round, std::move(people));
  auto left = co_await RunOn(strand_, std::move(body));
  co_return left;
}

asio::awaitable<std::vector<monitor::PersonOrdinal>> Engine::NotReturnedOnStrand(
    absl::Time round, std::vector<monitor::PersonOrdinal> people) {
  const bool known = round == returned_round_;
  std::erase_if(people, [&](monitor::PersonOrdinal person) {
    return known && person < returned_.size() && returned_[person];
  });
  co_return people;
}

asio::awaitable<Status> Engine::DeliverConfirmed(absl::Time round, uint64_t asked) {
  auto body = ConfirmedBody(round, asked);
  const Status done = co_await Command(Urgency::kDirectRead, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::ConfirmedBody(absl::Time round, uint64_t asked) {
  const absl::Time now = Now();
  monitor::Changes changes = monitor::ApplyConfirmed(MakeContext(now), round, asked);
  const Status committed = co_await Commit(std::move(changes));
  // Nobody asks for them any more.
  if (committed.ok() && round == returned_round_) returned_ = {};
  co_return committed;
}

}  // namespace driftwarden::daemon
