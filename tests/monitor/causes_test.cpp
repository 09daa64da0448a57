// Causes: each opens and clears by its own condition, at its boundary, and explains whom it should.

#include "monitor/causes.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "monitor/cause_counts.h"
#include "monitor/guards.h"
#include "tests/monitor/action_fixture.h"

namespace driftwarden::monitor {
namespace {

const LinkCause* Open(const LinkState& link, CauseKind kind) {
  for (const LinkCause& cause : link.causes.causes) {
    if (cause.kind == kind && !cause.ended_at) return &cause;
  }
  return nullptr;
}

class CausesTest : public ::testing::Test {
 protected:
  void Start(int people) {
    for (int i = 1; i <= people; ++i) world.AddPerson(i);
    world.ReadAll();
  }

  const LinkCause* OpenNow(CauseKind kind) {
    world.Commit(ApplyCauses(world.context()));
    return Open(world.link, kind);
  }

  void Disable(const std::vector<int>& people) {
    for (const int i : people) world.SetAd(i, false);
    world.now += absl::Seconds(1);
    world.AdRound(people);
  }

  void Synced(absl::Time at) {
    TenantLook look;
    look.organization.emplace();
    look.organization->last_sync = at;
    world.Commit(ApplyTenant(world.context(), {}, look));
  }

  // A cycle of the engine that carries nobody, and what it left behind is read.
  void Cycle() {
    world.Advance(absl::Minutes(30), absl::Minutes(1));
    Synced(world.now);
    world.Advance(absl::Minutes(3), absl::Minutes(1));
  }

  static std::vector<int> Range(int from, int to) {
    std::vector<int> all;
    for (int i = from; i <= to; ++i) all.push_back(i);
    return all;
  }

  LinkSituation situation() { return {world.link, world.policy, world.now}; }

  World world;
};

TEST_F(CausesTest, ASourceGoesStaleByTimeAloneInOneRecord) {
  Start(3);
  world.Advance(absl::Minutes(1));
  const absl::Time last = world.link.sources.at(kAd).last_success;
  const absl::Duration bound = world.policy.StaleAfter(kAd);
  world.now = last + bound;
  EXPECT_EQ(OpenNow(CauseKind::kSourceStale), nullptr) << "at the bound it is fresh";
  EXPECT_GT(CausesDueAt(situation()), world.now);
  world.now = CausesDueAt(situation());
  EXPECT_LE(world.now, last + bound + absl::Seconds(1));
  const Changes changes = ApplyCauses(world.context());
  EXPECT_TRUE(changes.people.empty() && changes.incidents.empty());
  EXPECT_TRUE(changes.wake_alerts);
  world.Commit(changes);
  const LinkCause* cause = Open(world.link, CauseKind::kSourceStale);
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->subject, kAd.value);
  EXPECT_EQ(cause->since, last);
  EXPECT_EQ(world.EvidenceOf("cause_opened"), 1u);
}

TEST_F(CausesTest, AStaleSourceCountsWhoseDepartureIsOpenAndKeepsItsWordsOnceItIsRead) {
  Start(5);
  for (int i = 1; i <= 3; ++i) world.SetAd(i, false);
  world.AdRound({1, 2, 3});
  world.Advance(absl::Minutes(1));
  world.now += absl::Minutes(10);
  world.Commit(ApplyCauses(world.context()));
  const LinkCause* cause = Open(world.link, CauseKind::kSourceStale);
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->people, 3u);
  const std::string words = cause->detail;
  world.AdRound({});
  world.EntraRound({});
  cause = Open(world.link, CauseKind::kSourceStale);
  ASSERT_NE(cause, nullptr) << "what it says is still read";
  EXPECT_EQ(cause->detail, words) << "and not that nothing was read since a moment ago";
  EXPECT_EQ(cause->people, 3u);
}

