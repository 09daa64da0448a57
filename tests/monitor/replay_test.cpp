// What-if over history: under the thresholds of the day a replay tells what was recorded, under
// others exactly what they would have made of it.

#include "monitor/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

World Staff(int people, Mode mode = Mode::kObserve) {
  World world;
  world.policy.remediation.mode = mode;
  world.policy.remediation.budgets.per_10m = 1000;
  world.policy.remediation.budgets.per_hour = 1000;
  world.policy.remediation.breakers.max_percent_per_day = 0;
  for (int i = 1; i <= people; ++i) world.AddPerson(i);
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  return world;
}

// Lets time pass as the engine does, actions included.
void Pass(World& world, absl::Duration d, absl::Duration step = absl::Seconds(15)) {
  const absl::Time until = world.now + d;
  while (world.now < until) {
    world.Advance(std::min(step, until - world.now), step);
    world.RunActions();
  }
}

void Leave(World& world, int i) {
  world.SetAd(i, false);
  world.AdRound({i});
}

void DisableEntra(World& world, int i) {
  world.SetEntra(i, false);
  world.EntraRound({i});
  world.ReadDirect(i);
}

void EnableEntra(World& world, int i) {
  world.SetEntra(i, true);
  world.EntraRound({i});
  world.ReadDirect(i);
}

void Return(World& world, int i) {
  world.SetAd(i, true);
  world.AdRound({i});
}

PersonHistory HistoryOf(const World& world, int i) {
  PersonHistory history;
  history.who = world.person(i).ordinal;
  history.people = world.LoadPeople({history.who});
  for (const EvidenceEntry& entry : world.evidence) {
    if (entry.person == history.who) history.entries.push_back(entry);
  }
  const auto opened = [&](const Episode& episode) {
    if (episode.person != history.who) return;
    history.oldest_episode = std::min(history.oldest_episode, episode.opened);
  };
  for (const Episode& episode : world.closed) opened(episode);
  if (world.person(i).episode) opened(*world.person(i).episode);
  return history;
}

ReplayWindow Always(const World& world) {
  return {T0() - absl::Hours(1), world.now};
}

ReplayOutcome Recorded(const World& world, int i) {
  return RecordedOutcome(HistoryOf(world, i), Always(world));
}

ReplayOutcome Replayed(const World& world, int i, const Policy& policy) {
  const PersonHistory history = HistoryOf(world, i);
  EXPECT_EQ(WhyNotReplayed(history, policy), std::nullopt);
  const auto outcome = ReplayPerson(history, world.link, policy, Always(world));
  EXPECT_TRUE(outcome.has_value());
  return outcome.value_or(ReplayOutcome());
}

Policy With(const World& world, ReplayCandidate candidate) {
  const auto policy = WithCandidate(world.policy, candidate);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *policy;
}

ReplayCandidate Warn(absl::Duration warn_after) {
  ReplayCandidate candidate;
  candidate.warn_after = warn_after;
  return candidate;
}

// Looks come every 15 s here, and a replay looks at the very moment: times may be that far apart.
void ExpectAlike(const ReplayOutcome& now, const ReplayOutcome& then, const std::string& whose) {
  constexpr absl::Duration kApart = absl::Seconds(40);
  ASSERT_EQ(now.pages.size(), then.pages.size()) << whose;
  for (size_t i = 0; i < now.pages.size(); ++i) {
    EXPECT_EQ(now.pages[i].severity, then.pages[i].severity) << whose;
    EXPECT_EQ(now.pages[i].kind, then.pages[i].kind) << whose;
    EXPECT_LT(absl::AbsDuration(now.pages[i].at - then.pages[i].at), kApart) << whose;
    EXPECT_LT(absl::AbsDuration(now.pages[i].until - then.pages[i].until), kApart) << whose;
  }
  EXPECT_EQ(now.revoked.size(), then.revoked.size()) << whose;
  EXPECT_EQ(now.sealed.size(), then.sealed.size()) << whose;
  EXPECT_EQ(now.longest_lag.has_value(), then.longest_lag.has_value()) << whose;
}

// Everything that can happen to seven people, one story each.
World Stories(Mode mode) {
  World world = Staff(7, mode);
  world.ad(5).admin_count = true;  // tier 0
  world.AdRound({5});
  for (const int i : {1, 2, 3, 4, 5, 6}) Leave(world, i);
  Pass(world, absl::Minutes(20));
  DisableEntra(world, 1);  // in time
  Pass(world, absl::Minutes(25));
  DisableEntra(world, 2);  // a warning
  Pass(world, absl::Minutes(30));
  DisableEntra(world, 3);  // too late
  Return(world, 4);        // a mistake, taken back
  DisableEntra(world, 5);
  world.entra(6).deletion = EntraDeletion::kSoft;
  world.EntraRound({6});
  world.ReadDirect(6);
  Pass(world, absl::Minutes(30));
  EnableEntra(world, 1);  // live again after it was over, where somebody sealed it
  Pass(world, absl::Minutes(30));
  DisableEntra(world, 1);
  world.DeleteAd(7);
  world.AdRound({7});
  Pass(world, absl::Minutes(90));
  return world;
}

