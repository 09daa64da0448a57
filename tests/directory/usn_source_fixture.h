#pragma once

// A USN source over fake controllers, and a sink that keeps what it delivers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/directory/fake_controller.h"
#include "tests/directory/run.h"
#include "watchers/ad_cursor.h"
#include "watchers/ad_usn_source.h"

namespace driftwarden::watchers {

inline constexpr const char* kDc1 = "ldaps://dc1";
inline constexpr const char* kDc2 = "ldaps://dc2";

class RecordingSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (!refuse.ok()) co_return refuse;
    if (!batch.cursor.empty() && !(batch.completes_round && fail_completion)) {
      cursor = batch.cursor;
    }
    for (const monitor::Observation& observation : batch.observations) {
      const auto& view = std::get<monitor::AdView>(observation.view);
      seen[*view.sam_account_name] = view;
      ++deliveries[*view.sam_account_name];
    }
    if (batch.in_snapshot && batch.snapshot_reason != monitor::kFirstRead) {
      EXPECT_THAT(monitor::ResetReasonsOf(batch.kind), ::testing::Contains(batch.snapshot_reason));
    }
    const bool failed = batch.completes_round && fail_completion;
    batches.push_back(std::move(batch));
    co_return failed ? CancelledError("stopping") : OkStatus();
  }
  std::vector<monitor::ChangeBatch> batches;
  std::map<std::string, monitor::AdView> seen;
  std::map<std::string, int> deliveries;
  std::string cursor;
  bool fail_completion = false;
  Status refuse;
};

class UsnSource : public ::testing::Test {
 protected:
  UsnSource() { Restart(); }

  static AdSourceOptions Options() {
    AdSourceOptions options;
    options.name = monitor::SourceName("corp");
    options.servers = {kDc1, kDc2};
    options.page_size = 3;
    return options;
  }
  void Restart() { Restart(Options()); }
  void Restart(AdSourceOptions options) {
    source = std::make_unique<AdUsnSource>(std::move(options), forest, clock, quiet);
  }
  // One round from the cursor that the sink holds.
  Status Poll() {
    sink.batches.clear();
    sink.seen.clear();
    sink.deliveries.clear();
    dc1().searches.clear();
    dc2().searches.clear();
    asio::io_context context;
    const Status polled =
        RunOn(context, source->Poll(sink.cursor, monitor::BatchId("round-1"), sink));
    for (const auto& [name, count] : sink.deliveries) everybody[name] += count;
    return polled;
  }
  FakeController& dc1() { return forest.controllers[kDc1]; }
  FakeController& dc2() { return forest.controllers[kDc2]; }
  void Fill(int count) {
    for (int i = 0; i < count; ++i) {
      FakeAccount account;
      account.name = Cat("user", i);
      dc1().Put(account);
    }
  }
  void Disable(const std::string& name) {
    FakeAccount account = dc1().accounts[name];
    account.name = name;
    account.control = 514;
    dc1().Put(account);
  }
  std::string Reason() const {
    return sink.batches.empty() ? "no batch" : sink.batches.back().snapshot_reason;
  }
  // Why full reads began in the last round.
  std::vector<std::string> Begun() const {
    std::vector<std::string> reasons;
    for (const monitor::ChangeBatch& batch : sink.batches) {
      if (batch.in_snapshot && batch.starts_round) reasons.push_back(batch.snapshot_reason);
    }
    return reasons;
  }

  FakeForest forest;
  FakeClock clock;
  Logger quiet{LogLevel::kError, LogFormat::kLogfmt};
  RecordingSink sink;
  std::map<std::string, int> everybody;  // delivered in all polls
  std::unique_ptr<AdUsnSource> source;
};

}  // namespace driftwarden::watchers
