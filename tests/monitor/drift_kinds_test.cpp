// Kinds of drift that a sync engine never mends by itself, each where it opens, where it does not,
// and where it clears. Those without a departure have an episode of their own.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

const EpisodeKind* OpenKind(const World& world, int i, DriftKind kind) {
  const auto& episode = world.person(i).episode;
  if (!episode) return nullptr;
  for (const EpisodeKind& k : episode->kinds) {
    if (k.kind == kind && !k.cleared) return &k;
  }
  return nullptr;
}

std::optional<Severity> SeverityOf(const World& world, int i, DriftKind kind) {
  const EpisodeKind* open = OpenKind(world, i, kind);
  return open == nullptr ? std::nullopt : std::optional(open->severity);
}

// One person, read on both sides, enabled.
World Ordinary(int people = 1) {
  World world;
  for (int i = 1; i <= people; ++i) world.AddPerson(i);
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  return world;
}

void Expire(World& world, int i, absl::Time at) {
  world.ad(i).account_expires = at;
  world.AdRound({i});
}

TEST(AccountExpiredLive, OpensWhenTheTimePassesAndNothingElseChanges) {
  World world = Ordinary();
  const absl::Time expires = world.now + absl::Hours(2);
  Expire(world, 1, expires);
  world.Advance(absl::Minutes(119), absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.Advance(absl::Minutes(2), absl::Minutes(1));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kAccountExpiredLive), Severity::kWarning);
  EXPECT_EQ(OpenKind(world, 1, DriftKind::kAccountExpiredLive)->since, expires);
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(world.IncidentOf(1)->labels.at("kind"), "account_expired_live");
  EXPECT_TRUE(world.ActionsOf(1).empty());
  EXPECT_EQ(world.person(1).state, State::kAligned);
}

TEST(AccountExpiredLive, IsToldOnlyWhereADItselfRefusesSignIns) {
  World world = Ordinary();
  world.policy.auth_mode = AuthMode::kPassThrough;
  Expire(world, 1, world.now + absl::Minutes(1));
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kAccountExpiredLive), Severity::kInfo);
  EXPECT_EQ(world.IncidentOf(1), nullptr);
}

TEST(AccountExpiredLive, CountsByTheControllersClock) {
  World world = Ordinary();
  const absl::Time expires = world.now + absl::Minutes(10);
  Expire(world, 1, expires);
  world.link.sources[kAd].clock_offset = absl::Minutes(5);  // ahead of ours
  for (auto& [ordinal, person] : world.people) world.Review({ordinal});
  const Verdict verdict = world.Judge(1);
  EXPECT_EQ(verdict.review_at, expires - absl::Minutes(5));
}

// Back in AD, and found expired by the same look: what was told of the departure is taken back.
TEST(AccountExpiredLive, BeginsWhereADepartureEndsWithoutItsAlertGoingOn) {
  World world = Ordinary();
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(absl::Minutes(41));
  ASSERT_NE(world.IncidentOf(1), nullptr);
  const IncidentId departure = world.IncidentOf(1)->id;
  world.Deliver();
  world.SetAd(1, true);
  Expire(world, 1, world.now - absl::Minutes(1));
  world.Advance(absl::Minutes(1));
  EXPECT_NE(OpenKind(world, 1, DriftKind::kAccountExpiredLive), nullptr);
  ASSERT_TRUE(world.incidents.contains(departure));
  EXPECT_TRUE(world.incidents.at(departure).ended_at.has_value());
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(world.IncidentOf(1)->labels.at("kind"), "account_expired_live");
  world.Deliver();
  EXPECT_EQ(world.incidents.size(), 1u);
}

