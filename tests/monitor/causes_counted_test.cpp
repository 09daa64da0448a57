// What a link is told of as one count: who drifted before the first look, and whose sessions nobody
// revoked.

#include <gtest/gtest.h>

#include "base/strings.h"
#include "monitor/causes.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

const LinkCause* OpenCount(const World& world, CauseKind kind) {
  for (const LinkCause& cause : world.link.causes.causes) {
    if (cause.kind == kind && !cause.ended_at) return &cause;
  }
  return nullptr;
}

// 1: aligned. 2 and 3: disabled in AD, live. 4: disabled on both sides.
World LeftBeforeUs() {
  World world;
  for (int i = 1; i <= 4; ++i) world.AddPerson(i);
  for (int i = 2; i <= 4; ++i) world.SetAd(i, false, 3);
  world.SetEntra(4, false);
  return world;
}

TEST(InheritedCause, OpensWithTheBaselineAndCountsWhoIsLive) {
  World world = LeftBeforeUs();
  world.Apply(world.AdBatch({1, 2, 3, 4}, true));
  EXPECT_EQ(OpenCount(world, CauseKind::kInherited), nullptr) << "nobody is judged yet";
  world.Apply(world.EntraBatch({1, 2, 3, 4}, true));
  const LinkCause* cause = OpenCount(world, CauseKind::kInherited);
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->people, 2u);
  EXPECT_EQ(cause->since, *world.link.baseline_at);
  EXPECT_EQ(SeverityOf(*cause, world.now + absl::Hours(1000)), Severity::kWarning);
  EXPECT_EQ(cause->detail, "2 people are live in Entra who drifted before the first look");
  // The count follows; it is one alert all the time.
  const uint64_t number = cause->number;
  world.SetEntra(2, false);
  world.ReadDirect(2);
  cause = OpenCount(world, CauseKind::kInherited);
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->number, number);
  EXPECT_EQ(cause->people, 1u);
  EXPECT_EQ(world.EvidenceOf("cause_opened"), 1u);
  // Nobody is left.
  world.SetEntra(3, false);
  world.ReadDirect(3);
  EXPECT_EQ(OpenCount(world, CauseKind::kInherited), nullptr);
  EXPECT_EQ(world.EvidenceOf("cause_cleared"), 1u);
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_EQ(OpenCount(world, CauseKind::kInherited), nullptr);
}

TEST(InheritedCause, IsNoneWhereNobodyIsLive) {
  World world;
  for (int i = 1; i <= 2; ++i) world.AddPerson(i);
  world.SetAd(2, false, 3);
  world.SetEntra(2, false);
  world.ReadAll();
  EXPECT_EQ(OpenCount(world, CauseKind::kInherited), nullptr);
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_EQ(OpenCount(world, CauseKind::kInherited), nullptr) << "left in our time";
}

TEST(InheritedCause, EndsWhenTheBaselineIsAccepted) {
  World world = LeftBeforeUs();
  world.ReadAll();
  world.Advance(absl::Minutes(2));
  ASSERT_NE(OpenCount(world, CauseKind::kInherited), nullptr);
  world.Commit(
      ApplyBaselineAccept(world.context(), world.LoadPeople({world.person(2).ordinal}), "uid:0"));
  EXPECT_EQ(OpenCount(world, CauseKind::kInherited), nullptr);
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(OpenCount(world, CauseKind::kInherited), nullptr);
}

TEST(InheritedCause, ComesUpWhereTheBaselineIsOfAnEarlierVersion) {
  World world = LeftBeforeUs();
  world.ReadAll();
  world.link.causes = CauseBook();
  world.link.causes.waiting_known = true;
  world.AdRound({});
  ASSERT_NE(OpenCount(world, CauseKind::kInherited), nullptr);
}

TEST(InheritedCause, ExplainsNobody) {
  World world = LeftBeforeUs();
  world.ReadAll();
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(absl::Hours(2), absl::Minutes(1));
  ASSERT_NE(OpenCount(world, CauseKind::kInherited), nullptr);
  ASSERT_NE(world.IncidentOf(1), nullptr);
  for (const int i : {1, 2}) {
    EXPECT_EQ(ExplainedBy(world.person(i), {world.link, world.policy, world.now}), nullptr) << i;
  }
}

class NotRevoked : public ::testing::Test {
 protected:
  NotRevoked() {
    world.policy.remediation.mode = Mode::kObserve;
    for (int i = 1; i <= 6; ++i) world.AddPerson(i);
    world.ad(1).admin_count = true;
    world.ReadAll();
    world.Advance(absl::Minutes(1));
  }
  // Gone on both sides, and nobody revoked.
  void Leave(int i) {
    world.SetAd(i, false);
    world.AdRound({i});
    world.Advance(absl::Minutes(1));
    world.SetEntra(i, false);
    world.ReadDirect(i);
  }
  void Pass(absl::Duration d) { world.Advance(d, absl::Minutes(1)); }
  const LinkCause* Summary() const { return OpenCount(world, CauseKind::kNotRevoked); }
  LinkSituation situation() const { return {world.link, world.policy, world.now}; }

