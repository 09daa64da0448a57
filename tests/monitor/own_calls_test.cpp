// Calls in our own application's name that no intent of ours stands behind stop everything.

#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/monitor/action_fixture.h"

namespace driftwarden::monitor {
namespace {

const char* const kOwnApp = "aaaaaaaa-0000-4000-8000-000000000001";

class OwnCallsTest : public ActionTest {
 protected:
  OwnCallsTest() { world.policy.own_app_id = kOwnApp; }

  static AuditRecord Of(const std::string& id, int i, AccountChange change, absl::Time at,
                        const std::string& application = kOwnApp) {
    AuditRecord record;
    record.id = id;
    record.entra_id = World::Entra(i).id;
    record.change = change;
    record.at = at;
    record.actor_app_id = application;
    return record;
  }
  void Tell(AuditRecord record) {
    LogLook look;
    TouchedKeys keys;
    keys.entra_ids = {record.entra_id};
    look.covers = TimeBounds{record.at - absl::Minutes(5), world.now};
    look.audits = {std::move(record)};
    world.Commit(ApplyLog(world.context(), world.Load(keys), look));
    world.ReadWanted();
  }
  bool tripped() { return world.link.guards[kGuardOwnCalls].tripped; }
};

TEST_F(OwnCallsTest, ARevocationThatNobodyMeantStopsTheAutomation) {
  Tell(Of("stranger", 7, AccountChange::kSessionsRevoked, world.now));
  ASSERT_TRUE(tripped());
  EXPECT_NE(world.link.guards.at(kGuardOwnCalls).detail.find("no intent of ours"),
            std::string::npos);
  ASSERT_EQ(world.EvidenceOf("guard_tripped"), 1u);
  Disable(1);
  world.Advance(absl::Minutes(5));
  ASSERT_EQ(world.ActionsOf(1).size(), 1u);
  EXPECT_EQ(world.ActionsOf(1)[0].state, ActionState::kBlocked);
  EXPECT_TRUE(HeldBackBy(world.ActionsOf(1)[0], kGuardOwnCalls));
}

TEST_F(OwnCallsTest, ADisableInOurNameIsNeverOurs) {
  Tell(Of("stranger", 7, AccountChange::kDisabled, world.now));
  EXPECT_TRUE(tripped());
}

TEST_F(OwnCallsTest, ADisableRightAfterOurRevocationOfThemIsNotOursEither) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  world.RunActions();
  ASSERT_EQ(Only(1).state, ActionState::kVerified);
  Tell(Of("stranger", 1, AccountChange::kDisabled, Only(1).called->hi));
  EXPECT_TRUE(tripped());
}

TEST_F(OwnCallsTest, StopsWhatIsUnderWayBeforeItsCall) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_EQ(Only(1).state, ActionState::kIntent);
  Tell(Of("stranger", 7, AccountChange::kSessionsRevoked, world.now));
  EXPECT_FALSE(world.RunGates(id));
}

TEST_F(OwnCallsTest, OurOwnCallTripsNothingHoweverLateItIsTold) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  world.RunActions();
  ASSERT_EQ(Only(1).state, ActionState::kVerified);
  const absl::Time called = Only(1).called->hi;
  world.Advance(absl::Hours(30), absl::Minutes(10));
  Tell(Of("ours", 1, AccountChange::kSessionsRevoked, called));
  EXPECT_FALSE(tripped());
}

TEST_F(OwnCallsTest, ACallWhoseRecordWasLostWithTheProcessIsOurs) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  ASSERT_TRUE(world.RunGates(Only(1).id));  // and killed between the call and its record
  Tell(Of("ours", 1, AccountChange::kSessionsRevoked, world.now));
  EXPECT_FALSE(tripped());
}

TEST_F(OwnCallsTest, OneOfSomebodyElseWhileWeActOnAnotherIsNotOurs) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  world.RunActions();
  Tell(Of("stranger", 7, AccountChange::kSessionsRevoked, world.now));
  EXPECT_TRUE(tripped());
}

TEST_F(OwnCallsTest, OneLongAfterOursIsNotOurs) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  world.RunActions();
  world.Advance(absl::Hours(2), absl::Minutes(1));
  Tell(Of("again", 1, AccountChange::kSessionsRevoked, world.now - absl::Minutes(1)));
  EXPECT_TRUE(tripped());
}

TEST_F(OwnCallsTest, AnAccountThatNobodyKnowsCountsToo) {
  Tell(Of("stranger", 900, AccountChange::kSessionsRevoked, world.now));
  EXPECT_TRUE(tripped());
}

TEST_F(OwnCallsTest, WhatOthersDoAndWhatWasBeforeIsNoMatter) {
  Tell(Of("another", 7, AccountChange::kSessionsRevoked, world.now, "another-application"));
  Tell(Of("enabled", 7, AccountChange::kEnabled, world.now));
  Tell(Of("before", 7, AccountChange::kSessionsRevoked, *world.link.baseline_at - absl::Hours(1)));
  EXPECT_FALSE(tripped());
  world.policy.own_app_id.clear();  // a machine's own identity: nobody told us who we are
  Tell(Of("ours?", 8, AccountChange::kSessionsRevoked, world.now));
  EXPECT_FALSE(tripped());
}

TEST_F(OwnCallsTest, AResetIsForWhatWasThereAndTheNextOneTripsItAgain) {
  Tell(Of("stranger", 7, AccountChange::kSessionsRevoked, world.now));
  ASSERT_TRUE(tripped());
  world.Advance(absl::Minutes(5));
  world.Commit(ApplyGuardReset(world.context(), {}, kGuardOwnCalls, "ann", "the red team"));
  Tell(Of("stranger too", 8, AccountChange::kSessionsRevoked, world.now - absl::Minutes(2)));
  Tell(Of("unknown", 900, AccountChange::kSessionsRevoked, world.now - absl::Minutes(2)));
  EXPECT_FALSE(tripped());
  world.Advance(absl::Minutes(5));
  Tell(Of("stranger again", 9, AccountChange::kSessionsRevoked, world.now));
  EXPECT_TRUE(tripped());
  EXPECT_EQ(world.EvidenceOf("guard_tripped"), 2u);
}

}  // namespace
}  // namespace driftwarden::monitor
