// Dated exemptions: while one lasts nobody is told and nothing is done; when it is over the person
// is judged like any other.

#include <gtest/gtest.h>

#include <algorithm>

#include "monitor/evaluate.h"
#include "monitor/guards.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

Exemption Until(const World& world, absl::Duration lasts) {
  return {world.now, world.now + lasts, "parental leave", "ada"};
}

void Exempt(World& world, int i, absl::Duration lasts) {
  const PersonOrdinal ordinal = world.person(i).ordinal;
  world.Commit(
      ApplyExemption(world.context(), world.LoadPeople({ordinal}), ordinal, Until(world, lasts)));
}

void EndExemption(World& world, int i) {
  const PersonOrdinal ordinal = world.person(i).ordinal;
  world.Commit(
      ApplyExemptionRemoval(world.context(), world.LoadPeople({ordinal}), ordinal, "grace"));
}

void Leave(World& world, int i) {
  world.SetAd(i, false);
  world.AdRound({i});
}

World Two() {
  World world;
  for (int i = 1; i <= 2; ++i) world.AddPerson(i);
  world.ReadAll();
  return world;
}

TEST(Exemption, MustEndWithinBoundsAndHaveAReason) {
  const Exemption good = {T0(), T0() + absl::Hours(1), "because", "ada"};
  EXPECT_TRUE(CheckExemption(good, T0()).ok());
  Exemption bad = good;
  bad.until = T0();
  EXPECT_EQ(CheckExemption(bad, T0()).code(), StatusCode::kInvalidArgument);
  bad.until = T0() + kLongestExemption + absl::Seconds(1);
  EXPECT_EQ(CheckExemption(bad, T0()).code(), StatusCode::kInvalidArgument);
  for (const std::string& reason :
       {std::string("  "), std::string("\xff"), std::string(kLongestReason + 1, 'x')}) {
    bad = good;
    bad.reason = reason;
    EXPECT_EQ(CheckExemption(bad, T0()).code(), StatusCode::kInvalidArgument) << reason;
  }
}

TEST(Exemption, NobodyIsToldAndNothingIsDoneUntilItEnds) {
  World world = Two();
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.remediation.breakers.quiet_after_first_baseline = absl::ZeroDuration();
  Exempt(world, 1, absl::Hours(5));
  EXPECT_EQ(world.person(1).state, State::kExempt);
  EXPECT_EQ(world.person(2).state, State::kAligned);
  Leave(world, 1);
  const absl::Time left = world.now;
  world.Advance(absl::Hours(4), absl::Minutes(1));
  EXPECT_EQ(world.person(1).state, State::kExempt);
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_TRUE(world.incidents.empty());
  EXPECT_TRUE(world.ActionsOf(1).empty());
  EXPECT_EQ(world.Judge(1).next, "the exemption ends: judged like anybody else");
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_EQ(world.EvidenceOf("exemption_ended"), 1u);
  EXPECT_EQ(world.person(1).state, State::kBreached) << "counted from the departure, not from now";
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_LE(world.person(1).episode->departed.hi, left);
  EXPECT_FALSE(world.person(1).memory.exemption.has_value());
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_FALSE(world.ActionsOf(1).empty());
}

TEST(Exemption, EndsAnOpenEpisodeWithItsAlertAndWhatIsQueued) {
  World world = Two();
  Leave(world, 1);
  world.Advance(absl::Hours(2), absl::Minutes(1));
  ASSERT_EQ(world.person(1).state, State::kBreached);
  world.Deliver();
  ASSERT_NE(world.IncidentOf(1), nullptr);
  Exempt(world, 1, absl::Hours(24));
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed.front().result, EpisodeResult::kExempt);
  ASSERT_EQ(world.incidents.size(), 1u);
  EXPECT_TRUE(world.incidents.begin()->second.ended_at.has_value()) << "to be sent resolved";
  world.Deliver();
  EXPECT_TRUE(world.incidents.empty());
  // Taken back: at once a departure again, from when it was one.
  EndExemption(world, 1);
  EXPECT_EQ(world.person(1).state, State::kBreached);
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_EQ(world.person(1).episode->departed, world.closed.front().departed);
  EXPECT_EQ(world.EvidenceOf("exemption_added"), 1u);
  EXPECT_EQ(world.EvidenceOf("exemption_removed"), 1u);
  EndExemption(world, 1);
  EXPECT_EQ(world.EvidenceOf("exemption_removed"), 1u) << "there is none";
}

TEST(Exemption, ThatEndsIsNoFurtherDepartureOfACrowd) {
  World world;
  for (int i = 1; i <= 40; ++i) world.AddPerson(i);
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  for (int i = 1; i <= 7; ++i) Leave(world, i);
  for (int round = 0; round < 4; ++round) {
    for (int i = 1; i <= 7; ++i) Exempt(world, i, absl::Hours(1));
    for (int i = 1; i <= 7; ++i) EndExemption(world, i);
  }
  world.Advance(absl::Minutes(1));
  EXPECT_FALSE(world.link.guards[kGuardMassDisable].tripped) << "seven left, each of them once";
  for (int i = 8; i <= 26; ++i) Leave(world, i);
  EXPECT_TRUE(world.link.guards[kGuardMassDisable].tripped) << "and now they are 26";
}

