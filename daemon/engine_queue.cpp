#include "daemon/engine_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace driftwarden::daemon {

EngineQueue::EngineQueue(asio::any_io_executor executor, size_t capacity, int patience)
    : executor_(std::move(executor)), capacity_(capacity), patience_(patience) {}

asio::awaitable<Status> EngineQueue::Enter(Urgency urgency) {
  if (closed_) co_return CancelledError("stopping");
  if (!busy_) {
    busy_ = true;
    co_return OkStatus();
  }
  const auto counted = std::count_if(waiting_.begin(), waiting_.end(), [](const auto& waiter) {
    return waiter->urgency != Urgency::kBatch;
  });
  if (urgency != Urgency::kBatch && static_cast<size_t>(counted) >= capacity_) {
    co_return UnavailableError("busy; try again");
  }
  const auto self = std::make_shared<Waiter>(urgency, executor_);
  waiting_.push_back(self);
  const bool decided = co_await self->decided.Wait();
  if (self->admitted) co_return OkStatus();  // even if cancelled meanwhile: Leave() is owed
  if (!decided) waiting_.remove(self);
  co_return CancelledError("stopping");
}

void EngineQueue::Leave() {
  DW_CHECK(busy_);
  if (waiting_.empty()) {
    busy_ = false;
    return;
  }
  auto next = waiting_.begin();
  bool due = false;
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    // Every other turn at most: many sources' batches must not keep an operator waiting either.
    due = !due_went_ && (*it)->overtaken >= patience_;
    if (due || (*it)->urgency < (*next)->urgency) next = it;
    if (due) break;
  }
  due_went_ = due;
  for (auto it = waiting_.begin(); it != next; ++it) ++(*it)->overtaken;
  const std::shared_ptr<Waiter> chosen = *next;
  waiting_.erase(next);
  chosen->admitted = true;
  chosen->decided.Set();
}

void EngineQueue::Close() {
  closed_ = true;
  for (const auto& waiter : waiting_) waiter->decided.Set();
  waiting_.clear();
}

}  // namespace driftwarden::daemon
