// The process starts by a clock that is already wrong: nothing jumps, so it is not suspect, only
// not vouched for. Then somebody sets it right.

#include "monitor/causes.h"
#include "monitor/set_back.h"
#include "tests/monitor/action_fixture.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kAhead = absl::Hours(3);

class WrongClockTest : public ActionTest {
 protected:
  void Ahead() {
    world.now += kAhead;
    world.clock_vouched = false;
    world.offsets = {{kAd, -kAhead}, {kTenant, -kAhead}};
    world.AdRound({});
    world.EntraRound({});
  }
  void Right() {
    world.now -= kAhead;
    world.clock_vouched = true;
    world.offsets.clear();
    world.AdRound({});
    world.EntraRound({});
    std::vector<PersonOrdinal> everybody;
    for (const auto& [ordinal, person] : world.people) everybody.push_back(ordinal);
    world.Commit(ApplyPolicyReview(world.context(), world.LoadPeople(everybody), 0,
                                   world.link.next_person - 1));
  }
  // While our clock is ahead: the controller's own is right.
  void DisableByTheTrueClock(int i) {
    world.SetAd(i, false);
    world.ad(i).uac_stamp->originating_time -= kAhead;
    world.now += absl::Seconds(1);
    world.AdRound({i});
  }
  // Somebody whose revocation was wanted, and blocked by the clocks, while ours was ahead.
  void BlockedAhead(int i) {
    Ahead();
    DisableByTheTrueClock(i);
    world.Advance(absl::Minutes(3));
    world.ReadDirect(i);
    world.Advance(absl::Minutes(1));
    ASSERT_NE(world.Live(i), nullptr);
    ASSERT_FALSE(world.RunGates(world.Live(i)->id));
    ASSERT_EQ(world.Live(i), nullptr);
    Right();
    world.now += absl::Seconds(1);
    world.ReadDirect(i);
    world.Advance(absl::Seconds(30));
    world.ReadDirect(i);
  }
  // How often the intents of so long come before the gates.
  int TriesWithin(int i, absl::Duration d, const Status* answer = nullptr) {
    const absl::Time until = world.now + d;
    int tries = 0;
    while (world.now < until) {
      const Action* live = world.Live(i);
      if (live == nullptr || live->state != ActionState::kIntent) {
        world.now += absl::Seconds(1);
        continue;
      }
      ++tries;
      const ActionId id = live->id;
      if (world.RunGates(id) && answer != nullptr) world.RunCall(id, *answer);
    }
    return tries;
  }
};

TEST_F(WrongClockTest, AnActionThatWasBlockedAheadTakesNoBackOffAway) {
  world.policy.ad_sources_with_one_dc.clear();  // tier 0 needs a second one, and none answers
  BlockedAhead(40);
  EXPECT_LE(TriesWithin(40, absl::Seconds(25)), 1);
}

TEST_F(WrongClockTest, WhatEntraRefusesIsNotCalledAgainForAnActionFromAhead) {
  world.policy.remediation.budgets.per_person = 10;
  BlockedAhead(1);
  const Status refused = MakeStatus(StatusCode::kPermissionDenied, "403");
  EXPECT_LE(TriesWithin(1, absl::Minutes(1), &refused), 1);
}

TEST_F(WrongClockTest, WhatAGuardRefusesIsOneRecordAndNotOneForEveryLook) {
  BlockedAhead(1);
  world.link.guards[kGuardVerification].tripped = true;
  world.RunActions();
  world.ReadDirect(1);
  const size_t before = world.ActionsOf(1).size();
  for (int look = 0; look < 20; ++look) {
    world.now += absl::Seconds(2);
    world.ReadDirect(1);
  }
  EXPECT_LE(world.ActionsOf(1).size(), before + 1);
}

TEST_F(WrongClockTest, AnActionFromAheadIsOlderThanWhateverIsRequestedFromNowOn) {
  Action action;
  action.state = ActionState::kBlocked;
  action.requested_at = action.finished_at.emplace(world.now + kAhead);
  action.intent_at = action.requested_at;
  ASSERT_TRUE(IsDatedLater(action, world.now));
  SetBack(action, world.now);
  EXPECT_FALSE(IsDatedLater(action, world.now));
  EXPECT_LT(action.requested_at, world.now);
  EXPECT_LE(*action.intent_at, world.now);
  action.requested_at = world.now + kAhead;
  EXPECT_TRUE(IsDatedLater(action, world.now)) << "whatever its other dates say";
  action.requested_at = world.now - absl::Hours(1);
  action.intent_at = world.now + kAhead;
  EXPECT_TRUE(IsDatedLater(action, world.now));
  SetBack(action, world.now);
  EXPECT_EQ(action.requested_at, world.now - absl::Hours(1));
}

