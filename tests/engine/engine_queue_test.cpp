#include "daemon/engine_queue.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>

#include "base/async/task_group.h"
#include "daemon/clock_watch.h"

namespace driftwarden::daemon {
namespace {

asio::awaitable<void> TakeTurn(EngineQueue* queue, Urgency urgency, std::string name,
                               std::string* order) {
  const Status entered = co_await queue->Enter(urgency);
  if (!entered.ok()) {
    *order += "!";
    co_return;
  }
  *order += name;
  queue->Leave();
}

asio::awaitable<void> Hold(EngineQueue* queue) {
  const Status entered = co_await queue->Enter(Urgency::kBatch);
  EXPECT_TRUE(entered.ok());
}

class EngineQueueTest : public ::testing::Test {
 protected:
  void Run() {
    io_.restart();
    io_.poll();
  }
  void Wait(Urgency urgency, const std::string& name) {
    tasks_.Spawn(TakeTurn(&queue_, urgency, name, &order_));
    Run();
  }
  asio::io_context io_{1};
  EngineQueue queue_{io_.get_executor(), 20, 4};
  TaskGroup tasks_{io_.get_executor()};
  std::string order_;
};

TEST_F(EngineQueueTest, TheMoreUrgentGoFirst) {
  tasks_.Spawn(Hold(&queue_));
  Run();
  Wait(Urgency::kBatch, "b");
  Wait(Urgency::kDirectRead, "r");
  Wait(Urgency::kDeadline, "d");
  Wait(Urgency::kOutcome, "a");
  Wait(Urgency::kOperator, "o");
  EXPECT_EQ(order_, "");
  queue_.Leave();
  Run();
  EXPECT_EQ(order_, "oadrb");
}

TEST_F(EngineQueueTest, NobodyIsOvertakenForEver) {
  tasks_.Spawn(Hold(&queue_));
  Run();
  Wait(Urgency::kBatch, "b");
  for (const char* name : {"1", "2", "3", "4", "5"}) Wait(Urgency::kOperator, name);
  queue_.Leave();
  Run();
  EXPECT_EQ(order_, "1234b5");
}

TEST_F(EngineQueueTest, TooManyAreTurnedAway) {
  tasks_.Spawn(Hold(&queue_));
  Run();
  for (int i = 0; i < 21; ++i) Wait(Urgency::kOutcome, "a");
  EXPECT_EQ(order_, "!");
  EXPECT_EQ(queue_.waiting(), 20u);
  queue_.Leave();
  Run();
  EXPECT_EQ(order_.size(), 21u);
}

TEST_F(EngineQueueTest, BatchesAreNeverTurnedAwayAndKeepNobodyElseOut) {
  tasks_.Spawn(Hold(&queue_));
  Run();
  for (int i = 0; i < 200; ++i) Wait(Urgency::kBatch, "b");
  for (int i = 0; i < 20; ++i) Wait(Urgency::kOutcome, "a");
  EXPECT_EQ(order_, "");
  queue_.Leave();
  Run();
  EXPECT_EQ(order_.size(), 220u);
  EXPECT_EQ(order_.find_last_of('a'), 35u) << "four, and from then on every other one: " << order_;
}

TEST_F(EngineQueueTest, WhoeverIsCancelledLeavesTheLine) {
  tasks_.Spawn(Hold(&queue_));
  Run();
  Wait(Urgency::kOutcome, "a");
  tasks_.Cancel();
  Run();
  EXPECT_EQ(order_, "!");
  EXPECT_EQ(queue_.waiting(), 0u);
}

TEST_F(EngineQueueTest, ClosingTurnsEverybodyAway) {
  tasks_.Spawn(Hold(&queue_));
  Run();
  Wait(Urgency::kOutcome, "a");
  queue_.Close();
  Run();
  Wait(Urgency::kOperator, "o");
  EXPECT_EQ(order_, "!!");
}

const monitor::SourceName kAd("corp");
const monitor::SourceName kEntra("contoso");

TEST(ClockWatch, TrustsClocksThatRunTogether) {
  ClockWatch watch;
  const absl::Time start = absl::FromUnixSeconds(1000);
  EXPECT_FALSE(watch.Look(start, absl::Seconds(7)));
  EXPECT_FALSE(watch.Look(start + absl::Hours(1), absl::Seconds(7) + absl::Hours(1)));
  EXPECT_FALSE(watch.Look(start + absl::Hours(2), absl::Seconds(4) + absl::Hours(2)));
  EXPECT_FALSE(watch.suspect());
}

TEST(ClockWatch, SuspectsAJumpUntilTwoSourcesReadAfterItAgree) {
  for (const absl::Duration jump : {absl::Seconds(6), absl::Seconds(-6)}) {
    ClockWatch watch;
    const absl::Time start = absl::FromUnixSeconds(1000);
    watch.Look(start, absl::ZeroDuration());
    const absl::Time now = start + absl::Seconds(60) + jump;
    EXPECT_TRUE(watch.Look(now, absl::Seconds(60)));
    EXPECT_FALSE(watch.Agree(kAd, now - absl::Seconds(1), absl::ZeroDuration())) << "begun before";
    EXPECT_FALSE(watch.Look(now + absl::Seconds(5), absl::Seconds(65)));
    EXPECT_FALSE(watch.Agree(kAd, now + absl::Seconds(1), absl::ZeroDuration()));
    EXPECT_FALSE(watch.Agree(kAd, now + absl::Seconds(2), absl::ZeroDuration())) << "one witness";
    EXPECT_FALSE(watch.Agree(kEntra, now + absl::Seconds(2), absl::Hours(1))) << "disagrees";
    EXPECT_TRUE(watch.suspect());
    EXPECT_TRUE(watch.Agree(kEntra, now + absl::Seconds(3), absl::Seconds(-2)));
    EXPECT_FALSE(watch.suspect());
  }
}

TEST(ClockWatch, WhatBeganBeforeItWasSetBackIsNoReadSinceThen) {
  ClockWatch watch;
  const absl::Time start = absl::FromUnixSeconds(1'800'000'000);
  watch.Look(start, absl::ZeroDuration());
  const absl::Time now = start - absl::Hours(3);
  ASSERT_TRUE(watch.Look(now, absl::Seconds(1)));
  EXPECT_FALSE(watch.Agree(kAd, start - absl::Seconds(1), absl::ZeroDuration()));
  EXPECT_FALSE(watch.Agree(kEntra, start - absl::Seconds(2), absl::ZeroDuration()));
  EXPECT_TRUE(watch.suspect());
  EXPECT_FALSE(watch.vouched());
  watch.Look(now + absl::Seconds(9), absl::Seconds(10));
  EXPECT_FALSE(watch.Agree(kAd, now + absl::Seconds(5), absl::ZeroDuration()));
  EXPECT_TRUE(watch.Agree(kEntra, now + absl::Seconds(6), absl::ZeroDuration()));
  EXPECT_FALSE(watch.suspect());
}

TEST(ClockWatch, IsVouchedForByTwoSourcesReadSinceTheStartAndTheLastJump) {
  ClockWatch watch;
  const absl::Time start = absl::FromUnixSeconds(1000);
  watch.Look(start, absl::ZeroDuration());
  EXPECT_FALSE(watch.vouched()) << "a clock that was never compared may have been wrong before";
  watch.Agree(kAd, start, absl::Seconds(1));
  EXPECT_FALSE(watch.vouched());
  watch.Agree(kEntra, start, absl::Hours(1));
  EXPECT_FALSE(watch.vouched()) << "one of them is wrong";
  watch.Look(start + absl::Seconds(5), absl::Seconds(5));
  watch.Agree(kEntra, start + absl::Seconds(5), absl::Seconds(-3));
  EXPECT_TRUE(watch.vouched());
  watch.Look(start + absl::Hours(3), absl::Seconds(60));
  EXPECT_FALSE(watch.vouched());
}

TEST(ClockWatch, ASourceThatIsOffByLessThanBlocksActionsVouchesButEndsNoSuspicion) {
  ClockWatch watch;
  const absl::Time start = absl::FromUnixSeconds(1000);
  watch.Look(start, absl::ZeroDuration());
  watch.Agree(kAd, start, absl::Seconds(45));
  watch.Agree(kEntra, start, absl::ZeroDuration());
  EXPECT_TRUE(watch.vouched()) << "a domain whose clock is 45 s off would never be vouched for";
  const absl::Time now = start + absl::Hours(1);
  ASSERT_TRUE(watch.Look(now, absl::Seconds(10)));
  EXPECT_FALSE(watch.vouched());
  EXPECT_FALSE(watch.Agree(kAd, now, absl::Seconds(45)));
  EXPECT_FALSE(watch.Agree(kEntra, now, absl::ZeroDuration()));
  EXPECT_TRUE(watch.suspect());
  watch.Agree(kAd, now, absl::Minutes(6));
  EXPECT_FALSE(watch.vouched());
}

}  // namespace
}  // namespace driftwarden::daemon
