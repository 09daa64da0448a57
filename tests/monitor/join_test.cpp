// Who is who: anchors that change move halves between people and never lose an episode.

#include <gtest/gtest.h>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

std::string RawGuid(int i) {
  return std::string(World::Ad(i).object_guid.Raw());
}

TEST(Join, HalvesMeetByAnchorWhicheverComesFirst) {
  World world;
  world.AddPerson(1);
  world.Apply(world.EntraBatch({1}, true));
  EXPECT_EQ(world.person(1).state, State::kUnlinked);
  world.Apply(world.AdBatch({1}, true));
  EXPECT_EQ(world.people.size(), 1u);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  EXPECT_EQ(world.link.linked_people, 1u);
}

TEST(Join, AnAnchorWrittenLaterMergesTwoPeopleAndTheAdSideKeepsItsNumber) {
  World world;
  world.AddPerson(1);
  world.entra(1).immutable_id = AnchorOf(RawGuid(77));
  world.ReadAll();
  ASSERT_EQ(world.people.size(), 2u);
  const PersonOrdinal ad_ordinal = world.people.begin()->first;
  world.now += absl::Minutes(1);
  world.ad(1).consistency_guid = RawGuid(77);
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  ASSERT_EQ(world.people.size(), 1u);
  EXPECT_EQ(world.people.begin()->first, ad_ordinal);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  EXPECT_EQ(world.person(1).facts.anchor, AnchorOf(RawGuid(77)));
  EXPECT_EQ(world.EvidenceOf("rejoined"), 1u);
  EXPECT_EQ(GradeOf(world.person(1).facts), IdentityGrade::kStrong);
}

TEST(Join, TheConsistencyGuidThatRepeatsTheObjectGuidChangesNothing) {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  world.ad(1).consistency_guid = RawGuid(1);
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  EXPECT_EQ(world.people.size(), 1u);
  EXPECT_EQ(world.EvidenceOf("rejoined"), 0u);
}

TEST(Join, AnOpenEpisodeDoesNotMove) {
  World world;
  world.AddPerson(1);
  world.AddPerson(2);
  world.ReadAll();
  world.now += absl::Minutes(1);
  world.SetAd(1, false);
  world.AdRound({1});
  const PersonOrdinal with_episode = world.person(1).ordinal;
  const EpisodeId id = world.person(1).episode->id;
  // The cloud account is deleted for good and made anew with the same anchor under a new id.
  EntraView made_anew = world.entra(1);
  made_anew.id = "entra-new";
  EntraView gone = world.entra(1);
  gone.deletion = EntraDeletion::kHard;
  world.Observe(gone);
  EXPECT_EQ(world.closed.size(), 1u) << "deleted";
  world.now += absl::Minutes(1);
  world.Observe(made_anew);
  const Person& person = world.people.at(with_episode);
  EXPECT_EQ(person.facts.entra->id, "entra-new");
  EXPECT_EQ(world.people.size(), 3u) << "the deleted account stands alone";
  EXPECT_EQ(world.closed.at(0).id, id);
  world.now += absl::Seconds(70);
  world.Observe(made_anew);
  EXPECT_EQ(person.state, State::kRegressed);
}

TEST(Join, AMoveBetweenForestsKeepsThePerson) {
  World world;
  world.AddPerson(1);
  world.ad(1).consistency_guid = RawGuid(50);
  world.entra(1).immutable_id = AnchorOf(RawGuid(50));
  world.ReadAll();
  const PersonOrdinal ordinal = world.person(1).ordinal;
  AdView moved = World::Ad(60);
  moved.consistency_guid = RawGuid(50);
  world.Observe(moved, LookKind::kFeed);
  ASSERT_EQ(world.people.size(), 1u);
  EXPECT_EQ(world.people.at(ordinal).facts.ad.size(), 2u);
  world.now += absl::Minutes(1);
  world.SetAd(1, false);
  world.AdRound({1});
  EXPECT_EQ(world.people.at(ordinal).state, State::kAligned) << "an active account wins";
  EXPECT_FALSE(world.people.at(ordinal).episode.has_value());
  moved.user_account_control = 0x202;
  moved.uac_stamp->version += 1;
  moved.uac_stamp->originating_time = world.now;
  world.Observe(moved, LookKind::kFeed);
  EXPECT_EQ(world.people.at(ordinal).state, State::kPending);
}

TEST(Join, OneAnchorOnTwoCloudAccountsIsAConflictUntilOneIsGone) {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  EntraView twin = world.entra(1);
  twin.id = "entra-twin";
  world.Observe(twin, LookKind::kFeed);
  EXPECT_EQ(GradeOf(world.person(1).facts), IdentityGrade::kConflict);
  world.now += absl::Minutes(1);
  world.SetAd(1, false);
  world.AdRound({1});
  EXPECT_EQ(world.person(1).state, State::kQuarantined);
  twin.deletion = EntraDeletion::kHard;
  world.Observe(twin);
  EXPECT_EQ(GradeOf(world.person(1).facts), IdentityGrade::kStrong);
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(world.person(1).state, State::kPending);
}

TEST(Join, TwoPeopleSwapCloudAccountsWhenTheirAnchorsCross) {
  World world;
  world.AddPerson(1);
  world.AddPerson(2);
  world.Apply(world.AdBatch({1}, true));
  world.Apply(world.EntraBatch({1, 2}, true));
  ASSERT_EQ(world.people.size(), 2u);
  world.now += absl::Minutes(1);
  world.ad(1).consistency_guid = RawGuid(2);
  ++world.ad(1).usn_changed;
  world.AdRound({1});
  ASSERT_EQ(world.people.size(), 2u);
  const Person& with_ad = world.person(2);
  ASSERT_EQ(with_ad.facts.ad.size(), 1u);
  EXPECT_EQ(with_ad.facts.ad.at(0).object_guid, World::Ad(1).object_guid);
}

TEST(Join, ReplayingTheBatchThatMergedTwoPeopleChangesNothing) {
  World world;
  world.AddPerson(1);
  world.entra(1).immutable_id = AnchorOf(RawGuid(77));
  world.ReadAll();
  world.now += absl::Minutes(1);
  world.ad(1).consistency_guid = RawGuid(77);
  ++world.ad(1).usn_changed;
  const ChangeBatch batch = world.AdBatch({1});
  world.Apply(batch);
  const auto people = world.people;
  const auto evidence = world.evidence.size();
  world.Apply(batch);
  EXPECT_EQ(world.people, people);
  EXPECT_EQ(world.evidence.size(), evidence);
}

}  // namespace
}  // namespace driftwarden::monitor
