// policy.act_on_expired: whoever expired in AD and is live in Entra is revoked like somebody who
// was disabled, once, and only while every look says that AD refuses them.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "monitor/what_if.h"
#include "tests/monitor/action_fixture.h"

namespace driftwarden::monitor {
namespace {

class ExpiredActionTest : public ActionTest {
 protected:
  ExpiredActionTest() { world.policy.act_on_expired = true; }

  // As somebody writes the date now.
  void SetExpiry(int i, absl::Time at) {
    AdView& view = world.ad(i);
    view.account_expires = at;
    const uint32_t version = view.expires_stamp ? view.expires_stamp->version + 1 : 2;
    view.expires_stamp = MetadataStamp{version, world.now, view.uac_stamp->invocation_id, 5};
    ++view.usn_changed;
  }
  void Expire(int i, absl::Time at) {
    SetExpiry(i, at);
    world.AdRound({i});
  }
  // Expired and told of, long enough ago to act.
  void ExpireAndWait(int i) {
    Expire(i, world.now + absl::Minutes(5));
    world.Advance(absl::Minutes(7));
  }
  void SignInAt(int i, absl::Time at, bool interactive = true) {
    LogLook look;
    look.source = kTenant;
    look.log = interactive ? TenantLog::kInteractiveSignIns : TenantLog::kNonInteractiveSignIns;
    look.entra_id = World::Entra(i).id;
    SignIn sign_in;
    sign_in.id = Cat("sign-in-", absl::ToUnixSeconds(at));
    sign_in.at = TimeBounds::Exactly(at);
    sign_in.interactive = interactive;
    look.sign_ins = {sign_in};
    world.Commit(ApplyLog(world.context(), world.LoadPeople({world.person(i).ordinal}), look));
  }
  void RevokedByAdministrator(int i, absl::Time at) {
    LogLook look;
    look.source = kTenant;
    look.log = TenantLog::kDirectoryAudits;
    AuditRecord record;
    record.id = "audit-1";
    record.entra_id = World::Entra(i).id;
    record.change = AccountChange::kSessionsRevoked;
    record.at = at;
    record.actor_id = "an-administrator";
    look.audits = {record};
    world.Commit(ApplyLog(world.context(), world.LoadPeople({world.person(i).ordinal}), look));
  }
  std::string Because(int i, const std::string& name) {
    for (const auto& [input, value] : world.Judge(i).because.inputs) {
      if (input == name) return value;
    }
    return "";
  }
};

TEST_F(ExpiredActionTest, IsRevokedOnceWhenTheTimeHasPassed) {
  const absl::Time expires = world.now + absl::Minutes(10);
  Expire(1, expires);
  world.Advance(absl::Minutes(10) + absl::Seconds(45));
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_TRUE(world.ActionsOf(1).empty()) << "less than revoke_after";
  EXPECT_EQ(world.Judge(1).review_at, expires + absl::Minutes(1));
  EXPECT_EQ(world.Judge(1).next, "expired in AD: sessions are to be revoked");
  world.Advance(absl::Seconds(30));
  ASSERT_NE(world.Live(1), nullptr);
  EXPECT_EQ(world.Live(1)->reason, ActionReason::kLag);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  world.RunActions();
  EXPECT_EQ(Only(1).state, ActionState::kVerified);
  EXPECT_EQ(Because(1, "contained"), "yes");
  EXPECT_TRUE(world.person(1).episode->revoked.has_value());
  EXPECT_TRUE(world.tally.revocation_lags.empty()) << "there was no disable to count from";
  world.Advance(absl::Hours(30), absl::Minutes(5));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u) << "not again and again";
  EXPECT_TRUE(world.person(1).episode.has_value()) << "the drift goes on";
}

TEST_F(ExpiredActionTest, AGapInReadingDelaysItUntilBothSidesWereReadAgain) {
  Expire(1, world.now + absl::Minutes(5));
  world.Advance(absl::Minutes(5) + absl::Seconds(45));
  ASSERT_TRUE(world.person(1).episode.has_value());
  world.now += absl::Seconds(30);
  for (auto& [name, source] : world.link.sources) source.gap_ended = world.now;
  world.Review({world.person(1).ordinal});
  EXPECT_TRUE(world.ActionsOf(1).empty());
  EXPECT_LE(world.person(1).review_at, world.now + absl::Seconds(5));
  world.Advance(absl::Seconds(30));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
}

TEST_F(ExpiredActionTest, GatesSayWhatWasSeen) {
  ExpireAndWait(1);
  const ActionId id = Only(1).id;
  EXPECT_TRUE(world.RunGates(id));
  const auto& gates = world.actions.at(id).gates;
  const auto gate = std::find_if(gates.begin(), gates.end(),
                                 [](const GateResult& g) { return g.name == "ad_says_disabled"; });
  ASSERT_NE(gate, gates.end());
  EXPECT_EQ(gate->observed.find("enabled, expired at "), 0u) << gate->observed;
}

TEST_F(ExpiredActionTest, NothingIsDoneUnlessThePolicySaysSo) {
  world.policy.act_on_expired = false;
  ExpireAndWait(1);
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_TRUE(world.ActionsOf(1).empty());
  EXPECT_EQ(Because(1, "act_on_expired"), "no");
}

TEST_F(ExpiredActionTest, WhatIsNoLongerAllowedIsDropped) {
  ExpireAndWait(1);
  ASSERT_NE(world.Live(1), nullptr);
  world.policy.act_on_expired = false;
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(Only(1).state, ActionState::kDropped);
}

TEST_F(ExpiredActionTest, ModesClassesAndExemptionsHoldBack) {
  world.policy.classes[PersonClass::kBreakGlass].upns = {"user2@corp.example"};
  Exemption exemption{world.now, world.now + absl::Hours(20), "a transition", "uid:0"};
  world.Commit(ApplyExemption(world.context(), world.LoadPeople({world.person(3).ordinal}),
                              world.person(3).ordinal, exemption));
  ExpireAndWait(2);
  ExpireAndWait(3);
  world.policy.remediation.mode = Mode::kObserve;
  ExpireAndWait(4);
  for (const int i : {2, 3, 4}) EXPECT_TRUE(world.ActionsOf(i).empty()) << i;
  EXPECT_TRUE(world.person(4).episode.has_value());
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.remediation.actions.clear();
  ExpireAndWait(5);
  EXPECT_TRUE(world.ActionsOf(5).empty());
}

TEST(ExpiredBeforeUs, IsLeftAloneUntilSomebodyTakesItOver) {
  World world;
  for (int i = 1; i <= 3; ++i) world.AddPerson(i);
  world.ad(1).account_expires = world.now - absl::Hours(50);
  world.ReadAll();
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.act_on_expired = true;
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_TRUE(world.ActionsOf(1).empty());
  world.Commit(
      ApplyBaselineAccept(world.context(), world.LoadPeople({world.person(1).ordinal}), "uid:0"));
  world.Advance(absl::Minutes(46), absl::Minutes(1));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
}

TEST_F(ExpiredActionTest, AnExtensionThatIsSeenEndsIt) {
  ExpireAndWait(1);
  ASSERT_NE(world.Live(1), nullptr);
  Expire(1, world.now + absl::Hours(100));
  EXPECT_EQ(Only(1).state, ActionState::kDropped);
  EXPECT_FALSE(world.person(1).episode.has_value());
}

TEST_F(ExpiredActionTest, AnExtensionThatOnlyTheReReadShowsIsTheEndOfIt) {
  ExpireAndWait(1);
  const ActionId id = Only(1).id;
  SetExpiry(1, absl::InfiniteFuture());
  EXPECT_FALSE(world.RunGates(id));
  EXPECT_EQ(world.actions.at(id).state, ActionState::kDropped);
  EXPECT_FALSE(world.actions.at(id).called.has_value());
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
}

TEST_F(ExpiredActionTest, ADateMovedIntoThePastCountsFromThatWrite) {
  Expire(1, world.now - absl::Hours(24 * 30));
  world.Advance(absl::Seconds(45));
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_TRUE(world.ActionsOf(1).empty());
  world.Advance(absl::Seconds(30));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
}

TEST_F(ExpiredActionTest, WhereNoWriteIsToldOfItCountsFromTheFirstLook) {
  world.ad(1).account_expires = world.now - absl::Hours(24 * 30);
  ++world.ad(1).usn_changed;
  world.Advance(absl::Minutes(5));
  world.AdRound({1});
  world.Advance(absl::Seconds(45));
  EXPECT_TRUE(world.ActionsOf(1).empty());
  world.Advance(absl::Seconds(30));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
}

TEST_F(ExpiredActionTest, WhoIsEnabledAfterTheirDateHasTheTimeThatADateTakes) {
  Disable(1);
  SetExpiry(1, world.now - absl::Hours(1));
  world.AdRound({1});
  world.now += absl::Seconds(20);
  world.SetAd(1, true);
  world.AdRound({1});
  world.Advance(absl::Seconds(45));
  EXPECT_TRUE(world.ActionsOf(1).empty());
  Expire(1, world.now + absl::Hours(100));
  world.Advance(absl::Minutes(10));
  EXPECT_TRUE(world.ActionsOf(1).empty());
}

TEST_F(ExpiredActionTest, ARevocationBeforeTheExpiryDoesNotCountAndOneByOthersDoes) {
  const absl::Time expires = world.now + absl::Minutes(10);
  Expire(1, expires);
  Expire(2, expires);
  world.Advance(absl::Minutes(10));
  RevokedByAdministrator(1, expires - absl::Minutes(1));
  RevokedByAdministrator(2, expires + absl::Seconds(10));
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
  EXPECT_TRUE(world.ActionsOf(2).empty());
  EXPECT_EQ(Because(2, "contained"), "yes");
}

TEST_F(ExpiredActionTest, WhoSignsInAfterwardsIsRevokedAgainWithinTheBudgets) {
  world.policy.remediation.budgets.max_revokes_per_episode = 2;
  ExpireAndWait(1);
  world.RunActions();
  ASSERT_EQ(world.ActionsOf(1).size(), 1u);
  SignInAt(1, world.now, false);
  world.Advance(absl::Minutes(1));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u) << "a session that goes on for minutes";
  world.Advance(absl::Minutes(15));
  SignInAt(1, world.now);
  world.Advance(absl::Minutes(1));
  ASSERT_EQ(world.ActionsOf(1).size(), 2u);
  world.RunActions();
  world.Advance(absl::Minutes(15));
  SignInAt(1, world.now);
  world.Advance(absl::Minutes(30));
  size_t sent = 0;
  for (const Action& action : world.ActionsOf(1)) sent += action.called ? 1 : 0;
  EXPECT_EQ(sent, 2u) << "the episode's budget";
}

