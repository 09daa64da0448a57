#include <gtest/gtest.h>

#include <set>

#include "simulator/world.h"

namespace driftwarden::simulator {
namespace {

const std::vector<std::string> kSelect = {"id", "accountEnabled",
                                          "signInSessionsValidFromDateTime"};

class DeltaTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.forests[0].people.count = 25;
    options.tenants[0].page_size = 10;
    return options;
  }
  absl::Time At(absl::Duration d) const { return world_.options().start + d; }
  DeltaPage Ask(const std::string& token, bool skip, absl::Time now) {
    return world_.tenant().Delta({.token = token, .skip_token = skip, .select = kSelect}, now);
  }
  // A whole round from `token`; gives the records and sets `token` to the new delta token.
  std::vector<DeltaRecord> Round(std::string& token, absl::Time now) {
    std::vector<DeltaRecord> records;
    DeltaPage page = Ask(token, false, now);
    for (int pages = 0; pages < 100; ++pages) {
      records.insert(records.end(), page.records.begin(), page.records.end());
      EXPECT_NE(page.next_token.empty(), page.delta_token.empty());
      if (page.next_token.empty()) break;
      page = Ask(page.next_token, true, now);
    }
    token = page.delta_token;
    return records;
  }

  World world_{Options()};
};

TEST_F(DeltaTest, TheFirstRoundIsEverybodyAndTheNextOnlyWhatChanged) {
  std::string token;
  EXPECT_EQ(Round(token, At(absl::Seconds(1))).size(), 25U);
  const std::string first = token;
  EXPECT_TRUE(Round(token, At(absl::Seconds(2))).empty());
  world_.tenant().SetEnabled(4, false, Actor::kSync, At(absl::Seconds(3)));
  const auto changed = Round(token, At(absl::Seconds(4)));
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].user.person.index, 4U);
  EXPECT_FALSE(changed[0].user.enabled);
  EXPECT_TRUE(Round(token, At(absl::Seconds(5))).empty());
  // An old token gives the changes since it again.
  std::string again = first;
  EXPECT_EQ(Round(again, At(absl::Seconds(6))).size(), 1U);
}

TEST_F(DeltaTest, WhatChangesDuringARoundComesAtTheLatestInTheNext) {
  DeltaPage page = Ask("", false, At(absl::Seconds(1)));
  world_.tenant().SetEnabled(2, false, Actor::kSync, At(absl::Seconds(2)));
  while (page.delta_token.empty()) page = Ask(page.next_token, true, At(absl::Seconds(3)));
  std::string token = page.delta_token;
  EXPECT_EQ(Round(token, At(absl::Seconds(4))).size(), 1U);
}

TEST_F(DeltaTest, DeletionsComeWithTheirReason) {
  std::string token;
  Round(token, At(absl::Seconds(1)));
  world_.tenant().SoftDelete(1, Actor::kSync, At(absl::Seconds(2)));
  auto records = Round(token, At(absl::Seconds(3)));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].removed, Removed::kChanged);
  world_.tenant().Purge(1, Actor::kOperator, At(absl::Seconds(4)));
  records = Round(token, At(absl::Seconds(5)));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].removed, Removed::kDeleted);
}

TEST_F(DeltaTest, ARevokeAloneIsInDeltaOrNotAsSwitched) {
  std::string token;
  Round(token, At(absl::Seconds(1)));
  world_.tenant().Revoke(1, At(absl::Seconds(2)), "r");
  EXPECT_EQ(Round(token, At(absl::Seconds(3))).size(), 1U);
  world_.tenant().faults().revoke_in_delta = false;
  world_.tenant().Revoke(1, At(absl::Seconds(4)), "r");
  EXPECT_TRUE(Round(token, At(absl::Seconds(5))).empty());
}

