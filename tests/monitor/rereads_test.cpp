// The gates straight before a call, by what both sides and a second controller say.

#include <gtest/gtest.h>

#include "tests/monitor/action_fixture.h"

namespace driftwarden::monitor {
namespace {

TEST_F(ActionTest, GatesAfterTheReReads) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const Person person = world.person(1);
  ReReads good;
  good.intent_at = world.now;
  good.ad_read = TimeBounds::Exactly(world.now + absl::Seconds(1));
  good.entra_read = good.ad_read;
  good.ad = world.ad(1);
  good.entra = world.entra(1);
  const absl::Time now = world.now + absl::Seconds(2);
  const auto check = [&](const ReReads& reads, absl::Time at, ActionReason reason) {
    std::string failed;
    for (const GateResult& gate :
         CheckReReads(reads, person, reason, world.link, world.policy, at, false)) {
      if (!gate.ok) failed += gate.name + " ";
    }
    return failed;
  };
  EXPECT_EQ(check(good, now, ActionReason::kLag), "");
  EXPECT_EQ(check(good, now, ActionReason::kSeal), "entra_needs_it ");
  EXPECT_EQ(check(good, now + absl::Seconds(10), ActionReason::kLag),
            "ad_read_fresh entra_read_fresh ");
  ReReads early = good;
  early.ad_read.lo = good.intent_at - absl::Seconds(1);
  EXPECT_EQ(check(early, now, ActionReason::kLag), "ad_read_fresh ");
  ReReads enabled = good;
  enabled.ad->user_account_control = 0x200;
  EXPECT_EQ(check(enabled, now, ActionReason::kLag), "ad_says_disabled ");
  ReReads lagging = enabled;
  lagging.ad->uac_stamp->version -= 1;
  EXPECT_EQ(check(lagging, now, ActionReason::kLag), "ad_says_disabled ");
  ReReads tombstone = good;
  tombstone.ad.reset();
  tombstone.ad_gone = true;
  EXPECT_EQ(check(tombstone, now, ActionReason::kLag), "");
  ReReads unread = good;
  unread.ad.reset();
  unread.ad_error = "dc1 does not answer";
  EXPECT_EQ(check(unread, now, ActionReason::kLag), "ad_says_disabled ad_read_fresh ");
  ReReads other = good;
  other.ad->object_guid = World::Ad(2).object_guid;
  EXPECT_EQ(check(other, now, ActionReason::kLag), "ad_says_disabled ");
  ReReads elsewhere = good;
  elsewhere.second = {*good.ad};
  EXPECT_EQ(check(elsewhere, now, ActionReason::kLag), "");
  elsewhere.second.front().user_account_control = 0x200;
  EXPECT_EQ(check(elsewhere, now, ActionReason::kLag), "second_dc ") << "an equal version";
  elsewhere.second.front().uac_stamp->version += 1;
  EXPECT_EQ(check(elsewhere, now, ActionReason::kLag), "second_dc ") << "a higher version";
  elsewhere.second.front().uac_stamp->version = good.ad->uac_stamp->version - 1;
  EXPECT_EQ(check(elsewhere, now, ActionReason::kLag), "") << "it has not heard of the disable";
  elsewhere.second.front().uac_stamp.reset();
  EXPECT_EQ(check(elsewhere, now, ActionReason::kLag), "second_dc ") << "no stamp to go by";
  ReReads gone = good;
  gone.entra->deletion = EntraDeletion::kSoft;
  EXPECT_EQ(check(gone, now, ActionReason::kLag), "entra_needs_it ");
  ReReads unknown = good;
  unknown.entra->account_enabled.reset();
  EXPECT_EQ(check(unknown, now, ActionReason::kLag), "entra_needs_it ");
  world.link.sources[kTenant].clock_offset = absl::Minutes(6);
  EXPECT_EQ(check(good, now, ActionReason::kLag), "skew ");
  world.link.sources[kTenant].clock_offset = {};
  world.link.sources[kTenant].last_success = now - absl::Minutes(5);
  EXPECT_EQ(check(good, now, ActionReason::kLag), "not_blind ");
}

TEST_F(ActionTest, ASecondControllersWordOnADeletion) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const Person person = world.person(1);
  ReReads reads;
  reads.ad = world.ad(1);
  reads.ad->user_account_control = 0x200;
  reads.ad->deleted = true;
  reads.ad->deleted_stamp = reads.ad->uac_stamp;
  reads.ad_gone = true;
  AdView alive = *reads.ad;
  alive.deleted = false;
  alive.deleted_stamp.reset();
  const auto blocks = [&](const AdView& second) {
    reads.second = {second};
    for (const GateResult& gate : CheckReReads(reads, person, ActionReason::kLag, world.link,
                                               world.policy, world.now, false)) {
      if (gate.name == "second_dc") return !gate.ok;
    }
    return false;
  };
  EXPECT_FALSE(blocks(alive)) << "it has not heard of the deletion";
  alive.deleted_stamp = reads.ad->deleted_stamp;
  alive.deleted_stamp->version += 1;
  EXPECT_TRUE(blocks(alive)) << "restored since";
}

TEST_F(ActionTest, TierZeroIsActedOnWhereASecondControllerAgrees) {
  world.policy.ad_sources_with_one_dc.clear();
  Disable(40);
  world.Advance(absl::Minutes(6));
  const ActionId id = Only(40).id;
  EXPECT_FALSE(world.RunGates(id)) << "nobody answered";
  EXPECT_EQ(Failed(world.actions.at(id))->name, "second_dc");
  world.second_dc = true;
  world.Advance(absl::Minutes(6));
  ASSERT_NE(world.Live(40), nullptr);
  EXPECT_TRUE(world.RunGates(world.Live(40)->id));
}

}  // namespace
}  // namespace driftwarden::monitor