TEST_F(ExpiredActionTest, NothingIsDoneWhileAnotherAccountOfTheirsIsInForce) {
  AdView other = World::Ad(1);
  other.object_guid.bytes[14] = 9;
  other.consistency_guid = World::Ad(1).object_guid.Raw();
  other.sid = Sid::Parse("S-1-5-21-1-2-3-9001");
  world.Observe(other);
  world.now += absl::Seconds(1);
  ASSERT_EQ(world.person(1).facts.ad.size(), 2u);
  ExpireAndWait(1);
  EXPECT_TRUE(world.ActionsOf(1).empty());
}

TEST_F(ExpiredActionTest, ACallThatWasMadeBeforeADeathIsFoundByReading) {
  ExpireAndWait(1);
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  world.RunVerify(id);  // cleared, the call was made, nothing of it was recorded
  EXPECT_EQ(Only(1).state, ActionState::kVerified);
  EXPECT_EQ(Because(1, "contained"), "yes");
  world.Advance(absl::Hours(5), absl::Minutes(1));
  EXPECT_EQ(world.ActionsOf(1).size(), 1u);
}

TEST_F(ExpiredActionTest, AfterADeathNothingIsSentToWhomWasExtendedMeanwhile) {
  ExpireAndWait(1);
  const ActionId id = Only(1).id;
  ASSERT_TRUE(world.RunGates(id));
  SetExpiry(1, world.now + absl::Hours(100));
  EXPECT_FALSE(world.RunGates(id)) << "read again, with gates";
  EXPECT_EQ(world.actions.at(id).state, ActionState::kBlocked);
}

