// The dead man's switch, and the last word about a store that failed.

#include "daemon/watchdog.h"

#include <gtest/gtest.h>

#include "alerts/alertmanager_sink.h"
#include "base/async/task_group.h"
#include "base/strings.h"
#include "tests/async/run_loop.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::daemon {
namespace {

class Watchdog : public ::testing::Test {
 protected:
  StatusOr<std::vector<alerts::PendingAlert>> Pending() {
    RunLoop loop;
    return loop.Await(port_.Pending());
  }
  static asio::awaitable<void> Wait(WatchdogPort* port, absl::Duration at_most, Status* result) {
    *result = co_await port->WaitForChange(at_most);
  }

  asio::io_context io_;
  testing::SimClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  testing::SimScheduler scheduler_{io_, clock_};
  bool healthy_ = true;
  WatchdogPort port_{[this] { return healthy_; }, scheduler_, absl::Seconds(60),
                     "https://drift.example"};
};

TEST_F(Watchdog, FiresWhileHealthyWithItsEndAhead) {
  const absl::Time started = clock_.Wall();
  clock_.AdvanceTo(absl::Hours(1));
  const auto pending = Pending();
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(pending->size(), 1u);
  const alerts::PendingAlert& item = pending->front();
  EXPECT_TRUE(item.firing);
  EXPECT_EQ(item.alert.labels,
            (monitor::LabelSet{{"alertname", "DriftwardenWatchdog"}, {"severity", "none"}}));
  EXPECT_EQ(item.alert.starts_at, started);
  EXPECT_EQ(item.alert.ends_at, clock_.Wall() + absl::Minutes(3));
  EXPECT_EQ(item.alert.generator_url, "https://drift.example");
}

TEST_F(Watchdog, FallsSilentInsteadOfResolving) {
  healthy_ = false;
  const auto pending = Pending();
  ASSERT_TRUE(pending.ok());
  EXPECT_TRUE(pending->empty());
}

TEST_F(Watchdog, WaitsOutItsTimeAndStopsWhenCancelled) {
  TaskGroup group(io_.get_executor());
  Status result = InternalError("did not end");
  group.Spawn(Wait(&port_, absl::Seconds(60), &result));
  scheduler_.RunFor(absl::Seconds(59));
  EXPECT_EQ(group.running(), 1u);
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(result.ok()) << result;
  group.Spawn(Wait(&port_, absl::Seconds(60), &result));
  scheduler_.Settle();
  group.Cancel();
  scheduler_.Settle();
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(result.code(), StatusCode::kCancelled);
}

TEST(StoreFailedAlert, SaysWhatFailedAndWhatToDo) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const alerts::Alert alert = StoreFailedAlert(UnavailableError("No space left on device"),
                                               "/var/lib/driftwarden", now, "");
  EXPECT_EQ(alert.labels.at("alertname"), "DriftwardenStoreFailed");
  EXPECT_EQ(alert.labels.at("severity"), "critical");
  EXPECT_EQ(alert.starts_at, now);
  EXPECT_GE(alert.ends_at, now + absl::Hours(1));
  const std::string& text = alert.annotations.at("description");
  EXPECT_NE(text.find("/var/lib/driftwarden failed: No space left on device"), std::string::npos)
      << text;
  EXPECT_NE(text.find("start driftwarden again"), std::string::npos) << text;
}

TEST(StoreMendedAlert, EndsTheSameLabelSetNow) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const alerts::Alert mended = StoreMendedAlert(now, "https://drift.example");
  const alerts::Alert failed = StoreFailedAlert(DataLossError("x"), "/data", now, "");
  EXPECT_EQ(mended.labels, failed.labels);
  EXPECT_EQ(mended.ends_at, now);
  EXPECT_LT(mended.starts_at, now);
}

class FakeSink final : public alerts::AlertSink {
 public:
  explicit FakeSink(const Clock& clock) : clock_(clock) {}
  const std::string& name() const override { return name_; }
  const std::string& address() const override { return name_; }
  asio::awaitable<Status> Deliver(std::vector<alerts::Alert> alerts) override {
    times.push_back(clock_.Steady());
    got = std::move(alerts);
    co_return answer;
  }
  Status answer;
  std::vector<absl::Duration> times;
  std::vector<alerts::Alert> got;

 private:
  const std::string name_ = "alertmanager-1";
  const Clock& clock_;
};

struct Observed final : alerts::DispatchObserver {
  void OnDelivery(const std::string& receiver, const Status& status, size_t alerts) override {
    lines.push_back(Cat(receiver, status.ok() ? " ok " : " error ", alerts));
  }
  std::vector<std::string> lines;
};

class TellTest : public ::testing::Test {
 protected:
  ~TellTest() override {
    group_.Cancel();
    scheduler_.Settle();
    EXPECT_EQ(group_.running(), 0u);
  }
  void Tell(FakeSink& sink, absl::Duration give_up) {
    const TellParts parts{scheduler_, rng_, log_, observed_};
    group_.Spawn(TellUntilTaken(&sink, StoreMendedAlert(clock_.Wall(), ""), parts, give_up));
    scheduler_.Settle();
  }
  asio::io_context io_;
  testing::SimClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  testing::SimScheduler scheduler_{io_, clock_};
  SeededRng rng_{1};
  Logger log_{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  Observed observed_;
  FakeSink sink_{clock_};
  TaskGroup group_{io_.get_executor()};
};

TEST_F(TellTest, OnceWhenItIsTaken) {
  Tell(sink_, absl::Seconds(10));
  EXPECT_EQ(sink_.times.size(), 1u);
  ASSERT_EQ(sink_.got.size(), 1u);
  EXPECT_EQ(sink_.got[0].labels.at("alertname"), "DriftwardenStoreFailed");
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_EQ(observed_.lines, std::vector<std::string>{"alertmanager-1 ok 1"});
}

TEST_F(TellTest, AgainWithGrowingWaitsUntilItIsTaken) {
  sink_.answer = UnavailableError("refused");
  Tell(sink_, absl::Seconds(10));
  scheduler_.RunFor(absl::Seconds(5));
  ASSERT_GE(sink_.times.size(), 4u);
  EXPECT_LE(sink_.times.size(), 8u);
  EXPECT_GT(sink_.times[3] - sink_.times[2], sink_.times[1] - sink_.times[0]);
  const size_t before = sink_.times.size();
  sink_.answer = OkStatus();
  scheduler_.RunFor(absl::Seconds(4));
  EXPECT_EQ(sink_.times.size(), before + 1);
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_EQ(observed_.lines.back(), "alertmanager-1 ok 1");
}

TEST_F(TellTest, NotLongerThanItMay) {
  sink_.answer = UnavailableError("refused");
  Tell(sink_, absl::Seconds(10));
  scheduler_.RunFor(absl::Seconds(10));
  EXPECT_EQ(group_.running(), 0u);
  const size_t before = sink_.times.size();
  scheduler_.RunFor(absl::Minutes(10));
  EXPECT_EQ(sink_.times.size(), before);
}

TEST_F(TellTest, AReceiverThatRefusesKeepsNoOtherFromBeingTold) {
  sink_.answer = InvalidError("answered 404");
  FakeSink other(clock_);
  Tell(sink_, absl::Seconds(10));
  Tell(other, absl::Seconds(10));
  EXPECT_EQ(other.times.size(), 1u);
  EXPECT_EQ(group_.running(), 1u);
}

}  // namespace
}  // namespace driftwarden::daemon