TEST(AccountExpiredLive, SeenByAClockThatIsNotTrustedOpensWhenItIsAgain) {
  World world = Ordinary();
  world.clock_suspect = true;
  Expire(world, 1, world.now - absl::Hours(24));
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_LE(world.person(1).review_at, world.now + absl::Seconds(5));
  world.Advance(absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.clock_suspect = false;
  world.Advance(absl::Seconds(30));
  EXPECT_NE(OpenKind(world, 1, DriftKind::kAccountExpiredLive), nullptr);
  EXPECT_TRUE(world.reads_wanted.empty()) << "nothing was missed";
}

TEST(AccountExpiredLive, EndsWithAnExtensionAsConverged) {
  World world = Ordinary();
  Expire(world, 1, world.now + absl::Minutes(1));
  world.Advance(absl::Minutes(3));
  ASSERT_TRUE(world.person(1).episode.has_value());
  Expire(world, 1, world.now + absl::Hours(500));
  EXPECT_FALSE(world.person(1).episode.has_value());
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed[0].result, EpisodeResult::kConverged);
  EXPECT_FALSE(world.person(1).memory.watch_until.has_value());
}

TEST(AccountExpiredLive, BecomesTheDepartureWhenSomebodyDisablesTheAccount) {
  World world = Ordinary();
  Expire(world, 1, world.now + absl::Minutes(1));
  world.Advance(absl::Minutes(3));
  ASSERT_TRUE(world.person(1).episode.has_value());
  const EpisodeId episode = world.person(1).episode->id;
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(absl::Minutes(2));
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_EQ(world.person(1).episode->id, episode);
  EXPECT_TRUE(SeverityOf(world, 1, DriftKind::kDisableLag).has_value());
  EXPECT_FALSE(SeverityOf(world, 1, DriftKind::kAccountExpiredLive).has_value());
  EXPECT_EQ(world.EvidenceOf("episode_departed"), 1u);
  world.Advance(absl::Minutes(75), absl::Minutes(1));
  EXPECT_EQ(world.person(1).state, State::kBreached);
}

TEST(AccountExpiredLive, ThatWasThereBeforeUsIsInherited) {
  World world;
  world.AddPerson(1);
  world.ad(1).account_expires = world.now - absl::Hours(24);
  world.ReadAll();
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_EQ(world.person(1).state, State::kInherited);
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(world.link.inherited_live, 1u);
  // Accepted: told like any other.
  world.Commit(
      ApplyBaselineAccept(world.context(), world.LoadPeople({world.person(1).ordinal}), "uid:0"));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kAccountExpiredLive), Severity::kWarning);
  EXPECT_EQ(world.link.inherited_live, 0u);
}

TEST(AccountExpiredLive, InheritedHidesNoDepartureAndNoSecondExpiry) {
  World world;
  for (const int i : {1, 2}) {
    world.AddPerson(i);
    world.ad(i).account_expires = world.now - absl::Hours(24);
  }
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  world.SetAd(1, false);
  world.AdRound({1});
  Expire(world, 2, world.now + absl::Minutes(30));  // extended, for a while
  world.Advance(absl::Minutes(75), absl::Minutes(1));
  EXPECT_EQ(world.person(1).state, State::kBreached);
  EXPECT_EQ(SeverityOf(world, 2, DriftKind::kAccountExpiredLive), Severity::kWarning);
}

bool WantsReads(World& world, int i) {
  world.Review({world.person(i).ordinal});
  return world.reads_wanted == std::vector<PersonOrdinal>{world.person(i).ordinal};
}

// What came to pass while nobody read is told as soon as both accounts are read again: nobody waits
// until it is everybody's turn.
TEST(AfterAGap, WhoExpiredInItIsReadAndTold) {
  World world = Ordinary(2);
  const absl::Time expires = world.now + absl::Minutes(30);
  Expire(world, 1, expires);
  world.now += absl::Hours(2);  // nothing is read
  world.Advance(absl::Minutes(1));
  ASSERT_EQ(SeverityOf(world, 1, DriftKind::kAccountExpiredLive), Severity::kWarning);
  EXPECT_EQ(OpenKind(world, 1, DriftKind::kAccountExpiredLive)->since, expires);
  EXPECT_EQ(world.person(2).facts.entra->last_direct_look.hi, absl::InfinitePast())
      << "of whom nothing waits nobody is read";
}

