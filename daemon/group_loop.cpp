#include "daemon/group_loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace driftwarden::daemon {
namespace {

constexpr size_t kBatch = 200;  // people a command
constexpr absl::Duration kRetry = absl::Minutes(1);
constexpr absl::Duration kAgain = absl::Seconds(15);  // while everybody is read for the first time

}  // namespace

GroupLoop::GroupLoop(asio::any_io_executor executor, watchers::AdGroups& groups,
                     monitor::SourceName source, std::vector<Engine*> engines, Scheduler& scheduler,
                     Rng& rng, Logger& log, absl::Duration interval)
    : groups_(groups),
      source_(std::move(source)),
      engines_(std::move(engines)),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      interval_(interval),
      wake_(std::move(executor)) {}

asio::awaitable<void> GroupLoop::Run() {
  while (true) {
    Status refreshed;
    if (groups_.wanted()) refreshed = co_await RefreshOnce();
    if (refreshed.code() == StatusCode::kCancelled) co_return;
    const std::string text(Message(refreshed));
    if (text != last_error_ && !refreshed.ok()) {
      log_.Warn("groups_not_read", text, {{"source", source_.value}});
    }
    last_error_ = text;
    absl::Duration wait = refreshed.ok() ? interval_ : std::min(interval_, kRetry);
    if (!EverybodyIsKnown()) wait = std::min(wait, kAgain);
    const Status woken = co_await wake_.WaitFor(scheduler_, wait);
    if (!woken.ok()) co_return;
  }
}

bool GroupLoop::EverybodyIsKnown() const {
  return std::all_of(engines_.begin(), engines_.end(), [this](const Engine* engine) {
    const auto state = engine->State();
    const auto found = state->sources.find(source_);
    return found != state->sources.end() && found->second.snapshot_complete;
  });
}

asio::awaitable<Status> GroupLoop::RefreshOnce() {
  const bool known = EverybodyIsKnown();
  auto changes = co_await groups_.Refresh();
  if (!changes.ok()) co_return changes.status();
  const monitor::BatchId round(MakeUuid(rng_));
  for (size_t at = 0; at < changes->size(); at += kBatch) {
    const auto begin = changes->begin() + static_cast<ptrdiff_t>(at);
    const auto end =
        changes->begin() + static_cast<ptrdiff_t>(std::min(at + kBatch, changes->size()));
    for (Engine* const engine : engines_) {
      std::vector<monitor::Observation> part(begin, end);
      monitor::BatchId batch = round;
      const Status taken = co_await engine->DeliverReads(std::move(part), std::move(batch));
      if (taken.code() == StatusCode::kCancelled) co_return taken;
      if (!taken.ok()) co_return Annotate(taken, engine->link().value);
    }
  }
  if (known) groups_.Told();
  co_return OkStatus();
}

void GroupLoop::SetWanted(std::vector<std::string> groups) {
  groups_.SetWanted(std::move(groups));
  wake_.Notify();
}

}  // namespace driftwarden::daemon
