// Times of two clocks are compared widened by both. Each test has a source whose clock is off, and
// would find something without that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/causes.h"
#include "monitor/clocks.h"
#include "monitor/evaluate.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kMinute = absl::Minutes(1);

class SkewTest : public ::testing::Test {
 protected:
  SkewTest() {
    for (int i = 1; i <= 4; ++i) world.AddPerson(i);
    world.ReadAll();
    world.Advance(absl::Minutes(10));
  }
  // The controller stamps by its own clock; it is seen at once.
  void Leave(int i = 1) {
    world.SetAd(i, false);
    world.ad(i).uac_stamp->originating_time += world.offsets[kAd];
    world.AdRound({i});
    left = world.now;
  }
  void Measure(const SourceName& source, absl::Duration offset) {
    world.offsets[source] = offset;
    world.Advance(kMinute);
  }
  // What no clock measured: the same world, with sources that seem to agree.
  Verdict JudgeUnmeasured() {
    LinkState link = world.link;
    for (auto& [name, source] : link.sources) source.clock_offset = absl::ZeroDuration();
    return Evaluate(world.person(1), link, world.policy, world.now);
  }
  void Log(LogLook look) {
    look.covers = TimeBounds{left - absl::Hours(1), world.now};
    TouchedKeys keys;
    keys.entra_ids = {World::Entra(1).id};
    world.Commit(ApplyLog(world.context(), world.Load(keys), look));
    world.ReadWanted();
  }
  void Synced(absl::Time at) {
    TenantLook look;
    look.organization.emplace();
    look.organization->last_sync = at;
    world.Commit(ApplyTenant(world.context(), {}, look));
  }
  static bool Shows(const Verdict& verdict, DriftKind kind) {
    for (const OpenDrift& drift : verdict.drift) {
      if (drift.kind == kind) return true;
    }
    return false;
  }

  World world;
  absl::Time left;
};

TEST_F(SkewTest, IsTheOffsetInWholeSecondsOfASourceThatWasMeasured) {
  world.link.sources[kAd].clock_offset = absl::Milliseconds(-6200);
  EXPECT_EQ(SkewOf(world.link, kAd), absl::Seconds(7));
  EXPECT_EQ(SkewOf(world.link, kTenant), absl::ZeroDuration());
  EXPECT_EQ(SkewOf(world.link, SourceName("nobody")), absl::ZeroDuration());
}

TEST_F(SkewTest, AControllerThatIsBehindPagesNobodyEarly) {
  Measure(kAd, absl::Minutes(-4));
  Leave();
  world.Advance(absl::Minutes(38));
  EXPECT_EQ(JudgeUnmeasured().phase, State::kLagging) << "by its stamp 42 minutes ago";
  EXPECT_EQ(world.person(1).phase, State::kPending);
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(world.person(1).phase, State::kLagging);
}

TEST_F(SkewTest, AControllerThatIsAheadPagesNobodyLate) {
  Measure(kAd, absl::Minutes(4));
  Leave();
  world.Advance(absl::Minutes(41));
  EXPECT_EQ(world.person(1).phase, State::kLagging) << "never later than our own look";
}

TEST_F(SkewTest, ARevocationThatMayHaveComeBeforeTheDisableDoesNotCount) {
  Measure(kAd, -2 * kMinute);
  Leave();
  world.Advance(5 * kMinute);
  LogLook look;
  AuditRecord record;
  record.id = "r1";
  record.entra_id = World::Entra(1).id;
  record.change = AccountChange::kSessionsRevoked;
  record.at = left - kMinute;
  record.actor_id = "admin-1";
  look.audits = {record};
  Log(look);
  EXPECT_EQ(JudgeUnmeasured().phase, State::kContained) << "by its stamp a minute later";
  EXPECT_NE(world.person(1).phase, State::kContained);
  EXPECT_FALSE(world.person(1).episode->revoked.has_value());
  look.audits[0].id = "r2";
  look.audits[0].at = left + 3 * kMinute;
  Log(look);
  EXPECT_EQ(world.person(1).phase, State::kContained);
  EXPECT_TRUE(world.person(1).episode->revoked.has_value());
}

TEST_F(SkewTest, ASignInThatMayHaveComeBeforeTheDisableOpensNothing) {
  Measure(kAd, -2 * kMinute);
  Leave();
  world.Advance(5 * kMinute);
  LogLook look;
  look.log = TenantLog::kInteractiveSignIns;
  look.entra_id = World::Entra(1).id;
  SignIn sign_in;
  sign_in.id = "s1";
  sign_in.at = TimeBounds::Exactly(left - kMinute);
  look.sign_ins = {sign_in};
  Log(look);
  EXPECT_TRUE(Shows(JudgeUnmeasured(), DriftKind::kSignInAfterDisable));
  EXPECT_FALSE(Shows(world.Judge(1), DriftKind::kSignInAfterDisable));
  look.sign_ins[0].id = "s2";
  look.sign_ins[0].at = TimeBounds::Exactly(left + 3 * kMinute);
  Log(look);
  EXPECT_TRUE(Shows(world.Judge(1), DriftKind::kSignInAfterDisable));
}

