#include "base/async/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <utility>

#include "base/check.h"

namespace driftwarden {
namespace {

// Cancellation is a value: without this, Asio throws out of the first co_await after it.
asio::awaitable<void> Run(asio::awaitable<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

// Asio's own answer for a coroutine that was cancelled before its first step.
bool NeverStarted(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor)
    : executor_(std::move(executor)), idle_(executor_) {}

TaskGroup::~TaskGroup() {
  DW_CHECK(tasks_.empty());
}

void TaskGroup::Spawn(asio::awaitable<void> task) {
  if (cancelled_) return;
  tasks_.emplace_back();
  const auto self = std::prev(tasks_.end());
  auto done = [this, self](const std::exception_ptr& error) {
    if (error && !(cancelled_ && NeverStarted(error))) {
      std::rethrow_exception(error);  // out of the run loop: terminates, by design
    }
    Ended(self);
  };
  asio::co_spawn(executor_, Run(std::move(task)),
                 asio::bind_cancellation_slot(self->slot(), std::move(done)));
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
    co_await idle_.WaitRegardless();
  }
}

}  // namespace driftwarden
