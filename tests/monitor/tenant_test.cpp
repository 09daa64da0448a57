// What the tenant says of itself: the learned cycle, how people sign in, who holds a role.

#include <gtest/gtest.h>

#include "monitor/apply.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

// A world with person 1, both sides read.
World Ready() {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  return world;
}

PeopleSet LoadFor(World& world, const TenantLook& look) {
  TouchedKeys keys;
  keys.entra_ids = TenantKeysOf(world.link, look);
  return world.Load(keys);
}

void Deliver(World& world, const TenantLook& look) {
  const Changes changes = ApplyTenant(world.context(), LoadFor(world, look), look);
  world.Commit(changes);
  world.Check();
}

TenantLook Synced(absl::Time at, bool watched = true) {
  TenantLook look;
  look.organization.emplace();
  look.organization->last_sync = at;
  look.watched = watched;
  return look;
}

// `count` syncs, `gap` apart, each looked at when it happened.
void Syncs(World& world, int count, absl::Duration gap) {
  for (int i = 0; i < count; ++i) {
    world.now += gap;
    Deliver(world, Synced(world.now));
  }
}

std::string IdOf(World& world, int i) {
  return world.person(i).facts.entra->id;
}

TEST(Cycle, IsTheSlowestButForAnOutlierInWholeMinutes) {
  std::vector<absl::Duration> gaps(kLeastCycleGaps - 1, absl::Minutes(30));
  EXPECT_EQ(CycleFrom(gaps), absl::ZeroDuration()) << "too few";
  gaps.push_back(absl::Hours(9));
  EXPECT_EQ(CycleFrom(gaps), absl::Minutes(30)) << "one stall is no cycle";
  gaps.push_back(absl::Hours(9));
  EXPECT_EQ(CycleFrom(gaps), absl::Hours(9));
  EXPECT_EQ(CycleFrom(std::vector(20, absl::Seconds(1825))), absl::Minutes(30));
  EXPECT_EQ(CycleFrom(std::vector(20, absl::Seconds(5))), absl::Minutes(1));
}

TEST(Tenant, LearnsTheCycleFromSyncsThatWereWatched) {
  World world = Ready();
  Syncs(world, 20, absl::Hours(1));
  EXPECT_EQ(world.link.learned_cycle, absl::ZeroDuration()) << "19 gaps";
  Syncs(world, 1, absl::Hours(1));
  EXPECT_EQ(world.link.learned_cycle, absl::Hours(1));
  EXPECT_EQ(world.link.engine_last_sync, world.now);
  EXPECT_EQ(world.EvidenceOf("cycle_learned"), 1u);
  const Thresholds t = ThresholdsFor(TierName(kStandard), world.policy, world.link);
  EXPECT_EQ(t.warn_after, absl::Minutes(80));
}

TEST(Tenant, ASyncAfterASilenceOfOursIsNoCycle) {
  World world = Ready();
  Syncs(world, 2, absl::Minutes(30));
  world.now += absl::Hours(5);
  Deliver(world, Synced(world.now, false));
  EXPECT_EQ(world.link.engine_last_sync, world.now);
  EXPECT_EQ(world.link.tenant.cycle_gaps, std::vector{absl::Minutes(30)});
}

TEST(Tenant, AnOlderOrAFutureSyncChangesNothing) {
  World world = Ready();
  Syncs(world, 1, absl::Minutes(30));
  const LinkState before = world.link;
  Deliver(world, Synced(world.now - absl::Minutes(30)));
  Deliver(world, Synced(world.now + absl::Hours(1)));
  EXPECT_EQ(world.link, before);
}

TEST(Tenant, TheLearnedCycleChangesHourlyAtMost) {
  World world = Ready();
  world.policy.sync_engine = SyncEngine::kCloudSync;
  Syncs(world, 21, absl::Minutes(2));
  EXPECT_EQ(world.link.learned_cycle, absl::Minutes(2));
  Syncs(world, 6, absl::Minutes(8));
  EXPECT_EQ(world.link.learned_cycle, absl::Minutes(2)) << "not yet";
  Syncs(world, 2, absl::Minutes(8));
  EXPECT_EQ(world.link.learned_cycle, absl::Minutes(8));
}

TEST(Tenant, TheEngineHasStalledAfterTwoCyclesAndTenMinutes) {
  World world = Ready();
  EXPECT_FALSE(EngineStalled(world.policy, world.link, world.now)) << "unknown is not stalled";
  Syncs(world, 1, absl::Minutes(30));
  EXPECT_FALSE(EngineStalled(world.policy, world.link, world.now + absl::Minutes(70)));
  EXPECT_TRUE(EngineStalled(world.policy, world.link, world.now + absl::Minutes(71)));
}