  World world;
};

TEST_F(NotRevoked, IsOneSummaryAsInformationWhenTheDriftOpens) {
  Leave(2);
  EXPECT_EQ(Summary(), nullptr) << "not before revoke_after";
  Pass(absl::Minutes(46));
  ASSERT_NE(Summary(), nullptr);
  EXPECT_EQ(Summary()->people, 1u);
  EXPECT_EQ(SeverityOf(*Summary(), world.now + absl::Hours(1000)), Severity::kInfo);
  EXPECT_EQ(Summary()->detail, "1 person is disabled in Entra without a revocation since");
  EXPECT_EQ(world.IncidentOf(2), nullptr);
}

TEST_F(NotRevoked, CountsAnewOnceADay) {
  Leave(2);
  Pass(absl::Minutes(46));
  ASSERT_NE(Summary(), nullptr);
  const uint64_t number = Summary()->number;
  Leave(3);
  Pass(absl::Hours(22));
  EXPECT_EQ(Summary()->people, 1u);
  Pass(absl::Hours(2));
  ASSERT_NE(Summary(), nullptr);
  EXPECT_EQ(Summary()->people, 2u);
  EXPECT_EQ(Summary()->number, number);
  Leave(4);
  Pass(absl::Hours(2));
  EXPECT_EQ(Summary()->people, 2u);
}

TEST_F(NotRevoked, TierZeroMakesItAWarningAtOnceAndStandsInItAlone) {
  Leave(2);
  Pass(absl::Minutes(46));
  ASSERT_NE(Summary(), nullptr);
  Leave(1);
  Pass(absl::Minutes(3));
  ASSERT_NE(Summary(), nullptr);
  EXPECT_EQ(Summary()->severity, Severity::kWarning);
  EXPECT_EQ(Summary()->detail,
            "2 people are disabled in Entra without a revocation since, 1 of tier 0");
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(ExplainedBy(world.person(1), situation()), Summary());
  EXPECT_EQ(ExplainedBy(world.person(2), situation()), nullptr) << "nobody is told about";
  // Something else is open, too: that is told of alone.
  Person signed_in = world.person(1);
  signed_in.episode->kinds.push_back(
      {DriftKind::kSignInAfterDisable, Severity::kWarning, world.now, world.now, std::nullopt});
  EXPECT_EQ(ExplainedBy(signed_in, situation()), nullptr);
  Person failed = world.person(1);
  failed.episode->containment_failed = true;
  EXPECT_EQ(ExplainedBy(failed, situation()), nullptr);
  // Deleted: it is information again.
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.ReadDirect(1);
  Pass(absl::Minutes(2));
  ASSERT_NE(Summary(), nullptr);
  EXPECT_EQ(Summary()->severity, Severity::kInfo);
  EXPECT_EQ(Summary()->people, 1u);
}

TEST_F(NotRevoked, EndsWhenNobodyIsLeft) {
  Leave(2);
  Pass(absl::Minutes(46));
  ASSERT_NE(Summary(), nullptr);
  world.SetAd(2, true);
  world.SetEntra(2, true);
  world.AdRound({2});
  world.ReadDirect(2);
  Pass(absl::Minutes(1));
  EXPECT_EQ(Summary(), nullptr);
}

TEST_F(NotRevoked, WhereDriftwardenSealsByItselfThereIsNone) {
  world.policy.remediation.mode = Mode::kAuto;
  Leave(1);
  Leave(2);
  Pass(absl::Minutes(46));  // nobody makes the calls
  EXPECT_EQ(Summary(), nullptr);
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(ExplainedBy(world.person(1), situation()), nullptr) << "alone, as any tier 0";
  // Tier 0 alone waits for a person's word.
  ModeRule rule;
  rule.tier = TierName(kTier0);
  rule.mode = Mode::kApprove;
  world.policy.remediation.modes = {rule};
  Pass(absl::Minutes(1));
  ASSERT_NE(Summary(), nullptr);
  EXPECT_EQ(Summary()->people, 1u);
  EXPECT_EQ(Summary()->severity, Severity::kWarning);
}

TEST(RevokesByItself, NeedsModeAutoForAnActionThatIsTaken) {
  Policy policy;
  const TierName standard(kStandard);
  EXPECT_FALSE(RevokesByItself(policy, standard));
  policy.remediation.mode = Mode::kAuto;
  EXPECT_TRUE(RevokesByItself(policy, standard));
  policy.remediation.actions = {ActionKind::kDisableAccount};
  EXPECT_FALSE(RevokesByItself(policy, standard));
}

}  // namespace
}  // namespace driftwarden::monitor
