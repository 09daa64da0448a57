// The loop over a tenant's logs, between a scripted reader and a scripted engine.

#include "daemon/tenant_log_loop.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <deque>

#include "base/async/task_group.h"
#include "base/strings.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::daemon {
namespace {

using monitor::DeviceLook;
using monitor::LogLimit;
using monitor::LogLook;
using monitor::TenantLog;
using watchers::LogPage;

const absl::Time kStart = absl::FromUnixSeconds(1795219200);

class FakeFeed final : public LogFeed {
 public:
  absl::Time ChangesFrom(TenantLog log) const override {
    const auto set = from.find(log);
    return set == from.end() ? kStart : set->second;
  }
  asio::awaitable<StatusOr<std::vector<LogTarget>>> SignInTargets(TenantLog log,
                                                                  size_t limit) override {
    (void)log;
    asked = limit;
    std::vector<LogTarget> out = people;
    if (out.size() > limit) out.resize(limit);
    co_return out;
  }
  asio::awaitable<StatusOr<std::vector<LogTarget>>> DeviceTargets(size_t limit) override {
    (void)limit;
    co_return owners;
  }
  asio::awaitable<Status> DeliverLog(LogLook look) override {
    if (!failure.ok()) co_return failure;
    looks.push_back(std::move(look));
    co_return OkStatus();
  }
  asio::awaitable<Status> DeliverDevices(DeviceLook look) override {
    devices.push_back(std::move(look));
    co_return failure;
  }

  std::map<TenantLog, absl::Time> from;
  std::vector<LogTarget> people;
  std::vector<LogTarget> owners;
  size_t asked = 0;
  Status failure;
  std::vector<LogLook> looks;
  std::vector<DeviceLook> devices;
};

class FakeLogs final : public watchers::TenantLogs {
 public:
  asio::awaitable<StatusOr<LogLook>> ReadChanges(TenantLog log, absl::Time from,
                                                 monitor::BatchId batch, LogPage* page) override {
    read.push_back(
        Cat(TenantLogText(log), " ", absl::ToInt64Seconds(from - kStart), " ", page->next));
    auto answer = Answer(log, std::move(batch), page, pages[log]);
    co_return answer;
  }
  asio::awaitable<StatusOr<LogLook>> ReadSignIns(TenantLog log, std::string entra_id,
                                                 absl::Time from, monitor::BatchId batch,
                                                 LogPage* page) override {
    (void)from;
    read.push_back(Cat(TenantLogText(log), " ", entra_id, " ", page->next));
    auto answer = Answer(log, std::move(batch), page, sign_in_pages[entra_id]);
    if (broken.contains(entra_id)) answer = broken[entra_id];
    co_return answer;
  }
  asio::awaitable<StatusOr<DeviceLook>> ReadDevices(std::string entra_id,
                                                    monitor::BatchId batch) override {
    read.push_back(Cat("devices ", entra_id));
    if (broken.contains(entra_id)) co_return broken[entra_id];
    DeviceLook look;
    look.batch = std::move(batch);
    look.entra_id = entra_id;
    co_return look;
  }

  std::vector<std::string> Take() { return std::exchange(read, {}); }

  std::vector<std::string> read;
  std::map<TenantLog, int> pages;  // that follow the first
  std::map<std::string, int> sign_in_pages;
  std::map<TenantLog, Status> failures;
  std::map<TenantLog, LogLimit> limits;
  std::map<std::string, Status> broken;

 private:
  StatusOr<LogLook> Answer(TenantLog log, monitor::BatchId batch, LogPage* page, int more) {
    if (failures.contains(log) && !failures[log].ok()) return failures[log];
    LogLook look;
    look.log = log;
    look.batch = std::move(batch);
    look.limit = limits[log];
    const int at = page->next.empty() ? 0 : static_cast<int>(page->next.size());
    page->next = at < more ? std::string(static_cast<size_t>(at) + 1, 'p') : "";
    if (page->next.empty() && look.limit == LogLimit::kNone) look.covers.emplace();
    return look;
  }
};

class TenantLogLoopTest : public ::testing::Test {
 protected:
  TenantLogLoop& Loop() {
    if (!loop_) {
      loop_ = std::make_unique<TenantLogLoop>(
          feed_, logs_, monitor::LinkName("l"), monitor::SourceName("t"),
          [this] { return cloud_sync_; }, scheduler_, rng_, log_, options_);
    }
    return *loop_;
  }
  Status Once(TenantLogRound bounds = TenantLogRound()) {
    std::optional<Status> result;
    asio::co_spawn(io_, Keep(Loop().ReadOnce(bounds), &result), [](const std::exception_ptr& e) {
      if (e) std::rethrow_exception(e);
    });
    scheduler_.Settle();
    return result.value_or(InternalError("it did not end"));
  }
  static asio::awaitable<void> Keep(asio::awaitable<Status> task, std::optional<Status>* out) {
    Status status = co_await std::move(task);
    out->emplace(std::move(status));
  }
  static LogTarget Target(const std::string& id) {
    LogTarget target;
    target.entra_id = id;
    target.from = kStart;
    return target;
  }

