// Accounts without an AD object: the vectors of orphan_synced, and what is only reported.

#include "monitor/unmanaged.h"

#include "monitor/exemption.h"
#include "tests/monitor/drift_vectors.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kTwoCycles = absl::Minutes(61);
const SourceName kEmea{"emea"};

// Person 1 has an Entra account that is synced from the domain `corp`; AD never shows them.
World LoneAccount(const std::string& domain = "corp") {
  World world;
  world.AddPerson(2);
  world.ReadAll();
  world.AddPerson(1);
  world.entra(1).on_premises_domain = domain;
  world.entra(1).ever_synced = true;
  world.EntraRound({1});
  return world;
}

World OrphanForAWhile(const std::string& domain = "corp") {
  World world = LoneAccount(domain);
  world.Advance(kTwoCycles, kMinute);
  return world;
}

// Deleted in AD, and disabled in Entra instead of deleted.
World DisabledTwin(bool tier0) {
  World world = OnePerson(tier0);
  world.policy.require_revocation = false;
  world.entra(1).on_premises_domain = "corp";
  world.EntraRound({1});
  Delete(world);
  world.Advance(2 * kMinute);
  SetCloud(world, false);
  world.Advance(kTwoCycles, kMinute);
  return world;
}

// The account was there when both sides were read for the first time.
World OrphanBeforeUs(bool enabled, bool ad_first) {
  World world;
  world.AddPerson(1);
  world.AddPerson(2);
  world.entra(1).on_premises_domain = "corp";
  world.SetEntra(1, enabled);
  if (ad_first) world.Apply(world.AdBatch({2}, true));
  world.Apply(world.EntraBatch({1, 2}, true));
  if (!ad_first) world.Apply(world.AdBatch({2}, true));
  return world;
}

std::optional<UnmanagedKind> ListedAs(const World& world, int i = 1) {
  const auto listed = UnmanagedAs(world.person(i), world.link, world.policy, world.now);
  return listed ? std::optional(listed->kind) : std::nullopt;
}

