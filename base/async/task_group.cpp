#include "base/async/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/check.h"

namespace driftwarden {

TaskGroup::TaskGroup(asio::any_io_executor executor)
    : executor_(std::move(executor)), idle_(executor_) {}

TaskGroup::~TaskGroup() { DW_CHECK(tasks_.empty()); }

void TaskGroup::Spawn(asio::awaitable<void> task) {
  tasks_.emplace_back();
  const auto self = std::prev(tasks_.end());
  auto done = [this, self](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);  // out of the run loop: terminates, by design
    Ended(self);
  };
  asio::co_spawn(executor_, std::move(task),
                 asio::bind_cancellation_slot(self->slot(), std::move(done)));
  if (cancelled_) self->emit(asio::cancellation_type::terminal);
}

void TaskGroup::Cancel() {
  cancelled_ = true;
  for (auto task = tasks_.begin(); task != tasks_.end();) {
    // A task may end inside emit and take its list node with it.
    auto next = std::next(task);
    task->emit(asio::cancellation_type::terminal);
    task = next;
  }
}

void TaskGroup::Ended(Signals::iterator task) {
  tasks_.erase(task);
  if (tasks_.empty()) idle_.Set();
}

asio::awaitable<void> TaskGroup::Join() {
  while (!tasks_.empty()) {
    idle_.Reset();
    const bool woken = co_await idle_.Wait();
    if (!woken && tasks_.empty()) break;
  }
}

}  // namespace driftwarden
