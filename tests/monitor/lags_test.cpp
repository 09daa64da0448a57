// How long things took, as two bounds: from both intervals, widened by the sources' skew.

#include "monitor/lags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kSecond = absl::Seconds(1);

DepartureTime LeftWithin(absl::Duration width, absl::Duration skew = absl::ZeroDuration()) {
  DepartureTime from;
  from.at = {T0(), T0() + width};
  from.skew = skew;
  return from;
}

TEST(LagSince, BoundsFollowFromBothIntervals) {
  const absl::Time out = T0() + absl::Seconds(733);
  const LagBounds lag = LagSince(LeftWithin(10 * kSecond), {out, out + 20 * kSecond});
  EXPECT_EQ(lag.lo, absl::Seconds(723));
  EXPECT_EQ(lag.hi, absl::Seconds(753));
  EXPECT_EQ(lag.observed, lag.hi);
  EXPECT_FALSE(lag.clamped);
  EXPECT_EQ(LagText(lag), "between 12 min 3 s and 12 min 33 s");
}

TEST(LagSince, SkewWidensBothWays) {
  const TimeBounds out = TimeBounds::Exactly(T0() + absl::Minutes(12));
  const LagBounds lag = LagSince(LeftWithin({}, 4 * kSecond), out);
  EXPECT_EQ(lag.lo, absl::Minutes(12) - 4 * kSecond);
  EXPECT_EQ(lag.hi, absl::Minutes(12) + 4 * kSecond);
}

TEST(LagSince, IsNeverNegativeAndSaysWhenItWouldBe) {
  const LagBounds overlapping =
      LagSince(LeftWithin(10 * kSecond), {T0() - kSecond, T0() + 5 * kSecond});
  EXPECT_EQ(overlapping.lo, absl::ZeroDuration());
  EXPECT_EQ(overlapping.hi, 5 * kSecond);
  EXPECT_FALSE(overlapping.clamped) << "it may well have been in this order";
  const LagBounds reversed = LagSince(LeftWithin({}), TimeBounds::Exactly(T0() - 8 * kSecond));
  EXPECT_EQ(reversed.lo, absl::ZeroDuration());
  EXPECT_EQ(reversed.hi, absl::ZeroDuration());
  EXPECT_EQ(reversed.observed, absl::ZeroDuration());
  EXPECT_TRUE(reversed.clamped);
  EXPECT_THAT(LagText(reversed), HasSubstr("wrong order"));
}

TEST(LagSince, AnUncertainBeginIsObservedFromItsLateBound) {
  DepartureTime from = LeftWithin(absl::Hours(3));
  from.uncertain = true;
  const LagBounds lag = LagSince(from, TimeBounds::Exactly(T0() + absl::Hours(4)));
  EXPECT_EQ(lag.lo, absl::Hours(1));
  EXPECT_EQ(lag.hi, absl::Hours(4));
  EXPECT_EQ(lag.observed, absl::Hours(1));
}

TEST(LagSince, ABeginThatNothingBoundsGivesALeastLag) {
  DepartureTime from = LeftWithin({});
  from.at.lo = absl::InfinitePast();
  from.uncertain = true;
  const LagBounds lag = LagSince(from, TimeBounds::Exactly(T0() + absl::Minutes(2)));
  EXPECT_EQ(lag.hi, absl::InfiniteDuration());
  EXPECT_EQ(lag.observed, absl::Minutes(2));
  EXPECT_EQ(LagText(lag), "at least 2 min 0 s");
}

TEST(LagText, SecondsAreToldToo) {
  EXPECT_EQ(PreciseText(absl::Milliseconds(350)), "350 ms");
  EXPECT_EQ(PreciseText(absl::Seconds(59)), "59 s");
  EXPECT_EQ(PreciseText(absl::Seconds(3604)), "1 h 0 min 4 s");
  LagBounds lag;
  lag.lo = lag.hi = absl::Seconds(30);
  lag.running = true;
  EXPECT_EQ(LagText(lag), "30 s, still running");
}

class LagsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 1; i <= 5; ++i) world.AddPerson(i);
    world.ReadAll();
    world.Advance(absl::Minutes(1));
  }
  // Seen `later` than AD stamped it.
  void Leave(absl::Duration later = 3 * kSecond) {
    world.SetAd(1, false);
    world.now += later;
    world.AdRound({1});
  }
  Lags Now() const { return LagsOf(world.person(1), world.link, world.policy, world.now); }
  const EvidenceEntry* Closed() const {
    for (const EvidenceEntry& entry : world.evidence) {
      if (entry.type == "episode_closed") return &entry;
    }
    return nullptr;
  }

  World world;
};

TEST_F(LagsTest, NobodyWhoDidNotLeaveHasAny) {
  const Lags lags = Now();
  EXPECT_FALSE(lags.disable || lags.revocation || lags.replication);
}

TEST_F(LagsTest, RunsUntilNowWhileLiveAndEndsWithTheEntraDisable) {
  Leave();
  const absl::Time left = world.person(1).facts.ad[0].disabled_since.hi;
  world.Advance(absl::Minutes(10));
  ASSERT_TRUE(Now().disable.has_value());
  EXPECT_TRUE(Now().disable->running);
  EXPECT_GE(Now().disable->hi, absl::Minutes(10));
  EXPECT_FALSE(Now().revocation.has_value());
  const absl::Time live = world.person(1).facts.entra->enabled_seen;
  world.SetEntra(1, false);
  world.EntraRound({1});
  const Lags lags = Now();
  ASSERT_TRUE(lags.disable.has_value());
  EXPECT_FALSE(lags.disable->running);
  EXPECT_EQ(lags.disable->hi, world.person(1).facts.entra->disabled_since.hi - left);
  EXPECT_EQ(lags.disable->lo, live - left);
  ASSERT_EQ(world.tally.disable_lags.size(), 1u);
  EXPECT_EQ(world.tally.disable_lags[0].lag, lags.disable->hi);
  EXPECT_EQ(world.tally.negative_lags, 0u);
  world.Advance(absl::Minutes(10));
  EXPECT_EQ(Now().disable, lags.disable) << "over";
}

TEST_F(LagsTest, TheControllersSkewWidensThem) {
  Leave();
  world.Advance(absl::Minutes(10));
  world.link.sources[kAd].clock_offset = absl::Milliseconds(-6200);
  const LagBounds skewed = *Now().disable;
  world.link.sources[kAd].clock_offset = absl::ZeroDuration();
  const LagBounds plain = *Now().disable;
  EXPECT_EQ(plain.lo - skewed.lo, 7 * kSecond);
  EXPECT_EQ(skewed.hi - plain.hi, 7 * kSecond);
}

TEST_F(LagsTest, ReplicationIsWhatTheStampTookToReachOurController) {
  Leave(absl::Minutes(6));
  const Lags lags = Now();
  ASSERT_TRUE(lags.replication.has_value());
  EXPECT_GE(lags.replication->hi, absl::Minutes(6));
  EXPECT_LT(lags.replication->hi, absl::Minutes(6) + 2 * kSecond);
  EXPECT_EQ(lags.replication->lo, absl::ZeroDuration()) << "nobody looked in between";
}

TEST_F(LagsTest, ReplicationIsOfThePresentDepartureOfSomebodyWhoIsSwitchedOnAndOff) {
  for (int toggle = 0; toggle < 4; ++toggle) {
    Leave();
    world.Advance(10 * kSecond, 5 * kSecond);
    world.SetAd(1, true);
    world.AdRound({1});
    world.Advance(10 * kSecond, 5 * kSecond);
  }
  Leave();
  const Lags lags = Now();
  ASSERT_TRUE(lags.replication.has_value());
  EXPECT_LE(lags.replication->hi, 5 * kSecond);
}

TEST_F(LagsTest, WithoutAStampNothingIsKnownOfReplication) {
  world.ad(1).uac_stamp.reset();
  world.AdRound({1});
  world.SetAd(1, false);
  world.ad(1).uac_stamp.reset();
  world.AdRound({1});
  EXPECT_TRUE(Now().disable.has_value());
  EXPECT_FALSE(Now().replication.has_value());
}

