// Expected leavers: what is told of departures to come, left_not_disabled, and the timers that the
// urgency selects.

#include <gtest/gtest.h>

#include "monitor/evaluate.h"
#include "tests/monitor/drift_vectors.h"

namespace driftwarden::monitor {
namespace {

const EpisodeKind* Left(const World& world, int i) {
  const auto& episode = world.person(i).episode;
  if (!episode) return nullptr;
  for (const EpisodeKind& kind : episode->kinds) {
    if (kind.kind == DriftKind::kLeftNotDisabled && !kind.cleared) return &kind;
  }
  return nullptr;
}

ExpectedLeave Word(absl::Time effective, LeaveUrgency urgency = LeaveUrgency::kPlanned,
                   bool from_file = false) {
  return {"user", effective, urgency, "HR-1", "hr", T0(), from_file, LeaveEnd::kExpected};
}

LeaveOutcome Tell(World& world, int i, const ExpectedLeave& word) {
  const PersonOrdinal ordinal = world.person(i).ordinal;
  std::vector<LeaveOutcome> outcomes;
  world.Commit(ApplyExpectedLeavers(world.context(), world.LoadPeople({ordinal}), {{ordinal, word}},
                                    &outcomes));
  return outcomes.at(0);
}

void Withdraw(World& world, int i, bool forget) {
  const PersonOrdinal ordinal = world.person(i).ordinal;
  world.Commit(
      ApplyLeaverWithdrawal(world.context(), world.LoadPeople({ordinal}), ordinal, "ada", forget));
}

World One() {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  return world;
}

void Disable(World& world, int i) {
  world.SetAd(i, false);
  world.AdRound({i});
}

OPENS(LeftNotDisabled, kWarning, TheTimePassed) {
  World world = OnePerson();
  Tell(world, 1, Word(world.now + kMinute));
  world.Advance(3 * kMinute);
  return OpenAs(world, kind);
}
OPENS(LeftNotDisabled, kCritical, ACompromise) {
  World world = OnePerson();
  Tell(world, 1, Word(world.now, LeaveUrgency::kCompromise));
  world.Advance(2 * kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(LeftNotDisabled, kCritical, TheTimePassed) {
  World world = OnePerson(true);
  Tell(world, 1, Word(world.now));
  world.Advance(2 * kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(LeftNotDisabled, TheTimeIsToCome) {
  World world = OnePerson();
  Tell(world, 1, Word(world.now + absl::Hours(1)));
  world.Advance(5 * kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(LeftNotDisabled, TheyAreDisabledInTime) {
  World world = OnePerson();
  Tell(world, 1, Word(world.now + 2 * kMinute));
  Leave(world);
  world.Advance(5 * kMinute);
  return OpenAs(world, kind);
}

TEST(LeftNotDisabled, OpensWhenTheTimePassedAndADIsEnabled) {
  World world = One();
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.remediation.breakers.quiet_after_first_baseline = absl::ZeroDuration();
  const absl::Time effective = world.now + absl::Hours(2);
  EXPECT_EQ(Tell(world, 1, Word(effective)), LeaveOutcome::kAccepted);
  EXPECT_EQ(world.person(1).review_at, effective + absl::Seconds(30));
  world.Advance(absl::Minutes(119), absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.Advance(absl::Minutes(3), absl::Seconds(15));
  ASSERT_NE(Left(world, 1), nullptr);
  EXPECT_EQ(Left(world, 1)->severity, Severity::kWarning);
  EXPECT_EQ(Left(world, 1)->since, effective);
  EXPECT_FALSE(world.person(1).episode->OfDeparture());
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(world.IncidentOf(1)->labels.at("kind"), "left_not_disabled");
  world.Advance(absl::Hours(3), absl::Minutes(1));
  EXPECT_TRUE(world.ActionsOf(1).empty()) << "told, never acted on";
  EXPECT_EQ(world.person(1).state, State::kAligned);
}

TEST(LeftNotDisabled, OpensWithTheFirstCompleteReadAfterTheTime) {
  World world = One();
  const absl::Time effective = world.now + absl::Minutes(10);
  Tell(world, 1, Word(effective));
  while (Left(world, 1) == nullptr && world.now < effective + absl::Minutes(5)) {
    world.Advance(absl::Seconds(5), absl::Seconds(5));
  }
  ASSERT_NE(Left(world, 1), nullptr);
  const absl::Duration late = Left(world, 1)->opened - effective;
  EXPECT_LE(late, absl::Seconds(30) + 2 * absl::Seconds(5) + absl::Seconds(5)) << "settle, a poll";
}

TEST(LeftNotDisabled, NeedsALookAfterTheTime) {
  World world = One();
  const absl::Time effective = world.now + absl::Minutes(10);
  Tell(world, 1, Word(effective));
  world.now = effective + absl::Minutes(5);  // and nobody looked
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(Left(world, 1), nullptr);
  EXPECT_LE(world.person(1).review_at, world.now + absl::Minutes(1));
  world.Advance(absl::Minutes(2));
  EXPECT_NE(Left(world, 1), nullptr);
}

TEST(LeftNotDisabled, IsNotForThoseWhoAreOutInTime) {
  World world = One();
  const absl::Time effective = world.now + absl::Hours(2);
  Tell(world, 1, Word(effective));
  world.Advance(absl::Hours(1), absl::Minutes(1));
  Disable(world, 1);
  world.Advance(absl::Minutes(5));
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.Advance(absl::Hours(3), absl::Minutes(1));
  EXPECT_EQ(Left(world, 1), nullptr);
}

TEST(LeftNotDisabled, IsNotForTheExempt) {
  World world = One();
  Tell(world, 1, Word(world.now + absl::Minutes(5)));
  const PersonOrdinal ordinal = world.person(1).ordinal;
  world.Commit(ApplyExemption(world.context(), world.LoadPeople({ordinal}), ordinal,
                              {world.now, world.now + absl::Hours(1), "stays", "ada"}));
  world.Advance(absl::Minutes(30), absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.Advance(absl::Minutes(40), absl::Minutes(1));
  EXPECT_NE(Left(world, 1), nullptr);
}

TEST(LeftNotDisabled, ClearsWhenItIsWithdrawnOrPutOff) {
  for (const bool put_off : {true, false}) {
    World world = One();
    Tell(world, 1, Word(world.now));
    world.Advance(absl::Minutes(2));
    ASSERT_NE(Left(world, 1), nullptr);
    if (put_off) {
      EXPECT_EQ(Tell(world, 1, Word(world.now + absl::Hours(48))), LeaveOutcome::kUpdated);
    } else {
      Withdraw(world, 1, false);
    }
    EXPECT_FALSE(world.person(1).episode.has_value());
    ASSERT_EQ(world.closed.size(), 1u);
    EXPECT_EQ(world.closed[0].result, EpisodeResult::kConverged);
  }
}

TEST(LeftNotDisabled, BecomesTheDepartureAndIsOverWithIt) {
  World world = One();
  const ExpectedLeave word = Word(world.now, LeaveUrgency::kPlanned, true);
  Tell(world, 1, word);
  world.Advance(absl::Minutes(2));
  ASSERT_NE(Left(world, 1), nullptr);
  const EpisodeId episode = world.person(1).episode->id;
  Disable(world, 1);
  world.Advance(absl::Minutes(1));
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_EQ(world.person(1).episode->id, episode);
  EXPECT_TRUE(world.person(1).episode->OfDeparture());
  EXPECT_EQ(Left(world, 1), nullptr);
  EXPECT_EQ(world.person(1).memory.leave->end, LeaveEnd::kExpected);
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.EntraRound({1});
  world.Advance(absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(world.person(1).memory.leave->end, LeaveEnd::kDeparted);
  EXPECT_EQ(world.EvidenceOf("leaver_departed"), 1u);
  // The file still has the row, and the person is hired again.
  EXPECT_EQ(Tell(world, 1, word), LeaveOutcome::kGone);
  world.SetAd(1, true, 3);
  world.AdRound({1});
  world.entra(1).deletion = EntraDeletion::kLive;
  world.EntraRound({1});
  EXPECT_EQ(Tell(world, 1, word), LeaveOutcome::kGone);
  world.Advance(absl::Minutes(5));
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(world.EvidenceOf("leaver_expected"), 1u);
}

TEST(LeftNotDisabled, ADisableThatIsTakenBackLeavesThemExpected) {
  World world = One();
  Tell(world, 1, Word(world.now + absl::Hours(1)));
  Disable(world, 1);
  world.Advance(absl::Minutes(1));
  world.SetAd(1, true, 3);
  world.AdRound({1});
  world.Advance(absl::Minutes(1));
  EXPECT_EQ(world.person(1).memory.leave->end, LeaveEnd::kExpected);
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_NE(Left(world, 1), nullptr);
}

TEST(Leavers, TheSameWordChangesNothing) {
  World world = One();
  const ExpectedLeave word = Word(world.now + absl::Hours(1));
  EXPECT_EQ(Tell(world, 1, word), LeaveOutcome::kAccepted);
  const size_t evidence = world.evidence.size();
  ExpectedLeave again = word;
  again.told += absl::Hours(1);
  again.actor = "somebody else";
  EXPECT_EQ(Tell(world, 1, again), LeaveOutcome::kUnchanged);
  EXPECT_EQ(world.evidence.size(), evidence);
  again.urgency = LeaveUrgency::kImmediate;
  EXPECT_EQ(Tell(world, 1, again), LeaveOutcome::kUpdated);
  std::vector<LeaveOutcome> outcomes;
  ApplyExpectedLeavers(world.context(), {}, {{99, word}}, &outcomes);
  EXPECT_EQ(outcomes.at(0), LeaveOutcome::kUnknown);
}

TEST(Leavers, WhatAnOperatorSaysStandsBeforeTheFile) {
  World world = One();
  const absl::Time at = world.now + absl::Hours(1);
  EXPECT_EQ(Tell(world, 1, Word(at, LeaveUrgency::kPlanned, true)), LeaveOutcome::kAccepted);
  EXPECT_EQ(Tell(world, 1, Word(at, LeaveUrgency::kCompromise)), LeaveOutcome::kUpdated);
  EXPECT_EQ(Tell(world, 1, Word(at, LeaveUrgency::kPlanned, true)), LeaveOutcome::kUnchanged);
  EXPECT_EQ(world.person(1).memory.leave->urgency, LeaveUrgency::kCompromise);
  Withdraw(world, 1, false);
  EXPECT_EQ(Tell(world, 1, Word(at, LeaveUrgency::kPlanned, true)), LeaveOutcome::kUnchanged);
  EXPECT_EQ(world.person(1).memory.leave->end, LeaveEnd::kWithdrawn);
  EXPECT_EQ(Tell(world, 1, Word(at + absl::Hours(1), LeaveUrgency::kPlanned, true)),
            LeaveOutcome::kAccepted)
      << "the file says something new";
  Withdraw(world, 1, true);
  EXPECT_FALSE(world.person(1).memory.leave.has_value());
  Withdraw(world, 1, true);
  EXPECT_EQ(world.EvidenceOf("leaver_withdrawn"), 2u);
}

TEST(Leavers, WhoIsGoneAlreadyIsNotExpected) {
  World world = One();
  Disable(world, 1);
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.EntraRound({1});
  world.Advance(absl::Minutes(2));
  ASSERT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(Tell(world, 1, Word(world.now)), LeaveOutcome::kGone);
}

TEST(Leavers, UrgencySelectsTheTimersOfTheDeparture) {
  struct Case {
    LeaveUrgency urgency;
    absl::Duration warn, revoke, breach;
  };
  for (const Case& c :
       {Case{LeaveUrgency::kPlanned, absl::Minutes(40), absl::Minutes(45), absl::Minutes(70)},
        Case{LeaveUrgency::kImmediate, absl::Minutes(5), absl::Minutes(2), absl::Minutes(10)},
        Case{LeaveUrgency::kCompromise, absl::Minutes(5), absl::Seconds(30), absl::Minutes(10)}}) {
    World world = One();
    Tell(world, 1, Word(world.now + absl::Hours(1), c.urgency));
    Disable(world, 1);
    const absl::Time out = world.now;
    std::map<std::string, std::string> inputs;
    for (const auto& [name, value] : world.Judge(1).because.inputs) inputs[name] = value;
    EXPECT_EQ(inputs.count("timers"), c.urgency == LeaveUrgency::kPlanned ? 0u : 1u);
    EXPECT_TRUE(inputs.contains("leaves"));
    std::optional<absl::Time> lagging, revoke;
    while (world.person(1).state != State::kBreached && world.now < out + absl::Hours(2)) {
      world.Advance(absl::Seconds(10), absl::Seconds(10));
      if (!revoke && !world.Judge(1).wanted.empty()) revoke = world.now;
      if (!lagging && world.person(1).state == State::kLagging) lagging = world.now;
    }
    ASSERT_TRUE(lagging && revoke);
    const auto near = [&](absl::Time at, absl::Duration after) {
      return at >= out + after - absl::Seconds(20) && at <= out + after + absl::Seconds(45);
    };
    EXPECT_TRUE(near(*revoke, c.revoke)) << *revoke - out;
    EXPECT_TRUE(near(*lagging, c.warn)) << *lagging - out;
    EXPECT_TRUE(near(world.now, c.breach)) << world.now - out;
  }
}

TEST(Leavers, OutOfAllReasonIsRefused) {
  ExpectedLeave word = Word(T0());
  EXPECT_TRUE(CheckLeave(word, T0()).ok());
  word.effective = T0() - kLongestPastLeave - absl::Hours(1);
  EXPECT_EQ(CheckLeave(word, T0()).code(), StatusCode::kInvalidArgument);
  word.effective = T0() + kFarthestLeave + absl::Hours(1);
  EXPECT_EQ(CheckLeave(word, T0()).code(), StatusCode::kInvalidArgument);
  word = Word(T0());
  word.identifier.clear();
  EXPECT_EQ(CheckLeave(word, T0()).code(), StatusCode::kInvalidArgument);
  word = Word(T0());
  word.reference = std::string(kLongestReference + 1, 'x');
  EXPECT_EQ(CheckLeave(word, T0()).code(), StatusCode::kInvalidArgument);
  for (const LeaveUrgency urgency : kAllLeaveUrgencies) {
    EXPECT_EQ(ParseLeaveUrgency(LeaveUrgencyText(urgency)), urgency);
  }
  EXPECT_FALSE(ParseLeaveUrgency("soon").has_value());
}

}  // namespace
}  // namespace driftwarden::monitor
