#pragma once

// One tenant's client over a scripted HttpClient, on virtual time.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "tests/testing/fake_http.h"
#include "watchers/graph/client.h"

namespace driftwarden::graph {

inline constexpr char kAda[] = "0b6f0c0e-6f4d-4a53-9b0f-5f1d2c7a0001";
inline constexpr char kBob[] = "0b6f0c0e-6f4d-4a53-9b0f-5f1d2c7a0002";
inline constexpr char kCyd[] = "0b6f0c0e-6f4d-4a53-9b0f-5f1d2c7a0003";
inline constexpr char kGraph[] = "https://graph.example.test";
inline constexpr char kUsersDelta[] = "https://graph.example.test/v1.0/users/delta";

class ManualClock final : public Clock {
 public:
  absl::Time Wall() const override { return start_ + steady_; }
  absl::Duration Steady() const override { return steady_; }
  void Advance(absl::Duration d) { steady_ += d; }

 private:
  const absl::Time start_ = absl::FromUnixSeconds(1795219200);
  absl::Duration steady_ = absl::Hours(1);
};

// Sleeping is instant: the clock jumps. Every sleep is written down.
class JumpScheduler final : public Scheduler {
 public:
  asio::awaitable<Status> SleepUntil(absl::Duration steady) override {
    co_await asio::post(asio::use_awaitable);
    if (steady > clock_.Steady()) {
      slept_.push_back(steady - clock_.Steady());
      clock_.Advance(steady - clock_.Steady());
    }
    co_return OkStatus();
  }
  const Clock& clock() const override { return clock_; }
  ManualClock& manual() { return clock_; }
  const std::vector<absl::Duration>& slept() const { return slept_; }
  absl::Duration total() const {
    absl::Duration sum;
    for (const absl::Duration d : slept_) sum += d;
    return sum;
  }

 private:
  ManualClock clock_;
  std::vector<absl::Duration> slept_;
};

class FakeTokens final : public TokenSource {
 public:
  asio::awaitable<StatusOr<Secret>> Token() override {
    ++asked;
    if (!failure.ok()) co_return failure;
    co_return Secret(Cat("token-", refused.size()));
  }
  void Refused(const Secret& token) override { refused.emplace_back(token.Reveal()); }

  int asked = 0;
  Status failure;
  std::vector<std::string> refused;
};

class CountingObserver final : public RequestObserver {
 public:
  void OnRequest(std::string_view route, int code) override { ++requests[Cat(route, " ", code)]; }
  void OnThrottled(std::string_view route, std::string_view reason) override {
    ++throttled[std::string(route)];
    ++reasons[std::string(reason)];
  }
  void OnUnits(std::string_view route, double cost) override { units[std::string(route)] += cost; }
  void OnHeld(std::string_view priority, absl::Duration waited) override {
    held[std::string(priority)] += waited;
  }
  std::map<std::string, int> requests;
  std::map<std::string, int> throttled;
  std::map<std::string, int> reasons;
  std::map<std::string, double> units;
  std::map<std::string, absl::Duration> held;
};

template <typename T>
asio::awaitable<void> StoreResult(asio::awaitable<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
}

class GraphTest : public ::testing::Test {
 public:
  using Answer = driftwarden::testing::FakeHttp::Answer;

 protected:
  GraphTest() : client(MakeOptions(), http, tokens, scheduler, rng, observer) {}

  static ClientOptions MakeOptions() {
    ClientOptions options;
    options.endpoints = Endpoints("https://login.example.test", kGraph);
    return options;
  }

  // Runs until nothing is left to do.
  template <typename T>
  T Run(asio::awaitable<T> task) {
    std::optional<T> out;
    asio::co_spawn(io, StoreResult(std::move(task), &out), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    io.restart();
    io.run();
    EXPECT_TRUE(out.has_value()) << "the task did not end";
    return std::move(*out);
  }

  std::string HeaderOf(size_t request, std::string_view name) const {
    const std::string* value = net::FindHeader(http.requests().at(request).headers, name);
    return value == nullptr ? "(absent)" : *value;
  }

  asio::io_context io;
  driftwarden::testing::FakeHttp http;
  JumpScheduler scheduler;
  FakeTokens tokens;
  SeededRng rng{7};
  CountingObserver observer;
  Logger log{LogLevel::kError, LogFormat::kLogfmt};
  GraphClient client;
};

inline std::string ErrorBody(std::string_view code, std::string_view message) {
  return Cat(R"({"error":{"code":")", code, R"(","message":")", message,
             R"(","innerError":{"date":"2026-11-21T02:00:00","request-id":"req-1"}}})");
}

}  // namespace driftwarden::graph