  asio::io_context io_;
  testing::SimClock clock_{kStart};
  testing::SimScheduler scheduler_{io_, clock_};
  SeededRng rng_{7};
  Logger log_{LogLevel::kError, LogFormat::kLogfmt};
  FakeFeed feed_;
  FakeLogs logs_;
  bool cloud_sync_ = false;
  TenantLogOptions options_;
  std::unique_ptr<TenantLogLoop> loop_;
};

using Names = std::vector<std::string>;

TEST_F(TenantLogLoopTest, ARoundReadsEachLogAndHandsItOn) {
  feed_.people = {Target("a"), Target("b")};
  feed_.owners = {Target("a")};
  feed_.from[TenantLog::kDirectoryAudits] = kStart + absl::Seconds(7);
  ASSERT_TRUE(Once().ok());
  EXPECT_EQ(logs_.Take(),
            (Names{"directory_audits 7 ", "interactive_sign_ins a ", "interactive_sign_ins b ",
                   "non_interactive_sign_ins a ", "non_interactive_sign_ins b ", "devices a"}));
  EXPECT_EQ(feed_.looks.size(), 5U);
  EXPECT_EQ(feed_.devices.size(), 1U);
  EXPECT_EQ(feed_.looks[0].batch, feed_.looks[4].batch);
  EXPECT_FALSE(feed_.looks[0].batch.value.empty());
}

TEST_F(TenantLogLoopTest, ProvisioningIsReadWhereCloudSyncFeedsTheTenant) {
  cloud_sync_ = true;
  ASSERT_TRUE(Once().ok());
  EXPECT_EQ(logs_.Take(), (Names{"directory_audits 0 ", "provisioning 0 "}));
  feed_.from[TenantLog::kDirectoryAudits] = absl::InfiniteFuture();
  ASSERT_TRUE(Once().ok());
  EXPECT_EQ(logs_.Take(), (Names{"provisioning 0 "})) << "a refused log is left alone";
}

TEST_F(TenantLogLoopTest, WhatIsSwitchedOffIsSaidOnceAndNeverRead) {
  options_.directory_audits = false;
  options_.sign_ins = false;
  feed_.people = {Target("a")};
  ASSERT_TRUE(Once().ok());
  ASSERT_TRUE(Once().ok());
  EXPECT_TRUE(logs_.read.empty());
  ASSERT_EQ(feed_.looks.size(), 4U);
  for (const LogLook& look : feed_.looks) {
    EXPECT_EQ(look.limit, LogLimit::kSwitchedOff);
    EXPECT_EQ(look.source.value, "t");
  }
}

TEST_F(TenantLogLoopTest, ALongReadingGoesOnInTheNextRoundFromWhereItBegan) {
  logs_.pages[TenantLog::kDirectoryAudits] = 3;
  TenantLogRound bounds;
  bounds.pages = 2;
  ASSERT_TRUE(Once(bounds).ok());
  feed_.from[TenantLog::kDirectoryAudits] = kStart + absl::Seconds(9);
  ASSERT_TRUE(Once(bounds).ok());
  ASSERT_TRUE(Once(bounds).ok());
  EXPECT_EQ(logs_.Take(),
            (Names{"directory_audits 0 ", "directory_audits 0 p", "directory_audits 0 pp",
                   "directory_audits 0 ppp", "directory_audits 9 ", "directory_audits 9 p"}));
}

TEST_F(TenantLogLoopTest, AnErrorBeginsALongReadingAnew) {
  logs_.pages[TenantLog::kDirectoryAudits] = 3;
  TenantLogRound bounds;
  bounds.pages = 2;
  ASSERT_TRUE(Once(bounds).ok());
  logs_.failures[TenantLog::kDirectoryAudits] = DataLossError("broken");
  EXPECT_EQ(Once(bounds).code(), StatusCode::kDataLoss);
  logs_.failures.clear();
  (void)logs_.Take();
  ASSERT_TRUE(Once(bounds).ok());
  EXPECT_EQ(logs_.Take().front(), "directory_audits 0 ");
}

TEST_F(TenantLogLoopTest, SomebodyWithManySignInsGoesOnFirst) {
  feed_.people = {Target("a"), Target("b"), Target("c")};
  logs_.sign_in_pages["b"] = 3;
  TenantLogRound bounds;
  bounds.people = 2;
  bounds.sign_in_pages = 2;
  ASSERT_TRUE(Once(bounds).ok());
  EXPECT_EQ(feed_.asked, 2U);
  (void)logs_.Take();
  ASSERT_TRUE(Once(bounds).ok());
  const Names read = logs_.Take();
  EXPECT_EQ(read[1], "interactive_sign_ins b pp");
  EXPECT_EQ(read[2], "interactive_sign_ins b ppp");
  EXPECT_EQ(read[3], "interactive_sign_ins a ");
}

TEST_F(TenantLogLoopTest, ALimitIsHandedOnAndNotAskedForAgainInTheRound) {
  feed_.people = {Target("a"), Target("b")};
  logs_.limits[TenantLog::kInteractiveSignIns] = LogLimit::kLicence;
  ASSERT_TRUE(Once().ok()) << "a limitation is no error";
  EXPECT_EQ(logs_.Take(), (Names{"directory_audits 0 ", "interactive_sign_ins a ",
                                 "non_interactive_sign_ins a ", "non_interactive_sign_ins b "}));
  EXPECT_EQ(feed_.looks[1].limit, LogLimit::kLicence);
}

TEST_F(TenantLogLoopTest, ABrokenAnswerHidesNothingElseAndAnOutageEndsTheRound) {
  feed_.people = {Target("a"), Target("b")};
  feed_.owners = {Target("gone"), Target("b")};
  logs_.failures[TenantLog::kDirectoryAudits] = DataLossError("broken");
  logs_.broken["a"] = DataLossError("broken too");
  logs_.broken["gone"] = NotFoundError("no such user");
  const Status broken = Once();
  EXPECT_EQ(Message(broken), "broken");
  EXPECT_EQ(feed_.looks.size(), 2U);
  EXPECT_EQ(feed_.devices.size(), 1U);
  (void)logs_.Take();
  logs_.failures[TenantLog::kDirectoryAudits] = UnavailableError("connection refused");
  EXPECT_EQ(Once().code(), StatusCode::kUnavailable);
  EXPECT_EQ(logs_.Take().size(), 1U);
}

TEST_F(TenantLogLoopTest, ThrottledSignInsWaitForTheNextRound) {
  feed_.people = {Target("a"), Target("b")};
  logs_.broken["a"] = ThrottledError("patience", absl::Minutes(9));
  const Status throttled = Once();
  EXPECT_EQ(RetryAfter(throttled), absl::Minutes(9));
  EXPECT_EQ(logs_.Take(), (Names{"directory_audits 0 ", "interactive_sign_ins a ",
                                 "non_interactive_sign_ins a "}));
}

TEST_F(TenantLogLoopTest, TheEnginesErrorEndsTheRound) {
  feed_.failure = UnavailableError("the store failed");
  EXPECT_EQ(Message(Once()), "the store failed");
  EXPECT_EQ(logs_.Take().size(), 1U);
}

TEST_F(TenantLogLoopTest, RunsEveryMinuteAndLessOftenWhileItFails) {
  TaskGroup tasks(io_.get_executor());
  tasks.Spawn(Loop().Run());
  scheduler_.RunFor(absl::Minutes(10));
  EXPECT_EQ(logs_.Take().size(), 11U);
  logs_.failures[TenantLog::kDirectoryAudits] = UnavailableError("connection refused");
  scheduler_.RunFor(absl::Minutes(60));
  const size_t failed = logs_.Take().size();
  EXPECT_LT(failed, 30U);
  EXPECT_GT(failed, 6U);
  logs_.failures.clear();
  scheduler_.RunFor(absl::Minutes(10));
  EXPECT_GT(logs_.Take().size(), 1U);
  tasks.Cancel();
  scheduler_.Settle();
  EXPECT_EQ(scheduler_.sleepers(), 0U);
}

}  // namespace
}  // namespace driftwarden::daemon