TEST(AfterAGap, WhoWasShutOutInTheCloudAloneIsReadAndTold) {
  World world = Ordinary();
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.now += absl::Minutes(30);
  world.Advance(absl::Minutes(1));
  EXPECT_FALSE(WantsReads(world, 1)) << "nothing opens yet";
  world.Advance(absl::Minutes(20));
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.Advance(absl::Minutes(15));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kReverseDrift), Severity::kWarning);
}

TEST(AfterAGap, WhoLeftTheScopeInItIsReadAndTold) {
  World world = Ordinary();
  world.now += absl::Hours(1);  // nothing is read
  world.ad(1).in_scope = false;
  world.AdRound({1});
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kScopeExit), Severity::kInfo);
  EXPECT_FALSE(WantsReads(world, 1));
}

TEST(AfterAGap, WhatWasExtendedInItIsNeverTold) {
  World world = Ordinary();
  Expire(world, 1, world.now + absl::Minutes(30));
  world.ad(1).account_expires = world.now + absl::Hours(100);
  world.now += absl::Hours(2);
  world.Advance(absl::Minutes(1));
  EXPECT_EQ(world.EvidenceOf("drift_opened"), 0u);
  EXPECT_FALSE(WantsReads(world, 1));
}

TEST(AfterAGap, WhoWasReadWaitsForTheOtherSourceWithoutBeingReadAgain) {
  World world = Ordinary();
  Expire(world, 1, world.now + absl::Minutes(30));
  world.now += absl::Hours(2);
  world.AdRound({});
  EXPECT_TRUE(WantsReads(world, 1));
  world.now += absl::Seconds(1);
  world.ReadDirect(1);
  EXPECT_FALSE(WantsReads(world, 1)) << "it was read";
  EXPECT_FALSE(world.person(1).episode.has_value()) << "the tenant was not, completely";
  EXPECT_LE(world.person(1).review_at, world.now + absl::Seconds(5));
  world.EntraRound({});
  world.ReadDirect(1);  // the tenant's round is the later one that follows a gap
  world.Advance(absl::Minutes(1));
  EXPECT_TRUE(world.person(1).episode.has_value());
}

TEST(AfterAGap, WhoIsNotToBeToldIsNotRead) {
  World world;
  for (const int i : {1, 2}) world.AddPerson(i);
  world.ad(1).account_expires = world.now - absl::Hours(24);  // before us
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  Expire(world, 2, world.now + absl::Minutes(30));
  world.policy.classes[PersonClass::kService].upns = {"user2@corp.example"};
  world.now += absl::Hours(2);
  world.AdRound({});
  world.EntraRound({});
  EXPECT_FALSE(WantsReads(world, 1)) << "inherited";
  EXPECT_FALSE(WantsReads(world, 2)) << "exempt";
  EXPECT_GT(world.person(1).review_at, world.now + absl::Minutes(1));
  EXPECT_GT(world.person(2).review_at, world.now + absl::Minutes(1));
}

TEST(NeverSynced, OpensAfterTwoCyclesThatLeftTheAccountAlone) {
  World world = Ordinary();
  world.link.engine_last_sync = world.now;
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_FALSE(SeverityOf(world, 1, DriftKind::kNeverSynced).has_value())
      << "the engine stood still";
  EXPECT_EQ(world.Judge(1).next, "two sync cycles are over: waiting for the engine's next run");
  world.link.engine_last_sync = world.now;
  world.Advance(absl::Minutes(20), absl::Minutes(1));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kNeverSynced), Severity::kWarning);
  EXPECT_EQ(LeadingKind(*world.person(1).episode), DriftKind::kDisableLag);
  EXPECT_EQ(world.Judge(1).next.find("never_synced"), std::string::npos) << "it is open";
  world.SetEntra(1, false);
  world.ReadDirect(1);
  EXPECT_FALSE(SeverityOf(world, 1, DriftKind::kNeverSynced).has_value());
}

