// What no one can revoke, and on what its end rests.

#include "monitor/residual.h"

#include <gtest/gtest.h>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kMinute = absl::Minutes(1);

class ResidualTest : public ::testing::Test {
 protected:
  ResidualTest() {
    world.AddPerson(1);
    world.ReadAll();
    world.Advance(absl::Minutes(10));
    world.link.tenant.conditional_access = 2;
    world.link.tenant.token_policies.emplace();
  }
  void Leave() {
    world.SetAd(1, false);
    world.AdRound({1});
    left = world.now;
  }
  absl::Time DisableInEntra() {
    world.SetEntra(1, false);
    world.ReadDirect(1);
    return world.person(1).facts.entra->disabled_since.hi;
  }
  void RevokedBySomebody(absl::Time at) {
    LogLook look;
    AuditRecord record;
    record.id = "r" + FormatRfc3339(at);
    record.entra_id = World::Entra(1).id;
    record.change = AccountChange::kSessionsRevoked;
    record.at = at;
    record.actor_id = "admin-1";
    look.audits = {record};
    Log(look);
  }
  // Both logs, read from `from` until `to`.
  void SignIns(absl::Time from, absl::Time to, std::vector<absl::Time> successes) {
    for (const TenantLog log :
         {TenantLog::kInteractiveSignIns, TenantLog::kNonInteractiveSignIns}) {
      LogLook look;
      look.log = log;
      look.entra_id = World::Entra(1).id;
      look.covers = TimeBounds{from, to};
      if (log == TenantLog::kInteractiveSignIns) {
        for (const absl::Time at : successes) {
          SignIn sign_in;
          sign_in.id = FormatRfc3339(at);
          sign_in.at = TimeBounds::Exactly(at);
          look.sign_ins.push_back(sign_in);
        }
      }
      Log(look);
    }
  }
  void Log(const LogLook& look) {
    TouchedKeys keys;
    keys.entra_ids = {World::Entra(1).id};
    world.Commit(ApplyLog(world.context(), world.Load(keys), look));
  }
  ResidualAccess Now() {
    return ResidualAccessOf(world.person(1), world.link, world.policy, world.now);
  }

  World world;
  absl::Time left;
};

TEST_F(ResidualTest, NobodyWhoDidNotLeaveHasAny) {
  EXPECT_FALSE(Now().cae_until || Now().tokens_until || Now().new_sessions_possible);
  EXPECT_FALSE(ResidualAccessOf(Person{}, world.link, world.policy, world.now).cae_until);
}

TEST_F(ResidualTest, EndsFifteenAndNinetyMinutesAfterTheEntraDisable) {
  Leave();
  EXPECT_TRUE(Now().new_sessions_possible);
  EXPECT_FALSE(Now().cae_until || Now().tokens_until);
  world.Advance(5 * kMinute);
  const absl::Time out = DisableInEntra();
  EXPECT_EQ(Now().cae_until, out + 15 * kMinute);
  EXPECT_EQ(Now().tokens_until, out + 90 * kMinute);
  EXPECT_FALSE(Now().new_sessions_possible);
}

TEST_F(ResidualTest, SomebodyElsesRevocationCountsAsOursDoesAndLeavesTheTokensOpen) {
  Leave();
  world.Advance(5 * kMinute);
  const absl::Time at = world.now - kMinute;
  RevokedBySomebody(at);
  ASSERT_EQ(world.person(1).phase, State::kContained);
  EXPECT_EQ(Now().cae_until, at + 15 * kMinute);
  EXPECT_FALSE(Now().tokens_until.has_value()) << "the password still gets new ones";
  EXPECT_TRUE(Now().new_sessions_possible);
}

TEST_F(ResidualTest, ARevocationBeforeTheDisableCountsOnlyWhereNobodySignedInSince) {
  Leave();
  world.Advance(5 * kMinute);
  const absl::Time at = world.now - kMinute;
  RevokedBySomebody(at);
  const absl::Time out = DisableInEntra();
  EXPECT_EQ(Now().cae_until, out + 15 * kMinute) << "somebody may have";
  world.Advance(absl::Minutes(40));
  SignIns(at - kMinute, world.now, {});
  EXPECT_EQ(Now().cae_until, at + 15 * kMinute);
}

TEST_F(ResidualTest, WhoWasDisabledAndThenDeletedIsOutSinceTheDisable) {
  Leave();
  world.Advance(5 * kMinute);
  const absl::Time out = DisableInEntra();
  world.Advance(5 * kMinute);
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.ReadDirect(1);
  EXPECT_EQ(Now().tokens_until, out + 90 * kMinute);
}

TEST_F(ResidualTest, CompleteLogsEndItWithTheLastSignIn) {
  Leave();
  world.Advance(absl::Minutes(60));
  const absl::Time out = DisableInEntra();
  world.Advance(absl::Minutes(29));
  SignIns(left - absl::Hours(1), world.now, {left - 5 * kMinute});
  EXPECT_EQ(Now().tokens_until, out + 90 * kMinute) << "not read past the ingest delay yet";
  EXPECT_FALSE(Now().by_last_sign_in);
  world.Advance(5 * kMinute);
  SignIns(left, world.now, {});
  EXPECT_EQ(Now().tokens_until, left + 85 * kMinute);
  EXPECT_TRUE(Now().by_last_sign_in);
}