// At most five people a day.
TEST_F(WrongClockTest, AGuardThatWasResetAheadCountsWhatIsCalledFromNowOn) {
  world.policy.remediation.budgets.per_10m = 100;
  world.policy.remediation.budgets.per_hour = 100;
  world.now += kAhead;
  world.link.guards[kGuardPercent] = {true, world.now, "too many"};
  world.Commit(ApplyGuardReset(world.context(), {}, kGuardPercent, "ada", "meant"));
  world.now -= kAhead - absl::Seconds(1);
  world.AdRound({});
  world.EntraRound({});
  std::vector<int> who;
  for (int i = 1; i <= 20; ++i) {
    world.SetAd(i, false);
    who.push_back(i);
  }
  world.now += absl::Seconds(1);
  world.AdRound(who);
  world.Advance(absl::Minutes(3));
  for (int turn = 0; turn < 5; ++turn) {
    world.RunActions();
    world.Advance(absl::Seconds(30));
  }
  EXPECT_LE(world.EvidenceOf("sessions_revoked"), 5u);
  EXPECT_TRUE(world.link.guards[kGuardPercent].tripped);
}

TEST_F(WrongClockTest, AGuardThatTrippedAheadStaysTripped) {
  world.link.guards[kGuardPercent] = {true, world.now + kAhead, "too many"};
  ASSERT_TRUE(IsDatedLater(world.link, world.now));
  SetBack(world.link, world.now);
  EXPECT_FALSE(IsDatedLater(world.link, world.now));
  EXPECT_TRUE(world.link.guards[kGuardPercent].tripped);
  EXPECT_EQ(world.link.guards[kGuardPercent].since, world.now);
}

// Read ahead and stored; the clock is set right, the daemon started anew, and AD stays away.
class RestartedTest : public WrongClockTest {
 protected:
  void RestartWithoutAd(bool ahead) {
    if (ahead) {
      Ahead();
      world.now -= kAhead;
      world.offsets.clear();
      world.clock_vouched = false;
    }
    started_ = world.now;
    ForAnHour();
  }
  Context context() {
    Context context = world.context();
    context.running_since = started_;
    return context;
  }
  void ForAnHour() {
    for (int minute = 0; minute < 60; ++minute) {
      world.now += absl::Minutes(1);
      world.Commit(ApplyBatch(context(), {}, world.EntraBatch({})));
    }
  }
  bool AdIsToldToBeStale() const {
    for (const LinkCause& cause : world.link.causes.causes) {
      const bool stale = cause.kind == CauseKind::kSourceStale && cause.subject == kAd.value;
      if (stale && !cause.ended_at) return cause.since <= world.now;
    }
    return false;
  }
  absl::Time started_;
};

TEST_F(RestartedTest, ASourceThatWasReadInTheFutureIsNotFresh) {
  for (const bool ahead : {false, true}) {
    RestartWithoutAd(ahead);
    EXPECT_TRUE(AdIsToldToBeStale()) << ahead;
    EXPECT_TRUE(world.Judge(1).blind) << ahead;
    world.Commit(ApplyBatch(context(), {}, world.AdBatch({})));
    EXPECT_FALSE(world.Judge(1).blind) << ahead;
  }
}

TEST_F(RestartedTest, OurOwnAbsenceMakesItNoFaultOfTheSource) {
  Ahead();
  world.now -= kAhead;
  started_ = world.now;
  world.now += absl::Seconds(30);
  world.Commit(ApplyBatch(context(), {}, world.EntraBatch({})));
  EXPECT_FALSE(AdIsToldToBeStale());
  EXPECT_TRUE(world.Judge(1).blind);
}

TEST_F(RestartedTest, AStartInTheFutureIsNoReasonToWait) {
  started_ = world.now + kAhead;
  ForAnHour();
  EXPECT_TRUE(AdIsToldToBeStale());
}

TEST_F(RestartedTest, ASilenceThatBeganInTheFutureIsAGap) {
  for (const bool vouched : {false, true}) {
    RestartWithoutAd(true);
    world.clock_vouched = vouched;
    const absl::Time back = world.now;
    world.Commit(ApplyBatch(context(), {}, world.AdBatch({})));
    EXPECT_GE(world.link.sources[kAd].gap_ended, back - absl::Seconds(1)) << vouched;
    EXPECT_LE(world.link.sources[kAd].gap_ended, world.now) << vouched;
  }
}

