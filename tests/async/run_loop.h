#pragma once

// Runs coroutines to their end in the test's own thread, bounded.

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace driftwarden {

namespace asio = boost::asio;

class RunLoop {
 public:
  RunLoop() : guard_(context_.get_executor()) {}

  asio::io_context& context() { return context_; }
  asio::any_io_executor executor() { return context_.get_executor(); }

  // Runs what is ready until the condition holds; false when it does not within the limit.
  bool Until(const std::function<bool()>& condition,
             std::chrono::milliseconds limit = std::chrono::seconds(30)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      context_.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  // Runs everything that needs no waiting.
  void Settle() {
    while (context_.poll() > 0) {
    }
  }

  template <typename T>
  T Await(asio::awaitable<T> task) {
    std::optional<T> result;
    auto done = [&result](const std::exception_ptr& error, T value) {
      if (error) std::rethrow_exception(error);
      result.emplace(std::move(value));
    };
    asio::co_spawn(context_, std::move(task), std::move(done));
    if (!Until([&result] { return result.has_value(); })) GiveUp();
    return *std::move(result);
  }

  void Await(asio::awaitable<void> task) {
    bool ended = false;
    auto done = [&ended](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
      ended = true;
    };
    asio::co_spawn(context_, std::move(task), std::move(done));
    if (!Until([&ended] { return ended; })) GiveUp();
  }

 private:
  // The coroutine refers to the caller's frame: there is no way back.
  [[noreturn]] static void GiveUp() {
    std::fputs("a coroutine of this test did not end in time\n", stderr);
    std::abort();
  }

  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
};

}  // namespace driftwarden
