#pragma once

// A flag that coroutines wait for. One executor: every member must be called on it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

namespace driftwarden {

namespace asio = boost::asio;

class AsyncEvent {
 public:
  explicit AsyncEvent(const asio::any_io_executor& executor);
  ~AsyncEvent();
  AsyncEvent(const AsyncEvent&) = delete;
  AsyncEvent& operator=(const AsyncEvent&) = delete;

  void Set();  // stays set until Reset; wakes every waiter
  void Reset();
  bool is_set() const { return set_; }
  // True once set; false when the waiting coroutine was cancelled.
  asio::awaitable<bool> Wait();
  // Resumes once set, whatever happens to the waiting coroutine. For joining.
  asio::awaitable<void> WaitRegardless();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  bool set_ = false;
};

}  // namespace driftwarden
