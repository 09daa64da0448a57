// From a wanted action to a verified call: modes, gates, budgets, breakers and what a crash leaves.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "base/time.h"
#include "tests/monitor/action_fixture.h"

namespace driftwarden::monitor {
namespace {

TEST_F(ActionTest, TheWholeWayOfASkippedPerson) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(Only(1).state, ActionState::kIntent);
  EXPECT_EQ(Only(1).reason, ActionReason::kLag);
  world.RunActions();
  EXPECT_EQ(Only(1).state, ActionState::kVerified);
  EXPECT_EQ(world.person(1).phase, State::kContained);
  EXPECT_EQ(world.person(1).episode->revokes, 1u);
  EXPECT_EQ(world.tally.revocation_lags.size(), 1u);
  for (const char* type :
       {"action_intent", "gate_results", "action_called", "action_verified", "sessions_revoked"}) {
    EXPECT_EQ(world.EvidenceOf(type), 1u) << type;
  }
  world.Advance(absl::Minutes(45));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u) << "contained: nothing more to do";
  EXPECT_EQ(world.IncidentOf(1)->labels.at("severity"), "warning");
  world.SetEntra(1, false);
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).phase, State::kUnsealed);
  ASSERT_EQ(world.ActionsOf(1).size(), 2u);
  EXPECT_EQ(world.ActionsOf(1)[1].reason, ActionReason::kSeal);
  world.RunActions();
  EXPECT_EQ(world.person(1).phase, State::kConverged);
  EXPECT_EQ(world.closed.at(0).result, EpisodeResult::kConverged);
}

TEST_F(ActionTest, WhatComesNextSaysWhatKeepsARevocationBack) {
  Disable(1);
  world.policy.remediation.mode = Mode::kObserve;
  world.policy.tiers.back().revoke_after = absl::Minutes(2);
  world.Advance(absl::Minutes(1));
  EXPECT_EQ(world.Judge(1).next, "sessions are to be revoked, but mode observe does nothing");
  world.policy.remediation.mode = Mode::kAuto;
  EXPECT_EQ(world.Judge(1).next, "sessions are to be revoked");
  world.link.guards[kGuardPercent].tripped = true;
  EXPECT_EQ(world.Judge(1).next,
            "sessions are to be revoked, but the guard max_percent_per_day is tripped");
}

TEST_F(ActionTest, ContainedEndsWhenTheAccountWasOutAndIsBack) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  world.RunActions();
  EXPECT_EQ(world.person(1).phase, State::kContained);
  world.policy.remediation.mode = Mode::kObserve;
  world.SetEntra(1, false);
  world.ReadDirect(1);
  world.now += absl::Seconds(5);
  world.SetEntra(1, true);
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).phase, State::kPending);
}

TEST_F(ActionTest, ObserveDoesNothingAndShadowRecordsOnce) {
  world.policy.remediation.mode = Mode::kObserve;
  Disable(1);
  world.Advance(absl::Minutes(5));
  EXPECT_TRUE(world.actions.empty());
  world.policy.remediation.mode = Mode::kShadow;
  world.Review({world.person(1).ordinal});
  world.Advance(absl::Minutes(50));
  EXPECT_EQ(Only(1).state, ActionState::kShadow);
  EXPECT_TRUE(world.link.calls.empty());
}

TEST_F(ActionTest, TierZeroIsNeverActedOnWithoutASecondDc) {
  Disable(40);
  world.Advance(absl::Minutes(6));
  EXPECT_EQ(Only(40).state, ActionState::kBlocked);
  ASSERT_NE(Failed(Only(40)), nullptr);
  EXPECT_EQ(Failed(Only(40))->name, "second_dc");
  EXPECT_EQ(Failed(Only(40))->observed,
            "this tier needs a second domain controller's word, and only one is configured for " +
                kAd.value);
  world.Advance(absl::Minutes(60));
  EXPECT_EQ(world.ActionsOf(40).size(), 1u) << "blocked for one reason is one record";
  EXPECT_EQ(world.EvidenceOf("action_blocked"), 1u);
}