TEST_F(ResidualTest, BeforeTheLogsBeganSomebodyMayHaveSignedIn) {
  Leave();
  world.Advance(absl::Minutes(60));
  DisableInEntra();
  world.Advance(absl::Minutes(40));
  SignIns(left, world.now, {});
  EXPECT_EQ(Now().tokens_until, left + 90 * kMinute);
}

TEST_F(ResidualTest, ASignInAfterTheDisableGaveATokenAllTheSame) {
  Leave();
  world.Advance(5 * kMinute);
  const absl::Time out = DisableInEntra();
  world.Advance(30 * kMinute);
  SignIns(out + 10 * kMinute, world.now, {out + 20 * kMinute});
  EXPECT_EQ(Now().tokens_until, out + 110 * kMinute);
  EXPECT_TRUE(Now().by_last_sign_in);
}

TEST_F(ResidualTest, TheTenantsSkewWidensTheSignIn) {
  Leave();
  world.Advance(absl::Minutes(60));
  DisableInEntra();
  world.Advance(absl::Minutes(40));
  SignIns(left - absl::Hours(1), world.now, {left + 5 * kMinute});
  world.link.sources[kTenant].clock_offset = absl::Seconds(20);
  EXPECT_EQ(Now().tokens_until, left + 95 * kMinute + absl::Seconds(20));
}

TEST_F(ResidualTest, OfAGuestNothingButTheTokensEnds) {
  world.Find(1)->facts.entra->guest = Tri::kYes;
  Leave();
  world.Advance(5 * kMinute);
  RevokedBySomebody(world.now - kMinute);
  EXPECT_FALSE(Now().cae_until.has_value());
  const absl::Time out = DisableInEntra();
  EXPECT_FALSE(Now().cae_until.has_value()) << "guests are left out of it";
  EXPECT_EQ(Now().tokens_until, out + 90 * kMinute);
}

struct LifetimeCase {
  const char* what;
  std::optional<int64_t> access;
  std::optional<TokenPolicies> policies;
  std::optional<absl::Duration> configured;
  TokenLifetime expected;
};

TEST(TokenLifetime, IsTheTenantsAndTheLongestOfWhatIsNotKnown) {
  const TokenPolicies none;
  const TokenPolicies some{absl::Hours(8), false};
  const TokenPolicies brief{absl::Minutes(20), false};
  const TokenPolicies brief_for_all{absl::Minutes(20), true};
  const auto usual = TokenBound::kDefault;
  const auto without = TokenBound::kNoConditionalAccess;
  const auto tenant = TokenBound::kTenantPolicy;
  const LifetimeCase cases[] = {
      {"Conditional Access is in force", 3, none, {}, {90 * kMinute, usual, false}},
      {"it is not", 0, none, {}, {120 * kMinute, without, false}},
      {"not known", {}, none, {}, {120 * kMinute, without, true}},
      {"policies not known", 3, {}, {}, {90 * kMinute, usual, true}},
      {"neither", {}, {}, {}, {120 * kMinute, without, true}},
      {"a longer one of some applications", 3, some, {}, {absl::Hours(8), tenant, false}},
      {"a shorter one of some", 3, brief, {}, {90 * kMinute, usual, false}},
      {"a shorter one of all", {}, brief_for_all, {}, {20 * kMinute, tenant, false}},
      {"written", 3, some, absl::Hours(1), {absl::Hours(1), TokenBound::kConfigured, false}},
  };
  for (const LifetimeCase& c : cases) {
    LinkState link;
    link.tenant.conditional_access = c.access;
    link.tenant.token_policies = c.policies;
    Policy policy;
    policy.access_token_lifetime = c.configured;
    EXPECT_EQ(TokenLifetimeOf(policy, link), c.expected) << c.what;
  }
}

TEST(TokenLifetime, WhatTheTenantSaysIsKeptAndRecorded) {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  TenantLook look;
  look.conditional_access = 0;
  look.token_policies = TokenPolicies{absl::Hours(8), true};
  world.Commit(ApplyTenant(world.context(), {}, look));
  EXPECT_EQ(world.link.tenant.token_policies, look.token_policies);
  ASSERT_EQ(world.EvidenceOf("tenant_changed"), 1u);
  EXPECT_EQ(world.evidence.back().details.at("conditional_access"), "unknown -> 0");
  EXPECT_EQ(world.evidence.back().details.at("token_policies"), "unknown -> 8h for all");
  world.Commit(ApplyTenant(world.context(), {}, TenantLook{}));
  EXPECT_EQ(world.link.tenant.conditional_access, 0) << "what was not read stays";
  EXPECT_EQ(TokenBoundText(TokenBound::kTenantPolicy), "tenant_policy");
}

}  // namespace
}  // namespace driftwarden::monitor