TEST(Replay, UnderTheSameThresholdsItTellsWhatWasRecorded) {
  for (const Mode mode : {Mode::kObserve, Mode::kAuto}) {
    const World world = Stories(mode);
    for (int i = 1; i <= 7; ++i) {
      ExpectAlike(Replayed(world, i, world.policy), Recorded(world, i),
                  Cat("person ", i, " in mode ", ModeText(mode)));
    }
  }
}

TEST(Replay, TheStoriesTellSomething) {
  const World observed = Stories(Mode::kObserve);
  EXPECT_THAT(Recorded(observed, 1).pages, SizeIs(1));  // nobody sealed it: the timers went on
  ASSERT_THAT(Recorded(observed, 2).pages, SizeIs(1));
  EXPECT_EQ(Recorded(observed, 2).Worst(), Severity::kWarning);
  EXPECT_EQ(Recorded(observed, 3).Worst(), Severity::kCritical);
  EXPECT_EQ(Recorded(observed, 7).Worst(), Severity::kCritical);
  const World acted = Stories(Mode::kAuto);
  EXPECT_EQ(Recorded(acted, 1).Worst(), Severity::kCritical);  // regressed
  EXPECT_THAT(Recorded(acted, 3).revoked, SizeIs(1));
}

// Random leavers, with sync runs at random times, returns and regressions.
World RandomStory(uint64_t seed, Mode mode) {
  constexpr int kPeople = 8;
  World world = Staff(kPeople, mode);
  SeededRng dice(seed);
  for (int step = 0; step < 60; ++step) {
    const int i = 1 + static_cast<int>(dice.Below(kPeople));
    switch (dice.Below(6)) {
      case 0:
      case 1:
        Leave(world, i);
        break;
      case 2:
        Return(world, i);
        break;
      case 3:
      case 4:
        DisableEntra(world, i);
        break;
      default:
        EnableEntra(world, i);
        break;
    }
    Pass(world, absl::Seconds(15 * (1 + dice.Below(60))), absl::Seconds(15));
  }
  return world;
}

TEST(Replay, OfRandomHistoriesTellsWhatWasRecorded) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const Mode mode = seed % 2 == 0 ? Mode::kAuto : Mode::kObserve;
    const World world = RandomStory(seed, mode);
    for (int i = 1; i <= 8; ++i) {
      if (HistoryOf(world, i).entries.empty()) continue;
      ExpectAlike(Replayed(world, i, world.policy), Recorded(world, i),
                  Cat("seed ", seed, ", person ", i));
    }
  }
}

