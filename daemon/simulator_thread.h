#pragma once

// The simulator on a thread of its own, for `simulate` and `demo`.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "base/time.h"
#include "simulator/service.h"

namespace driftwarden::daemon {

class SimulatorThread {
 public:
  explicit SimulatorThread(simulator::SimulatorOptions options);
  ~SimulatorThread();  // stops everything and joins
  SimulatorThread(const SimulatorThread&) = delete;
  SimulatorThread& operator=(const SimulatorThread&) = delete;

  Status Start();

  // Calls `fn(SimulatorService&)` on the simulator's thread and waits for its result.
  template <typename F>
  auto Do(F fn) {
    using Result = std::invoke_result_t<F, simulator::SimulatorService&>;
    std::promise<Result> promise;
    auto future = promise.get_future();
    boost::asio::post(io_, [this, &fn, &promise] {
      if constexpr (std::is_void_v<Result>) {
        fn(*service_);
        promise.set_value();
      } else {
        promise.set_value(fn(*service_));
      }
    });
    return future.get();
  }

  const Clock& clock() const { return clock_; }

 private:
  SystemClock clock_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::unique_ptr<simulator::SimulatorService> service_;
  std::thread thread_;
};

}  // namespace driftwarden::daemon
