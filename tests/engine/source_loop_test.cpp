#include "watchers/source_loop.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <set>

#include "base/async/task_group.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::watchers {
namespace {

class FakeLink final : public LinkFeed {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (!refuse.ok()) co_return refuse;
    numbers.push_back(batch.number);
    rounds.push_back(batch.id.value);
    position.cursor = batch.cursor;
    co_return OkStatus();
  }
  FeedPosition PositionOf(const monitor::SourceName&) const override { return position; }

  FeedPosition position;
  Status refuse;
  std::vector<uint64_t> numbers;
  std::vector<std::string> rounds;
};

class FakeSource final : public ChangeSource {
 public:
  explicit FakeSource(Scheduler& scheduler) : scheduler_(scheduler) {}
  const monitor::SourceName& name() const override { return name_; }
  monitor::SourceKind kind() const override { return monitor::SourceKind::kEntra; }
  asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId batch_id,
                               BatchSink& sink) override {
    polled.push_back(scheduler_.clock().Steady());
    cursors.push_back(cursor);
    rounds.push_back(batch_id.value);
    if (!failure.ok()) co_return failure;
    monitor::ChangeBatch batch;
    batch.source = name_;
    batch.completes_round = true;
    batch.cursor = "next";
    const Status taken = co_await sink.Deliver(std::move(batch));
    co_return taken;
  }

  std::vector<absl::Duration> polled;
  std::vector<std::string> cursors;
  std::vector<std::string> rounds;
  Status failure;

 private:
  Scheduler& scheduler_;
  const monitor::SourceName name_{"contoso"};
};

class FakeObserver final : public SourceObserver {
 public:
  void OnPoll(const monitor::SourceName&, const Status& status, absl::Duration) override {
    ++(status.ok() ? good : bad);
  }
  int good = 0;
  int bad = 0;
};

class SourceLoopTest : public ::testing::Test {
 protected:
  ~SourceLoopTest() override {
    tasks_.Cancel();
    scheduler_.Settle();
  }
  void Start(std::vector<LinkFeed*> links) {
    SourceLoopOptions options;
    options.poll_interval = absl::Seconds(10);
    loop_ = std::make_unique<SourceLoop>(io_.get_executor(), source_, std::move(links), scheduler_,
                                         rng_, log_, observer_, options);
    tasks_.Spawn(loop_->Run());
  }
  static asio::awaitable<void> Aside(SourceLoop* loop) {
    monitor::ChangeBatch batch;
    const Status delivered = co_await loop->DeliverAside(std::move(batch));
    EXPECT_TRUE(delivered.ok()) << delivered;
  }