TEST_F(DeltaTest, ADeadTokenIsAnsweredInTheChosenShapeAndANewRoundWorks) {
  for (const DeadTokenShape shape :
       {DeadTokenShape::kGone, DeadTokenShape::kSyncStateNotFound,
        DeadTokenShape::kUnsupportedQuery, DeadTokenShape::kExpiredPageToken}) {
    std::string token;
    Round(token, At(absl::Seconds(1)));
    world_.tenant().KillDeltaTokens(shape);
    EXPECT_EQ(Ask(token, false, At(absl::Seconds(2))).dead, shape);
    token.clear();
    EXPECT_EQ(Round(token, At(absl::Seconds(3))).size(), 25U);
  }
}

TEST_F(DeltaTest, AForeignTokenIsMalformed) {
  EXPECT_TRUE(Ask("nonsense", false, At(absl::Seconds(1))).malformed);
  std::string token;
  Round(token, At(absl::Seconds(1)));
  EXPECT_TRUE(Ask(token, true, At(absl::Seconds(1))).malformed);  // not a skip token
  token.back() = token.back() == '0' ? '1' : '0';
  EXPECT_TRUE(Ask(token, false, At(absl::Seconds(1))).malformed);
}

TEST_F(DeltaTest, EmptyPagesAndDuplicatesChangeNothingButTheCount) {
  world_.tenant().faults().empty_pages = 3;
  world_.tenant().faults().duplicates = Duplicates::kSame;
  std::string token;
  const auto records = Round(token, At(absl::Seconds(1)));
  EXPECT_EQ(records.size(), 50U);
  std::set<std::string> ids;
  for (const auto& record : records) ids.insert(record.user.id);
  EXPECT_EQ(ids.size(), 25U);
}

TEST_F(DeltaTest, AStaleDuplicateContradictsTheTruth) {
  std::string token;
  Round(token, At(absl::Seconds(1)));
  world_.tenant().faults().duplicates = Duplicates::kStaleLast;
  world_.tenant().SetEnabled(4, false, Actor::kSync, At(absl::Seconds(2)));
  const auto records = Round(token, At(absl::Seconds(3)));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_FALSE(records[0].user.enabled);
  EXPECT_TRUE(records[1].user.enabled);
}

TEST_F(DeltaTest, DelayedChangesComeLaterAndAreNotLost) {
  std::string token;
  Round(token, At(absl::Seconds(1)));
  world_.tenant().faults().delta_delay = absl::Seconds(30);
  world_.tenant().SetEnabled(4, false, Actor::kSync, At(absl::Seconds(2)));
  EXPECT_TRUE(Round(token, At(absl::Seconds(10))).empty());
  EXPECT_EQ(Round(token, At(absl::Seconds(33))).size(), 1U);
}

TEST_F(DeltaTest, ReplayedRoundsRepeatOldChanges) {
  std::string token;
  Round(token, At(absl::Seconds(1)));
  world_.tenant().SetEnabled(4, false, Actor::kSync, At(absl::Seconds(2)));
  EXPECT_EQ(Round(token, At(absl::Seconds(3))).size(), 1U);
  world_.tenant().faults().replay = 5;
  EXPECT_EQ(Round(token, At(absl::Seconds(4))).size(), 1U);
}

TEST_F(DeltaTest, LatestStartsFromNow) {
  world_.tenant().SetEnabled(4, false, Actor::kSync, At(absl::Seconds(2)));
  DeltaPage page = world_.tenant().Delta({.latest = true, .select = kSelect}, At(absl::Seconds(3)));
  EXPECT_TRUE(page.records.empty());
  std::string token = page.delta_token;
  EXPECT_TRUE(Round(token, At(absl::Seconds(4))).empty());
}

TEST_F(DeltaTest, ANarrowSelectTracksOnlyWhatItNames) {
  const std::vector<std::string> narrow = {"id", "displayName"};
  DeltaPage page = world_.tenant().Delta({.latest = true, .select = narrow}, At(absl::Seconds(1)));
  world_.tenant().SetEnabled(4, false, Actor::kSync, At(absl::Seconds(2)));
  page = Ask(page.delta_token, false, At(absl::Seconds(3)));
  EXPECT_TRUE(page.records.empty());
}

}  // namespace
}  // namespace driftwarden::simulator
