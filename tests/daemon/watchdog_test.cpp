// The dead man's switch, and the last word about a store that failed.

#include "daemon/watchdog.h"

#include <gtest/gtest.h>

#include "alerts/alertmanager_sink.h"
#include "base/async/task_group.h"
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

}  // namespace
}  // namespace driftwarden::daemon