  asio::io_context io_{1};
  testing::SimClock clock_{absl::FromUnixSeconds(1000)};
  testing::SimScheduler scheduler_{io_, clock_};
  SeededRng rng_{1};
  Logger log_{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  FakeSource source_{scheduler_};
  FakeObserver observer_;
  FakeLink a_;
  FakeLink b_;
  std::unique_ptr<SourceLoop> loop_;
  TaskGroup tasks_{io_.get_executor()};
};

TEST_F(SourceLoopTest, PollsEveryIntervalAndGivesEveryLinkTheBatch) {
  a_.position.cursor = b_.position.cursor = "old";
  Start({&a_, &b_});
  scheduler_.RunFor(absl::Seconds(25));
  ASSERT_EQ(source_.polled.size(), 3u);
  EXPECT_EQ(source_.polled[1], absl::Seconds(10));
  EXPECT_EQ(source_.cursors, (std::vector<std::string>{"old", "next", "next"}));
  EXPECT_EQ(a_.numbers, (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(b_.numbers, a_.numbers);
  EXPECT_EQ(a_.rounds, source_.rounds);
  EXPECT_EQ(b_.rounds, source_.rounds);
  EXPECT_EQ(std::set<std::string>(a_.rounds.begin(), a_.rounds.end()).size(), 3u);
  for (const std::string& round : a_.rounds) EXPECT_EQ(round.size(), 36u);
  EXPECT_TRUE(loop_->Health().up);
  EXPECT_EQ(loop_->Health().polls_ok, 3u);
  EXPECT_EQ(observer_.good, 3);
}

TEST_F(SourceLoopTest, LinksAtDifferentPlacesReadOnFromTheirOwnAndStandAtOneAfterwards) {
  a_.position = {"a", absl::FromUnixSeconds(900)};
  b_.position = {"b", absl::FromUnixSeconds(800)};
  Start({&a_, &b_});
  scheduler_.Settle();
  EXPECT_EQ(source_.cursors, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(b_.numbers, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(a_.numbers, (std::vector<uint64_t>{2})) << "and nobody lost what the other had read";
}

TEST_F(SourceLoopTest, AClockThatWasSetBackDoesNotTellWhoIsBehind) {
  // b was read last, by a clock that is behind what it was when a was.
  a_.position = {"older", absl::FromUnixSeconds(900)};
  b_.position = {"newer", absl::FromUnixSeconds(100)};
  Start({&a_, &b_});
  scheduler_.Settle();
  EXPECT_EQ(source_.cursors, (std::vector<std::string>{"newer", "older"}));
  EXPECT_EQ(a_.numbers, (std::vector<uint64_t>{2})) << "from its own place";
}

TEST_F(SourceLoopTest, ALinkWithoutAPositionReadsEverythingForItself) {
  a_.position.cursor = "a";
  Start({&a_, &b_});
  scheduler_.Settle();
  EXPECT_EQ(source_.cursors, (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(a_.numbers, (std::vector<uint64_t>{1}));
  EXPECT_EQ(b_.numbers, (std::vector<uint64_t>{2}));
}

TEST_F(SourceLoopTest, ALinkInAFullReadIsNotMixedWithOthers) {
  FakeLink c;
  FakeLink d;
  a_.position = {"a", absl::FromUnixSeconds(900), false};
  b_.position = {"place 1", absl::InfinitePast(), true};
  c.position = {"place 1", absl::InfinitePast(), true};
  d.position = {"place 2", absl::FromUnixSeconds(800), true};
  Start({&b_, &a_, &c, &d});
  EXPECT_TRUE(loop_->InSnapshot());
  scheduler_.Settle();
  EXPECT_EQ(source_.cursors, (std::vector<std::string>{"a", "place 1", "place 2"}));
  EXPECT_EQ(a_.numbers, (std::vector<uint64_t>{1}));
  EXPECT_EQ(b_.numbers, (std::vector<uint64_t>{2}));
  EXPECT_EQ(c.numbers, (std::vector<uint64_t>{2}));
  EXPECT_EQ(d.numbers, (std::vector<uint64_t>{3}));
  tasks_.Cancel();
  scheduler_.Settle();
}

TEST_F(SourceLoopTest, BacksOffWhileItFailsAndHealsByItself) {
  source_.failure = UnavailableError("dc1 does not answer");
  Start({&a_});
  scheduler_.RunFor(absl::Minutes(5));
  const size_t tries = source_.polled.size();
  EXPECT_GT(tries, 6u);
  EXPECT_LT(tries, 20u);
  EXPECT_LE(source_.polled[1], absl::Seconds(1));
  EXPECT_GT(source_.polled[tries - 1] - source_.polled[tries - 2], absl::Seconds(29));
  EXPECT_FALSE(loop_->Health().up);
  EXPECT_EQ(loop_->Health().error, "dc1 does not answer");
  EXPECT_EQ(loop_->Health().failures_in_a_row, static_cast<int>(tries));
  source_.failure = OkStatus();
  scheduler_.RunFor(absl::Seconds(70));
  EXPECT_TRUE(loop_->Health().up);
  EXPECT_EQ(loop_->Health().error, "");
  EXPECT_EQ(loop_->Health().failures_in_a_row, 0);
}

TEST_F(SourceLoopTest, WaitsAsLongAsItIsAskedTo) {
  source_.failure = ThrottledError("429", absl::Seconds(45));
  Start({&a_});
  scheduler_.RunFor(absl::Seconds(50));
  ASSERT_EQ(source_.polled.size(), 2u);
  EXPECT_GE(source_.polled[1], absl::Seconds(45));
}

TEST_F(SourceLoopTest, AWakeUpPollsAtOnce) {
  Start({&a_});
  scheduler_.RunFor(absl::Seconds(3));
  loop_->Wake();
  scheduler_.Settle();
  ASSERT_EQ(source_.polled.size(), 2u);
  EXPECT_EQ(source_.polled[1], absl::Seconds(3));
}

TEST_F(SourceLoopTest, WhatComesAsideGoesToLinksThatFollowTheSourceAndIsNoPoll) {
  a_.position.cursor = "a";
  Start({&a_, &b_});
  scheduler_.Settle();
  b_.position.cursor.clear();
  const size_t polls = source_.polled.size();
  const size_t to_a = a_.numbers.size();
  const size_t to_b = b_.numbers.size();
  tasks_.Spawn(Aside(loop_.get()));
  scheduler_.Settle();
  EXPECT_EQ(a_.numbers.size(), to_a + 1);
  EXPECT_GT(a_.numbers.back(), a_.numbers[to_a - 1]);
  EXPECT_EQ(b_.numbers.size(), to_b);
  EXPECT_EQ(source_.polled.size(), polls);
}

TEST_F(SourceLoopTest, AWitnessSeesEveryPolledBatch) {
  class Witness final : public RoundWitness {
   public:
    void OnDelivered(const monitor::ChangeBatch& batch) override { seen.push_back(batch.number); }
    std::vector<uint64_t> seen;
  } witness;
  a_.position.cursor = "a";
  Start({&a_});
  loop_->SetWitness(&witness);
  scheduler_.RunFor(absl::Seconds(25));
  EXPECT_EQ(witness.seen, a_.numbers);
}

TEST_F(SourceLoopTest, EndsWhenTheLinkIsStopping) {
  a_.refuse = CancelledError("stopping");
  Start({&a_});
  scheduler_.RunFor(absl::Minutes(1));
  EXPECT_EQ(tasks_.running(), 0u);
}

}  // namespace
}  // namespace driftwarden::watchers
