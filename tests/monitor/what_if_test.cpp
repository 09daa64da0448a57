// What would change a verdict: what is foretold is what happens, by time and by evidence.

#include "monitor/what_if.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "monitor/origins.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// One person, disabled in AD a moment ago.
World Left(absl::Duration ago = absl::Seconds(1)) {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  world.Advance(absl::Minutes(5));
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(ago);
  return world;
}

std::vector<Outlook> ByTime(const World& world) {
  const PersonOrdinal who = world.person(1).ordinal;
  return ChangesByTime(world.LoadPeople({who}), who, world.link, world.policy, world.now);
}

std::vector<Outlook> ByEvidence(const World& world) {
  const PersonOrdinal who = world.person(1).ordinal;
  return ChangesByEvidence(world.LoadPeople({who}), who, world.link, world.policy, world.now);
}

std::optional<Outlook> If(const World& world, const std::string& what) {
  for (const Outlook& outlook : ByEvidence(world)) {
    if (outlook.what == what) return outlook;
  }
  return std::nullopt;
}

Origins Why(const World& world) {
  return OriginsOf(world.person(1), world.link, world.policy, world.now);
}

std::string From(const Origins& origins, const std::string& name) {
  for (const ThresholdOrigin& threshold : origins.thresholds) {
    if (threshold.name == name) return threshold.from;
  }
  return "";
}

TEST(WhatIfTime, ForetellsWhatThenHappens) {
  World world = Left();
  const absl::Time left = world.person(1).facts.ad[0].disabled_since.hi;
  const std::vector<Outlook> steps = ByTime(world);
  ASSERT_THAT(steps, SizeIs(kMostSteps));
  // Confirmed, a warning, a revocation that is due, a breach.
  EXPECT_EQ(steps[0].state, State::kPending);
  EXPECT_EQ(steps[0].drift.at(0).severity, Severity::kInfo);
  EXPECT_EQ(steps[1].state, State::kLagging);
  EXPECT_EQ(steps[1].at, left + absl::Minutes(40));
  ASSERT_THAT(steps[2].wanted, SizeIs(1));
  EXPECT_EQ(steps[3].state, State::kBreached);
  EXPECT_EQ(steps[3].drift.at(0).severity, Severity::kCritical);
  for (const Outlook& step : steps) {
    world.Advance(step.at + absl::Seconds(16) - world.now);
    EXPECT_EQ(world.person(1).state, step.state) << step.what;
    EXPECT_EQ(world.Judge(1).wanted, step.wanted) << step.what;
  }
}

TEST(WhatIfTime, NothingIsForetoldOfSomebodyWhoIsThere) {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  EXPECT_THAT(ByTime(world), IsEmpty());
}

TEST(WhatIfTime, ASourceThatIsNotReadBringsNoProof) {
  World world = Left(absl::Minutes(10));
  world.now += absl::Minutes(10);  // nothing is read meanwhile
  const std::vector<Outlook> steps = ByTime(world);
  ASSERT_FALSE(steps.empty());
  EXPECT_TRUE(steps[0].blind);
}

TEST(WhatIfTime, ChangesNothingOfWhatItLookedAt) {
  const World world = Left(absl::Minutes(50));
  const Person before = world.person(1);
  ByTime(world);
  ByEvidence(world);
  EXPECT_EQ(world.person(1), before);
}

TEST(WhatIfEvidence, ForetellsWhatTheDisableBrings) {
  World world = Left(absl::Minutes(50));
  const auto disabled = If(world, "disabled in Entra");
  ASSERT_TRUE(disabled.has_value());
  EXPECT_EQ(disabled->state, State::kUnsealed);
  const auto both = If(world, "disabled in Entra and sessions revoked");
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->state, State::kConverged);
  EXPECT_EQ(both->ended, EpisodeResult::kConverged);
  const auto deleted = If(world, "deleted in Entra");
  ASSERT_TRUE(deleted.has_value());
  EXPECT_EQ(deleted->ended, EpisodeResult::kDeleted);
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).state, State::kUnsealed);
}

TEST(WhatIfEvidence, ForetellsAReturnARevocationAndASignIn) {
  World world = Left(absl::Minutes(50));
  const auto back = If(world, "enabled again in AD");
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->state, State::kAligned);
  EXPECT_EQ(back->ended, EpisodeResult::kReversed);
  const auto revoked = If(world, "sessions revoked");
  ASSERT_TRUE(revoked.has_value());
  EXPECT_EQ(revoked->state, State::kContained);
  const auto signed_in = If(world, "a successful interactive sign-in now");
  ASSERT_TRUE(signed_in.has_value());
  EXPECT_EQ(signed_in->drift.size(), 2u);
}

