#include "base/async/lane_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <string>
#include <vector>

#include "base/async/event.h"
#include "base/async/task_group.h"
#include "tests/async/run_loop.h"

namespace driftwarden {
namespace {

using Claim = LaneTurns::Claim;
using ::testing::ElementsAre;

// Four threads' worth of turns, and what happens to those who ask for one.
class Turns : public ::testing::Test {
 protected:
  // Asks, and keeps what it gets until `release` is set.
  asio::awaitable<void> Hold(std::string name, Claim claim, AsyncEvent* release,
                             absl::Duration at_most) {
    const auto turn = co_await turns_.Take(claim, at_most);
    if (!turn.ok()) {
      refused_.push_back(name);
      codes_.push_back(turn.status().code());
      co_return;
    }
    begun_.push_back(name);
    co_await release->WaitRegardless();
  }
  void Ask(TaskGroup& group, const std::string& name, Claim claim, AsyncEvent& release,
           absl::Duration at_most = absl::Minutes(10)) {
    group.Spawn(Hold(name, claim, &release, at_most));
    loop_.Settle();
  }
  void End(TaskGroup& group, AsyncEvent& release) {
    release.Set();
    loop_.Await(group.Join());
  }

  RunLoop loop_;
  InlineLane lane_;
  LaneTurns turns_{lane_, 4};
  std::vector<std::string> begun_;
  std::vector<std::string> refused_;
  std::vector<StatusCode> codes_;
};

TEST_F(Turns, WhatMayHangHasHalfOfThem) {
  TaskGroup group(loop_.executor());
  AsyncEvent release(loop_.executor());
  for (const char* name : {"a", "b", "c", "d"}) Ask(group, name, Claim::kUnproven, release);
  EXPECT_THAT(begun_, ElementsAre("a", "b"));
  Ask(group, "p", Claim::kProven, release);
  Ask(group, "q", Claim::kProven, release);
  Ask(group, "r", Claim::kProven, release);
  EXPECT_THAT(begun_, ElementsAre("a", "b", "p", "q")) << "four is all there is";
  EXPECT_EQ(turns_.taken(), 4u);
  EXPECT_EQ(turns_.waiting(), 3u);
  EXPECT_FALSE(turns_.TakeFree());
  End(group, release);
  EXPECT_EQ(begun_.size(), 7u);
  EXPECT_EQ(turns_.taken(), 0u);
}

TEST_F(Turns, TheFirstToComeIsServedFirstAmongThoseWhoFit) {
  TaskGroup holders(loop_.executor());
  TaskGroup others(loop_.executor());
  AsyncEvent one(loop_.executor());
  AsyncEvent rest(loop_.executor());
  Ask(holders, "a", Claim::kUnproven, rest);
  Ask(holders, "b", Claim::kUnproven, rest);
  Ask(holders, "p", Claim::kProven, one);
  Ask(holders, "q", Claim::kProven, rest);
  Ask(others, "c", Claim::kUnproven, rest);
  Ask(others, "r", Claim::kProven, rest);
  one.Set();
  loop_.Settle();
  EXPECT_THAT(begun_, ElementsAre("a", "b", "p", "q", "r")) << "c would take a third of the two";
  rest.Set();
  loop_.Await(holders.Join());
  loop_.Await(others.Join());
  EXPECT_EQ(begun_.back(), "c");
}

TEST_F(Turns, NobodyIsOvertakenByOneWhoFindsATurnFree) {
  auto first = turns_.TakeFree();
  auto second = turns_.TakeFree();
  ASSERT_TRUE(first && second);
  TaskGroup group(loop_.executor());
  AsyncEvent release(loop_.executor());
  Ask(group, "c", Claim::kUnproven, release);
  first.reset();  // is c's from now on, though c has not run yet
  EXPECT_FALSE(turns_.TakeFree());
  End(group, release);
  EXPECT_THAT(begun_, ElementsAre("c"));
  EXPECT_EQ(turns_.taken(), 1u);
}

TEST_F(Turns, WaitingHasAnEnd) {
  auto first = turns_.TakeFree();
  auto second = turns_.TakeFree();
  TaskGroup group(loop_.executor());
  AsyncEvent release(loop_.executor());
  Ask(group, "c", Claim::kUnproven, release, absl::Milliseconds(1));
  loop_.Await(group.Join());
  EXPECT_THAT(codes_, ElementsAre(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(turns_.waiting(), 0u);
  EXPECT_EQ(turns_.taken(), 2u);
}

TEST_F(Turns, WhoIsCancelledTakesNoTurnAlong) {
  auto first = turns_.TakeFree();
  auto second = turns_.TakeFree();
  TaskGroup group(loop_.executor());
  AsyncEvent release(loop_.executor());
  Ask(group, "c", Claim::kUnproven, release);
  Ask(group, "d", Claim::kUnproven, release);
  asio::post(loop_.executor(), [&] {
    first.reset();  // granted to c, which is cancelled before it runs
    group.Cancel();
  });
  loop_.Await(group.Join());
  EXPECT_THAT(codes_, ElementsAre(StatusCode::kCancelled, StatusCode::kCancelled));
  EXPECT_EQ(turns_.waiting(), 0u);
  second.reset();
  EXPECT_EQ(turns_.taken(), 0u);
}

}  // namespace
}  // namespace driftwarden
