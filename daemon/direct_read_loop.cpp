#include "daemon/direct_read_loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace driftwarden::daemon {
namespace {

constexpr absl::Duration kMaxBackoff = absl::Seconds(60);
// Open episodes that are listed at once, and in one round.
constexpr size_t kListed = 2000;
constexpr int kListsARound = 50;
// People loaded at once.
constexpr size_t kLoaded = 100;

absl::Duration FirstBackoff(absl::Duration interval) {
  return std::clamp(interval / 2, absl::Milliseconds(20), absl::Seconds(1));
}

const monitor::Guid* AccountIn(const DirectTarget& target, const monitor::SourceName& source) {
  for (const auto& [name, guid] : target.accounts) {
    if (name == source) return &guid;
  }
  return nullptr;
}

}  // namespace

DirectReadLoop::DirectReadLoop(Engine& engine, DirectoryReaders directories,
                               watchers::TenantReader& tenant, Scheduler& scheduler, Rng& rng,
                               Logger& log, DirectReadOptions options)
    : engine_(engine),
      tenant_(tenant),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      options_(std::move(options)),
      plan_(options_.interval) {
  const absl::Duration first = FirstBackoff(options_.interval);
  const Backoff backoff(first, std::clamp(options_.interval * 4, first, kMaxBackoff), rng);
  sources_.reserve(directories.size() + 1);
  sources_.push_back(Source{engine.CurrentPolicy()->entra_source, nullptr, backoff, OkStatus()});
  for (const auto& [name, reader] : directories) {
    sources_.push_back(Source{name, reader, backoff, OkStatus()});
  }
}

asio::awaitable<void> DirectReadLoop::Run() {
  while (true) {
    const Status read = co_await ReadOnce();
    if (read.code() == StatusCode::kCancelled) co_return;
    const absl::Duration wait = NextWait();
    const Status slept = co_await scheduler_.SleepFor(wait);
    if (!slept.ok()) co_return;
  }
}

// A source that failed is asked again when its back-off is over, the others every interval.
absl::Duration DirectReadLoop::NextWait() const {
  const absl::Duration now = scheduler_.clock().Steady();
  absl::Duration wait = options_.interval;
  for (const Source& source : sources_) {
    if (!source.error.ok()) wait = std::min(wait, source.not_before - now);
  }
  return std::max(wait, std::min(FirstBackoff(options_.interval) / 2, options_.interval));
}

asio::awaitable<Status> DirectReadLoop::ReadOnce() {
  round_ = monitor::BatchId(MakeUuid(rng_));
  const Status done = co_await Round();
  if (done.code() == StatusCode::kCancelled) co_return done;
  Note(&last_error_, nullptr, done);
  if (!done.ok()) co_return done;
  for (const Source& source : sources_) {
    if (!source.error.ok()) co_return source.error;
  }
  co_return OkStatus();
}

asio::awaitable<Status> DirectReadLoop::Round() {
  auto wanted = co_await engine_.WantedTargets(options_.batch);
  if (!wanted.ok()) co_return wanted.status();
  for (const DirectTarget& target : *wanted) (void)Owe(target);
  const Status refreshed = co_await RefreshPlan();
  if (!refreshed.ok()) co_return refreshed;
  const Status planned = co_await Plan();
  if (!planned.ok()) co_return planned;
  for (Source& source : sources_) {
    if (Waits(source)) continue;
    const Status read = co_await ReadSource(&source);
    if (!read.ok()) co_return read;
  }
  co_return OkStatus();
}

bool DirectReadLoop::Waits(const Source& source) const {
  return !source.error.ok() && scheduler_.clock().Steady() < source.not_before;
}

asio::awaitable<Status> DirectReadLoop::RefreshPlan() {
  for (int lists = 0; lists < kListsARound; ++lists) {
    auto open = co_await engine_.OpenPeople(after_, kListed);
    if (!open.ok()) co_return open.status();
    for (const monitor::PersonOrdinal person : *open) plan_.Note(person);
    const bool at_the_end = open->size() < kListed;
    after_ = at_the_end ? 0 : open->back();
    if (at_the_end) break;
  }
  const auto news = co_await engine_.TakeNews();
  for (const monitor::PersonOrdinal person : news) plan_.Hurry(person);
  HurryAfterGap();
  co_return OkStatus();
}

void DirectReadLoop::HurryAfterGap() {
  absl::Time gap = last_gap_;
  for (const auto& [name, source] : engine_.State()->sources) {
    gap = std::max(gap, source.gap_ended);
  }
  if (gap > last_gap_) plan_.HurryAll();
  last_gap_ = gap;
}

asio::awaitable<Status> DirectReadLoop::Plan() {
  const double share = options_.share ? options_.share() : 0;
  const size_t limit = ReadPlan::RoundOf(options_.per_round, share);
  const auto due = plan_.Due(scheduler_.clock().Steady(), limit);
  for (size_t at = 0; at < due.size(); at += kLoaded) {
    const size_t end = std::min(due.size(), at + kLoaded);
    const std::vector<monitor::PersonOrdinal> asked(due.begin() + static_cast<ptrdiff_t>(at),
                                                    due.begin() + static_cast<ptrdiff_t>(end));
    std::vector<monitor::PersonOrdinal> people = asked;
    auto targets = co_await engine_.Targets(std::move(people));
    if (!targets.ok()) co_return targets.status();
    std::map<monitor::PersonOrdinal, const DirectTarget*> open;
    for (const DirectTarget& target : *targets) {
      if (target.open) open[target.person] = &target;
    }
    for (const monitor::PersonOrdinal person : asked) {
      const auto found = open.find(person);
      if (found == open.end()) {
        plan_.Forget(person);
      } else {
        OweAndPlan(*found->second, share);
      }
    }
  }
  co_return OkStatus();
}

