// The dispatcher on virtual time, between a scripted incident port and scripted receivers.

#include "alerts/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/async/task_group.h"
#include "base/async/wake_up.h"
#include "base/files.h"
#include "base/strings.h"
#include "tests/testing/sim_scheduler.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::alerts {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kResend = absl::Seconds(60);

class FakePort final : public IncidentPort {
 public:
  FakePort(asio::any_io_executor executor, Scheduler& scheduler)
      : wake_(executor), scheduler_(scheduler) {}

  asio::awaitable<StatusOr<std::vector<PendingAlert>>> Pending() override {
    ++asked;
    co_return pending;
  }
  asio::awaitable<Status> WaitForChange(absl::Duration at_most) override {
    const Status woken = co_await wake_.WaitFor(scheduler_, at_most);
    co_return woken;
  }
  asio::awaitable<Status> ReportDeliveries(std::vector<monitor::DeliveryReport> list) override {
    for (monitor::DeliveryReport& report : list) reports.push_back(std::move(report));
    co_return OkStatus();
  }
  void Change() { wake_.Notify(); }

  StatusOr<std::vector<PendingAlert>> pending = std::vector<PendingAlert>();
  std::vector<monitor::DeliveryReport> reports;
  int asked = 0;

 private:
  WakeUp wake_;
  Scheduler& scheduler_;
};

class FakeSink final : public AlertSink {
 public:
  FakeSink(std::string name, const Clock& clock) : name_(std::move(name)), clock_(clock) {}
  const std::string& name() const override { return name_; }
  const std::string& address() const override { return address_; }
  asio::awaitable<Status> Deliver(std::vector<Alert> alerts) override {
    times.push_back(clock_.Steady());
    deliveries.push_back(std::move(alerts));
    co_return answer;
  }

  Status answer;
  std::vector<absl::Duration> times;
  std::vector<std::vector<Alert>> deliveries;

 private:
  const std::string name_;
  const std::string address_ = Cat(name_, ".example:9093");
  const Clock& clock_;
};

struct Observed final : DispatchObserver {
  void OnDelivery(const std::string& receiver, const Status& status, size_t alerts) override {
    lines.push_back(Cat(receiver, status.ok() ? " ok " : " error ", alerts));
  }
  std::vector<std::string> lines;
};

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() {
    log_ = std::make_unique<Logger>(LogLevel::kInfo, LogFormat::kLogfmt, folder_.path() + "/log");
    DispatcherOptions options;
    options.link = "corp-contoso";
    options.resend_interval = kResend;
    dispatcher_ = std::make_unique<Dispatcher>(port_, std::vector<AlertSink*>{&first_, &second_},
                                               scheduler_, rng_, *log_, observed_, options);
  }
  ~DispatcherTest() override {
    group_.Cancel();
    scheduler_.Settle();
    EXPECT_EQ(group_.running(), 0u);
    EXPECT_EQ(scheduler_.sleepers(), 0u);
  }

  void Start() {
    group_.Spawn(dispatcher_->Run());
    scheduler_.Settle();
  }
  // One pass, awaited.
  Status Dispatch() {
    Status result = InternalError("did not end");
    group_.Spawn(Once(dispatcher_.get(), &result));
    scheduler_.Settle();
    return result;
  }
  static asio::awaitable<void> Once(Dispatcher* dispatcher, Status* result) {
    *result = co_await dispatcher->DispatchOnce();
  }
  PendingAlert Firing(const std::string& id, const std::string& severity = "warning") {
    PendingAlert item;
    item.incident = monitor::IncidentId(id);
    item.alert.labels = {{"episode", id}, {"severity", severity}};
    item.alert.starts_at = clock_.Wall();
    item.alert.ends_at = clock_.Wall() + 3 * kResend;
    return item;
  }
  PendingAlert Resolved(const std::string& id, const std::string& severity = "warning") {
    PendingAlert item = Firing(id, severity);
    item.firing = false;
    item.alert.ends_at = clock_.Wall();
    return item;
  }
  std::vector<std::string> Lines() {
    log_ = std::make_unique<Logger>();  // flushes
    std::vector<std::string> lines;
    for (const auto& line : SplitString(*ReadFile(folder_.path() + "/log"), '\n'))
      lines.push_back(line);
    return lines;
  }
  // Lines of the log about receivers, by event.
  std::vector<std::string> Events() {
    std::vector<std::string> events;
    for (const std::string& line : Lines()) {
      for (const std::string_view event : {"alert_delivery_failed", "alert_receiver_recovered"}) {
        if (line.find(event) != std::string::npos) events.emplace_back(event);
      }
    }
    return events;
  }

  const testing::TempDirectory folder_;
  asio::io_context io_;
  testing::SimClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  testing::SimScheduler scheduler_{io_, clock_};
  SeededRng rng_{7};
  std::unique_ptr<Logger> log_;
  Observed observed_;
  FakePort port_{io_.get_executor(), scheduler_};
  FakeSink first_{"one", clock_};
  FakeSink second_{"two", clock_};
  TaskGroup group_{io_.get_executor()};
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, SendsWhatFiresAgainEveryInterval) {
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  Start();
  scheduler_.RunFor(absl::Minutes(10));
  ASSERT_GE(first_.times.size(), 10u);
  EXPECT_EQ(first_.times.front(), absl::ZeroDuration());
  for (size_t i = 1; i < first_.times.size(); ++i) {
    const absl::Duration gap = first_.times[i] - first_.times[i - 1];
    EXPECT_GE(gap, kResend);
    EXPECT_LE(gap, kResend + absl::Seconds(1));
  }
  EXPECT_EQ(first_.times, second_.times);
}