TEST_F(ActionTest, QuietAfterTheFirstBaseline) {
  world.policy.remediation.breakers.quiet_after_first_baseline = absl::Hours(1);
  Disable(1);
  world.Advance(absl::Minutes(10));
  EXPECT_EQ(Only(1).state, ActionState::kBlocked);
  EXPECT_EQ(Failed(Only(1))->name, "quiet_after_first_baseline");
  world.Advance(absl::Minutes(55));
  ASSERT_NE(world.Live(1), nullptr);
  EXPECT_EQ(world.Live(1)->state, ActionState::kIntent);
}

TEST_F(ActionTest, AnAnchorWithoutASidNeedsAnApproval) {
  world.entra(1).on_premises_sid = Sid{};
  world.EntraRound({1});
  Disable(1);
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(Only(1).state, ActionState::kBlocked);
  EXPECT_EQ(Failed(Only(1))->name, "grade");
}

TEST_F(ActionTest, EnabledInAdAtTheLastMomentBlocks) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  world.SetAd(1, true);
  EXPECT_FALSE(world.RunGates(id));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kDropped);
  EXPECT_EQ(world.person(1).phase, State::kAligned);
  EXPECT_EQ(world.EvidenceOf("action_called"), 0u);
}

TEST_F(ActionTest, ABlockedIntentIsTriedAgainAfterABackOff) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  world.link.sources[kTenant].clock_offset = absl::Minutes(6);
  EXPECT_FALSE(world.RunGates(id));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kBlocked);
  EXPECT_EQ(world.EvidenceOf("action_blocked"), 1u);
  world.ReviewDue();
  EXPECT_EQ(world.Live(1), nullptr);
  world.Advance(absl::Minutes(2));
  ASSERT_NE(world.Live(1), nullptr);
  EXPECT_NE(world.Live(1)->id, id);
}

TEST_F(ActionTest, BudgetsQueueAndNeverLatch) {
  world.policy.remediation.budgets.per_10m = 2;
  for (int i = 1; i <= 5; ++i) Disable(i);
  world.Advance(absl::Minutes(2));
  const auto count = [&](ActionState state) {
    return std::count_if(world.actions.begin(), world.actions.end(),
                         [&](const auto& a) { return a.second.state == state; });
  };
  EXPECT_EQ(count(ActionState::kIntent), 2);
  EXPECT_EQ(count(ActionState::kQueued), 3);
  world.RunActions();
  world.Advance(absl::Minutes(7));
  EXPECT_EQ(count(ActionState::kVerified), 2);
  EXPECT_EQ(count(ActionState::kQueued), 3);
  world.Advance(absl::Minutes(3));
  world.RunActions();
  EXPECT_EQ(count(ActionState::kVerified), 4);
  world.Advance(absl::Minutes(12));
  world.RunActions();
  EXPECT_EQ(count(ActionState::kVerified), 5);
  EXPECT_TRUE(world.link.guards.empty());
}

TEST_F(ActionTest, ThePercentBreakerLatchesUntilANamedPersonResetsIt) {
  world.policy.remediation.budgets = {100, 1000, 1, absl::Minutes(10), 3};
  for (int i = 1; i <= 8; ++i) Disable(i);
  world.Advance(absl::Minutes(2));
  EXPECT_TRUE(world.link.guards.at(kGuardPercent).tripped);
  EXPECT_EQ(world.link.calls.size(), 5u) << "at least five, whatever the percentage";
  EXPECT_EQ(world.EvidenceOf("guard_tripped"), 1u);
  world.RunActions();
  const auto verified = [&] {
    return std::count_if(world.actions.begin(), world.actions.end(),
                         [](const auto& a) { return a.second.state == ActionState::kVerified; });
  };
  EXPECT_EQ(verified(), 0) << "what was under way is stopped as well";
  world.Advance(absl::Minutes(30));
  world.RunActions();
  EXPECT_EQ(verified(), 0);
  world.Commit(ApplyGuardReset(world.context(), {}, kGuardPercent, "ann", "tested"));
  EXPECT_FALSE(world.link.guards.at(kGuardPercent).tripped);
  EXPECT_EQ(world.EvidenceOf("guard_reset"), 1u);
  world.Commit(ApplyGuardReset(world.context(), {}, kGuardPercent, "ann", "again"));
  EXPECT_EQ(world.EvidenceOf("guard_reset"), 1u) << "nothing to reset";
  world.policy.remediation.breakers.max_percent_per_day = 50;
  world.Advance(absl::Minutes(11));
  world.RunActions();
  EXPECT_EQ(verified(), 8);
}

