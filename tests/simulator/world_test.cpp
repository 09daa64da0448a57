#include "simulator/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/hex.h"

namespace driftwarden::simulator {
namespace {

WorldOptions Small(uint64_t people = 50) {
  WorldOptions options;
  options.forests[0].people.count = people;
  options.sync.cycle = absl::Minutes(30);
  options.sync.processing = absl::Seconds(20);
  return options;
}

class WorldTest : public ::testing::Test {
 protected:
  absl::Time At(absl::Duration d) const { return options_.start + d; }

  WorldOptions options_ = Small();
  World world_{options_};
};

TEST_F(WorldTest, ADisableReachesTheTenantWithTheNextCycle) {
  ASSERT_TRUE(world_.directory().Disable("u0000003", At(absl::Minutes(10))).ok());
  world_.AdvanceTo(At(absl::Minutes(30)));
  EXPECT_TRUE(world_.tenant().Now(3).enabled);
  world_.AdvanceTo(At(absl::Minutes(31)));
  EXPECT_FALSE(world_.tenant().Now(3).enabled);
  EXPECT_EQ(world_.tenant().Now(3).last_sync, At(absl::Minutes(30) + absl::Seconds(20)));
  ASSERT_EQ(world_.truth().entra_changes.size(), 1U);
  EXPECT_EQ(world_.truth().entra_changes[0].actor, Actor::kSync);
}

TEST_F(WorldTest, EachWriteRaisesUsnAndStampsTheAttribute) {
  Directory& directory = world_.directory();
  const AdUser before = directory.Read(3);
  ASSERT_TRUE(directory.Disable("u0000003", At(absl::Seconds(90))).ok());
  const AdUser after = directory.Read(3);
  EXPECT_FALSE(after.enabled());
  EXPECT_EQ(after.usn_changed, directory.dc().highest_usn);
  const Stamp& stamp = after.stamps.at(kAttUserAccountControl);
  EXPECT_EQ(stamp.version, before.stamps.at(kAttUserAccountControl).version + 1);
  EXPECT_EQ(stamp.originating_time, At(absl::Seconds(90)));
  EXPECT_EQ(stamp.originating_usn, after.usn_changed);
  // The same value again moves nothing.
  ASSERT_TRUE(directory.Disable("u0000003", At(absl::Seconds(95))).ok());
  EXPECT_EQ(directory.Read(3).usn_changed, after.usn_changed);
}

TEST_F(WorldTest, MetadataBytesAreLaidOutAsWindowsStoresThem) {
  Stamps stamps;
  stamps[kAttUserAccountControl] = {3, absl::FromUnixSeconds(1795226535),
                                    *HexDecode("45bb89f72622c940956977e293f6ac3a"), 9004, 9004};
  EXPECT_EQ(HexEncode(EncodeReplPropertyMetaData(stamps)),
            "01000000000000000100000000000000"
            "0800090003000000a78c11210300000045bb89f72622c940956977e293f6ac3a"
            "2c230000000000002c23000000000000");
}

TEST_F(WorldTest, ADeletedPersonIsATombstoneAndSoftDeletedInTheTenant) {
  ASSERT_TRUE(world_.directory().Delete("u0000004", At(absl::Minutes(1))).ok());
  const AdUser user = world_.directory().Read(4);
  EXPECT_TRUE(user.deleted);
  EXPECT_NE(user.dn.find("\\0ADEL:"), std::string::npos);
  EXPECT_FALSE(world_.directory().Disable("u0000004", At(absl::Minutes(2))).ok());
  world_.AdvanceTo(At(absl::Minutes(31)));
  EXPECT_EQ(world_.tenant().Now(4).presence, Presence::kSoftDeleted);
}

TEST_F(WorldTest, PagingReturnsEveryoneOnceWhenNothingChanges) {
  ASSERT_TRUE(world_.directory().Disable("u0000003", At(absl::Seconds(1))).ok());
  std::multiset<uint64_t> seen;
  AdCursor cursor;
  while (!cursor.done) {
    for (const uint64_t person : world_.directory().Page({}, cursor, 7)) seen.insert(person);
  }
  EXPECT_EQ(seen.size(), 50U);
  EXPECT_EQ(std::set<uint64_t>(seen.begin(), seen.end()).size(), 50U);
}

TEST_F(WorldTest, AUsnWindowHoldsExactlyThePeopleInIt) {
  const int64_t first = world_.directory().Read(0).usn_changed;
  AdCursor cursor;
  EXPECT_EQ(world_.directory().Page({.lo = first + 5, .hi = first + 7}, cursor, 100),
            (std::vector<uint64_t>{5, 6, 7}));
  EXPECT_TRUE(cursor.done);
}

TEST_F(WorldTest, AStalledEngineCarriesNothingUntilItResumes) {
  world_.sync().Stall();
  ASSERT_TRUE(world_.directory().Disable("u0000003", At(absl::Minutes(1))).ok());
  world_.AdvanceTo(At(absl::Hours(3)));
  EXPECT_TRUE(world_.tenant().Now(3).enabled);
  world_.sync().Resume(At(absl::Hours(3)));
  world_.AdvanceTo(At(absl::Hours(3) + absl::Minutes(1)));
  EXPECT_FALSE(world_.tenant().Now(3).enabled);
}

TEST_F(WorldTest, ASkippedPersonIsCarriedOnceTheyAreSkippedNoLonger) {
  world_.sync().Skip(3);
  ASSERT_TRUE(world_.directory().Disable("u0000003", At(absl::Minutes(1))).ok());
  ASSERT_TRUE(world_.directory().Disable("u0000005", At(absl::Minutes(1))).ok());
  world_.AdvanceTo(At(absl::Hours(2)));
  EXPECT_TRUE(world_.tenant().Now(3).enabled);
  EXPECT_FALSE(world_.tenant().Now(5).enabled);
  world_.sync().Unskip(3);
  world_.sync().RunNow(At(absl::Hours(2)));
  world_.AdvanceTo(At(absl::Hours(2) + absl::Minutes(1)));
  EXPECT_FALSE(world_.tenant().Now(3).enabled);
}

TEST_F(WorldTest, ACloudSideDisableOfAnActivePersonIsUndoneByTheNextCycle) {
  EXPECT_EQ(world_.tenant().SetEnabledByCall(6, false, At(absl::Minutes(1)), "r1"), 204);
  EXPECT_FALSE(world_.tenant().Now(6).enabled);
  world_.AdvanceTo(At(absl::Minutes(31)));
  EXPECT_TRUE(world_.tenant().Now(6).enabled);
}

TEST_F(WorldTest, MoreDeletionsThanTheThresholdBlockTheWholeExport) {
  WorldOptions options = Small();
  options.sync.delete_threshold = 2;
  World world(options);
  for (const char* sam : {"u0000001", "u0000002", "u0000003"}) {
    ASSERT_TRUE(world.directory().Delete(sam, options.start + absl::Seconds(1)).ok());
  }
  ASSERT_TRUE(world.directory().Disable("u0000009", options.start + absl::Seconds(2)).ok());
  world.AdvanceTo(options.start + absl::Hours(2));
  EXPECT_TRUE(world.tenant().Now(9).enabled);
  EXPECT_EQ(world.tenant().Now(1).presence, Presence::kLive);
}

TEST_F(WorldTest, ARevokeIsRecordedAndMovesTheSessions) {
  EXPECT_EQ(world_.tenant().Revoke(3, At(absl::Milliseconds(1500)), "req-1"), 200);
  EXPECT_EQ(world_.tenant().Now(3).sessions_valid_from, At(absl::Seconds(1)));
  world_.tenant().faults().ignore_revoke = true;
  EXPECT_EQ(world_.tenant().Revoke(3, At(absl::Seconds(9)), "req-2"), 200);
  EXPECT_EQ(world_.tenant().Now(3).sessions_valid_from, At(absl::Seconds(1)));
  world_.tenant().faults().forbid_revoke = true;
  EXPECT_EQ(world_.tenant().Revoke(3, At(absl::Seconds(10)), "req-3"), 403);
  const auto& calls = world_.truth().calls;
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_TRUE(calls[0].applied);
  EXPECT_EQ(calls[0].client_request_id, "req-1");
  EXPECT_FALSE(calls[1].applied);
  EXPECT_EQ(calls[2].status, 403);
}

TEST_F(WorldTest, ReadsCanLagBehindWrites) {
  world_.tenant().faults().read_delay = absl::Seconds(10);
  world_.tenant().SetEnabled(3, false, Actor::kOperator, At(absl::Seconds(1)));
  EXPECT_TRUE(world_.tenant().View(3, At(absl::Seconds(5))).enabled);
  EXPECT_FALSE(world_.tenant().View(3, At(absl::Seconds(11))).enabled);
}

TEST_F(WorldTest, OneForestFeedsTwoTenants) {
  WorldOptions options = Small();
  options.tenants = {TenantOptions{.name = "a"}, TenantOptions{.name = "b"}};
  World world(options);
  world.sync(1).Stall();
  ASSERT_TRUE(world.directory().Disable("u0000003", options.start + absl::Minutes(1)).ok());
  world.AdvanceTo(options.start + absl::Minutes(31));
  EXPECT_FALSE(world.tenant(0).Now(3).enabled);
  EXPECT_TRUE(world.tenant(1).Now(3).enabled);
  EXPECT_NE(world.tenant(0).EntraId(3), world.tenant(1).EntraId(3));
  EXPECT_EQ(world.tenant(0).Now(3).person.immutable_id, world.tenant(1).Now(3).person.immutable_id);
}

TEST(SignIn, UnderPasswordHashSyncOnlyEntraDecides) {
  World world(Small());
  const absl::Time start = world.options().start;
  ASSERT_TRUE(world.directory().Disable("u0000003", start + absl::Minutes(1)).ok());
  world.tenant().Revoke(3, start + absl::Minutes(2), "r");
  EXPECT_TRUE(*world.SignIn("u0000003", start + absl::Minutes(3)));
  world.AdvanceTo(start + absl::Minutes(31));
  EXPECT_FALSE(*world.SignIn("u0000003", start + absl::Minutes(32)));
}

TEST(SignIn, UnderPassThroughTheRevokeEndsIt) {
  WorldOptions options = Small();
  options.actors.mode = AuthMode::kPassThrough;
  World world(options);
  ASSERT_TRUE(world.directory().Disable("u0000003", options.start + absl::Minutes(1)).ok());
  EXPECT_TRUE(*world.SignIn("u0000003", options.start + absl::Minutes(2)));  // the old session
  world.tenant().Revoke(3, options.start + absl::Minutes(3), "r");
  EXPECT_FALSE(*world.SignIn("u0000003", options.start + absl::Minutes(4)));
}

TEST(SignIn, StubbornPeopleTryUntilTheyAreRefused) {
  WorldOptions options = Small();
  options.actors.stubborn_after = absl::Minutes(5);
  World world(options);
  ASSERT_TRUE(world.directory().Disable("u0000003", options.start + absl::Minutes(1)).ok());
  world.AdvanceTo(options.start + absl::Hours(2));
  const auto& tries = world.truth().sign_ins;
  ASSERT_GE(tries.size(), 6U);
  EXPECT_TRUE(tries.front().success);
  EXPECT_FALSE(tries.back().success);
  EXPECT_EQ(tries.back().error_code, 50057);
}

// The same options and calls give the same world, however time is cut into steps.
TEST(Determinism, StepsDoNotChangeWhatHappens) {
  std::vector<std::vector<EntraChange>> runs;
  for (const absl::Duration step : {absl::Seconds(7), absl::Minutes(13)}) {
    WorldOptions options = Small();
    options.seed = 99;
    World world(options);
    for (absl::Duration d; d < absl::Hours(4); d += step) world.AdvanceTo(options.start + d);
    ASSERT_TRUE(world.directory().Disable("u0000011", options.start + absl::Hours(4)).ok());
    world.AdvanceTo(options.start + absl::Hours(6));
    runs.push_back(world.truth().entra_changes);
  }
  ASSERT_EQ(runs[0].size(), 1U);
  ASSERT_EQ(runs[1].size(), 1U);
  EXPECT_EQ(runs[0][0].at, runs[1][0].at);
}

}  // namespace
}  // namespace driftwarden::simulator