TEST_F(RestartedTest, ClocksThatDifferByLittleAreNoGap) {
  world.link.sources[kAd].last_success = world.now + absl::Minutes(4);
  world.AdRound({});
  EXPECT_EQ(world.link.sources[kAd].gap_ended, absl::InfinitePast());
}

TEST_F(WrongClockTest, AnExemptionEndsOnlyByAClockThatIsVouchedFor) {
  const PersonOrdinal who = world.person(1).ordinal;
  const absl::Time until = world.now + absl::Hours(1);
  world.Commit(ApplyExemption(world.context(), world.LoadPeople({who}), who,
                              {world.now, until, "on leave", "ada"}));
  Disable(1);
  world.Advance(absl::Minutes(2));
  ASSERT_EQ(world.person(1).state, State::kExempt);
  world.now += kAhead;
  world.clock_vouched = false;
  world.ReviewDue();
  EXPECT_EQ(world.person(1).state, State::kExempt);
  EXPECT_GT(world.person(1).review_at, world.now) << "asked again, and not without a pause";
  EXPECT_LT(world.person(1).review_at, world.now + absl::Minutes(2));
  Right();
  world.Advance(absl::Minutes(2));
  world.ReadDirect(1);
  world.Advance(absl::Minutes(2));
  world.RunActions();
  ASSERT_LT(world.now, until);
  EXPECT_TRUE(world.person(1).memory.exemption.has_value());
  EXPECT_EQ(world.EvidenceOf("exemption_ended"), 0u);
  EXPECT_EQ(world.EvidenceOf("sessions_revoked"), 0u);
  world.Advance(absl::Hours(1), absl::Minutes(1));
  EXPECT_FALSE(world.person(1).memory.exemption.has_value());
  EXPECT_EQ(world.EvidenceOf("exemption_ended"), 1u);
}

TEST_F(WrongClockTest, AnExemptionThatPassedWhileNobodyVouchedEndsOnceSomebodyDoes) {
  const PersonOrdinal who = world.person(1).ordinal;
  world.Commit(ApplyExemption(world.context(), world.LoadPeople({who}), who,
                              {world.now, world.now + absl::Hours(1), "on leave", "ada"}));
  Disable(1);
  world.clock_vouched = false;
  world.Advance(absl::Hours(2), absl::Minutes(1));
  ASSERT_TRUE(world.person(1).memory.exemption.has_value());
  world.clock_vouched = true;
  world.Advance(absl::Minutes(2));
  EXPECT_FALSE(world.person(1).memory.exemption.has_value());
  EXPECT_TRUE(world.person(1).episode.has_value());
}

TEST_F(WrongClockTest, WhoLeftBeforeTheClockWasAheadStillCountsOfACrowd) {
  const auto leave = [this](int from, int to) {
    std::vector<int> who;
    for (int i = from; i <= to; ++i) {
      world.SetAd(i, false);
      who.push_back(i);
    }
    world.now += absl::Seconds(1);
    world.AdRound(who);
  };
  leave(1, 20);
  Ahead();
  Right();
  leave(21, 39);
  EXPECT_TRUE(world.link.guards[kGuardMassDisable].tripped);
}

TEST_F(WrongClockTest, FlippingIsNotForgottenByAClockThatNobodyVouchesFor) {
  for (int flip = 0; flip < 4; ++flip) {
    world.SetAd(1, flip % 2 != 0);
    world.now += absl::Seconds(30);
    world.AdRound({1});
  }
  ASSERT_EQ(world.person(1).memory.toggles.size(), 4u);
  Ahead();
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(world.person(1).memory.toggles.size(), 4u);
  EXPECT_GT(world.person(1).review_at, world.now);
  for (int flip = 0; flip < 40; ++flip) {
    world.SetAd(1, flip % 2 != 0);
    world.now += absl::Minutes(10);
    world.AdRound({1});
  }
  EXPECT_LE(world.person(1).memory.toggles.size(), 20u) << "bounded all the same";
}

TEST_F(WrongClockTest, CallsAreNotForgottenByAClockThatNobodyVouchesFor) {
  const CallStamp old{world.now - absl::Hours(30), world.person(9).ordinal, ActionReason::kLag};
  world.link.calls = {old};
  world.clock_vouched = false;
  Disable(1);
  world.Advance(absl::Minutes(3));
  ASSERT_NE(world.Live(1), nullptr);
  EXPECT_EQ(world.link.calls.size(), 2u);
  world.link.calls.insert(world.link.calls.end(), 100'000, old);
  Disable(2);
  world.Advance(absl::Minutes(3));
  ASSERT_NE(world.Live(2), nullptr);
  EXPECT_LE(world.link.calls.size(), 3u) << "bounded all the same";
}

}  // namespace
}  // namespace driftwarden::monitor
