// The policy in force: how it changes under a running engine, and judging everybody by it.

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "daemon/engine.h"

namespace driftwarden::daemon {

using monitor::Changes;
using monitor::PeopleSet;
using monitor::PersonOrdinal;
using monitor::PolicyEpoch;

namespace {
constexpr size_t kJudgedAtOnce = 500;  // others wait for their turn meanwhile
}

asio::awaitable<Status> Engine::SetPolicy(std::shared_ptr<const monitor::Policy> policy,
                                          std::string actor) {
  auto set = SetPolicyOnStrand(std::move(policy), std::move(actor));
  const Status done = co_await RunOn(strand_, std::move(set));
  co_return done;
}

asio::awaitable<Status> Engine::SetPolicyOnStrand(std::shared_ptr<const monitor::Policy> policy,
                                                  std::string actor) {
  DW_CHECK(policy->link == link_ && policy->ad_sources == policy_->ad_sources &&
           policy->entra_source == policy_->entra_source);
  stamp_ = monitor::StampOf(*policy, std::move(actor));
  const std::lock_guard lock(mutex_);
  policy_ = std::move(policy);
  co_return OkStatus();
}

asio::awaitable<Status> Engine::ReviewOpen() {
  PersonOrdinal after = 0;
  while (true) {
    auto list = [this, after] {
      return parts_.store.OpenPeople(link_, after, options_.review_limit);
    };
    auto open = co_await OnLane(parts_.lane, std::move(list));
    if (!open.ok()) co_return open.status();
    if (open->empty()) co_return OkStatus();
    after = open->back();
    std::vector<PersonOrdinal> people = std::move(*open);
    auto body = ReviewBody(std::move(people));
    const Status done = co_await Command(Urgency::kDeadline, std::move(body));
    if (!done.ok()) co_return done;
  }
}

asio::awaitable<Status> Engine::ReviewAll() {
  bool open_first = true;
  while (true) {
    auto look = JudgedOnStrand();
    const bool judged = co_await RunOn(strand_, std::move(look));
    if (judged) co_return OkStatus();
    if (std::exchange(open_first, false)) {
      const Status done = co_await ReviewOpen();
      if (!done.ok()) co_return done;
    }
    auto body = JudgeSomeBody();
    const Status done = co_await Command(Urgency::kBatch, std::move(body));
    if (!done.ok()) co_return done;
  }
}

asio::awaitable<bool> Engine::JudgedOnStrand() {
  co_return state_->policy.parts == stamp_.parts&& monitor::IsJudged(state_->policy);
}

// The next people in order of ordinal. The mark moves in the commit that judged them, so that a
// crash costs no more than what was not committed.
asio::awaitable<Status> Engine::JudgeSomeBody() {
  if (clock_watch_.suspect()) co_return UnavailableError("our own clock is not to be trusted");
  const PolicyEpoch before = state_->policy;
  const bool entered = before.parts == stamp_.parts;
  const PersonOrdinal after = entered ? before.judged : 0;
  const PersonOrdinal last = entered ? before.judge_to : state_->next_person - 1;
  const PersonOrdinal to =
      std::min<PersonOrdinal>(last, after + std::min(kJudgedAtOnce, options_.review_limit));
  PeopleSet people;
  if (to > after) {
    store::PeopleKeys keys;
    for (PersonOrdinal person = after + 1; person <= to; ++person) keys.ordinals.push_back(person);
    auto loaded = co_await Load(std::move(keys));
    if (!loaded.ok()) co_return loaded.status();
    people = std::move(*loaded);
  }
  const absl::Time now = Now();
  Changes changes = monitor::ApplyPolicyReview(MakeContext(now), std::move(people), after, to);
  const PolicyEpoch epoch = changes.link.policy;
  const Status committed = co_await Commit(std::move(changes));
  if (committed.ok() && monitor::IsJudged(epoch)) {
    parts_.log.Info("policy_judged", "everybody is judged by the policy in force",
                    {{"link", link_.value}, {"epoch", epoch.number}, {"people", epoch.judge_to}});
  }
  co_return committed;
}

}  // namespace driftwarden::daemon
