#pragma once

// A lane is a small named pool for calls that block (libldap, RocksDB, files). Leaving the I/O
// thread is explicit:
//
//   auto read = [&store, key] { return store.Load(key); };   // named, see docs/architecture.md
//   const auto record = co_await OnLane(lane, std::move(read));

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace driftwarden {

namespace asio = boost::asio;

class Lane {
 public:
  virtual ~Lane() = default;
  // Runs `work` later, on another thread (or, in simulation, at once). Thread-safe.
  virtual void Post(std::function<void()> work) = 0;
};

// Threads of their own; the destructor waits for posted work.
class ThreadLane final : public Lane {
 public:
  ThreadLane(std::string name, int threads);
  ~ThreadLane() override;
  void Post(std::function<void()> work) override;
  // Waits for what was posted; nothing may be posted after.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Runs the work in the caller; keeps a simulation on one thread and in one order.
class InlineLane final : public Lane {
 public:
  void Post(std::function<void()> work) override { work(); }
};

// Runs `fn` on the lane and resumes with its result on the caller's executor. `fn` must not throw.
// What it refers to must outlive the call: the coroutine cannot be cancelled while it waits here.
template <typename F>
asio::awaitable<std::invoke_result_t<F>> OnLane(Lane& lane, F fn) {
  using Result = std::invoke_result_t<F>;
  auto initiate = [&lane, &fn](auto handler) {
    auto executor = asio::get_associated_executor(handler);
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto guard = std::make_shared<asio::executor_work_guard<decltype(executor)>>(executor);
    lane.Post([&fn, executor, shared, guard] {
      auto result = std::make_shared<Result>(fn());
      asio::post(executor, [shared, guard, result]() mutable {
        auto done = std::move(*shared);
        std::move(done)(std::move(*result));
      });
    });
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(Result)>(
      initiate, asio::use_awaitable);
}

}  // namespace driftwarden
