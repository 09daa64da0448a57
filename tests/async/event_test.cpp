#include "base/async/event.h"

#include <gtest/gtest.h>

#include "base/async/task_group.h"
#include "tests/async/run_loop.h"

namespace driftwarden {
namespace {

asio::awaitable<void> WaitInto(AsyncEvent* event, int* woken, int* cancelled) {
  const bool set = co_await event->Wait();
  ++*(set ? woken : cancelled);
}

class AsyncEventTest : public ::testing::Test {
 protected:
  ~AsyncEventTest() override {
    tasks_.Cancel();
    loop_.Await(tasks_.Join());
  }
  RunLoop loop_;
  AsyncEvent event_{loop_.executor()};
  TaskGroup tasks_{loop_.executor()};
  int woken_ = 0;
  int cancelled_ = 0;
};

TEST_F(AsyncEventTest, SetWakesEveryWaiter) {
  for (int i = 0; i < 3; ++i) tasks_.Spawn(WaitInto(&event_, &woken_, &cancelled_));
  loop_.Settle();
  EXPECT_EQ(woken_, 0);
  event_.Set();
  EXPECT_TRUE(loop_.Until([this] { return woken_ == 3; }));
}

TEST_F(AsyncEventTest, AWaitAfterSetReturnsAtOnce) {
  event_.Set();
  EXPECT_TRUE(loop_.Await(event_.Wait()));
  EXPECT_TRUE(event_.is_set());
}

TEST_F(AsyncEventTest, AResetDoesNotTakeAWakeUpAway) {
  tasks_.Spawn(WaitInto(&event_, &woken_, &cancelled_));
  loop_.Settle();
  event_.Set();
  event_.Reset();
  EXPECT_TRUE(loop_.Until([this] { return woken_ == 1; }));
  EXPECT_FALSE(event_.is_set());
}

TEST_F(AsyncEventTest, ACancelledWaiterIsToldSo) {
  tasks_.Spawn(WaitInto(&event_, &woken_, &cancelled_));
  loop_.Settle();
  tasks_.Cancel();
  EXPECT_TRUE(loop_.Until([this] { return cancelled_ == 1; }));
  EXPECT_EQ(woken_, 0);
}

}  // namespace
}  // namespace driftwarden
