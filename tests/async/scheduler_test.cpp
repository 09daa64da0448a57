#include "base/async/scheduler.h"

#include <gtest/gtest.h>

#include "base/async/task_group.h"
#include "tests/async/run_loop.h"

namespace driftwarden {
namespace {

TEST(RealScheduler, SleepsAtLeastAsLongAsAsked) {
  RunLoop loop;
  const SystemClock clock;
  RealScheduler scheduler(clock);
  const absl::Duration start = clock.Steady();
  EXPECT_TRUE(loop.Await(scheduler.SleepFor(absl::Milliseconds(20))).ok());
  EXPECT_GE(clock.Steady() - start, absl::Milliseconds(20));
}

TEST(RealScheduler, APastMomentNeedsNoWaiting) {
  RunLoop loop;
  const SystemClock clock;
  RealScheduler scheduler(clock);
  EXPECT_TRUE(loop.Await(scheduler.SleepUntil(clock.Steady() - absl::Hours(1))).ok());
}

asio::awaitable<void> SleepTwice(Scheduler* scheduler, Status* first, Status* second) {
  *first = co_await scheduler->SleepFor(absl::Hours(1000));
  *second = co_await scheduler->SleepFor(absl::Hours(1000));
}

TEST(RealScheduler, ACancelledSleeperCannotSleepAgain) {
  RunLoop loop;
  const SystemClock clock;
  RealScheduler scheduler(clock);
  TaskGroup tasks(loop.executor());
  Status first;
  Status second;
  tasks.Spawn(SleepTwice(&scheduler, &first, &second));
  loop.Settle();
  tasks.Cancel();
  loop.Await(tasks.Join());
  EXPECT_TRUE(absl::IsCancelled(first));
  EXPECT_TRUE(absl::IsCancelled(second));
}

}  // namespace
}  // namespace driftwarden
