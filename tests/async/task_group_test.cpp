#include "base/async/task_group.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>

#include "tests/async/run_loop.h"

namespace driftwarden {
namespace {

// Waits again and again, as a loop that polls does, and counts how often it was refused.
asio::awaitable<void> Poll(AsyncEvent* event, int* started, int* refused) {
  ++*started;
  for (int i = 0; i < 3; ++i) {
    const bool woken = co_await event->Wait();
    if (!woken) ++*refused;
  }
}

TEST(TaskGroup, JoinWaitsForEveryTask) {
  RunLoop loop;
  TaskGroup tasks(loop.executor());
  AsyncEvent event(loop.executor());
  int started = 0;
  int refused = 0;
  for (int i = 0; i < 5; ++i) tasks.Spawn(Poll(&event, &started, &refused));
  loop.Settle();
  EXPECT_EQ(started, 5);
  EXPECT_EQ(tasks.running(), 5U);
  event.Set();
  loop.Await(tasks.Join());
  EXPECT_EQ(tasks.running(), 0U);
  EXPECT_EQ(refused, 0);
}

TEST(TaskGroup, JoinOfAnEmptyGroupReturns) {
  RunLoop loop;
  TaskGroup tasks(loop.executor());
  loop.Await(tasks.Join());
}

TEST(TaskGroup, CancelReachesEveryLaterWaitAndThrowsNothing) {
  RunLoop loop;
  TaskGroup tasks(loop.executor());
  AsyncEvent event(loop.executor());
  int started = 0;
  int refused = 0;
  tasks.Spawn(Poll(&event, &started, &refused));
  tasks.Spawn(Poll(&event, &started, &refused));
  loop.Settle();
  tasks.Cancel();
  EXPECT_TRUE(tasks.cancelled());
  loop.Await(tasks.Join());
  EXPECT_EQ(refused, 6);
}

TEST(TaskGroup, ATaskCancelledBeforeItsFirstStepEndsToo) {
  RunLoop loop;
  TaskGroup tasks(loop.executor());
  AsyncEvent event(loop.executor());
  int started = 0;
  int refused = 0;
  tasks.Spawn(Poll(&event, &started, &refused));  // the loop does not run yet
  tasks.Cancel();
  loop.Await(tasks.Join());
  EXPECT_EQ(tasks.running(), 0U);
}

TEST(TaskGroup, AfterCancelNothingStarts) {
  RunLoop loop;
  TaskGroup tasks(loop.executor());
  AsyncEvent event(loop.executor());
  int started = 0;
  int refused = 0;
  tasks.Cancel();
  tasks.Spawn(Poll(&event, &started, &refused));
  loop.Await(tasks.Join());
  EXPECT_EQ(started, 0);
}

// The owner of tasks is itself a task that gets cancelled: it must still see its children out.
asio::awaitable<void> Own(AsyncEvent* event, int* started, int* refused, bool* joined) {
  const auto executor = co_await asio::this_coro::executor;
  TaskGroup children(executor);
  children.Spawn(Poll(event, started, refused));
  const bool woken = co_await event->Wait();
  if (!woken) children.Cancel();
  co_await children.Join();
  *joined = children.running() == 0;
}

TEST(TaskGroup, ACancelledOwnerStillJoinsItsChildren) {
  RunLoop loop;
  TaskGroup tasks(loop.executor());
  AsyncEvent event(loop.executor());
  int started = 0;
  int refused = 0;
  bool joined = false;
  tasks.Spawn(Own(&event, &started, &refused, &joined));
  loop.Settle();
  tasks.Cancel();
  loop.Await(tasks.Join());
  EXPECT_TRUE(joined);
  EXPECT_EQ(refused, 3);
}

asio::awaitable<void> Step(int steps, int* counter) {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < steps; ++i) {
    co_await asio::post(executor, asio::use_awaitable);
    ++*counter;
  }
}

asio::awaitable<void> RunOnStrand(asio::any_io_executor strand, int* counter) {
  TaskGroup tasks(strand);
  for (int i = 0; i < 20; ++i) tasks.Spawn(Step(50, counter));
  co_await tasks.Join();
}

TEST(TaskGroup, LivesOnAStrandOfSeveralThreads) {
  asio::thread_pool pool(4);
  const asio::any_io_executor strand = asio::make_strand(pool);
  int counter = 0;
  std::promise<void> ended;
  asio::co_spawn(strand, RunOnStrand(strand, &counter),
                 [&ended](const std::exception_ptr&) { ended.set_value(); });
  ended.get_future().wait();
  pool.join();
  EXPECT_EQ(counter, 1000);
}

}  // namespace
}  // namespace driftwarden
