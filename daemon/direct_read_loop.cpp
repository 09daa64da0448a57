#include "daemon/direct_read_loop.h"

#include <algorithm>
#include <utility>

#include "base/async/backoff.h"

namespace driftwarden::daemon {
namespace {

constexpr absl::Duration kMaxBackoff = absl::Seconds(60);

absl::Duration FirstBackoff(absl::Duration interval) {
  return std::clamp(interval / 2, absl::Milliseconds(20), absl::Seconds(1));
}

}  // namespace

DirectReadLoop::DirectReadLoop(Engine& engine, DirectoryReaders directories,
                               watchers::TenantReader& tenant, Scheduler& scheduler, Rng& rng,
                               Logger& log, DirectReadOptions options)
    : engine_(engine),
      directories_(std::move(directories)),
      tenant_(tenant),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      options_(options) {}

asio::awaitable<void> DirectReadLoop::Run() {
  const absl::Duration first = FirstBackoff(options_.interval);
  Backoff backoff(first, std::clamp(options_.interval * 4, first, kMaxBackoff), rng_);
  while (true) {
    absl::Duration wait = options_.interval;
    const Status read = co_await ReadOnce();
    if (read.code() == StatusCode::kCancelled) co_return;
    Note(read);
    if (read.ok()) {
      backoff.Reset();
    } else {
      wait = std::max(backoff.Next(), RetryAfter(read).value_or(absl::ZeroDuration()));
    }
    const Status slept = co_await scheduler_.SleepFor(wait);
    if (!slept.ok()) co_return;
  }
}

asio::awaitable<Status> DirectReadLoop::ReadOnce() {
  auto wanted = co_await engine_.WantedTargets(options_.batch);
  if (!wanted.ok()) co_return wanted.status();
  std::vector<DirectTarget> contradicted = std::move(*wanted);
  Status first_error = co_await ReadAndDeliver(std::move(contradicted));

  size_t left = options_.per_round;
  while (left > 0 && first_error.ok()) {
    const size_t limit = std::min(left, options_.batch);
    auto open = co_await engine_.OpenTargets(after_, limit);
    if (!open.ok()) co_return open.status();
    std::vector<DirectTarget> targets = std::move(*open);
    const bool at_the_end = targets.size() < limit;
    after_ = at_the_end ? 0 : targets.back().person;
    left -= std::min(left, limit);
    first_error = co_await ReadAndDeliver(std::move(targets));
    if (at_the_end) break;
  }
  co_return first_error;
}

asio::awaitable<Status> DirectReadLoop::ReadAndDeliver(std::vector<DirectTarget> targets) {
  if (targets.empty()) co_return OkStatus();
  std::vector<monitor::Observation> seen;
  const Status tenant = co_await ReadTenant(&targets, &seen);
  if (tenant.code() == StatusCode::kCancelled) co_return tenant;
  const Status directory = co_await ReadDirectories(&targets, &seen);
  if (directory.code() == StatusCode::kCancelled) co_return directory;
  if (!seen.empty()) {
    const Status delivered = co_await engine_.DeliverReads(std::move(seen));
    if (!delivered.ok()) co_return delivered;
  }
  co_return tenant.ok() ? directory : tenant;
}

asio::awaitable<Status> DirectReadLoop::ReadTenant(const std::vector<DirectTarget>* targets,
                                                   std::vector<monitor::Observation>* seen) {
  std::vector<std::string> ids;
  for (const DirectTarget& target : *targets) {
    if (!target.entra_id.empty()) ids.push_back(target.entra_id);
  }
  if (ids.empty()) co_return OkStatus();
  auto answers = co_await tenant_.ReadUsers(std::move(ids));
  Status first_error;
  for (StatusOr<monitor::Observation>& answer : answers) {
    if (answer.ok()) {
      seen->push_back(std::move(*answer));
    } else if (first_error.ok()) {
      first_error = answer.status();
    }
  }
  co_return first_error;
}

asio::awaitable<Status> DirectReadLoop::ReadDirectories(const std::vector<DirectTarget>* targets,
                                                        std::vector<monitor::Observation>* seen) {
  for (const DirectTarget& target : *targets) {
    for (const auto& [source, guid] : target.accounts) {
      const auto reader = directories_.find(source);
      if (reader == directories_.end()) continue;
      auto answer = co_await reader->second->ReadAccount(guid);
      if (answer.ok()) {
        seen->push_back(std::move(*answer));
      } else if (answer.status().code() != StatusCode::kNotFound) {
        // Neither object nor tombstone proves nothing; anything else says that the DC is in
        // trouble, and the next question would meet the same.
        co_return answer.status();
      }
    }
  }
  co_return OkStatus();
}

void DirectReadLoop::Note(const Status& status) {
  const std::string text(Message(status));
  if (text == last_error_) return;
  if (status.ok()) {
    log_.Info("direct_reads_recovered", "people are read directly again",
              {{"link", engine_.link().value}});
  } else {
    log_.Warn("direct_reads_failed", text, {{"link", engine_.link().value}});
  }
  last_error_ = text;
}

}  // namespace driftwarden::daemon