TEST(NeverSynced, IsCriticalForTierZero) {
  World world;
  world.AddPerson(1);
  world.ad(1).admin_count = true;
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  world.SetAd(1, false);
  world.AdRound({1});
  world.link.engine_last_sync = world.now + absl::Minutes(61);
  world.Advance(absl::Minutes(62), absl::Minutes(1));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kNeverSynced), Severity::kCritical);
}

AuditRecord DisableBy(const World& world, int i, absl::Time at, std::string user) {
  AuditRecord record;
  record.id = "audit-1";
  record.entra_id = World::Entra(i).id;
  record.change = AccountChange::kDisabled;
  record.at = at;
  record.actor_id = std::move(user);
  static_cast<void>(world);
  return record;
}

TEST(ReverseDrift, WaitsTwoCyclesWhenNobodyKnowsWho) {
  World world = Ordinary();
  world.SetEntra(1, false);
  world.ReadDirect(1);
  world.Advance(absl::Minutes(59), absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.Advance(absl::Minutes(3), absl::Minutes(1));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kReverseDrift), Severity::kWarning);
  EXPECT_EQ(world.person(1).state, State::kReversed);
  EXPECT_TRUE(world.ActionsOf(1).empty());
  world.SetEntra(1, true);
  world.ReadDirect(1);
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(world.closed.back().result, EpisodeResult::kConverged);
}

TEST(ReverseDrift, IsToldAtOnceWhenSomebodyDidItByHand) {
  World world = Ordinary();
  world.Advance(absl::Minutes(1));
  const absl::Time at = world.now;
  world.SetEntra(1, false);
  world.Advance(absl::Seconds(15));
  world.ReadDirect(1);
  EXPECT_FALSE(world.person(1).episode.has_value());
  LogLook look;
  look.source = kTenant;
  look.log = TenantLog::kDirectoryAudits;
  look.audits = {DisableBy(world, 1, at + absl::Seconds(5), "an-administrator")};
  world.Commit(ApplyLog(world.context(), world.LoadPeople({world.person(1).ordinal}), look));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kReverseDrift), Severity::kWarning);
  EXPECT_EQ(world.person(1).state, State::kReversed) << "nothing is waited for";
}

TEST(ReverseDrift, IsToldAtOnceWhenSomebodyDeletedTheAccountByHand) {
  World world = Ordinary();
  world.Advance(absl::Minutes(1));
  const absl::Time at = world.now;
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.Advance(absl::Seconds(15));
  world.ReadDirect(1);
  EXPECT_FALSE(world.person(1).episode.has_value());
  LogLook look;
  look.source = kTenant;
  look.log = TenantLog::kDirectoryAudits;
  look.audits = {DisableBy(world, 1, at + absl::Seconds(5), "an-administrator")};
  look.audits.front().change = AccountChange::kDeleted;
  world.Commit(ApplyLog(world.context(), world.LoadPeople({world.person(1).ordinal}), look));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kReverseDrift), Severity::kWarning);
  EXPECT_EQ(world.person(1).state, State::kReversed);
}

TEST(ReverseDrift, WaitsTwoCyclesForWhoHasSomethingElseOpenAndNeverLeft) {
  World world = Ordinary();
  Expire(world, 1, world.now + absl::Minutes(1));
  world.Advance(absl::Minutes(2));
  ASSERT_NE(OpenKind(world, 1, DriftKind::kAccountExpiredLive), nullptr);
  world.SetEntra(1, false);
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).state, State::kAligned);
}

TEST(ReverseDrift, IsNoneWhileSomebodyComesBackFromLeave) {
  World world = Ordinary();
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(absl::Minutes(2));
  world.SetEntra(1, false);
  world.ReadDirect(1);
  world.Advance(absl::Hours(3), absl::Minutes(1));
  world.RunActions();
  world.SetAd(1, true);
  world.AdRound({1});
  world.Advance(absl::Minutes(50), absl::Minutes(1));
  EXPECT_EQ(world.person(1).state, State::kReversed);
  EXPECT_FALSE(world.person(1).episode.has_value());
  // For two cycles; then somebody has to look.
  world.Advance(absl::Minutes(15), absl::Minutes(1));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kReverseDrift), Severity::kWarning);
}