TEST(Exemption, WhatWasRevokedBeforeItCountsWhenItIsTakenBack) {
  World world = Two();
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.remediation.breakers.quiet_after_first_baseline = absl::ZeroDuration();
  Leave(world, 1);
  world.Advance(absl::Hours(1), absl::Minutes(1));
  world.RunActions();
  ASSERT_EQ(world.person(1).state, State::kContained);
  const auto revoked = world.person(1).episode->revoked;
  ASSERT_TRUE(revoked.has_value());
  Exempt(world, 1, absl::Hours(2));
  EndExemption(world, 1);
  EXPECT_EQ(world.person(1).state, State::kContained);
  EXPECT_EQ(world.person(1).episode->revoked, revoked) << "alerts and lags are of the departure";
}

TEST(Exemption, WhoWasGoneWhenItEndsIsNoCase) {
  World world = Two();
  Exempt(world, 1, absl::Hours(3));
  Leave(world, 1);
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.EntraRound({1});
  world.Advance(absl::Hours(6), absl::Minutes(5));
  EXPECT_EQ(world.person(1).state, State::kConverged);
  EXPECT_EQ(world.EvidenceOf("episode_opened"), 0u);
}

TEST(Exemption, IsReplacedByALaterWord) {
  World world = Two();
  Exempt(world, 1, absl::Hours(2));
  Exempt(world, 1, absl::Hours(9));
  EXPECT_EQ(world.person(1).memory.exemption->until, world.now + absl::Hours(9));
  EXPECT_EQ(world.evidence.back().type, "exemption_added");
  EXPECT_EQ(world.evidence.back().details.at("instead_of"),
            FormatRfc3339(world.now + absl::Hours(2)));
  world.Advance(absl::Hours(4), absl::Minutes(10));
  EXPECT_EQ(world.person(1).state, State::kExempt);
}

TEST(Exemption, DoesNotEndByAClockThatMayBeWrong) {
  World world = Two();
  Exempt(world, 1, absl::Hours(2));
  Leave(world, 1);
  world.clock_suspect = true;
  world.now += absl::Hours(3);
  world.AdRound({1});
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(world.person(1).state, State::kExempt);
  EXPECT_TRUE(world.person(1).memory.exemption.has_value());
  world.clock_suspect = false;
  world.Review({world.person(1).ordinal});
  EXPECT_FALSE(world.person(1).memory.exemption.has_value());
  EXPECT_TRUE(world.person(1).episode.has_value());
}

TEST(Exemption, ALeaversMailboxThatIsMadeSharedMeanwhileHidesNobody) {
  World world = Two();
  Exempt(world, 1, absl::Hours(3));
  Leave(world, 1);
  world.ad(1).recipient_type = uint64_t{1} << 35;
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  EXPECT_EQ(world.person(1).person_class, PersonClass::kNone);
  world.Advance(absl::Hours(6), absl::Minutes(1));
  EXPECT_EQ(world.person(1).state, State::kBreached);
}

TEST(Exemption, TheGateRefusesAnExemptedPerson) {
  World world = Two();
  Leave(world, 1);
  world.Advance(absl::Minutes(50), absl::Minutes(1));
  Person person = world.person(1);
  const Verdict verdict = world.Judge(1);
  person.memory.exemption = Until(world, absl::Hours(1));
  world.policy.remediation.mode = Mode::kAuto;
  const PermitResult permit =
      PermitAction(person, verdict, {ActionKind::kRevokeSessions, ActionReason::kLag}, world.link,
                   world.policy, world.now, false);
  EXPECT_EQ(permit.permission, Permission::kNo);
  const auto refused = [](const GateResult& g) { return g.name == "not_exempt" && !g.ok; };
  EXPECT_TRUE(std::any_of(permit.gates.begin(), permit.gates.end(), refused));
  const auto gates = CheckReReads(ReReads{}, person, ActionReason::kLag, world.link, world.policy,
                                  world.now, false);
  EXPECT_TRUE(std::any_of(gates.begin(), gates.end(), refused));
}

TEST(Exemption, OfSomebodyFromBeforeUsIsNotWaitedFor) {
  World world;
  world.AddPerson(1);
  world.SetAd(1, false);
  world.ReadAll();
  ASSERT_EQ(world.person(1).state, State::kInherited);
  ASSERT_EQ(world.link.inherited_live, 1u);
  Exempt(world, 1, absl::Hours(1));
  EXPECT_EQ(world.person(1).state, State::kExempt);
  EXPECT_EQ(world.link.inherited_live, 0u);
  EndExemption(world, 1);
  EXPECT_EQ(world.person(1).state, State::kInherited) << "nobody accepted it";
  EXPECT_EQ(world.link.inherited_live, 1u);
}

TEST(Exemption, OfTwoRecordsOfOnePersonTheOneThatEndsLaterStays) {
  for (const bool on_ad : {true, false}) {
    World world;
    world.AddPerson(1);
    const Anchor anchor = *world.entra(1).immutable_id;
    world.entra(1).immutable_id = Anchor("c29tZWJvZHkgZWxzZQ==");
    world.ReadAll();
    ASSERT_EQ(world.people.size(), 2u);
    for (const auto& [ordinal, person] : std::map<PersonOrdinal, Person>(world.people)) {
      const bool longer = person.facts.ad.empty() != on_ad;
      world.Commit(ApplyExemption(world.context(), world.LoadPeople({ordinal}), ordinal,
                                  Until(world, absl::Hours(longer ? 9 : 2))));
    }
    world.entra(1).immutable_id = anchor;
    world.EntraRound({1});
    ASSERT_EQ(world.people.size(), 1u);
    EXPECT_EQ(world.person(1).memory.exemption->until - world.person(1).memory.exemption->since,
              absl::Hours(9))
        << on_ad;
  }
}

}  // namespace
}  // namespace driftwarden::monitor