TEST_F(CausesTest, AStaleSourceIsOverWhenItWasRead) {
  Start(1);
  world.now += absl::Minutes(10);
  ASSERT_NE(OpenNow(CauseKind::kSourceStale), nullptr);
  world.AdRound({});
  world.EntraRound({});
  EXPECT_NE(Open(world.link, CauseKind::kSourceStale), nullptr) << "what it says is still read";
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(Open(world.link, CauseKind::kSourceStale), nullptr);
  EXPECT_EQ(world.EvidenceOf("cause_cleared"), 2u) << "the domain and the tenant";
  EXPECT_TRUE(world.link.causes.causes.empty()) << "nobody had heard of them";
}

TEST_F(CausesTest, OurOwnAbsenceMakesNoSourceStale) {
  Start(1);
  world.now += absl::Hours(5);
  LinkSituation started = situation();
  started.running_since = world.now - absl::Minutes(1);
  for (const auto& [kind, finding] : EvaluateLink(started).findings) {
    EXPECT_FALSE(finding.opens) << CauseKindText(kind);
  }
  EXPECT_LE(CausesDueAt(started), world.now + absl::Minutes(1) + absl::Seconds(1));
}

TEST_F(CausesTest, ASuspectClockOpensAndEndsNothing) {
  Start(1);
  world.now += absl::Hours(5);
  world.clock_suspect = true;
  EXPECT_EQ(OpenNow(CauseKind::kSourceStale), nullptr);
}

TEST_F(CausesTest, NobodyIsJudgedBeforeTheBaseline) {
  world.AddPerson(1);
  world.Apply(world.AdBatch({1}, true));
  world.now += absl::Hours(5);
  EXPECT_EQ(OpenNow(CauseKind::kSourceStale), nullptr);
}

TEST_F(CausesTest, AnEngineStallsAfterTwoCyclesAndTenMinutes) {
  Start(1);
  const absl::Time last = world.now;
  Synced(last);
  world.Advance(absl::Minutes(69), absl::Minutes(1));
  Synced(last);
  EXPECT_EQ(OpenNow(CauseKind::kEngineStalled), nullptr);
  world.Advance(absl::Minutes(2));
  const LinkCause* cause = OpenNow(CauseKind::kEngineStalled);
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->since, last);
  world.Advance(absl::Hours(3), absl::Minutes(5));
  EXPECT_NE(Open(world.link, CauseKind::kEngineStalled), nullptr) << "time alone does not mend it";
  Synced(world.now);
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(Open(world.link, CauseKind::kEngineStalled), nullptr);
}

TEST_F(CausesTest, AnEngineThatIsNotReadOfIsNotCalledStalled) {
  Start(1);
  world.Advance(absl::Hours(3), absl::Minutes(5));
  EXPECT_EQ(OpenNow(CauseKind::kEngineStalled), nullptr) << "never read";
  Synced(world.now - absl::Minutes(30));
  world.Advance(absl::Minutes(41), absl::Minutes(1));
  EXPECT_EQ(OpenNow(CauseKind::kEngineStalled), nullptr) << "read 41 minutes ago: may be newer";
  Synced(*world.link.engine_last_sync);
  EXPECT_NE(OpenNow(CauseKind::kEngineStalled), nullptr);
}

TEST_F(CausesTest, AQuarantinedJobIsNamed) {
  Start(1);
  const absl::Time last = world.now;
  world.now += absl::Hours(2);
  TenantLook look;
  look.jobs = {{"job-1", kJobInQuarantine, last, "too many deletions", last}};
  world.Commit(ApplyTenant(world.context(), {}, look));
  const LinkCause* cause = OpenNow(CauseKind::kEngineStalled);
  ASSERT_NE(cause, nullptr);
  EXPECT_NE(cause->detail.find("job-1 stands in quarantine: too many deletions"),
            std::string::npos);
}

TEST_F(CausesTest, ExportIsBlockedWhenTwoCyclesCarriedNoneOfThree) {
  Start(10);
  Synced(world.now);
  Disable({1, 2, 3});
  Cycle();
  EXPECT_EQ(Open(world.link, CauseKind::kExportBlocked), nullptr) << "one cycle";
  Cycle();
  const LinkCause* cause = Open(world.link, CauseKind::kExportBlocked);
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->people, 3u);
  EXPECT_EQ(ExplainedBy(world.person(1), situation()), cause);
  Disable({4});
  EXPECT_EQ(ExplainedBy(world.person(4), situation()), Open(world.link, CauseKind::kExportBlocked));
  // Carried again: it ends when all that this brought is read.
  for (const int i : {1, 2, 3}) world.SetEntra(i, false);
  world.EntraRound({1, 2, 3});
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(Open(world.link, CauseKind::kExportBlocked), nullptr);
}