TEST_F(ExpiredActionTest, ADepartureThatFollowsNeedsARevocationOfItsOwn) {
  ExpireAndWait(1);
  world.RunActions();
  ASSERT_EQ(Only(1).state, ActionState::kVerified);
  world.Advance(absl::Minutes(15));
  Disable(1);
  EXPECT_FALSE(world.person(1).episode->revoked.has_value());
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(world.ActionsOf(1).size(), 2u);
}

TEST_F(ExpiredActionTest, WhatWouldBeIsSaid) {
  Expire(1, world.now + absl::Minutes(5));
  world.Advance(absl::Minutes(5) + absl::Seconds(15));
  const PersonOrdinal who = world.person(1).ordinal;
  const PeopleSet people = world.LoadPeople({who});
  const auto wants = [](const Outlook& outlook) { return !outlook.wanted.empty(); };
  const auto steps = ChangesByTime(people, who, world.link, world.policy, world.now);
  EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), wants));
  world.policy.remediation.mode = Mode::kObserve;  // so that it stays wanted
  world.Advance(absl::Minutes(2));
  ASSERT_EQ(world.Judge(1).wanted.size(), 1u);
  const auto changes =
      ChangesByEvidence(world.LoadPeople({who}), who, world.link, world.policy, world.now);
  const auto revoked = std::find_if(changes.begin(), changes.end(), [](const Outlook& outlook) {
    return outlook.what == "sessions revoked";
  });
  ASSERT_NE(revoked, changes.end());
  EXPECT_TRUE(revoked->wanted.empty());
}

