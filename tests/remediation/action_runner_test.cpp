// From an intent to the call: what the runner asks, in which order, and what it reports.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/guards.h"
#include "tests/remediation/runner_fixture.h"

namespace driftwarden::remediation {
namespace {

using ::testing::ElementsAre;

TEST_F(RunnerTest, AnIntentReadsEntraThenAdThenAsksTheGatesThenCallsAndReports) {
  const absl::Time begin = clock_.Wall();
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "read corp 1", "gates a1",
                                    "revoke entra-1 as a1", "report call a1"));
  ASSERT_TRUE(port_.reads.has_value());
  EXPECT_EQ(port_.reads->intent_at, begin);
  EXPECT_EQ(port_.reads->entra_read, (TimeBounds{begin, begin + kAnswer}));
  EXPECT_EQ(port_.reads->ad_read, (TimeBounds{begin + kAnswer, begin + 2 * kAnswer}));
  EXPECT_TRUE(port_.reads->ad.has_value());
  EXPECT_TRUE(port_.reads->entra.has_value());
  EXPECT_TRUE(port_.reads->ad_error.empty());
  ASSERT_TRUE(port_.call.has_value());
  EXPECT_TRUE(port_.call->status.ok());
  EXPECT_EQ(port_.call->request_id, "req-1");
  EXPECT_EQ(port_.call->called, (TimeBounds{begin + 2 * kAnswer, begin + 3 * kAnswer}));
}

TEST_F(RunnerTest, ACallIsGivenTheTimeThatTheDirectoryReadIsGoodFor) {
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_EQ(actuator_.left_at_call, monitor::kReReadMaxAge - kAnswer);
}

TEST_F(RunnerTest, AnAccountThatDoesNotSayWhetherItIsDisabledIsNotOut) {
  emea_.Put(2, kDisabled);
  std::get<AdView>(emea_.answers.at(GuidOf(2))->view).user_account_control.reset();
  ActionWork work = Work(ActionState::kIntent);
  AddHalf(work, "emea", 2);
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  ASSERT_TRUE(port_.reads->ad.has_value());
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(2));
}

TEST_F(RunnerTest, GatesThatSayNoAreTheEndOfIt) {
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "read corp 1", "gates a1"));
}

TEST_F(RunnerTest, GatesThatCannotBeCommittedAreTheEndOfIt) {
  port_.go = UnavailableError("disk full");
  EXPECT_EQ(RunOnce(Work(ActionState::kIntent)).code(), StatusCode::kUnavailable);
  EXPECT_FALSE(port_.call.has_value());
}

TEST_F(RunnerTest, AnAdReadThatFailsIsReportedAndDecidedByTheGates) {
  corp_.answers.insert_or_assign(GuidOf(1), StatusOr<Observation>(UnavailableError("dc1 is away")));
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  ASSERT_TRUE(port_.reads.has_value());
  EXPECT_EQ(port_.reads->ad_error, "dc1 is away");
  EXPECT_FALSE(port_.reads->ad.has_value());
}

TEST_F(RunnerTest, OneOfSeveralAccountsThatCannotBeReadLeavesNothingKnown) {
  ActionWork work = Work(ActionState::kIntent);
  AddHalf(work, "emea", 2);
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_EQ(port_.reads->ad_error, "no such account");
  EXPECT_FALSE(port_.reads->ad.has_value());
}

TEST_F(RunnerTest, ASourceWithoutAReaderIsAnError) {
  MakeRunner({});
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_EQ(port_.reads->ad_error, "no reader for source corp");
}

TEST_F(RunnerTest, SomebodyWithoutAnAdAccountIsAnError) {
  ActionWork work = Work(ActionState::kIntent);
  work.person.facts.ad.clear();
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_EQ(port_.reads->ad_error, "no AD account is known");
}

TEST_F(RunnerTest, AnAccountThatIsEnabledAnywhereWins) {
  emea_.Put(2, kEnabled);
  corp_.Put(3, kDisabled);
  ActionWork work = Work(ActionState::kIntent);
  AddHalf(work, "emea", 2);
  AddHalf(work, "corp", 3);
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_,
              ElementsAre("read entra entra-1", "read corp 1", "read emea 2", "gates a1"));
  ASSERT_TRUE(port_.reads->ad.has_value());
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(2));
}

// What an expired account is worth is for the gates to say; but nothing else of the person may be
// hidden behind it.
TEST_F(RunnerTest, BehindAnExpiredAccountTheOthersAreReadToo) {
  const absl::Time past = clock_.Wall() - absl::Hours(1);
  const auto put = [&](FakeDirectory& directory, uint8_t i, absl::Time expires) {
    directory.Put(i, kEnabled);
    std::get<AdView>(directory.answers.at(GuidOf(i))->view).account_expires = expires;
  };
  ActionWork work = Work(ActionState::kIntent);  // account 1 is disabled
  AddHalf(work, "emea", 2);
  AddHalf(work, "emea", 3);
  put(emea_, 2, past);
  put(emea_, 3, past - absl::Hours(1));
  port_.go = false;
  EXPECT_TRUE(RunOnce(work).ok());
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(2)) << "who keeps them in rather";
  EXPECT_THAT(emea_.asked_elsewhere, ElementsAre(GuidOf(2), GuidOf(3)));
  put(emea_, 3, absl::InfiniteFuture());
  EXPECT_TRUE(RunOnce(work).ok());
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(3)) << "enabled, and not expired";
}

TEST_F(RunnerTest, ASecondControllerIsAskedAboutEveryAccountThatIsOut) {
  emea_.PutElsewhere(2, kEnabled);
  emea_.Put(2, kDisabled);
  ActionWork work = Work(ActionState::kIntent);
  AddHalf(work, "emea", 2);
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(corp_.asked_elsewhere, ElementsAre(GuidOf(1)));
  EXPECT_EQ(port_.reads->second_error, "no second controller answered");
  ASSERT_EQ(port_.reads->second.size(), 1u);
  EXPECT_EQ(port_.reads->second.front().object_guid, GuidOf(2));
  EXPECT_EQ(port_.reads->second.front().Disabled(), false);
}

TEST_F(RunnerTest, ATombstoneIsSaidToBeGone) {
  corp_.Put(1, kEnabled, true);  // enabled when it was deleted: it is gone all the same
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_TRUE(port_.reads->ad_gone);
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(1));
}

TEST_F(RunnerTest, AnEntraReadThatFailsIsReported) {
  tenant_.error = UnavailableError("throttled");
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_EQ(port_.reads->entra_error, "throttled");
  EXPECT_FALSE(port_.reads->entra.has_value());
}

TEST_F(RunnerTest, ARefusedCallIsReportedAsItIs) {
  actuator_.answer = PermissionError("Authorization_RequestDenied");
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  ASSERT_TRUE(port_.call.has_value());
  EXPECT_EQ(port_.call->status.code(), StatusCode::kPermissionDenied);
  EXPECT_TRUE(port_.call->sent);
}

TEST_F(RunnerTest, ACallThatNeverLeftIsReportedAsSuch) {
  actuator_.answer = UnavailableError("all connections were busy");
  actuator_.sent = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  ASSERT_TRUE(port_.call.has_value());
  EXPECT_FALSE(port_.call->sent);
}

}  // namespace
}  // namespace driftwarden::remediation