TEST(AnchorConflict, OpensWhenAnchorAndSidDisagreeForTwoCycles) {
  World world = Ordinary();
  world.entra(1).on_premises_sid = World::Ad(7).sid;
  world.EntraRound({1});
  world.Advance(absl::Minutes(58), absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.Advance(absl::Minutes(5), absl::Minutes(1));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kAnchorConflict), Severity::kWarning);
  world.entra(1).on_premises_sid = World::Ad(1).sid;
  world.EntraRound({1});
  EXPECT_FALSE(world.person(1).episode.has_value());
}

TEST(ScopeExit, IsToldWhenSettledAndWarnsWhenTheEngineShouldHaveTakenTheAccount) {
  World world = Ordinary();
  world.ad(1).in_scope = false;
  world.AdRound({1});
  EXPECT_FALSE(world.person(1).episode.has_value());
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kScopeExit), Severity::kInfo);
  EXPECT_EQ(world.IncidentOf(1), nullptr);
  world.Advance(absl::Minutes(41), absl::Minutes(1));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kScopeExit), Severity::kWarning);
  world.ad(1).in_scope = true;
  world.AdRound({1});
  EXPECT_FALSE(world.person(1).episode.has_value());
}

TEST(ScopeExit, IsNoneForWhomTheEngineTookAway) {
  World world = Ordinary();
  world.ad(1).in_scope = false;
  world.AdRound({1});
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.ReadDirect(1);
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_TRUE(world.incidents.empty());
}

TEST(SourceOfAuthorityMoved, OpensForALeaverWhoseAccountIsTheClouds) {
  World world = Ordinary(2);
  TenantLook look;
  look.cloud_managed[World::Entra(1).id] = true;
  world.Commit(ApplyTenant(world.context(), world.LoadPeople({world.person(1).ordinal}), look));
  EXPECT_FALSE(world.person(1).episode.has_value()) << "nobody left";
  world.SetAd(1, false);
  world.SetAd(2, false);
  world.AdRound({1, 2});
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kSourceOfAuthorityMoved), Severity::kWarning);
  EXPECT_FALSE(SeverityOf(world, 2, DriftKind::kSourceOfAuthorityMoved).has_value());
}

TEST(SoftDeletedRestored, TakesThePlaceOfCloudReenabled) {
  World world = Ordinary(2);
  world.policy.require_revocation = false;
  world.SetAd(1, false);
  world.SetAd(2, false);
  world.AdRound({1, 2});
  world.Advance(absl::Minutes(2));
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.SetEntra(2, false);
  world.ReadDirect(1);
  world.ReadDirect(2);
  world.Advance(absl::Minutes(5));
  EXPECT_EQ(world.person(1).state, State::kConverged);
  EXPECT_EQ(world.person(2).state, State::kConverged);
  world.entra(1).deletion = EntraDeletion::kLive;
  world.SetEntra(2, true);
  for (int look = 0; look < 4; ++look) {
    world.Advance(absl::Seconds(40));
    world.ReadDirect(1);
    world.ReadDirect(2);
  }
  EXPECT_EQ(SeverityOf(world, 1, DriftKind::kSoftDeletedRestored), Severity::kCritical);
  EXPECT_FALSE(SeverityOf(world, 1, DriftKind::kCloudReenabled).has_value());
  EXPECT_EQ(SeverityOf(world, 2, DriftKind::kCloudReenabled), Severity::kCritical);
  EXPECT_FALSE(SeverityOf(world, 2, DriftKind::kSoftDeletedRestored).has_value());
}

}  // namespace
}  // namespace driftwarden::monitor