TEST_F(DispatcherTest, AChangeIsToldAtOnceAndChangesCloseTogetherInOneRequest) {
  Start();
  scheduler_.RunFor(absl::Seconds(5));
  EXPECT_TRUE(first_.times.empty());  // nothing pending, nothing sent
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  port_.Change();
  scheduler_.RunFor(absl::Milliseconds(10));
  port_.pending = std::vector<PendingAlert>{Firing("e1"), Firing("e2")};
  port_.Change();
  scheduler_.RunFor(absl::Milliseconds(50));
  ASSERT_EQ(first_.deliveries.size(), 1u);
  EXPECT_EQ(first_.deliveries[0].size(), 2u);
}

TEST_F(DispatcherTest, OneFailingReceiverDoesNotKeepAnotherFromBeingTold) {
  first_.answer = UnavailableError("refused");
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  const Status status = Dispatch();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(second_.deliveries.size(), 1u);
  ASSERT_EQ(port_.reports.size(), 1u);  // somebody knows: it counts as announced
  EXPECT_TRUE(port_.reports[0].firing);
  EXPECT_EQ(port_.reports[0].receiver, "two");
  EXPECT_THAT(observed_.lines, ElementsAre("one error 1", "two ok 1"));
}

TEST_F(DispatcherTest, WhatNobodyTookIsNotReported) {
  first_.answer = UnavailableError("refused");
  second_.answer = InvalidError("no");
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  EXPECT_EQ(Dispatch().code(), StatusCode::kUnavailable);  // the first receiver's
  EXPECT_TRUE(port_.reports.empty());
}

TEST_F(DispatcherTest, ResolvedIsReportedOnlyWhenEveryReceiverTookIt) {
  first_.answer = UnavailableError("refused");
  port_.pending = std::vector<PendingAlert>{Resolved("e1")};
  EXPECT_FALSE(Dispatch().ok());
  EXPECT_TRUE(port_.reports.empty());
  first_.answer = OkStatus();
  EXPECT_TRUE(Dispatch().ok());
  ASSERT_EQ(port_.reports.size(), 1u);
  EXPECT_FALSE(port_.reports[0].firing);
  EXPECT_EQ(port_.reports[0].labels,
            (monitor::LabelSet{{"episode", "e1"}, {"severity", "warning"}}));
}

TEST_F(DispatcherTest, ResolvedIsGivenUpWhenItsEndIsLongPast) {
  first_.answer = UnavailableError("refused");
  port_.pending = std::vector<PendingAlert>{Resolved("e1")};
  EXPECT_FALSE(Dispatch().ok());
  scheduler_.RunFor(absl::Minutes(15));
  EXPECT_FALSE(Dispatch().ok());
  EXPECT_TRUE(port_.reports.empty());
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_FALSE(Dispatch().ok());
  ASSERT_EQ(port_.reports.size(), 1u);
  EXPECT_FALSE(port_.reports[0].firing);
}

