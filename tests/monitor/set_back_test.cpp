// Our own clock was ahead, and somebody set it back: nothing waits until it is there again.

#include "monitor/set_back.h"

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

// One date of a person or a link at a time: it is found, set back, and not found again.
template <typename Record>
void SetBackAlone(Record& record, absl::Time now) {
  ASSERT_TRUE(IsDatedLater(record, now));
  SetBack(record, now);
  EXPECT_FALSE(IsDatedLater(record, now));
}

TEST_F(SetBackTest, AMarkIsAnsweredByWhatIsRevokedFromNowOn) {
  Person person = world.person(1);
  person.memory.compromised = {world.now + kAhead, "theft", "ada"};
  SetBackAlone(person, world.now);
  EXPECT_EQ(person.memory.compromised->at, world.now);
}

TEST_F(SetBackTest, ASecondResetCountsAsSeenNow) {
  Person person = world.person(1);
  person.memory.reset_twice_at = world.now + kAhead;
  SetBackAlone(person, world.now);
  EXPECT_EQ(person.memory.reset_twice_at, world.now);
}

TEST_F(SetBackTest, ADepartureThatOnlyOurClockDatesIsBoundedByNow) {
  for (const bool deleted : {false, true}) {
    Person person = world.person(1);
    AdHalf& half = person.facts.ad.front();
    half.uac_stamp.reset();
    half.disabled = deleted ? Tri::kNo : Tri::kYes;
    half.deleted = deleted;
    const TimeBounds departed{world.now - absl::Hours(1), world.now + kAhead};
    (deleted ? half.deleted_since : half.disabled_since) = departed;
    person.episode.emplace().departed = departed;
    SetBackAlone(person, world.now);
    EXPECT_EQ(DepartedSince(half), (TimeBounds{departed.lo, world.now}));
    EXPECT_EQ(person.episode->departed, DepartedSince(half));
  }
}

TEST_F(SetBackTest, ADepartureThatTheDirectoryDatesIsLeftAlone) {
  Disable(1);
  Person person = world.person(1);
  const TimeBounds departed = TimeBounds::Exactly(world.now + kAhead);
  AdHalf& half = person.facts.ad.front();
  half.uac_stamp->originating_time = departed.hi;
  half.disabled_since = departed;
  person.episode.emplace().departed = departed;
  EXPECT_FALSE(IsDatedLater(person, world.now));
  SetBack(person, world.now);
  EXPECT_EQ(half.disabled_since, departed);
  EXPECT_EQ(person.episode->departed, departed);
}

TEST_F(SetBackTest, AKindOfDriftWasOpenedNow) {
  Person person = world.person(1);
  person.episode.emplace().kinds.emplace_back().since = world.now;
  person.episode->kinds.front().opened = world.now + kAhead;
  SetBackAlone(person, world.now);
  EXPECT_EQ(person.episode->kinds.front().opened, world.now);
}

TEST_F(SetBackTest, BoundsStayInOrder) {
  Person person = world.person(1);
  EntraHalf& entra = *person.facts.entra;
  const TimeBounds late{world.now + absl::Minutes(4), world.now + absl::Minutes(30)};
  entra.disabled_since = entra.last_look = entra.last_direct_look = late;
  person.facts.last_revocation.emplace().called = late;
  SetBackAlone(person, world.now);
  EXPECT_EQ(entra.disabled_since, TimeBounds::Exactly(world.now));
  EXPECT_LE(entra.last_look.lo, entra.last_look.hi);
  EXPECT_LE(entra.last_direct_look.lo, entra.last_direct_look.hi);
  EXPECT_EQ(person.facts.last_revocation->called, TimeBounds::Exactly(world.now));
}

TEST_F(SetBackTest, DevicesThatWereReadAheadAreReadAgain) {
  const auto look = [this](const char* id) {
    DeviceLook devices;
    devices.source = kTenant;
    devices.entra_id = world.person(1).facts.entra->id;
    devices.at = {world.now, world.now};
    devices.devices.emplace_back().id = id;
    TouchedKeys keys;
    keys.entra_ids = {devices.entra_id};
    world.Commit(ApplyDevices(world.context(), world.Load(keys), devices));
  };
  world.now += kAhead;
  look("old");
  world.now -= kAhead - absl::Minutes(1);
  look("new");
  EXPECT_EQ(world.person(1).facts.entra->logs.devices->devices.front().id, "new");
}

TEST_F(SetBackTest, WhoWasCarriedAheadWasCarriedByNow) {
  world.link.causes.carried = world.now + kAhead;
  SetBackAlone(world.link, world.now);
  EXPECT_EQ(world.link.causes.carried, world.now);
}

TEST_F(SetBackTest, ALogThatWasRefusedAheadWasRefusedNow) {
  for (const bool devices : {false, true}) {
    LogState& state = devices ? world.link.devices : world.link.logs[TenantLog::kDirectoryAudits];
    state.limit = LogLimit::kPermission;
    state.limit_since = state.limit_seen = world.now + kAhead;
    SetBackAlone(world.link, world.now);
    EXPECT_EQ(state.limit_seen, world.now);
    EXPECT_EQ(state.limit_since, world.now);
  }
}

TEST_F(SetBackTest, ACauseEndsSoonAndALingeringOneIsNoSignOfAWrongClock) {
  LinkCause& cause = world.link.causes.causes.emplace_back();
  cause.opened = cause.since = world.now;
  cause.ends_at = world.now + kAhead;
  EXPECT_FALSE(IsDatedLater(world.link, world.now));
  cause.opened = world.now + kAhead;
  SetBackAlone(world.link, world.now);
  EXPECT_LE(*cause.ends_at, world.now + absl::Minutes(5));
}

}  // namespace
}  // namespace driftwarden::monitor
