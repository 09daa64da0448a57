// Our own clock was ahead, and somebody set it back: nothing waits until it is there again.

#include "tests/monitor/action_fixture.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kAhead = absl::Hours(3);

class SetBackTest : public ActionTest {};

TEST_F(SetBackTest, ALaterReadIsNotTakenForAnOlderOne) {
  world.now += kAhead;
  world.SetEntra(1, false);
  world.ReadDirect(1);
  ASSERT_EQ(world.person(1).facts.entra->enabled, Tri::kNo);
  world.now -= kAhead - absl::Minutes(1);
  world.SetEntra(1, true);
  world.ReadDirect(1);
  const EntraHalf& entra = *world.person(1).facts.entra;
  EXPECT_EQ(entra.enabled, Tri::kYes);
  EXPECT_LE(entra.last_direct_look.hi, world.now);
}

TEST_F(SetBackTest, WhatWasFoundAheadIsBoundedByNow) {
  world.now += kAhead;
  world.SetEntra(1, false);
  world.ReadDirect(1);
  world.now -= kAhead - absl::Minutes(1);
  world.ReadDirect(1);
  const EntraHalf& entra = *world.person(1).facts.entra;
  EXPECT_EQ(entra.enabled, Tri::kNo);
  EXPECT_LE(entra.disabled_since.hi, world.now);
  EXPECT_LE(entra.disabled_since.lo, entra.disabled_since.hi);
}

TEST_F(SetBackTest, ABudgetThatWasSpentAheadHasRoomAgainAfterItsWindow) {
  world.policy.remediation.budgets.per_10m = 1;
  world.now += kAhead;
  Disable(1);
  world.Advance(absl::Minutes(3));
  world.RunActions();
  ASSERT_EQ(world.link.calls.size(), 1u);
  world.now -= kAhead - absl::Minutes(1);
  Disable(2);
  world.Advance(absl::Minutes(3));
  ASSERT_NE(world.Live(2), nullptr);
  EXPECT_EQ(world.Live(2)->state, ActionState::kQueued);  // the call counts
  world.Advance(absl::Minutes(12));
  ASSERT_NE(world.Live(2), nullptr);
  EXPECT_EQ(world.Live(2)->state, ActionState::kIntent);
}

TEST_F(SetBackTest, IsRecordedOnce) {
  world.now += kAhead;
  world.Advance(absl::Minutes(1));
  EXPECT_EQ(world.EvidenceOf("clock_set_back"), 0u);
  world.now -= kAhead;
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(world.EvidenceOf("clock_set_back"), 1u);
}

TEST_F(SetBackTest, AFailedActionIsTriedAgainSoon) {
  world.now += kAhead;
  Disable(1);
  world.Advance(absl::Minutes(3));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.RunCall(id, UnavailableError("Entra does not answer"));
  ASSERT_EQ(Only(1).state, ActionState::kFailed);
  world.now -= kAhead - absl::Minutes(1);
  world.ReadDirect(1);
  world.Advance(absl::Minutes(1));
  EXPECT_NE(world.Live(1), nullptr);
}

TEST_F(SetBackTest, AGapIsOverWhenBothSidesWereReadSince) {
  for (auto& [name, source] : world.link.sources) source.gap_ended = world.now + kAhead;
  Disable(1);
  world.Advance(absl::Minutes(2));
  world.ReadDirect(1);
  world.Advance(absl::Minutes(1));
  EXPECT_FALSE(world.Judge(1).wanted.empty());
}

TEST_F(SetBackTest, ASuspectClockSetsNothingBack) {
  world.now += kAhead;
  world.ReadDirect(1);
  const absl::Time looked = world.person(1).facts.entra->last_direct_look.hi;
  world.now -= kAhead - absl::Minutes(1);
  world.clock_suspect = true;
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).facts.entra->last_direct_look.hi, looked);
}

TEST_F(SetBackTest, AClockThatNobodyVouchesForSetsNothingBack) {
  world.now += kAhead;
  world.ReadDirect(1);
  const absl::Time looked = world.person(1).facts.entra->last_direct_look.hi;
  world.now -= kAhead - absl::Minutes(1);  // or this one is behind
  world.clock_vouched = false;
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).facts.entra->last_direct_look.hi, looked);
}

TEST_F(SetBackTest, ASourceWhoseClockIsAheadOfOursIsLeftAlone) {
  Disable(1);
  const Person before = world.person(1);
  world.now -= absl::Minutes(4);
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).facts.ad.front().disabled_seen, before.facts.ad.front().disabled_seen);
}

}  // namespace
}  // namespace driftwarden::monitor
