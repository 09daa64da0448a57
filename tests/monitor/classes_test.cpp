// Accounts of nobody who could leave: seen, counted as exempt, never paged about and never acted
// on; and what is out of the configured scope.

#include <gtest/gtest.h>

#include <algorithm>

#include "monitor/evaluate.h"
#include "monitor/guards.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

constexpr uint64_t kRoom = 16;
constexpr uint64_t kRemoteShared = uint64_t{1} << 35;

// Somebody who is disabled in AD and lives on in Entra for a day, with everything allowed.
void LeaveFor(World& world, int i, absl::Duration time) {
  world.SetAd(i, false);
  world.AdRound({i});
  world.Advance(time, absl::Minutes(1));
}

World Automatic() {
  World world;
  world.policy.remediation.mode = Mode::kAuto;
  for (int i = 1; i <= 3; ++i) world.AddPerson(i);
  return world;
}

TEST(Classes, AnAccountOfAClassIsExemptWhateverHappensToIt) {
  World world = Automatic();
  world.policy.classes[PersonClass::kBreakGlass].upns = {"USER1@corp.example"};
  world.policy.classes[PersonClass::kService].attribute = {{"employeetype", "Service"}};
  world.policy.classes[PersonClass::kSharedMailbox].ous = {"OU=Shared, DC=corp"};
  world.ad(2).attributes = KeptAttributes{{"employeetype", {"robot", "service"}}};
  world.ad(3).dn = "CN=Desk,OU=Shared,DC=corp";
  world.ReadAll();
  for (int i = 1; i <= 3; ++i) LeaveFor(world, i, absl::Hours(3));
  const PersonClass expected[] = {PersonClass::kBreakGlass, PersonClass::kService,
                                  PersonClass::kSharedMailbox};
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(world.person(i).person_class, expected[i - 1]) << i;
    EXPECT_EQ(world.person(i).state, State::kExempt) << i;
    EXPECT_FALSE(world.person(i).episode.has_value()) << i;
    EXPECT_TRUE(world.ActionsOf(i).empty()) << i;
  }
  EXPECT_TRUE(world.incidents.empty());
  EXPECT_TRUE(world.closed.empty());
}

TEST(Classes, AClassThatIsConfiguredLaterEndsTheEpisodeAndTakenBackBringsItAgain) {
  World world = Automatic();
  world.policy.remediation.mode = Mode::kObserve;
  world.ReadAll();
  LeaveFor(world, 1, absl::Hours(2));
  ASSERT_EQ(world.person(1).state, State::kBreached);
  world.policy.classes[PersonClass::kBreakGlass].upns = {"user1@corp.example"};
  world.Review({world.person(1).ordinal});
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed.front().result, EpisodeResult::kExempt);
  EXPECT_EQ(world.person(1).state, State::kExempt);
  world.policy.classes.clear();
  world.Review({world.person(1).ordinal});
  EXPECT_TRUE(world.person(1).episode.has_value()) << "still live: still a departure";
}

TEST(Classes, TheGateRefusesAClassedPerson) {
  World world = Automatic();
  world.ReadAll();
  LeaveFor(world, 1, absl::Minutes(50));
  const Person person = world.person(1);
  const Verdict verdict = world.Judge(1);
  ASSERT_TRUE(person.episode.has_value());
  world.policy.classes[PersonClass::kService].upns = {"user1@corp.example"};
  const PermitResult permit =
      PermitAction(person, verdict, {ActionKind::kRevokeSessions, ActionReason::kLag}, world.link,
                   world.policy, world.now, false);
  EXPECT_EQ(permit.permission, Permission::kNo);
  const auto gate = std::find_if(permit.gates.begin(), permit.gates.end(),
                                 [](const GateResult& g) { return g.name == "not_exempt"; });
  ASSERT_NE(gate, permit.gates.end());
  EXPECT_FALSE(gate->ok);
  EXPECT_EQ(gate->observed, "class service");
  ReReads reads;
  const auto gates =
      CheckReReads(reads, person, ActionReason::kLag, world.link, world.policy, world.now, false);
  EXPECT_TRUE(std::any_of(gates.begin(), gates.end(),
                          [](const GateResult& g) { return g.name == "not_exempt" && !g.ok; }));
}