TEST(Tenant, WhoHoldsANamedRoleIsOfItsTier) {
  World world = Ready();
  world.policy.tiers.front().match.entra_roles = {"Global Administrator"};
  TenantLook look;
  look.roles.emplace();
  (*look.roles)[IdOf(world, 1)] = {"Global Administrator"};
  (*look.roles)["somebody-unknown"] = {"Global Administrator"};
  Deliver(world, look);
  EXPECT_EQ(world.person(1).tier.value, kTier0);
  EXPECT_EQ(world.EvidenceOf("entra_roles_changed"), 1u);
  Deliver(world, look);
  EXPECT_EQ(world.EvidenceOf("entra_roles_changed"), 1u) << "nothing is new";
  TenantLook unread;
  Deliver(world, unread);
  EXPECT_EQ(world.person(1).tier.value, kTier0) << "not read is not lost";
  look.roles->clear();
  look.roles_complete = false;
  Deliver(world, look);
  EXPECT_EQ(world.person(1).tier.value, kTier0) << "a group could not be read";
  look.roles_complete = true;
  Deliver(world, look);
  EXPECT_EQ(world.person(1).tier.value, kStandard);
  EXPECT_TRUE(world.link.tenant.role_holders.empty());
}

TEST(Tenant, ErrorsAndTransfersAreKeptWithThePerson) {
  World world = Ready();
  TenantLook look;
  look.provisioning_errors.emplace();
  (*look.provisioning_errors)[IdOf(world, 1)] = {"PropertyConflict", "mail", "x@y", world.now};
  look.cloud_managed[IdOf(world, 1)] = true;
  Deliver(world, look);
  ASSERT_TRUE(world.person(1).facts.entra->provisioning_error.has_value());
  EXPECT_EQ(world.person(1).facts.entra->provisioning_error->property, "mail");
  EXPECT_EQ(world.person(1).facts.entra->cloud_managed, Tri::kYes);
  EXPECT_EQ(world.EvidenceOf("source_of_authority"), 1u);
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).facts.entra->cloud_managed, Tri::kYes) << "a direct read says nothing";
  look.provisioning_errors->clear();
  look.cloud_managed[IdOf(world, 1)] = false;
  Deliver(world, look);
  EXPECT_FALSE(world.person(1).facts.entra->provisioning_error.has_value());
  EXPECT_EQ(world.person(1).facts.entra->cloud_managed, Tri::kNo);
  EXPECT_EQ(world.EvidenceOf("source_of_authority"), 2u);
}

TEST(Tenant, WhatItSaysIsRecordedWhenItChanges) {
  World world = Ready();
  TenantLook look;
  look.synchronization.emplace();
  look.synchronization->password_sync = true;
  look.synchronization->deletion_guard = DeletionGuard{"enabledForCount", 500};
  look.jobs = std::vector<SyncJob>{{"job", kJobInQuarantine, world.now, "Unknown", world.now}};
  look.actors[ActorVia::kRole] = {{"id", "", "Sync_A", ActorVia::kRole}};
  Deliver(world, look);
  Deliver(world, look);
  EXPECT_EQ(world.EvidenceOf("tenant_changed"), 1u);
  EXPECT_EQ(world.link.engine_last_sync, world.now) << "Cloud Sync's own";
  world.policy.sync_actors = {"sync2@corp.example"};
  const auto actors = SyncActorsOf(world.policy, world.link);
  ASSERT_EQ(actors.size(), 2u);
  EXPECT_EQ(actors[1].via, ActorVia::kConfigured);
}

TEST(Auth, IsConfiguredElseWhatTheTenantSays) {
  World world = Ready();
  const auto mode = [&](const std::string& domain) {
    return AuthOfDomain(domain, world.policy, world.link).mode;
  };
  EXPECT_EQ(mode("a.example"), AuthMode::kPasswordHashSync) << "nothing was read";
  EXPECT_FALSE(AuthOfDomain("a.example", world.policy, world.link).certain);
  world.link.tenant.federated_domains = {"f.example"};
  EXPECT_EQ(mode("f.example"), AuthMode::kFederated);
  EXPECT_EQ(mode("a.example"), AuthMode::kPasswordHashSync) << "the features were not read";
  world.link.tenant.password_sync = true;
  EXPECT_EQ(mode("a.example"), AuthMode::kPasswordHashSync);
  world.link.tenant.password_sync = false;
  EXPECT_EQ(mode("a.example"), AuthMode::kPassThrough);
  world.policy.auth_domains = {{"a.example", AuthMode::kFederated}};
  EXPECT_EQ(mode("a.example"), AuthMode::kFederated);
  world.policy.auth_mode = AuthMode::kPasswordHashSync;
  EXPECT_EQ(mode("a.example"), AuthMode::kFederated) << "the domain's own comes first";
  EXPECT_EQ(mode("f.example"), AuthMode::kPasswordHashSync);
  Facts facts = world.person(1).facts;
  facts.entra->upn = "Ada@F.Example";
  world.policy.auth_mode.reset();
  EXPECT_EQ(AuthOf(facts, world.policy, world.link).mode, AuthMode::kFederated);
}

}  // namespace
}  // namespace driftwarden::monitor
