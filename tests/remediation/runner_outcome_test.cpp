// After the call, or where a crash may have hidden it: reading back, and the runner's own round.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/remediation/runner_fixture.h"

namespace driftwarden::remediation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(RunnerTest, AClearedActionThatShowsIsVerifiedWithoutASecondCall) {
  ActionWork work = Work(ActionState::kCleared);
  const absl::Time cleared = clock_.Wall() - absl::Seconds(20);
  work.action.cleared_at = cleared;
  tenant_.value = SessionsValidFrom{false, cleared + absl::Seconds(3)};
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "report verify a1"));
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_TRUE(port_.verify->verified);
  EXPECT_EQ(port_.verify->value, tenant_.value);
  EXPECT_EQ(port_.verify->called_at_reconciled, cleared);
}

TEST_F(RunnerTest, AClearedActionThatDoesNotShowYetIsLeftAlone) {
  ActionWork work = Work(ActionState::kCleared);
  work.action.cleared_at = clock_.Wall() - absl::Seconds(20);
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1"));
}

TEST_F(RunnerTest, AClearedActionThatDoesNotShowInTimeStartsOverWithFreshReads) {
  ActionWork work = Work(ActionState::kCleared);
  work.action.cleared_at = clock_.Wall() - absl::Minutes(2);
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "read entra entra-1", "read corp 1",
                                    "gates a1", "revoke entra-1 as a1", "report call a1"));
}

TEST_F(RunnerTest, ACalledActionIsVerifiedByReadingBack) {
  ActionWork work = Work(ActionState::kCalled);
  const absl::Time called = clock_.Wall() - absl::Seconds(5);
  work.action.called = TimeBounds{called, called + absl::Seconds(1)};
  tenant_.value = SessionsValidFrom{false, called};
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "report verify a1"));
  EXPECT_TRUE(port_.verify->verified);
  EXPECT_EQ(port_.verify->value, tenant_.value);
  EXPECT_FALSE(port_.verify->called_at_reconciled.has_value());
}

TEST_F(RunnerTest, ACalledActionOfATenantWithAnotherClockIsVerifiedByThatClock) {
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Seconds(5));
  work.tenant_clock_offset = absl::Minutes(-3);
  tenant_.value = SessionsValidFrom{false, work.action.called->lo - absl::Minutes(3)};
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_TRUE(port_.verify->verified);
}

TEST_F(RunnerTest, ACalledActionThatDoesNotShowWaitsAndThenTimesOut) {
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall());
  EXPECT_TRUE(RunOnce(work).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1"));
  scheduler_.RunFor(absl::Minutes(10));
  EXPECT_TRUE(RunOnce(work).ok());
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_FALSE(port_.verify->verified);
  EXPECT_EQ(port_.verify->value, tenant_.value);
}

TEST_F(RunnerTest, ACalledActionWhoseAccountCannotBeReadHasNotFailed) {
  tenant_.error = UnavailableError("throttled");
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Minutes(11));
  EXPECT_TRUE(RunOnce(work).ok());
  EXPECT_FALSE(port_.verify.has_value());
  tenant_.error = OkStatus();
  EXPECT_TRUE(RunOnce(work).ok());
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_FALSE(port_.verify->verified);
}

TEST_F(RunnerTest, StatesThatNeedNoWorkAreLeftAlone) {
  for (const ActionState state : {ActionState::kQueued, ActionState::kShadow, ActionState::kBlocked,
                                  ActionState::kVerified, ActionState::kFailed}) {
    EXPECT_TRUE(RunOnce(Work(state)).ok());
  }
  EXPECT_THAT(journal_, IsEmpty());
}

TEST_F(RunnerTest, OneActionThatFailsDoesNotKeepAnotherFromItsTurn) {
  port_.go = UnavailableError("busy");
  port_.work.push_back(Work(ActionState::kIntent, "a1"));
  ActionWork called = Work(ActionState::kCalled, "a2");
  called.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Minutes(11));
  port_.work.push_back(std::move(called));
  EXPECT_EQ(RunOnce().code(), StatusCode::kUnavailable);
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_EQ(port_.verify->action.value, "a2");
}

TEST_F(RunnerTest, EveryLineOfAnActionSaysLinkEpisodeAndIntent) {
  const std::string path = ::testing::TempDir() + "/driftwarden-runner.log";
  std::remove(path.c_str());
  log_ = std::make_unique<Logger>(LogLevel::kInfo, LogFormat::kLogfmt, path);
  MakeRunner({{SourceName("corp"), &corp_}});
  ActionWork work = Work(ActionState::kIntent, "a1");
  work.action.episode = monitor::EpisodeId("e1");
  EXPECT_TRUE(RunOnce(work).ok());
  port_.work.clear();
  port_.go = UnavailableError("busy");
  EXPECT_FALSE(RunOnce(work).ok());
  runner_.reset();
  log_.reset();  // flushes
  const std::string text = *ReadFile(path);
  std::remove(path.c_str());
  for (const char* event : {"sessions_revoked", "action_step_failed"}) {
    const size_t at = std::min(text.find(event), text.size());
    const std::string line = text.substr(at, text.find('\n', at) - at);
    EXPECT_NE(line.find("link=corp-contoso intent=a1 episode=e1"), std::string::npos) << text;
  }
}

TEST_F(RunnerTest, CancelledAmidTheCallReportsNothing) {
  port_.work.push_back(Work(ActionState::kIntent, "a1"));
  port_.work.push_back(Work(ActionState::kIntent, "a2"));
  group_.Spawn(runner_->Run());
  scheduler_.RunFor(2.5 * kAnswer);
  EXPECT_EQ(journal_.back(), "revoke entra-1 as a1");
  group_.Cancel();
  scheduler_.Settle();
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_EQ(journal_.back(), "revoke entra-1 as a1");  // not reported, a2 not begun
  EXPECT_FALSE(port_.call.has_value());
}

TEST_F(RunnerTest, CancelledAmidTheReReadsReportsNothing) {
  for (const double answers : {0.5, 1.5}) {
    TaskGroup group(io_.get_executor());
    port_.work.push_back(Work(ActionState::kIntent));
    group.Spawn(runner_->Run());
    scheduler_.RunFor(answers * kAnswer);
    EXPECT_EQ(group.running(), 1u);
    group.Cancel();
    scheduler_.Settle();
    EXPECT_EQ(group.running(), 0u);
  }
  EXPECT_FALSE(port_.reads.has_value());  // a read that we broke off says nothing about anybody
}

TEST_F(RunnerTest, CancelledAmidTheLastReadBackIsNoTimeOut) {
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Minutes(11));
  port_.work.push_back(std::move(work));
  group_.Spawn(runner_->Run());
  scheduler_.RunFor(0.5 * kAnswer);
  group_.Cancel();
  scheduler_.Settle();
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_FALSE(port_.verify.has_value());
}

TEST_F(RunnerTest, AClaimThatFailsIsTriedAgainUntilCancelled) {
  port_.claim_error = UnavailableError("busy");
  group_.Spawn(runner_->Run());
  scheduler_.RunFor(absl::Minutes(1));
  EXPECT_GE(port_.claims, 12);
  EXPECT_LE(port_.claims, 13);
  EXPECT_EQ(group_.running(), 1u);
  port_.claim_error = CancelledError("stopping");
  scheduler_.RunFor(absl::Seconds(5));
  EXPECT_EQ(group_.running(), 0u);
}

}  // namespace
}  // namespace driftwarden::remediation