TEST(Replay, AShorterWarningPagesExactlyWhoWasOutForLonger) {
  World world = Staff(4);
  for (int i = 1; i <= 4; ++i) Leave(world, i);
  Pass(world, absl::Minutes(5));
  DisableEntra(world, 1);
  Pass(world, absl::Minutes(10));
  DisableEntra(world, 2);
  Pass(world, absl::Minutes(20));
  DisableEntra(world, 3);
  Pass(world, absl::Minutes(40));
  const auto paged = [&](absl::Duration warn_after) {
    std::vector<int> who;
    for (int i = 1; i <= 4; ++i) {
      if (!Replayed(world, i, With(world, Warn(warn_after))).pages.empty()) who.push_back(i);
    }
    return who;
  };
  EXPECT_THAT(paged(absl::Minutes(4)), ::testing::ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(paged(absl::Minutes(10)), ::testing::ElementsAre(2, 3, 4));
  EXPECT_THAT(paged(absl::Minutes(20)), ::testing::ElementsAre(3, 4));
  EXPECT_THAT(paged(absl::Minutes(60)), ::testing::ElementsAre(4));
  EXPECT_THAT(paged(absl::Hours(3)), ::testing::ElementsAre(4)) << "breach_after is as it was";
  const ReplayOutcome third = Replayed(world, 3, With(world, Warn(absl::Minutes(10))));
  ASSERT_THAT(third.pages, SizeIs(1));
  const absl::Time left = HistoryOf(world, 3).entries.front().fact.hi;
  EXPECT_LT(absl::AbsDuration(third.pages[0].at - left - absl::Minutes(10)), absl::Seconds(1));
  EXPECT_GT(third.longest_lag, absl::Minutes(34));
}

TEST(Replay, SaysWhoWouldHaveBeenRevoked) {
  World world = Staff(3);
  for (const int i : {1, 2}) Leave(world, i);
  Pass(world, absl::Minutes(20));
  DisableEntra(world, 1);
  Pass(world, absl::Minutes(60));
  ReplayCandidate candidate;
  candidate.mode = Mode::kAuto;
  EXPECT_THAT(Recorded(world, 2).revoked, IsEmpty());
  EXPECT_THAT(Replayed(world, 1, With(world, candidate)).revoked, IsEmpty());
  EXPECT_THAT(Replayed(world, 1, With(world, candidate)).sealed, SizeIs(1));
  EXPECT_THAT(Replayed(world, 2, With(world, candidate)).revoked, SizeIs(1));
  candidate.revoke_after = absl::Minutes(10);
  EXPECT_THAT(Replayed(world, 1, With(world, candidate)).revoked, SizeIs(1));
}

TEST(Replay, OfHistoryInAutoTellsWhatObserveWouldHaveLeft) {
  const World world = Stories(Mode::kAuto);
  ReplayCandidate candidate;
  candidate.mode = Mode::kObserve;
  const ReplayOutcome outcome = Replayed(world, 3, With(world, candidate));
  EXPECT_THAT(outcome.revoked, IsEmpty());
  EXPECT_EQ(outcome.Worst(), Severity::kCritical);
}

TEST(Replay, ALongerSettleSparesWhoIsBackAtOnce) {
  World world = Staff(1);
  Leave(world, 1);
  Pass(world, absl::Minutes(6));
  Return(world, 1);
  Pass(world, absl::Minutes(5));
  ReplayCandidate candidate = Warn(absl::Minutes(2));
  EXPECT_THAT(Replayed(world, 1, With(world, candidate)).pages, SizeIs(1));
  candidate.settle = absl::Minutes(10);
  EXPECT_THAT(Replayed(world, 1, With(world, candidate)).pages, IsEmpty());
}

TEST(Replay, CountsOnlyWhatBeganWithinTheWindow) {
  World world = Staff(1);
  Leave(world, 1);
  Pass(world, absl::Minutes(60));
  const ReplayWindow later{world.now - absl::Minutes(10), world.now};
  const PersonHistory history = HistoryOf(world, 1);
  EXPECT_THAT(RecordedOutcome(history, later).pages, IsEmpty());
  EXPECT_THAT(ReplayPerson(history, world.link, world.policy, later)->pages, IsEmpty());
  const Policy late = With(world, Warn(absl::Minutes(55)));
  EXPECT_THAT(ReplayPerson(history, world.link, late, later)->pages, SizeIs(1));
}

TEST(Replay, WhoeverWasOutBeforeUsIsInheritedAgainAndHandedOver) {
  World world;
  world.AddPerson(1);
  world.SetAd(1, false);
  world.ReadAll();
  world.Advance(absl::Minutes(60));
  world.Commit(ApplyBaselineAccept(world.context(), world.LoadPeople({1}), "uid:root"));
  world.Advance(absl::Minutes(60));
  ASSERT_FALSE(Recorded(world, 1).pages.empty());
  ExpectAlike(Replayed(world, 1, world.policy), Recorded(world, 1), "inherited");
}

TEST(Replay, WhatIsNotRecordedWellEnoughIsNotReplayed) {
  World world = Staff(1);
  Leave(world, 1);
  Pass(world, absl::Minutes(60));
  PersonHistory history = HistoryOf(world, 1);
  EXPECT_EQ(WhyNotReplayed(history, world.policy), std::nullopt);
  PersonHistory expired = history;
  expired.entries.erase(expired.entries.begin(), expired.entries.begin() + 4);
  EXPECT_EQ(WhyNotReplayed(expired, world.policy), "evidence_expired");
  PersonHistory conflict = history;
  conflict.people.by_ordinal.begin()->second.facts.conflicts_with = 7;
  EXPECT_EQ(WhyNotReplayed(conflict, world.policy), "identity_conflict");
  PersonHistory another = history;
  another.people.by_ordinal.begin()->second.facts.ad[0].object_guid.bytes[3] = 1;
  EXPECT_EQ(WhyNotReplayed(another, world.policy), "another_account_now");
  PersonHistory joined = history;
  joined.people.by_ordinal.clear();
  EXPECT_EQ(WhyNotReplayed(joined, world.policy), "joined_with_another_person");
}

TEST(WithCandidate, ChangesOneTierAndNothingElse) {
  const World world = Staff(1);
  ReplayCandidate candidate = Warn(absl::Minutes(9));
  EXPECT_FALSE(candidate.Empty());
  const Policy policy = With(world, candidate);
  EXPECT_EQ(policy.tiers[1].warn_after, absl::Minutes(9));
  EXPECT_EQ(policy.tiers[0], world.policy.tiers[0]);
  candidate.tier = TierName("vip");
  EXPECT_EQ(WithCandidate(world.policy, candidate).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace driftwarden::monitor