void DirectReadLoop::OweAndPlan(const DirectTarget& target, double share) {
  const absl::Time now = scheduler_.clock().Wall();
  // Whom a source in trouble has no room for comes up again with the next round.
  const bool owed = Owe(target);
  const absl::Duration interval =
      owed ? plan_.IntervalOf(target.pace, now, share) : options_.interval;
  plan_.Planned(target.person, scheduler_.clock().Steady(), interval);
}

bool DirectReadLoop::Owe(const DirectTarget& target) {
  bool room = true;
  for (Source& source : sources_) {
    if (!Concerns(source, target)) continue;
    if (source.owed.size() >= options_.per_round && !source.owed.contains(target.person)) {
      room = false;
    } else {
      source.owed.insert_or_assign(target.person, target);
    }
  }
  return room;
}

bool DirectReadLoop::Concerns(const Source& source, const DirectTarget& target) {
  return source.directory == nullptr ? !target.entra_id.empty()
                                     : AccountIn(target, source.name) != nullptr;
}

asio::awaitable<Status> DirectReadLoop::ReadSource(Source* source) {
  std::vector<DirectTarget> queue;
  for (const auto& [person, target] : source->owed) queue.push_back(target);
  // Behind whom the last round failed at, so that one person who cannot be read hides nobody.
  const auto behind = std::find_if(
      queue.begin(), queue.end(),
      [source](const DirectTarget& target) { return target.person > source->resume_after; });
  std::rotate(queue.begin(), behind, queue.end());

  Status failed;
  for (size_t at = 0; at < queue.size() && failed.ok();) {
    const size_t end = std::min(queue.size(), at + options_.batch);
    std::vector<DirectTarget> targets(queue.begin() + static_cast<ptrdiff_t>(at),
                                      queue.begin() + static_cast<ptrdiff_t>(end));
    auto reading = source->directory == nullptr ? ReadTenant(std::move(targets))
                                                : ReadDirectory(source, std::move(targets));
    Part part = co_await std::move(reading);
    if (part.status.code() == StatusCode::kCancelled) co_return part.status;
    failed = part.status;
    for (const size_t stop = at + part.tried; at < stop; ++at) {
      source->owed.erase(queue[at].person);
      if (!failed.ok()) plan_.Hurry(queue[at].person);  // with the next round
    }
    if (!failed.ok()) source->resume_after = queue[at - 1].person;
    if (part.seen.empty()) continue;
    monitor::BatchId batch = round_;
    auto delivering = engine_.DeliverReads(std::move(part.seen), std::move(batch));
    const Status delivered = co_await std::move(delivering);
    if (!delivered.ok()) co_return delivered;
  }
  Ended(source, failed);
  co_return OkStatus();
}

asio::awaitable<DirectReadLoop::Part> DirectReadLoop::ReadTenant(
    std::vector<DirectTarget> targets) {
  std::vector<std::string> ids;
  for (const DirectTarget& target : targets) ids.push_back(target.entra_id);
  Part part;
  part.tried = targets.size();
  monitor::BatchId batch = round_;
  auto answers = co_await tenant_.ReadUsers(std::move(ids), std::move(batch));
  for (StatusOr<monitor::Observation>& answer : answers) {
    if (answer.ok()) {
      part.seen.push_back(std::move(*answer));
    } else if (part.status.ok()) {
      part.status = answer.status();
    }
  }
  co_return part;
}

asio::awaitable<DirectReadLoop::Part> DirectReadLoop::ReadDirectory(
    const Source* source, std::vector<DirectTarget> targets) {
  Part part;
  for (const DirectTarget& target : targets) {
    ++part.tried;
    const monitor::Guid guid = *AccountIn(target, source->name);
    auto answer = co_await source->directory->ReadAccount(guid);
    if (answer.ok()) {
      part.seen.push_back(std::move(*answer));
    } else if (answer.status().code() != StatusCode::kNotFound) {
      // Neither object nor tombstone proves nothing; anything else says that the DC is in trouble,
      // and the next question would meet the same.
      part.status = answer.status();
      break;
    }
  }
  co_return part;
}

void DirectReadLoop::Ended(Source* source, const Status& status) {
  Note(&source->last_error, &source->name, status);
  source->error = status;
  if (status.ok()) {
    source->backoff.Reset();
    return;
  }
  const absl::Duration wait =
      std::max(source->backoff.Next(), RetryAfter(status).value_or(absl::ZeroDuration()));
  source->not_before = scheduler_.clock().Steady() + wait;
}

void DirectReadLoop::Note(std::string* last_error, const monitor::SourceName* source,
                          const Status& status) {
  const std::string text(Message(status));
  if (text == *last_error) return;
  *last_error = text;
  std::vector<LogField> fields = {{"link", engine_.link().value}, {"batch", round_.value}};
  if (source != nullptr) fields.emplace_back("source", source->value);
  if (status.ok()) {
    log_.Info("direct_reads_recovered", "people are read directly again", fields);
  } else {
    log_.Warn("direct_reads_failed", text, fields);
  }
}

}  // namespace driftwarden::daemon