TEST(WhatIfEvidence, OfSomebodyWhoConvergedToldWhatBringsItBack) {
  World world = Left(absl::Minutes(2));
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.EntraRound({1});
  world.ReadDirect(1);
  ASSERT_EQ(world.person(1).state, State::kConverged);
  const auto back = If(world, "restored and enabled in Entra");
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->state, State::kRegressed);
  EXPECT_EQ(back->drift.at(0).severity, Severity::kCritical);
}

TEST(WhatIfEvidence, AStaleSourceIsNamed) {
  World world = Left(absl::Minutes(50));
  world.now += absl::Minutes(10);
  const auto ad = If(world, "source corp is read again");
  ASSERT_FALSE(ad.has_value()) << "the other one is stale as well: it alone changes nothing";
  world.EntraRound({});
  const auto again = If(world, "source corp is read again");
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->blind);
}

TEST(WhatIfEvidence, TheBaselineHandsOver) {
  World world;
  world.AddPerson(1);
  world.SetAd(1, false);
  world.ReadAll();
  ASSERT_EQ(world.person(1).state, State::kInherited);
  const auto accepted = If(world, "the baseline is accepted");
  ASSERT_TRUE(accepted.has_value());
  EXPECT_NE(accepted->state, State::kInherited);
}

TEST(Origins, EveryThresholdSaysWhereItComesFrom) {
  World world = Left(absl::Minutes(50));
  EXPECT_EQ(From(Why(world), "warn_after"), "by default for Entra Connect");
  EXPECT_EQ(From(Why(world), "settle"), "by default");
  EXPECT_EQ(From(Why(world), "sync_cycle"), "by default for Entra Connect");
  world.link.learned_cycle = absl::Minutes(60);
  EXPECT_EQ(From(Why(world), "warn_after"),
            "by default for Entra Connect, times 2.00 for the learned cycle");
  EXPECT_EQ(From(Why(world), "sync_cycle"), "learned");
  world.policy.tiers[1].warn_after = absl::Minutes(10);
  world.policy.settle = absl::Seconds(20);
  EXPECT_EQ(From(Why(world), "warn_after"), "written in the configuration, tier standard");
  EXPECT_EQ(From(Why(world), "settle"), "written in the configuration");
  world.ad(1).admin_count = true;
  world.AdRound({1});
  world.ReadDirect(1);
  EXPECT_EQ(From(Why(world), "revoke_after"), "by default for tier0");
  EXPECT_EQ(From(Why(world), "settle"), "tier0 takes at most 15 s");
  EXPECT_THAT(From(Why(world), "breach_after"), HasSubstr("one sync cycle (learned)"));
}

TEST(Origins, OpenDriftHasItsRuleAndItsReason) {
  const World world = Left(absl::Minutes(50));
  const Origins origins = Why(world);
  ASSERT_THAT(origins.drift, SizeIs(1));
  EXPECT_THAT(origins.drift[0].sentence, HasSubstr("disable_lag opens when"));
  EXPECT_THAT(origins.drift[0].why, HasSubstr("warn_after 40 min has passed"));
  EXPECT_TRUE(origins.drift[0].opened.has_value());
  EXPECT_FALSE(origins.time_uncertain);
  ASSERT_THAT(origins.sources, SizeIs(2));
  EXPECT_FALSE(origins.sources[0].stale);
}

TEST(Origins, TimesSayWhoToldThem) {
  World world = Left(absl::Minutes(2));
  const auto from = [&](const std::string& name) {
    for (const TimeOrigin& time : Why(world).times) {
      if (time.name == name) return time.from;
    }
    return std::string();
  };
  EXPECT_THAT(from("disabled_in_ad"), HasSubstr("originating stamp, version 2"));
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.ReadDirect(1);
  EXPECT_EQ(from("disabled_in_entra"), "between two looks of source contoso");
}

TEST(Origins, AWideIntervalCountsFromItsLateBound) {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  world.Advance(absl::Minutes(5));
  world.now += absl::Minutes(30);
  world.SetAd(1, false, 7);  // several writes: only the last one has a stamp
  world.now += absl::Seconds(1);
  world.AdRound({1});
  world.Advance(absl::Minutes(2));
  const Origins origins = Why(world);
  EXPECT_TRUE(origins.time_uncertain);
  EXPECT_EQ(origins.counts_from, world.person(1).facts.ad[0].disabled_since.hi);
}

}  // namespace
}  // namespace driftwarden::monitor
