#pragma once

// Owns running coroutines: spawn, cancel all, wait for all. One executor (a strand or a one-thread
// context): every member must be called on it. A task that throws stops the program: an exception
// out of a coroutine is a bug.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <list>
#include <memory>

#include "base/async/event.h"

namespace driftwarden {

namespace asio = boost::asio;

class TaskGroup {
 public:
  explicit TaskGroup(asio::any_io_executor executor);
  ~TaskGroup();  // every task must have ended
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts the task on the executor. After Cancel() a new task is dropped and never runs.
  void Spawn(asio::awaitable<void> task);
  // Asks every task to stop; each sees Cancelled at its next wait, and at every wait after it. No
  // exception is thrown for it.
  void Cancel();
  // Resumes when no task runs, also when the waiting coroutine itself is cancelled: who owns tasks
  // outlives them.
  asio::awaitable<void> Join();

  size_t running() const { return tasks_.size(); }
  bool cancelled() const { return cancelled_; }
  const asio::any_io_executor& executor() const { return executor_; }

 private:
  using Signals = std::list<asio::cancellation_signal>;
  void Ended(Signals::iterator task);

  asio::any_io_executor executor_;
  Signals tasks_;
  AsyncEvent idle_;
  bool cancelled_ = false;
};

}  // namespace driftwarden