TEST_F(ActionTest, ThePercentBreakerTellsWholePeople) {
  world.policy.remediation.budgets = {100, 1000, 1, absl::Minutes(10), 3};
  world.policy.remediation.breakers.max_percent_per_day =
      660 / static_cast<double>(world.link.linked_people);
  for (int i = 1; i <= 8; ++i) {
    Disable(i);
    world.Advance(absl::Minutes(2));
  }
  EXPECT_EQ(world.link.calls.size(), 6u);
  EXPECT_EQ(world.link.guards.at(kGuardPercent).detail, "7 people within a day, at most 6");
}

TEST_F(ActionTest, AResetMakesWhatTheGuardHeldBackDueInTheSameCommit) {
  world.policy.remediation.budgets = {100, 1000, 1, absl::Minutes(10), 3};
  for (int i = 1; i <= 8; ++i) Disable(i);
  world.Advance(absl::Minutes(2));
  ASSERT_TRUE(world.link.guards.at(kGuardPercent).tripped);
  world.RunActions();  // what was under way is blocked after its intent
  std::vector<PersonOrdinal> everybody;
  for (const auto& [ordinal, person] : world.people) everybody.push_back(ordinal);
  for (int i = 1; i <= 8; ++i) {
    ASSERT_EQ(world.ActionsOf(i).size(), 1u);
    EXPECT_TRUE(HeldBackBy(world.ActionsOf(i)[0], kGuardPercent));
    EXPECT_FALSE(HeldBackBy(world.ActionsOf(i)[0], kGuardVerification));
    EXPECT_GT(world.person(i).review_at, world.now);
  }
  const Changes reset =
      ApplyGuardReset(world.context(), world.LoadPeople(everybody), kGuardPercent, "ann", "tested");
  EXPECT_EQ(reset.people.size(), 8u) << "nobody else is touched";
  EXPECT_EQ(reset.actions.size(), 8u);
  world.Commit(reset);
  for (int i = 1; i <= 8; ++i) EXPECT_EQ(world.person(i).review_at, world.now) << i;
  world.policy.remediation.breakers.max_percent_per_day = 50;
  world.ReviewDue();
  world.RunActions();
  for (int i = 1; i <= 8; ++i) EXPECT_EQ(world.Live(i), nullptr);
  EXPECT_EQ(std::count_if(world.actions.begin(), world.actions.end(),
                          [](const auto& a) { return a.second.state == ActionState::kVerified; }),
            8);
}

TEST_F(ActionTest, ThreeRevocationsThatDoNotShowTripTheGuard) {
  world.policy.remediation.budgets = {100, 1000, 10, absl::Minutes(10), 3};
  for (int i = 1; i <= 3; ++i) {
    Disable(i);
    world.Advance(absl::Minutes(2));
    const ActionId id = world.Live(i)->id;
    ASSERT_TRUE(world.RunGates(id));
    world.RunCall(id);
    world.RunVerify(id, false);
    EXPECT_EQ(world.actions.at(id).state, ActionState::kFailed);
  }
  EXPECT_TRUE(world.link.guards.at(kGuardVerification).tripped);
  ASSERT_NE(world.IncidentOf(3), nullptr) << "containment failed: a human must act";
  world.Commit(ApplyGuardReset(world.context(), {}, kGuardVerification, "ann", "replica was slow"));
  EXPECT_EQ(world.link.verification_failures, 0u);
}

