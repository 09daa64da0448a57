#pragma once

// Crossing from one executor to another: the callee's coroutine runs where its state lives, the
// caller resumes where it was.
//
//   auto task = Work(std::move(input));
//   const auto result = co_await RunOn(strand_, std::move(task));

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <utility>

namespace driftwarden {

namespace asio = boost::asio;

// Runs `task` on `executor` to its end. It is not cancelled with the caller: cancelling across
// executors races with completion (co_spawn's own propagation does), so what waits over there must
// have an end of its own. T is default-constructible.
template <typename T>
asio::awaitable<T> RunOn(asio::any_io_executor executor, asio::awaitable<T> task) {
  auto initiate = [&executor, &task](auto handler) {
    auto home = asio::get_associated_executor(handler);
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto guard = std::make_shared<asio::executor_work_guard<decltype(home)>>(home);
    auto done = [shared, guard, home](const std::exception_ptr& error, T value) {
      if (error) std::rethrow_exception(error);  // out of the run loop: terminates, by design
      auto result = std::make_shared<T>(std::move(value));
      asio::post(home, [shared, guard, result]() mutable {
        auto resume = std::move(*shared);
        std::move(resume)(std::move(*result));
      });
    };
    asio::co_spawn(executor, std::move(task), std::move(done));
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(T)>(
      initiate, asio::use_awaitable);
}

}  // namespace driftwarden