OPENS(OrphanSynced, kInfo, NoADObjectForTwoCycles) {
  return OpenAs(OrphanForAWhile(), kind);
}
OPENS(OrphanSynced, kInfo, ADisabledTwinIsLeft) {
  return OpenAs(DisabledTwin(false), kind);
}
OPENS_TIER0(OrphanSynced, kInfo, ADisabledTwinIsLeft) {
  return OpenAs(DisabledTwin(true), kind);
}
OPENS(OrphanSynced, kInfo, ItStaysWhenTheDomainIsNoLongerRead) {
  World world = OrphanForAWhile();
  world.base_dn = "ou=staff,dc=corp";
  world.Advance(kTwoCycles, kMinute);
  world.Review({world.person(1).ordinal});
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, ItIsOnlyNotReadYet) {
  World world = LoneAccount();
  world.Advance(absl::Minutes(50), kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, ADomainThatNobodyReads) {
  return OpenAs(OrphanForAWhile("emea.example"), kind);
}
STAYS_SHUT(OrphanSynced, AChildOfADomainThatIsRead) {
  return OpenAs(OrphanForAWhile("child.corp"), kind);
}
STAYS_SHUT(OrphanSynced, OnlyAPartOfTheDomainIsRead) {
  World world = LoneAccount();
  world.base_dn = "ou=staff,dc=corp";
  world.Advance(kTwoCycles, kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, AnotherForestOfTheLinkIsNotReadYet) {
  World world = LoneAccount();
  world.policy.ad_sources.push_back(kEmea);
  world.Advance(kTwoCycles, kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, TheDomainIsBeingReadAnew) {
  World world = LoneAccount();
  world.link.sources.at(kAd).snapshot_running = true;
  world.now += kTwoCycles;
  world.EntraRound({});
  world.Review({world.person(1).ordinal});
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, OutOfScopeIsThere) {
  World world = LoneAccount();
  world.ad(1).in_scope = false;
  world.AdRound({1});
  world.Advance(kTwoCycles, kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, TheADObjectIsFound) {
  World world = OrphanForAWhile();
  world.AdRound({1});
  EXPECT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, NoLongerSynced) {
  World world = OrphanForAWhile();
  world.entra(1).sync_enabled = false;
  world.EntraRound({1});
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, GoneInEntra) {
  World world = OrphanForAWhile();
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.EntraRound({1});
  return OpenAs(world, kind);
}
STAYS_SHUT(OrphanSynced, AnEnabledTwinIsDeletedLive) {
  World world = OnePerson();
  world.entra(1).on_premises_domain = "corp";
  world.EntraRound({1});
  Delete(world);
  world.Advance(kTwoCycles, kMinute);
  EXPECT_TRUE(OpenAs(world, DriftKind::kDeletedLive));
  return OpenAs(world, kind);
}

TEST(Unmanaged, AnOrphanIsInformationAndNobodysAlert) {
  const World world = OrphanForAWhile();
  EXPECT_EQ(world.IncidentOf(1), nullptr);
  EXPECT_EQ(world.link.in_drift, DriftCounts());
  EXPECT_EQ(world.person(1).state, State::kUnlinked);
  EXPECT_EQ(world.ActionsOf(1).size(), 0u);
  const World twin = DisabledTwin(false);
  EXPECT_EQ(twin.person(1).state, State::kConverged) << "it keeps nobody from being gone";
  ASSERT_EQ(twin.closed.size(), 1u) << "the departure was over before";
  EXPECT_EQ(twin.closed[0].result, EpisodeResult::kConverged);
  EXPECT_FALSE(twin.person(1).episode->OfDeparture());
}

TEST(Unmanaged, WhatWasSoBeforeUsIsInheritedUntilItIsAccepted) {
  for (const bool ad_first : {true, false}) {
    SCOPED_TRACE(ad_first);
    World world = OrphanBeforeUs(true, ad_first);
    world.Advance(kTwoCycles, kMinute);
    EXPECT_EQ(world.person(1).state, State::kInherited);
    EXPECT_FALSE(world.person(1).episode);
    EXPECT_EQ(world.link.inherited_live, 0u) << "nobody has to look at it";
    EXPECT_EQ(ListedAs(world), UnmanagedKind::kOrphanSynced);
    world.Commit(
        ApplyBaselineAccept(world.context(), world.LoadPeople({world.person(1).ordinal}), "ada"));
    EXPECT_EQ(OpenAs(world, DriftKind::kOrphanSynced), Severity::kInfo);
    world.Advance(kTwoCycles, kMinute);
    EXPECT_EQ(OpenAs(world, DriftKind::kOrphanSynced), Severity::kInfo);
  }
}

TEST(Unmanaged, WhoIsExemptIsNoDriftButListed) {
  World world = OrphanForAWhile();
  const PersonOrdinal person = world.person(1).ordinal;
  const Exemption exemption{world.now, world.now + absl::Hours(5), "known", "ada"};
  world.Commit(ApplyExemption(world.context(), world.LoadPeople({person}), person, exemption));
  EXPECT_FALSE(OpenAs(world, DriftKind::kOrphanSynced));
  EXPECT_EQ(ListedAs(world), UnmanagedKind::kOrphanSynced);
}

TEST(Unmanaged, OfAnAccountThatIsNotSyncedItCountsWhetherItEverWas) {
  World world = LoneAccount("");
  world.entra(1).immutable_id = Anchor();
  world.entra(1).on_premises_sid.reset();
  world.entra(1).sync_enabled = false;
  world.entra(1).ever_synced = false;
  EntraView cloud = world.entra(1);
  cloud.id = "entra-3";
  world.Observe(cloud, LookKind::kFeed);
  const auto listed = [&](const EntraView& view) {
    World other = world;
    other.Observe(view);
    for (const auto& [ordinal, person] : other.people) {
      if (!person.facts.entra || person.facts.entra->id != "entra-3") continue;
      const auto found = UnmanagedAs(person, other.link, other.policy, other.now);
      return found ? std::optional(found->kind) : std::nullopt;
    }
    return std::optional<UnmanagedKind>();
  };
  EXPECT_EQ(listed(cloud), UnmanagedKind::kCloudOnlyUnmanaged);
  EntraView silent = cloud;
  silent.sync_enabled.reset();
  silent.ever_synced.reset();
  silent.id = "entra-4";
  world.Observe(silent, LookKind::kFeed);
  for (const auto& [ordinal, person] : world.people) {
    if (!person.facts.entra || person.facts.entra->id != "entra-4") continue;
    EXPECT_EQ(UnmanagedAs(person, world.link, world.policy, world.now)->kind,
              UnmanagedKind::kCloudOnlyUnmanaged)
        << "the feed leaves out what there never was";
  }
  EntraView guest = cloud;
  guest.guest = true;
  EXPECT_EQ(listed(guest), std::nullopt);
  EntraView disabled = cloud;
  disabled.account_enabled = false;
  EXPECT_EQ(listed(disabled), std::nullopt);
  EntraView anchored = cloud;
  anchored.immutable_id = Anchor("AP8BAP8B");
  EXPECT_EQ(listed(anchored), UnmanagedKind::kFormerlySyncedLive);
  EntraView formerly = cloud;
  formerly.ever_synced = true;
  EXPECT_EQ(listed(formerly), UnmanagedKind::kFormerlySyncedLive);
}

TEST(Unmanaged, NamesThatDifferAreListedSinceTheyDo) {
  World world = OnePerson();
  world.entra(1).upn = "USER1@corp.example";
  world.EntraRound({1});
  EXPECT_EQ(ListedAs(world), std::nullopt) << "case does not matter";
  world.Advance(kMinute);
  world.entra(1).upn = "somebody@corp.example";
  world.EntraRound({1});
  const absl::Time since = world.now;
  world.Advance(2 * kMinute);
  const auto listed = UnmanagedAs(world.person(1), world.link, world.policy, world.now);
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->kind, UnmanagedKind::kUpnDrift);
  EXPECT_EQ(listed->since, since);
  EXPECT_FALSE(world.person(1).episode) << "a report, no drift";
  Leave(world);
  EXPECT_EQ(ListedAs(world), std::nullopt);
}

TEST(Unmanaged, NobodyIsListedBeforeBothSidesAreRead) {
  World world;
  world.AddPerson(1);
  world.entra(1).on_premises_domain = "corp";
  world.Apply(world.EntraBatch({1}, true));
  EXPECT_FALSE(BothSidesRead(world.link, world.policy));
  EXPECT_EQ(ListedAs(world), std::nullopt);
}

}  // namespace
}  // namespace driftwarden::monitor