TEST_F(ActionTest, APauseStopsEverythingBeforeItsCallUntilSomebodyResumes) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_EQ(Only(1).state, ActionState::kIntent);
  world.Commit(ApplyPause(world.context(), "ann", "a red team at work"));
  world.Commit(ApplyPause(world.context(), "bob", "too"));
  EXPECT_EQ(world.EvidenceOf("automation_paused"), 1u) << "it is paused already";
  EXPECT_FALSE(world.RunGates(id)) << "what is under way stops before its call";
  ASSERT_NE(Failed(world.actions.at(id)), nullptr);
  EXPECT_EQ(Failed(world.actions.at(id))->name, "not_paused");
  Disable(2);
  world.Advance(absl::Minutes(5));
  ASSERT_EQ(world.ActionsOf(2).size(), 1u);
  EXPECT_EQ(world.ActionsOf(2)[0].state, ActionState::kBlocked);
  EXPECT_EQ(Failed(world.ActionsOf(2)[0])->observed,
            Cat("since ", FormatRfc3339(world.link.guards.at(kPaused).since),
                ", by ann: a red team at work"));
  EXPECT_FALSE(world.link.guards[kGuardPercent].tripped) << "no guard's business";
  std::vector<PersonOrdinal> everybody;
  for (const auto& [ordinal, person] : world.people) everybody.push_back(ordinal);
  world.Commit(ApplyGuardReset(world.context(), world.LoadPeople(everybody), kPaused, "ann", ""));
  EXPECT_EQ(world.EvidenceOf("automation_resumed"), 1u);
  EXPECT_EQ(world.EvidenceOf("guard_reset"), 0u);
  world.ReviewDue();
  world.RunActions();
  EXPECT_EQ(world.person(1).phase, State::kContained);
  EXPECT_EQ(world.person(2).phase, State::kContained);
}

TEST_F(ActionTest, RefusedForPrivilegePagesAndIsNotRetried) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.RunCall(id, PermissionError("Authorization_RequestDenied"));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kFailed);
  ASSERT_NE(world.IncidentOf(1), nullptr);
  world.Advance(absl::Hours(1), absl::Minutes(1));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
}

TEST_F(ActionTest, AFailedCallIsRepeatedOnlyWithinTheBudgetOfTheEpisode) {
  Disable(1);
  for (int minute = 0; minute < 240; ++minute) {
    world.Advance(absl::Minutes(1), absl::Minutes(1));
    const Action* live = world.Live(1);
    if (live == nullptr || live->state != ActionState::kIntent) continue;
    const ActionId id = live->id;
    if (world.RunGates(id)) world.RunCall(id, UnavailableError("503"));
  }
  EXPECT_EQ(world.person(1).episode->revokes, 3u);
  EXPECT_EQ(world.EvidenceOf("action_called"), 3u);
  EXPECT_EQ(Failed(world.ActionsOf(1).back())->name, "budget_episode");
}

TEST_F(ActionTest, NoAnswerIsNotANo) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.RunCall(id, DeadlineError("no answer"));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kCalled);
  world.RunVerify(id);
  EXPECT_EQ(world.person(1).phase, State::kContained);
}

TEST_F(ActionTest, ACallThatNeverLeftWaitsForAnotherTryAndCountsNowhere) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  for (const absl::Duration wait : {absl::Seconds(30), absl::Seconds(60)}) {
    ASSERT_TRUE(world.RunGates(id));
    world.RunCall(id, UnavailableError("all were busy"), false);
    EXPECT_EQ(world.actions.at(id).outcome, "not sent: all were busy");
    EXPECT_EQ(world.actions.at(id).retry_at, world.now + wait);
    EXPECT_TRUE(world.link.calls.empty() && world.person(1).episode->revokes == 0);
    world.Advance(wait + absl::Seconds(1));
    EXPECT_EQ(world.actions.at(id).state, ActionState::kIntent) << "the same action";
  }
}

TEST_F(ActionTest, ACallThatACrashHidIsFoundByReading) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  VerifyReport found;
  found.action = id;
  found.verified = true;
  found.read_at = world.now + absl::Minutes(1);
  found.value = SessionsValidFrom{false, world.now};
  found.called_at_reconciled = world.actions.at(id).cleared_at;
  world.now += absl::Minutes(1);
  world.Commit(ApplyVerify(world.context(), world.LoadPeople({world.person(1).ordinal}), found));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kVerified);
  EXPECT_EQ(world.person(1).phase, State::kContained);
  EXPECT_EQ(world.person(1).episode->revokes, 1u);
}

TEST_F(ActionTest, AnIntentThatACrashLeftWithoutACallStartsOver) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.RunVerify(id, false);
  EXPECT_EQ(world.link.verification_failures, 0u);
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(world.actions.at(id).state, ActionState::kIntent);
  EXPECT_EQ(world.link.calls.size(), 1u);
}

