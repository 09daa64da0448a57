#include "watchers/source_loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

#include "base/async/backoff.h"
#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::watchers {
namespace {

constexpr absl::Duration kMaxBackoff = absl::Seconds(60);
// Between two polls, however often we are woken.
constexpr absl::Duration kMinGap = absl::Milliseconds(100);

// A source that is polled every 200 ms is not left alone for a minute.
absl::Duration FirstBackoff(absl::Duration poll_interval) {
  return std::clamp(poll_interval / 2, absl::Milliseconds(20), absl::Seconds(1));
}
absl::Duration LongestBackoff(absl::Duration poll_interval) {
  return std::clamp(poll_interval * 12, FirstBackoff(poll_interval), kMaxBackoff);
}

}  // namespace

// Gives each batch to one link after the other. All have it before the source reads on.
class SourceLoop::FanOut final : public BatchSink {
 public:
  FanOut(SourceLoop& loop, std::vector<LinkFeed*> links) : loop_(loop), links_(std::move(links)) {}

  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    batch.id = loop_.round_;
    batch.number = ++loop_.batch_number_;
    if (loop_.witness_ != nullptr) loop_.witness_->OnDelivered(batch);
    Status first_error;
    for (LinkFeed* link : links_) {
      monitor::ChangeBatch copy = batch;
      const Status taken = co_await link->Deliver(std::move(copy));
      if (taken.code() == StatusCode::kCancelled) co_return taken;
      if (first_error.ok()) first_error = taken;
    }
    co_return first_error;
  }

 private:
  SourceLoop& loop_;
  const std::vector<LinkFeed*> links_;
};

SourceLoop::SourceLoop(asio::any_io_executor executor, ChangeSource& source,
                       std::vector<LinkFeed*> links, Scheduler& scheduler, Rng& rng, Logger& log,
                       SourceObserver& observer, SourceLoopOptions options)
    : executor_(executor),
      source_(source),
      links_(std::move(links)),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      observer_(observer),
      options_(options),
      wake_(std::move(executor)) {}

asio::awaitable<void> SourceLoop::Run() {
  const absl::Duration interval = options_.poll_interval;
  Backoff backoff(FirstBackoff(interval), LongestBackoff(interval), rng_);
  while (true) {
    const absl::Duration begun = scheduler_.clock().Steady();
    const Status polled = co_await PollOnce();
    if (polled.code() == StatusCode::kCancelled) co_return;
    absl::Duration wait = begun + interval - scheduler_.clock().Steady();
    // Nobody wakes us within this.
    absl::Duration gap = std::min(interval, kMinGap);
    if (polled.ok()) {
      backoff.Reset();
    } else {
      gap = std::max(gap, RetryAfter(polled).value_or(absl::ZeroDuration()));
      wait = std::max(backoff.Next(), gap);
    }
    const Status rested = co_await scheduler_.SleepFor(gap);
    if (!rested.ok()) co_return;
    if (wait <= gap) continue;
    const Status woken = co_await wake_.WaitFor(scheduler_, wait - gap);
    if (!woken.ok()) co_return;
  }
}

asio::awaitable<Status> SourceLoop::PollOnce() {
  const absl::Duration begun = scheduler_.clock().Steady();
  NoteStart();
  round_ = monitor::BatchId(MakeUuid(rng_));
  Status first_error;
  std::vector<Group> groups = Groups();
  for (Group& group : groups) {
    first_error = co_await PollFor(std::move(group.links), std::move(group.from.cursor));
    if (!first_error.ok()) break;
  }
  NoteEnd(first_error, scheduler_.clock().Steady() - begun);
  co_return first_error;
}

std::vector<SourceLoop::Group> SourceLoop::Groups() const {
  std::vector<Group> following;
  std::vector<Group> reading;
  std::vector<LinkFeed*> followers;
  for (LinkFeed* link : links_) {
    FeedPosition position = link->PositionOf(source_.name());
    const bool follows = !position.cursor.empty() && !position.in_snapshot;
    if (follows) followers.push_back(link);
    std::vector<Group>& groups = follows ? following : reading;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.from.cursor == position.cursor; });
    if (group == groups.end()) {
      group = groups.emplace(group);
      group->from = std::move(position);
    }
    group->links.push_back(link);
  }
  // Nothing tells which of two places is the older one: clocks are set back. So everybody reads
  // from where they are, and what the last of them reads is for all, which brings them together.
  std::stable_sort(following.begin(), following.end(), [](const Group& a, const Group& b) {
    return a.from.last_success < b.from.last_success;
  });
  if (!following.empty()) following.back().links = std::move(followers);
  // A full read can take long: it comes after those.
  std::move(reading.begin(), reading.end(), std::back_inserter(following));
  return following;
}

bool SourceLoop::InSnapshot() const {
  return std::any_of(links_.begin(), links_.end(), [this](const LinkFeed* link) {
    return link->PositionOf(source_.name()).in_snapshot;
  });
}

asio::awaitable<Status> SourceLoop::PollFor(std::vector<LinkFeed*> links, std::string cursor) {
  FanOut sink(*this, std::move(links));
  monitor::BatchId batch = round_;
  const Status polled = co_await source_.Poll(std::move(cursor), std::move(batch), sink);
  co_return polled;
}

void SourceLoop::Wake() {
  asio::post(executor_, [this] { wake_.Notify(); });
}

asio::awaitable<Status> SourceLoop::DeliverAside(monitor::ChangeBatch batch) {
  batch.id = monitor::BatchId(MakeUuid(rng_));
  batch.number = ++batch_number_;
  Status first_error;
  for (LinkFeed* link : links_) {
    // Before its first read is complete a link takes what it is shown as the state it began with.
    if (link->PositionOf(source_.name()).cursor.empty()) continue;
    monitor::ChangeBatch copy = batch;
    const Status taken = co_await link->Deliver(std::move(copy));
    if (taken.code() == StatusCode::kCancelled) co_return taken;
    if (first_error.ok()) first_error = taken;
  }
  co_return first_error;
}

SourceHealth SourceLoop::Health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void SourceLoop::NoteStart() {
  const std::lock_guard lock(mutex_);
  health_.last_attempt = scheduler_.clock().Wall();
}

void SourceLoop::NoteEnd(const Status& status, absl::Duration took) {
  if (status.code() == StatusCode::kCancelled) return;
  const std::string text(Message(status));
  std::string before;
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(health_.error, text);
    failures = health_.failures_in_a_row;
    health_.up = status.ok();
    health_.last_duration = took;
    if (status.ok()) {
      ++health_.polls_ok;
      health_.failures_in_a_row = 0;
      health_.last_success = scheduler_.clock().Wall();
    } else {
      ++health_.polls_failed;
      ++health_.failures_in_a_row;
    }
  }
  observer_.OnPoll(source_.name(), status, took);
  if (text == before) return;
  if (status.ok()) {
    log_.Info("source_recovered", "the source is read again",
              {{"source", source_.name().value}, {"batch", round_.value}, {"failures", failures}});
  } else {
    log_.Warn("source_failed", text, {{"source", source_.name().value}, {"batch", round_.value}});
  }
}

}  // namespace driftwarden::watchers
