#pragma once

// A simulator on real sockets with a thread of its own, and a blocking HTTP client for it.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "net/http_client.h"
#include "simulator/service.h"

namespace driftwarden::simulator {

class LiveService {
 public:
  explicit LiveService(SimulatorOptions options = {}) {
    char pattern[] = "/tmp/driftwarden-sim-XXXXXX";
    folder_ = mkdtemp(pattern);
    options.folder = folder_;
    service_ = std::make_unique<SimulatorService>(io_.get_executor(), clock_, options);
    const Status started = service_->Start();
    EXPECT_TRUE(started.ok()) << started;
    net::HttpClientOptions client;
    client.ca_file = service_->endpoints().ca_file;
    auto made = net::NewHttpClient(io_.get_executor(), client);
    EXPECT_TRUE(made.ok()) << made.status();
    client_ = *std::move(made);
    thread_ = std::thread([this] { io_.run(); });
  }

  ~LiveService() {
    asio::co_spawn(io_, service_->Stop(), asio::use_future).wait();
    On([this] { client_.reset(); });
    guard_.reset();
    thread_.join();
    std::filesystem::remove_all(folder_);
  }

  // Runs `fn` on the service's thread, where the world may be touched.
  template <typename F>
  std::invoke_result_t<F> On(F fn) {
    using Task = std::packaged_task<std::invoke_result_t<F>()>;
    auto task = std::make_shared<Task>(std::move(fn));
    auto result = task->get_future();
    asio::post(io_, [task] { (*task)(); });
    return result.get();
  }

  StatusOr<net::HttpResponse> Send(net::HttpRequest request) {
    auto exchange = client_->Send(std::move(request), absl::Seconds(20));
    return asio::co_spawn(io_, std::move(exchange), asio::use_future).get();
  }

  const SimulatorEndpoints& at() const { return service_->endpoints(); }
  SimulatorService& service() { return *service_; }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  SystemClock clock_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io_.get_executor()};
  std::unique_ptr<SimulatorService> service_;
  std::unique_ptr<net::HttpClient> client_;
  std::thread thread_;
};

}  // namespace driftwarden::simulator