TEST_F(DispatcherTest, AChangedLabelSetResolvesTheOldOneInTheSameRequest) {
  port_.pending = std::vector<PendingAlert>{Firing("e1", "critical"), Resolved("e1", "warning")};
  EXPECT_TRUE(Dispatch().ok());
  ASSERT_EQ(first_.deliveries.size(), 1u);
  ASSERT_EQ(first_.deliveries[0].size(), 2u);
  EXPECT_GT(first_.deliveries[0][0].ends_at, clock_.Wall());
  EXPECT_LE(first_.deliveries[0][1].ends_at, clock_.Wall());
  ASSERT_EQ(port_.reports.size(), 2u);
  EXPECT_EQ(port_.reports[0].labels.at("severity"), "critical");
  EXPECT_TRUE(port_.reports[0].firing);
  EXPECT_EQ(port_.reports[1].labels.at("severity"), "warning");
  EXPECT_FALSE(port_.reports[1].firing);
}

TEST_F(DispatcherTest, AnErrorIsLoggedWhenItsTextChangesAndItsEndOnce) {
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  first_.answer = UnavailableError("refused");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Dispatch().ok());
  first_.answer = UnavailableError("answered 503");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Dispatch().ok());
  first_.answer = OkStatus();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Dispatch().ok());
  dispatcher_.reset();
  EXPECT_THAT(Events(), ElementsAre("alert_delivery_failed", "alert_delivery_failed",
                                    "alert_receiver_recovered"));
}

TEST_F(DispatcherTest, TheLogSaysWhichLinkAndReceiverAndWhereThatIs) {
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  first_.answer = UnavailableError("refused");
  EXPECT_FALSE(Dispatch().ok());
  first_.answer = OkStatus();
  EXPECT_TRUE(Dispatch().ok());
  dispatcher_.reset();
  int seen = 0;
  for (const std::string& line : Lines()) {
    if (line.find("event=alert_") == std::string::npos) continue;
    ++seen;
    for (const char* field : {"link=corp-contoso", "receiver=one", "address=one.example:9093"}) {
      EXPECT_NE(line.find(field), std::string::npos) << line;
    }
  }
  EXPECT_EQ(seen, 2);
}

TEST_F(DispatcherTest, AFailedPassIsTriedAgainSoonerThanTheIntervalAndNeverInATightLoop) {
  first_.answer = UnavailableError("refused");
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  Start();
  scheduler_.RunFor(absl::Minutes(10));
  EXPECT_GE(first_.times.size(), 10u);   // at least every interval
  EXPECT_LE(first_.times.size(), 600u);  // at most every second
  first_.answer = OkStatus();
  scheduler_.RunFor(kResend);
  EXPECT_EQ(observed_.lines.back(), "two ok 1");
  EXPECT_EQ(observed_.lines[observed_.lines.size() - 2], "one ok 1");
}

TEST_F(DispatcherTest, AnUnreadablePortIsTriedAgain) {
  port_.pending = UnavailableError("busy");
  Start();
  scheduler_.RunFor(kResend);
  EXPECT_GE(port_.asked, 2);
  EXPECT_TRUE(first_.times.empty());
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  scheduler_.RunFor(kResend);
  EXPECT_FALSE(first_.times.empty());
}

TEST_F(DispatcherTest, CancelledEndsTheLoopWithoutAFurtherReceiver) {
  first_.answer = CancelledError("stopping");
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  Start();
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_TRUE(second_.deliveries.empty());
  EXPECT_TRUE(observed_.lines.empty());
  EXPECT_TRUE(port_.reports.empty());
}

TEST_F(DispatcherTest, CancelledWhileItWaitsEndsCleanly) {
  port_.pending = std::vector<PendingAlert>{Firing("e1")};
  Start();
  EXPECT_EQ(group_.running(), 1u);
  group_.Cancel();
  scheduler_.Settle();
  EXPECT_EQ(group_.running(), 0u);
}

}  // namespace
}  // namespace driftwarden::alerts
