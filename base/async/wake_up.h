#pragma once

// "There may be something to do": a waiter sleeps until it is notified or its time is over. A
// notification without a waiter is remembered for the next one. One executor: every member must be
// called on it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <list>
#include <memory>

#include "base/async/scheduler.h"

namespace driftwarden {

class WakeUp {
 public:
  explicit WakeUp(asio::any_io_executor executor);
  ~WakeUp();
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  void Notify();  // wakes every waiter
  // From now on every wait answers Cancelled.
  void Close();
  // Ok when notified or when `at_most` is over; Cancelled when closed or when the caller is.
  // `scheduler` must outlive the wait.
  asio::awaitable<Status> WaitFor(Scheduler& scheduler, absl::Duration at_most);

 private:
  struct Round;
  static asio::awaitable<void> Sleep(std::shared_ptr<Round> round, Scheduler* scheduler,
                                     absl::Duration at_most);

  asio::any_io_executor executor_;
  std::list<std::shared_ptr<Round>> waiting_;
  bool notified_ = false;
  bool closed_ = false;
};

}  // namespace driftwarden
