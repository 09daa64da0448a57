// Hard cases of the model that no other test is about; docs/convergence.md lists them all, each
// with its test.

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "tests/monitor/drift_vectors.h"

namespace driftwarden::monitor {
namespace {

std::string RawGuid(int i) {
  return std::string(World::Ad(i).object_guid.Raw());
}

void Enable(World& world) {
  world.SetAd(1, true);
  world.AdRound({1});
  SetCloud(world, true);
}

TEST(HardCases, AReHireOnTheSameAccountBeginsAnew) {
  World world = OnePerson();
  world.policy.remediation.mode = Mode::kAuto;
  Leave(world);
  world.Advance(2 * kMinute);
  SetCloud(world, false);
  world.Advance(kMinute);
  world.RunActions();
  world.Advance(kMinute);
  ASSERT_EQ(world.person(1).state, State::kConverged);
  world.Advance(absl::Hours(24 * 30), absl::Hours(6));
  Enable(world);
  world.Advance(kMinute);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  EXPECT_FALSE(world.person(1).episode.has_value());
  // The second departure is one of its own: what was revoked then says nothing now.
  Leave(world);
  world.Advance(absl::Minutes(41), kMinute);
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_EQ(world.person(1).state, State::kLagging);
  EXPECT_EQ(world.closed.size(), 1u);
  EXPECT_GT(world.person(1).episode->departed.lo, world.closed[0].departed.hi);
}

TEST(HardCases, AReHireOnANewAccountTakesOverTheCloudAccount) {
  World world = OnePerson();
  Delete(world);
  world.Advance(5 * kMinute);
  ASSERT_TRUE(world.person(1).episode.has_value());
  const PersonOrdinal left = world.person(1).ordinal;
  // The engine matches the new account to the old cloud account and writes its anchor.
  world.Observe(World::Ad(60), LookKind::kFeed);
  world.entra(1).immutable_id = AnchorOf(RawGuid(60));
  world.entra(1).on_premises_sid = World::Ad(60).sid;
  world.EntraRound({1});
  world.ReadDirect(1);
  world.Advance(kMinute);
  const Person& hired = world.person(1);  // by the cloud account
  EXPECT_NE(hired.ordinal, left);
  EXPECT_EQ(hired.state, State::kAligned);
  EXPECT_FALSE(hired.episode.has_value());
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed[0].person, left);
  EXPECT_EQ(world.closed[0].result, EpisodeResult::kSuperseded);
}

TEST(HardCases, ANewHireCreatedDisabledIsNoDeparture) {
  World world = OnePerson();
  world.AddPerson(2);
  AdView& ad = world.ad(2);
  ad.user_account_control = 0x202;
  ad.uac_stamp = MetadataStamp{1, world.now, ad.uac_stamp->invocation_id, 90};
  world.AdRound({2});
  world.Advance(absl::Minutes(20), kMinute);
  world.SetEntra(2, false);
  world.EntraRound({2});
  world.ReadDirect(2);
  world.Advance(absl::Hours(30), absl::Minutes(5));
  EXPECT_FALSE(world.person(2).episode.has_value());
  EXPECT_EQ(world.IncidentOf(2), nullptr);
  EXPECT_TRUE(world.ActionsOf(2).empty());
  // The first day: enabled in AD, and by the next cycle in Entra.
  world.SetAd(2, true);
  world.AdRound({2});
  world.Advance(absl::Minutes(25), kMinute);
  EXPECT_FALSE(world.person(2).episode.has_value());
  world.SetEntra(2, true);
  world.ReadDirect(2);
  EXPECT_EQ(world.person(2).state, State::kAligned);
  // From then on a departure is one.
  world.SetAd(2, false);
  world.AdRound({2});
  world.Advance(absl::Minutes(41), kMinute);
  EXPECT_EQ(world.person(2).state, State::kLagging);
}

TEST(HardCases, AnAccountOfTheDirectoryItselfHasNoCloudAccountAndNoEpisode) {
  World world = OnePerson();
  for (const int i : {502, 501}) {  // krbtgt and Guest are disabled by design
    AdView view = World::Ad(i);
    view.sid = Sid::Parse(i == 502 ? "S-1-5-21-1-2-3-502" : "S-1-5-21-1-2-3-501");
    view.user_account_control = 0x202;
    world.Observe(view, LookKind::kFeed);
  }
  world.Advance(absl::Hours(2), absl::Minutes(5));
  EXPECT_TRUE(world.incidents.empty());
  for (const auto& [ordinal, person] : world.people) EXPECT_FALSE(person.episode.has_value());
}

TEST(HardCases, AUpnThatSomebodyElseGetsMovesNothing) {
  World world = OnePerson();
  Delete(world);
  world.Advance(2 * kMinute);
  const EpisodeId open = world.person(1).episode->id;
  world.AddPerson(2);
  world.ad(2).upn = world.ad(1).upn;
  world.entra(2).upn = world.entra(1).upn;
  world.AdRound({2});
  world.EntraRound({2});
  world.Advance(absl::Minutes(41), kMinute);
  EXPECT_EQ(world.person(1).episode->id, open);
  EXPECT_EQ(world.person(1).state, State::kLagging);
  EXPECT_EQ(world.person(2).state, State::kAligned);
  EXPECT_NE(world.person(1).ordinal, world.person(2).ordinal);
}

TEST(HardCases, ConsistencyGuidsWrittenForAWholeForestOpenAndLoseNothing) {
  constexpr int kPeople = 60;
  World world;
  for (int i = 1; i <= kPeople; ++i) world.AddPerson(i);
  world.ReadAll();
  world.Advance(kMinute);
  Leave(world);
  world.Advance(2 * kMinute);
  const EpisodeId open = world.person(1).episode->id;
  std::vector<int> everybody;
  for (int i = 1; i <= kPeople; ++i) {
    world.ad(i).consistency_guid = RawGuid(i);
    ++world.ad(i).usn_changed;
    everybody.push_back(i);
  }
  world.AdRound(everybody);
  EXPECT_EQ(world.people.size(), static_cast<size_t>(kPeople));
  EXPECT_EQ(world.person(1).episode->id, open);
  for (int i = 2; i <= kPeople; ++i) {
    EXPECT_EQ(world.person(i).state, State::kAligned);
    EXPECT_FALSE(world.person(i).episode.has_value());
  }
}

TEST(HardCases, AfterADayInTheDarkNobodyIsJudgedByWhatWasKnownBefore) {
  World world = OnePerson();
  world.AddPerson(2);
  world.AdRound({2});
  world.EntraRound({2});
  Leave(world);
  world.Advance(2 * kMinute);
  // For a day nothing is read. Meanwhile the engine disabled 1, and 2 was disabled in AD alone.
  world.now += absl::Hours(12);
  world.SetAd(2, false);
  world.SetEntra(1, false);
  world.now += absl::Hours(12);
  world.AdRound({2});
  world.ReviewDue();
  EXPECT_NE(world.person(1).state, State::kBreached) << "Entra has not been read again";
  EXPECT_EQ(world.person(2).state, State::kPending);
  world.EntraRound({1});
  world.ReadDirect(1);
  world.ReadDirect(2);
  world.Advance(2 * kMinute);
  EXPECT_EQ(world.person(1).state, State::kUnsealed);
  EXPECT_EQ(world.person(2).state, State::kBreached) << "out for twelve hours, and read again";
}

TEST(HardCases, TwoForestsBehindOnePersonWhoLeavesOnlyWithTheLast) {
  World world = OnePerson();
  AdView second = World::Ad(60);
  second.consistency_guid = RawGuid(1);
  world.Observe(second, LookKind::kFeed);
  ASSERT_EQ(world.person(1).facts.ad.size(), 2u);
  Leave(world);
  world.Advance(absl::Hours(2), absl::Minutes(5));
  EXPECT_FALSE(world.person(1).episode.has_value());
  second.user_account_control = 0x202;
  second.uac_stamp->version += 1;
  second.uac_stamp->originating_time = world.now;
  world.Observe(second, LookKind::kFeed);
  world.Advance(kMinute);
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_GE(world.person(1).episode->departed.hi, second.uac_stamp->originating_time)
      << "not since the first of them was disabled";
}

TEST(HardCases, AMigrationThatTakesTheSidAlongIsAgreement) {
  World world = OnePerson();
  // ADMT makes a new account in another domain, with the old anchor and the old SID as history.
  AdView moved = World::Ad(60);
  moved.consistency_guid = RawGuid(1);
  moved.sid_history = {*World::Ad(1).sid};
  Delete(world);
  world.Observe(moved, LookKind::kFeed);
  EXPECT_EQ(GradeOf(world.person(1).facts), IdentityGrade::kStrong);
  world.Advance(absl::Hours(2), absl::Minutes(5));
  EXPECT_EQ(world.person(1).state, State::kAligned);
  EXPECT_FALSE(world.person(1).episode.has_value());
}

TEST(HardCases, AMassDisableOfPeopleWithAnOpenCaseCountsAllOfThem) {
  constexpr int kPeople = 30;
  World world;
  std::vector<int> everybody;
  for (int i = 1; i <= kPeople; ++i) {
    world.AddPerson(i);
    everybody.push_back(i);
  }
  world.ReadAll();
  world.Advance(kMinute);
  for (const int i : everybody) world.ad(i).account_expires = world.now + kMinute;
  world.AdRound(everybody);
  world.Advance(3 * kMinute);
  ASSERT_TRUE(world.person(1).episode.has_value()) << "expired, and still enabled";
  EXPECT_FALSE(world.link.guards[kGuardMassDisable].tripped);
  for (const int i : everybody) world.SetAd(i, false);
  world.AdRound(everybody);
  world.Advance(kMinute);
  EXPECT_TRUE(world.link.guards[kGuardMassDisable].tripped);
}

TEST(HardCases, AnOffboardingScriptThatResetsTwiceIsOneDeparture) {
  World world = OnePerson();
  world.policy.reset_without_revoke = true;
  world.ad(1).password_set = world.now - absl::Hours(100);
  world.AdRound({1});
  for (int reset = 0; reset < 2; ++reset) {
    world.ad(1).password_set = world.now;
    world.AdRound({1});
    Audit(world, AccountChange::kPasswordChanged, world.now, "sync");
    Audit(world, AccountChange::kSessionsRevoked, world.now + absl::Seconds(1), "sync");
    world.Advance(absl::Seconds(15));
  }
  Leave(world);
  world.Advance(absl::Minutes(41), kMinute);
  EXPECT_EQ(world.person(1).state, State::kLagging) << "a password change contains nobody";
  EXPECT_EQ(OpenAs(world, DriftKind::kResetWithoutRevoke), std::nullopt);
  EXPECT_EQ(world.incidents.size(), 1u);
}

TEST(HardCases, TheHourThatADaylightSavingTimeRepeatsMovesNoDeadline) {
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
  World world;
  world.now = absl::FromUnixSeconds(1761440400);  // 2025-10-26 01:00 UTC, when clocks go back
  world.now -= absl::Minutes(20);
  world.AddPerson(1);
  world.ad(1).uac_stamp->originating_time = world.now - absl::Hours(24);
  world.ReadAll();
  world.Advance(kMinute);
  Leave(world);
  const absl::Time left = world.now;
  world.Advance(absl::Minutes(39), kMinute);
  EXPECT_EQ(world.person(1).state, State::kPending);
  EXPECT_LT(absl::AbsDuration(world.Judge(1).review_at - left - absl::Minutes(40)),
            absl::Seconds(1));
  world.Advance(absl::Minutes(2), kMinute);
  EXPECT_EQ(world.person(1).state, State::kLagging);
  unsetenv("TZ");
  tzset();
}

}  // namespace
}  // namespace driftwarden::monitor