TEST(Classes, RoomsAndSharedMailboxesAreDisabledByDesign) {
  World world = Automatic();
  world.ad(1).recipient_type = kRoom;
  world.SetAd(1, false, 3);
  world.ReadAll();
  EXPECT_EQ(world.person(1).person_class, PersonClass::kSharedMailbox);
  EXPECT_EQ(world.person(1).state, State::kExempt);
  EXPECT_EQ(world.link.inherited_live, 0u) << "nothing to be accepted";
  // One that is made later, disabled from the start.
  world.AddPerson(4);
  world.SetAd(4, false, 0);
  world.ad(4).recipient_type = kRemoteShared;
  world.AdRound({4});
  world.EntraRound({4});
  world.Advance(absl::Hours(3), absl::Minutes(1));
  EXPECT_EQ(world.person(4).state, State::kExempt);
  EXPECT_TRUE(world.incidents.empty());
  EXPECT_TRUE(world.closed.empty());
}

TEST(Classes, ALeaversMailboxThatIsMadeSharedEndsNoDeparture) {
  // Before the disable, with it, and after it.
  for (const int order : {0, 1, 2}) {
    World world = Automatic();
    world.policy.remediation.mode = Mode::kObserve;
    world.ReadAll();
    if (order == 0) {
      world.ad(1).recipient_type = kRemoteShared;
      ++world.ad(1).usn_changed;
      world.AdRound({1});
      EXPECT_EQ(world.person(1).person_class, PersonClass::kNone) << "still somebody's";
    }
    world.SetAd(1, false);
    if (order == 1) world.ad(1).recipient_type = kRemoteShared;
    world.AdRound({1});
    if (order == 2) {
      world.ad(1).recipient_type = kRemoteShared;
      ++world.ad(1).usn_changed;
      world.AdRound({1});
    }
    ASSERT_TRUE(world.person(1).episode.has_value()) << order;
    world.Advance(absl::Hours(2), absl::Minutes(1));
    EXPECT_EQ(world.person(1).state, State::kBreached) << order;
    world.entra(1).deletion = EntraDeletion::kSoft;
    world.EntraRound({1});
    EXPECT_FALSE(world.person(1).episode.has_value()) << order;
    world.Review({world.person(1).ordinal});
    EXPECT_EQ(world.person(1).person_class, PersonClass::kSharedMailbox) << order;
  }
}

TEST(Classes, ASharedMailboxOfALeaverThatComesBackToLifeIsAReturn) {
  World world = Automatic();
  world.policy.remediation.mode = Mode::kObserve;
  world.policy.require_revocation = false;
  world.ReadAll();
  world.SetAd(1, false);
  world.AdRound({1});
  world.SetEntra(1, false);
  world.ReadDirect(1);
  world.ad(1).recipient_type = kRemoteShared;
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  world.Review({world.person(1).ordinal});
  ASSERT_EQ(world.person(1).state, State::kExempt);
  world.SetEntra(1, true);
  world.Advance(absl::Minutes(1));
  world.EntraRound({1});
  world.Advance(absl::Minutes(3));
  EXPECT_EQ(world.person(1).state, State::kRegressed);
}

TEST(Classes, ALinkedMailboxNeverSpeaksForThePerson) {
  World world = Automatic();
  world.policy.remediation.mode = Mode::kObserve;
  // Account 3 is the disabled stand-in, in a resource forest, of account 1.
  world.ad(3).consistency_guid = std::string(world.ad(1).object_guid.Raw());
  world.ad(3).recipient_type = 2;
  world.ad(3).sid = world.ad(1).sid;
  world.DropEntra(3);
  world.SetAd(3, false, 3);
  world.ReadAll();
  ASSERT_EQ(world.person(1).facts.ad.size(), 2u);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  LeaveFor(world, 1, absl::Hours(2));
  EXPECT_EQ(world.person(1).person_class, PersonClass::kNone);
  EXPECT_EQ(world.person(1).state, State::kBreached);
}

TEST(Classes, TheSyncEnginesOwnAccountIsAService) {
  World world = Automatic();
  world.ad(1).sam_account_name = "MSOL_0123456789ab";
  world.ad(2).sam_account_name = "msol_is_my_name";
  world.ReadAll();
  EXPECT_EQ(world.person(1).person_class, PersonClass::kService);
  EXPECT_EQ(world.person(2).person_class, PersonClass::kNone);
}