TEST_F(CausesTest, WhoIsPassedOverWaitsForAReasonOfTheirOwn) {
  Start(10);
  Synced(world.now);
  Disable({1, 2, 3});
  world.Advance(absl::Minutes(1));
  Disable({4});
  world.Advance(absl::Minutes(10), absl::Minutes(1));
  world.SetEntra(4, false);
  world.EntraRound({4});
  Cycle();
  Cycle();
  EXPECT_EQ(Open(world.link, CauseKind::kExportBlocked), nullptr) << "a later one was carried";
}

TEST_F(CausesTest, TwoAreABlockedExportOnlyWhenTheyAreHalf) {
  Start(10);
  Synced(world.now);
  Disable({1, 2});
  Cycle();
  Disable({3, 4, 5});
  Cycle();
  EXPECT_EQ(Open(world.link, CauseKind::kExportBlocked), nullptr) << "two of five";
  World& w = world;
  for (const int i : {3, 4, 5}) w.SetAd(i, true);
  w.AdRound({3, 4, 5});
  w.Advance(absl::Minutes(1));
  EXPECT_NE(Open(w.link, CauseKind::kExportBlocked), nullptr) << "two of two";
}

TEST_F(CausesTest, OneIsNoBlockedExport) {
  Start(10);
  Synced(world.now);
  Disable({1});
  Cycle();
  Cycle();
  Cycle();
  EXPECT_EQ(Open(world.link, CauseKind::kExportBlocked), nullptr);
}

TEST_F(CausesTest, TwentyFiveAreNoMassDisableAndTwentySixAre) {
  Start(60);
  world.Advance(absl::Minutes(1));
  Disable(Range(1, 25));
  EXPECT_EQ(Open(world.link, CauseKind::kMassDisable), nullptr);
  EXPECT_FALSE(world.link.guards[kGuardMassDisable].tripped);
  world.Advance(absl::Minutes(10));
  Disable({26});
  const LinkCause* cause = Open(world.link, CauseKind::kMassDisable);
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->people, 26u);
  EXPECT_TRUE(world.link.guards[kGuardMassDisable].tripped);
  EXPECT_EQ(world.EvidenceOf("guard_tripped"), 1u);
  world.Advance(absl::Hours(1), absl::Minutes(1));
  EXPECT_NE(Open(world.link, CauseKind::kMassDisable), nullptr) << "until somebody looked";
  world.Commit(ApplyGuardReset(world.context(), {}, kGuardMassDisable, "ada", "a closed branch"));
  EXPECT_EQ(Open(world.link, CauseKind::kMassDisable), nullptr);
  Disable(Range(27, 51));
  EXPECT_EQ(Open(world.link, CauseKind::kMassDisable), nullptr) << "counted anew";
}

TEST_F(CausesTest, DeparturesFarApartAreNoMassDisable) {
  Start(60);
  Disable(Range(1, 25));
  world.Advance(absl::Minutes(17), absl::Minutes(1));
  Disable(Range(26, 50));
  EXPECT_EQ(Open(world.link, CauseKind::kMassDisable), nullptr);
}

TEST_F(CausesTest, WhatWeMissedCountsByWhenItHappened) {
  Start(80);
  for (int i = 1; i <= 40; ++i) {
    world.now += absl::Minutes(20);
    world.SetAd(i, false);
  }
  world.now += absl::Minutes(20);
  world.AdRound(Range(1, 40));
  EXPECT_EQ(Open(world.link, CauseKind::kMassDisable), nullptr) << "two a day's hour";
  for (int i = 41; i <= 70; ++i) world.SetAd(i, false);
  world.now += absl::Hours(8);
  world.AdRound(Range(41, 70));
  EXPECT_NE(Open(world.link, CauseKind::kMassDisable), nullptr) << "thirty in one minute";
}