TEST_F(ActionTest, ClearedGatesAskedAgainCountAsAnotherCall) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  EXPECT_FALSE(world.RunGates(id));
  EXPECT_EQ(world.actions.at(id).retry_at, world.now + absl::Minutes(2))
      << "one call per person in ten minutes, and one may be out: it is read for meanwhile";
  EXPECT_EQ(world.link.calls.size(), 1u);
  world.Advance(absl::Minutes(12));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kCleared);
  EXPECT_TRUE(world.RunGates(id));
  EXPECT_EQ(world.link.calls.size(), 2u);
}

TEST_F(ActionTest, ACallThatMayBeOutIsNotForgottenWhileOurOwnSightIsTroubled) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.clock_suspect = true;
  EXPECT_FALSE(world.RunGates(id));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kCleared);
  EXPECT_EQ(world.actions.at(id).retry_at, world.now + absl::Seconds(30));
}

TEST_F(ActionTest, SomebodyKnownToBeEnabledIsNotCalledOnTheWordOfALaggingController) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  Person person = world.person(1);
  ASSERT_EQ(person.facts.ad.size(), 1u);
  ReReads reads;
  reads.intent_at = world.now;
  reads.ad.emplace();
  reads.ad->object_guid = person.facts.ad[0].object_guid;
  reads.ad->user_account_control = 0x202;
  reads.ad_read = reads.entra_read = TimeBounds::Exactly(world.now);
  const auto said = [&] {
    return CheckReReads(reads, person, ActionReason::kLag, world.link, world.policy, world.now,
                        false)
        .front();
  };
  EXPECT_TRUE(said().ok) << said().observed;
  person.facts.ad[0].disabled = Tri::kNo;
  EXPECT_FALSE(said().ok);
  EXPECT_EQ(said().observed, "an account of theirs is known to be enabled");
}

TEST_F(ActionTest, WhatIsNoLongerCalledForIsNotCalledThoughTheGatesPassed) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.SetAd(1, true);
  world.AdRound({1});
  Disable(1);  // another departure, with a grace of its own
  ASSERT_EQ(world.actions.at(id).state, ActionState::kCleared);
  EXPECT_FALSE(world.RunGates(id));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kBlocked);
  ASSERT_NE(Failed(world.actions.at(id)), nullptr);
  EXPECT_EQ(Failed(world.actions.at(id))->name, "still_wanted");
}

TEST_F(ActionTest, ABudgetOfNothingIsAskedAgain) {
  world.policy.remediation.budgets.per_10m = 0;
  Disable(1);
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(Only(1).state, ActionState::kQueued);
  ASSERT_TRUE(Only(1).retry_at.has_value());
  EXPECT_LE(*Only(1).retry_at, world.now + absl::Minutes(11));
  world.policy.remediation.budgets.per_10m = 5;
  world.Advance(absl::Minutes(12));
  EXPECT_EQ(Only(1).state, ActionState::kIntent);
}

TEST_F(ActionTest, ReportsDeliveredTwiceChangeNothing) {
  Disable(1);
  world.Advance(absl::Minutes(2));
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.RunCall(id);
  const Action called = world.actions.at(id);
  world.RunCall(id);
  EXPECT_EQ(world.actions.at(id), called);
  world.RunVerify(id);
  const size_t evidence = world.evidence.size();
  world.RunVerify(id);
  EXPECT_EQ(world.evidence.size(), evidence);
  EXPECT_EQ(world.EvidenceOf("action_verified"), 1u);
}

TEST_F(ActionTest, NothingStartsWhileBlindOrWithASuspectClock) {
  Disable(1);
  world.now += absl::Minutes(10);
  world.clock_suspect = true;
  world.ReviewDue();
  EXPECT_TRUE(world.actions.empty());
  EXPECT_EQ(world.person(1).phase, State::kPending);
  world.clock_suspect = false;
  world.ReviewDue();
  EXPECT_TRUE(world.actions.empty()) << "sources are stale";
  EXPECT_TRUE(world.Judge(1).blind);
}

}  // namespace
}  // namespace driftwarden::monitor