// The gates straight before a call, of somebody who is enabled and expired.
class ExpiredGateTest : public ExpiredActionTest {
 protected:
  ExpiredGateTest() {
    ExpireAndWait(1);
    good.intent_at = world.now;
    good.ad_read = TimeBounds::Exactly(world.now + absl::Seconds(1));
    good.entra_read = good.ad_read;
    good.ad = world.ad(1);
    good.entra = world.entra(1);
  }
  std::string Fails(const ReReads& reads, ActionReason reason = ActionReason::kLag) {
    std::string failed;
    for (const GateResult& gate : CheckReReads(reads, world.person(1), reason, world.link,
                                               world.policy, world.now + absl::Seconds(2), false)) {
      if (!gate.ok) failed += gate.name + " ";
    }
    return failed;
  }
  ReReads good;
};

TEST_F(ExpiredGateTest, EnabledAndExpiredIsOutOnlyByThePolicyAndForNoSeal) {
  EXPECT_EQ(Fails(good), "");
  EXPECT_EQ(Fails(good, ActionReason::kSeal), "ad_says_disabled entra_needs_it ");
  world.policy.act_on_expired = false;
  EXPECT_EQ(Fails(good), "ad_says_disabled ");
}

TEST_F(ExpiredGateTest, WhatIsNotReadIsNotExpired) {
  good.ad->account_expires.reset();
  EXPECT_EQ(Fails(good), "ad_says_disabled ");
  good.ad = world.ad(1);
  good.ad->user_account_control.reset();
  EXPECT_EQ(Fails(good), "ad_says_disabled ");
}

TEST_F(ExpiredGateTest, AnExpiryThatHasJustPassedIsNotCertainYet) {
  good.ad->account_expires = good.ad_read.lo - absl::Milliseconds(500);
  EXPECT_EQ(Fails(good), "ad_says_disabled ") << "clocks are known to the second";
  good.ad->account_expires = good.ad_read.lo - absl::Seconds(1);
  EXPECT_EQ(Fails(good), "");
  for (const int sign : {-1, 1}) {
    world.link.sources[kAd].clock_offset = sign * absl::Seconds(40);
    good.ad->account_expires = good.ad_read.lo - absl::Seconds(40);
    EXPECT_EQ(Fails(good), "ad_says_disabled ") << sign;
    good.ad->account_expires = good.ad_read.lo - absl::Seconds(41);
    EXPECT_EQ(Fails(good), "") << sign;
  }
}

TEST_F(ExpiredGateTest, WhomWeKnowToBeExtendedIsNotRefusedByAReplicaThatLags) {
  Expire(1, world.now + absl::Hours(5));
  EXPECT_EQ(Fails(good), "ad_says_disabled ");
}

TEST_F(ExpiredGateTest, ASecondControllerMustNotShowALaterDate) {
  good.second = {*good.ad};
  EXPECT_EQ(Fails(good), "");
  AdView& second = good.second.front();
  second.account_expires = world.now + absl::Hours(5);
  EXPECT_EQ(Fails(good), "second_dc ") << "an equal version";
  second.expires_stamp->version += 1;
  EXPECT_EQ(Fails(good), "second_dc ") << "extended there";
  second.uac_stamp->version = 0;
  EXPECT_EQ(Fails(good), "second_dc ") << "and what it has not heard otherwise is no excuse";
  second.expires_stamp->version = good.ad->expires_stamp->version - 1;
  EXPECT_EQ(Fails(good), "") << "it has not heard of the date";
  second.expires_stamp.reset();
  EXPECT_EQ(Fails(good), "second_dc ") << "no stamp to go by";
  second.user_account_control = 0x202;
  EXPECT_EQ(Fails(good), "") << "disabled there";
}

}  // namespace
}  // namespace driftwarden::monitor