TEST_F(CausesTest, TheBaselineIsNoMassDisable) {
  for (int i = 1; i <= 60; ++i) world.AddPerson(i);
  for (int i = 1; i <= 40; ++i) world.SetAd(i, false);
  world.ReadAll();
  EXPECT_EQ(Open(world.link, CauseKind::kMassDisable), nullptr);
  world.Advance(absl::Hours(1), absl::Minutes(1));
  std::vector<PersonOrdinal> all;
  for (const auto& [ordinal, person] : world.people) all.push_back(ordinal);
  world.Commit(ApplyBaselineAccept(world.context(), world.LoadPeople(all), "ada"));
  EXPECT_EQ(Open(world.link, CauseKind::kMassDisable), nullptr);
}

TEST_F(CausesTest, AMassScopeExitTripsItsGuard) {
  Start(120);
  const auto leave = [&](int from, int to) {
    for (int i = from; i <= to; ++i) world.ad(i).in_scope = false;
    world.AdRound(Range(from, to));
  };
  leave(1, 50);
  EXPECT_EQ(Open(world.link, CauseKind::kMassScopeExit), nullptr);
  leave(51, 51);
  ASSERT_NE(Open(world.link, CauseKind::kMassScopeExit), nullptr);
  EXPECT_TRUE(world.link.guards[kGuardMassScopeExit].tripped);
  EXPECT_TRUE(IsHeldByGuard(world.person(1), world.link, kGuardMassScopeExit));
  EXPECT_FALSE(IsHeldByGuard(world.person(60), world.link, kGuardMassScopeExit));
}

TEST_F(CausesTest, ManyOfOneKindCollapseAndStayTogetherUntilClearlyFewer) {
  Start(1);
  world.policy.collapse_after = 20;
  const auto judge = [&](int64_t standard, int64_t tier0 = 0) {
    world.link.open.clear();
    const auto put = [&](const char* tier, int64_t n) {
      world.link.open[{DriftKind::kDisableLag, TierName(tier), Severity::kCritical}] = n;
    };
    put(kStandard, standard);
    put(kTier0, tier0);
    for (const auto& [kind, finding] : EvaluateLink(situation()).findings) {
      if (kind == CauseKind::kCollapsed) return finding;
    }
    return CauseFinding();
  };
  EXPECT_FALSE(judge(20).opens);
  EXPECT_TRUE(judge(21).opens);
  EXPECT_FALSE(judge(20, 5).opens) << "tier 0 is told alone";
  EXPECT_TRUE(judge(16).holds);
  EXPECT_FALSE(judge(15).holds);
  EXPECT_EQ(judge(21).subject, "disable_lag");
}

// A stalled engine, and people who departed while it was.
class ExplainedTest : public CausesTest {
 protected:
  ExplainedTest() {
    for (int i = 1; i <= 6; ++i) world.AddPerson(i);
    world.ad(6).admin_count = true;
    world.ReadAll();
    Disable({5});
    world.Advance(absl::Minutes(90), absl::Minutes(1));
    const absl::Time last = world.now;
    Synced(last);
    Disable({1, 2, 6});
    world.Advance(absl::Minutes(72), absl::Minutes(1));
    Synced(last);
    EXPECT_NE(OpenNow(CauseKind::kEngineStalled), nullptr);
  }
};

TEST_F(ExplainedTest, WhoLeftWhileTheEngineWasOutIsExplainedByIt) {
  EXPECT_EQ(world.person(1).phase, State::kBreached);
  const LinkCause* cause = ExplainedBy(world.person(1), situation());
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->kind, CauseKind::kEngineStalled);
  EXPECT_EQ(ExplainedBy(world.person(3), situation()), nullptr) << "nothing is open";
  EXPECT_EQ(ExplainedBy(world.person(5), situation()), nullptr) << "left when it still ran";
}

TEST_F(ExplainedTest, TierZeroIsNeverExplained) {
  EXPECT_EQ(ExplainedBy(world.person(6), situation()), nullptr);
}