TEST_F(SkewTest, ASyncThatATenantDatesTooLateIsNoSecondCycle) {
  Measure(kTenant, 3 * kMinute);
  Leave();
  world.Advance(absl::Minutes(58));
  // By the tenant's clock: in truth three minutes earlier, 58 minutes after the disable.
  Synced(left + absl::Minutes(61));
  EXPECT_TRUE(Shows(JudgeUnmeasured(), DriftKind::kNeverSynced));
  EXPECT_FALSE(Shows(world.Judge(1), DriftKind::kNeverSynced));
  world.Advance(absl::Minutes(10));
  Synced(left + absl::Minutes(68));
  EXPECT_TRUE(Shows(world.Judge(1), DriftKind::kNeverSynced));
}

TEST_F(SkewTest, ATenantThatIsBehindDoesNotStallItsEngine) {
  Measure(kTenant, absl::Minutes(-20));
  Synced(world.now - absl::Minutes(20));  // just now
  world.Advance(absl::Minutes(60));
  LinkState unmeasured = world.link;
  unmeasured.sources[kTenant].clock_offset = absl::ZeroDuration();
  EXPECT_TRUE(EngineStalled(world.policy, unmeasured, world.now));
  EXPECT_FALSE(EngineStalled(world.policy, world.link, world.now));
  world.Advance(absl::Minutes(31));
  EXPECT_TRUE(EngineStalled(world.policy, world.link, world.now));
}

TEST_F(SkewTest, ASyncIsNoneOfTheFutureBecauseTheTenantIsAhead) {
  Synced(world.now + absl::Minutes(20));
  EXPECT_FALSE(world.link.engine_last_sync.has_value()) << "by a clock that agrees with ours";
  Measure(kTenant, absl::Minutes(20));
  Synced(world.now + absl::Minutes(20));
  EXPECT_TRUE(world.link.engine_last_sync.has_value());
}

TEST_F(SkewTest, WhoMayHaveLeftAfterASyncIsNotStuckBehindIt) {
  Measure(kTenant, 3 * kMinute);
  Synced(world.now);
  for (const int i : {1, 2, 3}) Leave(i);
  world.Advance(kMinute);
  // In truth a minute before they left; the tenant says two minutes after it.
  Synced(left + 2 * kMinute);
  world.Advance(absl::Minutes(30));
  Synced(left + absl::Minutes(32));
  world.Advance(absl::Minutes(20), kMinute);
  const auto blocked = [&](const LinkState& link) {
    return CauseRuleOf(CauseKind::kExportBlocked).find({link, world.policy, world.now}).at(0).opens;
  };
  LinkState unmeasured = world.link;
  unmeasured.sources[kTenant].clock_offset = absl::ZeroDuration();
  EXPECT_TRUE(blocked(unmeasured));
  EXPECT_FALSE(blocked(world.link));
}

TEST_F(SkewTest, WhoMayHaveBeenTooLateForTheLastSyncIsExplainedByTheStall) {
  Measure(kAd, -3 * kMinute);
  Leave();
  world.Advance(2 * kMinute);
  LinkCause stall;
  stall.kind = CauseKind::kEngineStalled;
  stall.since = left + absl::Minutes(28);  // a cycle before it the stamp says too early
  const auto& rule = CauseRuleOf(CauseKind::kEngineStalled);
  LinkState unmeasured = world.link;
  unmeasured.sources[kAd].clock_offset = absl::ZeroDuration();
  EXPECT_FALSE(rule.explains(stall, world.person(1), {unmeasured, world.policy, world.now}));
  EXPECT_TRUE(rule.explains(stall, world.person(1), {world.link, world.policy, world.now}));
}

TEST_F(SkewTest, ARevocationThatMayHaveComeBeforeASecondResetDoesNotClearIt) {
  world.policy.reset_without_revoke = true;
  Measure(kAd, -2 * kMinute);
  world.Find(1)->memory.reset_twice_at = world.now - 2 * kMinute;  // by its stamp
  Revocation own;
  own.called = TimeBounds::Exactly(world.now - kMinute);
  world.Find(1)->facts.last_revocation = own;
  EXPECT_FALSE(Shows(JudgeUnmeasured(), DriftKind::kResetWithoutRevoke));
  EXPECT_TRUE(Shows(world.Judge(1), DriftKind::kResetWithoutRevoke));
}

}  // namespace
}  // namespace driftwarden::monitor