TEST_F(LagsTest, TheFirstRevocationStaysTheFirstWhileTheEpisodeIsOpen) {
  world.policy.remediation.mode = Mode::kAuto;
  Leave();
  world.Advance(absl::Minutes(46));
  world.RunActions();
  const Lags lags = Now();
  ASSERT_TRUE(lags.revocation.has_value());
  EXPECT_GE(lags.revocation->lo, absl::Minutes(44));
  ASSERT_EQ(world.tally.revocation_lags.size(), 1u);
  EXPECT_EQ(world.tally.revocation_lags[0].lag, lags.revocation->observed);
}

TEST_F(LagsTest, TheEndOfTheEpisodeKeepsBothBoundsAsEvidence) {
  world.policy.remediation.mode = Mode::kAuto;
  Leave();
  world.Advance(absl::Minutes(5));
  world.SetEntra(1, false);
  world.EntraRound({1});
  const std::string lo = PreciseText(Now().disable->lo);
  const std::string hi = PreciseText(Now().disable->hi);
  world.RunActions();
  ASSERT_NE(Closed(), nullptr);
  EXPECT_EQ(Closed()->details.at("disable_lag_at_least"), lo);
  EXPECT_EQ(Closed()->details.at("disable_lag_at_most"), hi);
  EXPECT_TRUE(Closed()->details.contains("revocation_lag_at_most"));
  EXPECT_TRUE(Closed()->details.contains("replication_lag_at_most"));
}

TEST_F(LagsTest, WhoWasOutBeforeAndIsBackHasNoLagToDisable) {
  world.policy.remediation.mode = Mode::kAuto;
  Leave();
  world.Advance(absl::Minutes(5));
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.RunActions();
  ASSERT_EQ(world.person(1).phase, State::kConverged);
  world.Advance(absl::Minutes(5));
  world.SetEntra(1, true);
  world.EntraRound({1});
  world.ReadWanted();
  ASSERT_TRUE(world.person(1).facts.EntraLive());
  EXPECT_FALSE(Now().disable.has_value());
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.ReadWanted();
  EXPECT_FALSE(Now().disable.has_value());
  EXPECT_EQ(world.tally.disable_lags.size(), 1u);
}

TEST_F(LagsTest, OutOfEntraBeforeAdIsClampedAndCounted) {
  const absl::Time early = world.now;
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.Advance(absl::Minutes(5));
  Leave();
  ASSERT_LT(early, world.now);
  ASSERT_TRUE(Now().disable.has_value());
  EXPECT_TRUE(Now().disable->clamped);
  EXPECT_EQ(Now().disable->hi, absl::ZeroDuration());
  EXPECT_EQ(world.tally.negative_lags, 1u);
  ASSERT_EQ(world.tally.disable_lags.size(), 1u);
  EXPECT_EQ(world.tally.disable_lags[0].lag, absl::ZeroDuration());
}

// Two writes since the last look: the time of the first is not known, only that of the last.
TEST_F(LagsTest, TimersCountFromTheEarlyBoundOnlyWhereItIsNoWiderThanTwoPolls) {
  world.policy.poll_intervals[kAd] = 5 * kSecond;
  const absl::Time look = world.person(1).facts.ad[0].enabled_seen;
  world.now += absl::Hours(1);
  world.SetAd(1, false, 3);
  world.AdRound({1});
  const TimeBounds since = world.person(1).facts.ad[0].disabled_since;
  ASSERT_GE(since.lo, look);
  ASSERT_GT(since.Width(), 10 * kSecond);
  world.now += absl::Minutes(2);
  const Verdict uncertain = world.Judge(1);
  const auto input = [&](const Verdict& verdict, const std::string& name) {
    for (const auto& [key, value] : verdict.because.inputs) {
      if (key == name) return value;
    }
    return std::string("none");
  };
  EXPECT_EQ(input(uncertain, "time_uncertain"), "yes");
  EXPECT_EQ(input(uncertain, "counts_from"), FormatRfc3339(since.hi));
  EXPECT_TRUE(DepartureTimeOf(world.person(1), world.link, world.policy)->uncertain);
  world.policy.poll_intervals[kAd] = absl::Hours(1);
  world.Find(1)->facts.ad[0].time_uncertain = false;
  EXPECT_EQ(input(world.Judge(1), "time_uncertain"), "no");
  EXPECT_EQ(input(world.Judge(1), "counts_from"), FormatRfc3339(since.lo));
}

}  // namespace
}  // namespace driftwarden::monitor