TEST_F(ExplainedTest, ACriticalSignInIsNeverExplained) {
  Person person = world.person(1);
  person.episode->kinds.push_back(
      {DriftKind::kSignInAfterDisable, Severity::kCritical, world.now, world.now, std::nullopt});
  EXPECT_EQ(ExplainedBy(person, situation()), nullptr);
  person.episode->kinds.back().cleared = world.now;
  EXPECT_NE(ExplainedBy(person, situation()), nullptr);
}

TEST_F(ExplainedTest, AReenabledAccountIsNoFaultOfTheEngine) {
  Person person = world.person(1);
  person.episode->kinds.push_back(
      {DriftKind::kCloudReenabled, Severity::kCritical, world.now, world.now, std::nullopt});
  EXPECT_EQ(ExplainedBy(person, situation()), nullptr);
}

TEST_F(ExplainedTest, TheNearestCauseExplains) {
  world.now += absl::Minutes(10);
  ASSERT_NE(OpenNow(CauseKind::kSourceStale), nullptr);
  const LinkCause* cause = ExplainedBy(world.person(1), situation());
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->kind, CauseKind::kSourceStale);
}

class MassActionTest : public ActionTest {};

TEST_F(MassActionTest, TheCrowdIsHeldBackAndOthersAreNot) {
  world.policy.remediation.budgets = {100, 100, 1, absl::Minutes(10), 3};
  world.policy.remediation.breakers.max_percent_per_day = 0;
  Disable(30);
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(Only(30).state, ActionState::kIntent);
  world.Advance(absl::Minutes(20));
  std::vector<int> crowd;
  for (int i = 1; i <= 26; ++i) crowd.push_back(i);
  for (const int i : crowd) world.SetAd(i, false);
  world.now += absl::Seconds(1);
  world.AdRound(crowd);
  ASSERT_TRUE(world.link.guards[kGuardMassDisable].tripped);
  world.Advance(absl::Minutes(3));
  const GateResult* failed = Failed(Only(1));
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->name, GateOf(kGuardMassDisable));
  EXPECT_EQ(Only(1).state, ActionState::kBlocked);
  EXPECT_TRUE(HeldBackBy(Only(1), kGuardMassDisable));
  EXPECT_FALSE(IsHeldByGuard(world.person(30), world.link, kGuardMassDisable));
  EXPECT_GT(world.EvidenceOf("action_blocked"), 0u);
  std::vector<PersonOrdinal> all;
  for (const auto& [ordinal, person] : world.people) all.push_back(ordinal);
  world.Commit(ApplyGuardReset(world.context(), world.LoadPeople(all), kGuardMassDisable, "ada",
                               "a closed branch"));
  world.ReviewDue();
  EXPECT_NE(world.Live(1), nullptr);
}

TEST(CauseCounts, SlicesAreBoundedAndStayExact) {
  std::vector<RecentSlice> slices;
  for (int i = 0; i < 500; ++i) {
    CountRecent(slices, T0() + absl::Minutes(i), T0() + absl::Minutes(i), kMassDisableWindow);
  }
  EXPECT_LE(slices.size(), kSlicesKept);
  EXPECT_EQ(MostWithin(slices, kMassDisableWindow).count, 15u);
  ForgetRecent(slices, T0() + absl::Minutes(514), kMassDisableWindow);
  EXPECT_TRUE(slices.empty());

  std::vector<WaitingSlice> waiting;
  std::vector<Person> people;
  for (int i = 0; i < 500; ++i) {
    Person person;
    person.ordinal = static_cast<PersonOrdinal>(i) + 1;
    person.phase = State::kLagging;
    person.episode.emplace();
    AdHalf half;
    half.disabled = Tri::kYes;
    half.disabled_seen = T0() + absl::Minutes((i * 37) % 500);
    person.facts.ad.push_back(half);
    CountWaiting(waiting, person, 1);
    people.push_back(person);
  }
  EXPECT_LE(waiting.size(), kSlicesKept);
  EXPECT_EQ(WaitingBetween(waiting, absl::InfinitePast(), absl::InfiniteFuture()), 500);
  for (const Person& person : people) CountWaiting(waiting, person, -1);
  EXPECT_TRUE(waiting.empty());
}

}  // namespace
}  // namespace driftwarden::monitor