TEST(Scope, WhoLeavesItIsNeitherDeletedNorForgotten) {
  World world = Automatic();
  world.policy.remediation.mode = Mode::kObserve;
  world.ReadAll();
  world.ad(1).in_scope = false;
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  EXPECT_EQ(world.person(1).facts.ad.front().scope, ScopeState::kLeft);
  EXPECT_FALSE(world.person(1).facts.ad.front().deleted);
  EXPECT_EQ(world.EvidenceOf("ad_left_scope"), 1u);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  // The sync engine takes the cloud account away: expected, and no case.
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.EntraRound({1});
  world.Advance(absl::Hours(2), absl::Minutes(5));
  EXPECT_EQ(world.person(1).state, State::kUnlinked);
  EXPECT_TRUE(world.incidents.empty());
  world.ad(1).in_scope = true;
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  EXPECT_EQ(world.person(1).facts.ad.front().scope, ScopeState::kIn);
  EXPECT_EQ(world.EvidenceOf("ad_entered_scope"), 1u);
}

TEST(Scope, AMoveOutOfItEndsNoDeparture) {
  for (const bool at_once : {true, false}) {
    World world = Automatic();
    world.policy.remediation.mode = Mode::kObserve;
    world.ReadAll();
    world.SetAd(1, false);
    if (at_once) world.ad(1).in_scope = false;
    world.AdRound({1});
    world.ad(1).in_scope = false;
    ++world.ad(1).usn_changed;
    world.AdRound({1});
    ASSERT_TRUE(world.person(1).episode.has_value());
    world.Advance(absl::Hours(2), absl::Minutes(1));
    EXPECT_EQ(world.person(1).state, State::kBreached);
  }
}

TEST(Scope, WhoWasNeverInItDecidesNothingAndEntersQuietly) {
  World world = Automatic();
  world.ad(1).in_scope = false;
  world.ReadAll();
  EXPECT_EQ(world.person(1).state, State::kUnlinked);
  LeaveFor(world, 1, absl::Hours(2));
  EXPECT_EQ(world.person(1).state, State::kUnlinked);
  EXPECT_EQ(world.EvidenceOf("ad_disabled"), 0u);
  EXPECT_TRUE(world.incidents.empty());
  // The scope grows over them: what had drifted before is told as inherited.
  world.ad(1).in_scope = true;
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  EXPECT_EQ(world.person(1).state, State::kInherited);
  EXPECT_EQ(world.link.inherited_live, 1u);
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_TRUE(world.incidents.empty());
}

TEST(Groups, ATierByGroupHoldsUntilTheNextLookAtTheGroup) {
  World world = Automatic();
  world.policy.tiers.front().match.groups = {"Domain Admins"};
  world.ReadAll();
  EXPECT_EQ(world.person(1).tier.value, kStandard);
  AdView membership;
  membership.partial = true;
  membership.object_guid = world.ad(1).object_guid;
  membership.groups = std::vector<std::string>{"Domain Admins"};
  const size_t people = world.people.size();
  world.Observe(membership);
  EXPECT_EQ(world.person(1).tier.value, kTier0);
  world.AdRound({1});  // a look that does not tell of groups
  EXPECT_EQ(world.person(1).tier.value, kTier0);
  membership.groups->clear();
  world.Observe(membership);
  EXPECT_EQ(world.person(1).tier.value, kStandard);
  // It makes nobody known.
  membership.object_guid = World::Ad(77).object_guid;
  world.Observe(membership);
  EXPECT_EQ(world.people.size(), people);
}

TEST(Cost, AMovedUsnAloneIsCountedAndWritesNobody) {
  World world = Automatic();
  world.ReadAll();
  for (int i = 0; i < 5; ++i) {
    ++world.ad(1).usn_changed;
    world.ad(1).when_changed = world.now;
    world.ad(1).locked_at = world.now;
    world.now += absl::Seconds(5);
    const ChangeBatch batch = world.AdBatch({1});
    const Changes changes =
        ApplyBatch(world.context(), world.Load(KeysOf(batch.observations)), batch);
    EXPECT_TRUE(changes.people.empty());
    EXPECT_TRUE(changes.evidence.empty());
    const auto counted = changes.tally.source_changes.find({kAd, "unwatched"});
    ASSERT_NE(counted, changes.tally.source_changes.end());
    EXPECT_EQ(counted->second, 1u);
    world.Commit(changes);
  }
  // What the complete reads in between did not bring still bounds a later change from below.
  const absl::Time last_complete = world.link.sources[kAd].last_complete_begin;
  world.SetAd(1, false);
  world.ad(1).uac_stamp.reset();  // and the directory does not tell when
  world.now += absl::Seconds(5);
  world.AdRound({1});
  EXPECT_EQ(world.person(1).facts.ad.front().disabled_since.lo, last_complete);
}

}  // namespace
}  // namespace driftwarden::monitor
