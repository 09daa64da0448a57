// What was there before the first complete read of both sides is not paged about, whatever the
// order in which it is read; what changes later is.

#include <gtest/gtest.h>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

// 1: aligned. 2: disabled in AD, live. 3: disabled on both. 4: deleted in AD, live. 5: disabled in
// AD, no cloud account. 6: enabled in AD, disabled in Entra.
void Populate(World& world) {
  for (int i = 1; i <= 6; ++i) world.AddPerson(i);
  world.SetAd(2, false, 3);
  world.SetAd(3, false, 3);
  world.SetEntra(3, false);
  world.DeleteAd(4);
  world.SetAd(5, false, 3);
  world.DropEntra(5);
  world.SetEntra(6, false);
}

TEST(Baseline, JudgesEachByWhatWasThereInAnyOrder) {
  for (const bool entra_first : {false, true}) {
    World world;
    Populate(world);
    const ChangeBatch ad = world.AdBatch({1, 2, 3, 4, 5, 6}, true);
    const ChangeBatch entra = world.EntraBatch({1, 2, 3, 4, 6}, true);
    world.Apply(entra_first ? entra : ad);
    EXPECT_FALSE(world.link.baseline_at.has_value());
    world.Apply(entra_first ? ad : entra);
    EXPECT_TRUE(world.link.baseline_at.has_value());
    EXPECT_EQ(world.person(1).state, State::kAligned);
    EXPECT_EQ(world.person(2).state, State::kInherited);
    EXPECT_EQ(world.person(3).state, State::kConverged);
    EXPECT_TRUE(world.person(3).memory.before_our_time);
    EXPECT_EQ(world.person(4).state, State::kInherited);
    EXPECT_EQ(world.person(5).state, State::kUnlinked);
    EXPECT_EQ(world.person(6).state, State::kInherited) << "reversed before us";
    EXPECT_EQ(world.link.inherited_live, 2u);
    EXPECT_TRUE(world.closed.empty());
    EXPECT_TRUE(world.incidents.empty());
    EXPECT_EQ(world.evidence.size(), 2u) << "the baseline itself, and the count of who is live";
    world.Advance(absl::Hours(3), absl::Minutes(1));
    EXPECT_TRUE(world.incidents.empty());
    EXPECT_TRUE(world.closed.empty());
    EXPECT_TRUE(world.reads_wanted.empty());
  }
}

TEST(Baseline, AcceptingItHandsTheInheritedOver) {
  World world;
  Populate(world);
  world.ReadAll();
  world.Advance(absl::Minutes(2));
  const auto accept = [&](int i) {
    world.Commit(
        ApplyBaselineAccept(world.context(), world.LoadPeople({world.person(i).ordinal}), "uid:0"));
  };
  accept(2);
  accept(4);
  EXPECT_EQ(world.link.inherited_live, 0u);
  EXPECT_EQ(world.link.baseline_accepted_by, "uid:0");
  EXPECT_EQ(world.EvidenceOf("baseline_accepted"), 1u);
  EXPECT_TRUE(world.person(2).episode.has_value());
  EXPECT_EQ(world.person(2).memory.inherited, false);
  world.Advance(absl::Hours(2), absl::Minutes(1));
  EXPECT_EQ(world.person(2).state, State::kBreached);
  EXPECT_EQ(world.person(4).state, State::kBreached);
  EXPECT_EQ(world.person(3).state, State::kConverged);
}

TEST(Baseline, AReenableOnEitherSideIsNeverHidden) {
  World world;
  Populate(world);
  world.ReadAll();
  world.Advance(absl::Minutes(2));
  world.SetAd(2, true);
  world.AdRound({2});
  EXPECT_EQ(world.person(2).state, State::kAligned);
  EXPECT_EQ(world.link.inherited_live, 1u);
  world.SetAd(2, false);
  world.AdRound({2});
  EXPECT_EQ(world.person(2).state, State::kPending) << "a departure like any other";

  world.SetEntra(4, false);
  world.EntraRound({4});
  EXPECT_EQ(world.person(4).state, State::kInherited);
  EXPECT_EQ(world.link.inherited_live, 0u);
  world.SetEntra(4, true);
  world.EntraRound({4});
  EXPECT_TRUE(world.person(4).episode.has_value());
  EXPECT_FALSE(world.person(4).memory.inherited);

  world.SetEntra(3, true);
  world.EntraRound({3});
  world.ReadDirect(3);
  world.now += absl::Seconds(61);
  world.ReadDirect(3);
  EXPECT_EQ(world.person(3).state, State::kRegressed);
}

TEST(Baseline, InheritedDriftThatGoesAwayConvergesSilently) {
  World world;
  Populate(world);
  world.ReadAll();
  world.entra(2).deletion = EntraDeletion::kSoft;
  world.EntraRound({2});
  EXPECT_EQ(world.person(2).state, State::kConverged);
  EXPECT_EQ(world.link.inherited_live, 1u);
  EXPECT_TRUE(world.closed.empty());
}

TEST(Baseline, HalvesThatWereThereAndFindEachOtherLateAreInherited) {
  World world;
  world.AddPerson(1);
  world.AddPerson(2);
  world.SetAd(1, false, 3);
  world.entra(1).immutable_id = Anchor("somebody-else");
  world.ReadAll();
  EXPECT_EQ(world.people.size(), 3u);
  world.entra(1).immutable_id = World::Entra(1).immutable_id;
  world.now += absl::Minutes(1);
  world.EntraRound({1});
  EXPECT_EQ(world.people.size(), 2u);
  EXPECT_EQ(world.person(1).state, State::kInherited);
  EXPECT_EQ(world.link.inherited_live, 1u);
}

// The same, as another source shows it in its first complete read.
ChangeBatch FirstReadAs(const SourceName& source, ChangeBatch batch) {
  batch.source = source;
  for (Observation& observation : batch.observations) observation.look.source = source;
  return batch;
}

TEST(Baseline, ASourceThatIsAddedLaterHidesNobodyWhoIsKnown) {
  World world;
  for (const int i : {1, 2, 3}) world.AddPerson(i);
  world.ad(3).consistency_guid = "nobody knows it yet";
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  world.SetAd(1, false);
  world.AdRound({1});
  world.Advance(absl::Hours(2), absl::Minutes(1));
  ASSERT_EQ(world.person(1).state, State::kBreached);
  // A resource forest: a disabled stand-in of the leaver, and the account of somebody who was seen
  // in the tenant alone.
  const SourceName added("resources");
  world.policy.ad_sources.push_back(added);
  world.AddPerson(61);
  world.DropEntra(61);
  world.ad(61).consistency_guid = std::string(World::Ad(1).object_guid.Raw());
  world.SetAd(61, false);  // edited today, disabled who knows when
  world.AddPerson(62);
  world.DropEntra(62);
  world.ad(62).consistency_guid = std::string(World::Ad(3).object_guid.Raw());
  world.SetAd(62, false);
  world.Apply(FirstReadAs(added, world.AdBatch({61, 62}, true)));
  ASSERT_EQ(world.person(1).facts.ad.size(), 2u);
  EXPECT_EQ(world.person(1).state, State::kBreached);
  EXPECT_NE(world.IncidentOf(1), nullptr);
  EXPECT_TRUE(world.closed.empty());
  EXPECT_EQ(world.person(3).state, State::kInherited) << "so before anybody read that forest";
}

TEST(Baseline, ASourceWithAnotherNameKeepsItsPeople) {
  World world;
  for (const int i : {1, 2}) world.AddPerson(i);
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  const SourceName renamed("corp-renamed");
  world.policy.ad_sources = {renamed};
  world.SetAd(1, false);
  world.now += absl::Seconds(30);
  world.Apply(FirstReadAs(renamed, world.AdBatch({1, 2}, true)));
  EXPECT_TRUE(world.person(1).episode.has_value()) << "left meanwhile";
  for (int minute = 0; minute < 75; ++minute) {
    world.now += absl::Minutes(1);
    world.Apply(FirstReadAs(renamed, world.AdBatch({})));
    world.EntraRound({});
    world.ReviewDue();
  }
  EXPECT_EQ(world.person(1).facts.ad.front().source, renamed);
  EXPECT_EQ(world.person(1).state, State::kBreached) << "settled by looks of the new name";
}

TEST(Baseline, ACloudAccountMadeLaterForADisabledPersonIsDriftOfToday) {
  World world;
  Populate(world);
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  world.Observe(World::Entra(5), LookKind::kFeed);
  EXPECT_TRUE(world.person(5).episode.has_value());
}

TEST(Baseline, ADisableWhileTheFirstReadRunsWasThereAtItsEnd) {
  World world;
  world.AddPerson(1);
  world.Apply(world.AdBatch({1}, true));
  world.now += absl::Minutes(1);
  world.SetAd(1, false);
  world.AdRound({1});
  world.now += absl::Minutes(1);
  world.Apply(world.EntraBatch({1}, true));
  EXPECT_EQ(world.person(1).state, State::kInherited);
  EXPECT_EQ(world.link.inherited_live, 1u);
}

TEST(Baseline, APagedFirstReadOnlyEndsWithItsLastPage) {
  World world;
  for (int i = 1; i <= 4; ++i) world.AddPerson(i);
  ChangeBatch page = world.AdBatch({1, 2}, true);
  page.completes_round = false;
  page.cursor.clear();
  world.Apply(page);
  world.Apply(page);
  EXPECT_EQ(world.link.sources[kAd].snapshot_objects, 2u) << "delivered twice, counted once";
  EXPECT_TRUE(world.link.sources[kAd].snapshot_running);
  world.link.sources[kAd].snapshot_batch = 900;  // of a process that died
  world.Apply(page);
  EXPECT_EQ(world.link.sources[kAd].snapshot_objects, 2u) << "begun anew";
  EXPECT_TRUE(world.link.sources[kAd].cursor.empty());
  ChangeBatch last = world.AdBatch({3, 4}, true);
  last.starts_round = false;
  world.Apply(last);
  EXPECT_EQ(world.link.sources[kAd].snapshot_objects, 4u);
  EXPECT_FALSE(world.link.sources[kAd].snapshot_running);
  EXPECT_EQ(world.link.sources[kAd].cursor, last.cursor);
}

// A part of a full read that can be resumed, as an AD source delivers it.
ChangeBatch Part(World& world, const std::vector<int>& people, const char* reason) {
  ChangeBatch part = world.AdBatch(people, true);
  part.snapshot_reason = reason;
  part.starts_round = part.completes_round = false;
  return part;
}

TEST(Baseline, AFirstReadInPartsKeepsItsPlaceAndIsNoBaselineBeforeItsEnd) {
  World world;
  for (int i = 1; i <= 4; ++i) world.AddPerson(i);
  world.Apply(world.EntraBatch({1, 2, 3, 4}, true));
  ChangeBatch begin = Part(world, {}, kFirstRead);
  begin.starts_round = true;
  world.Apply(begin);
  const auto source = [&]() -> const SourceState& { return world.link.sources[kAd]; };
  EXPECT_EQ(source().cursor, begin.cursor);
  const ChangeBatch first = Part(world, {1, 2}, kFirstRead);
  world.Apply(first);
  EXPECT_EQ(source().cursor, first.cursor);
  EXPECT_TRUE(source().snapshot_running);
  EXPECT_FALSE(source().snapshot_complete);
  EXPECT_EQ(source().last_success, absl::InfinitePast());
  EXPECT_FALSE(world.link.baseline_at.has_value());
  // The process dies; the next one counts its batches from one again.
  world.link.sources[kAd].snapshot_batch = 900;
  ChangeBatch next = Part(world, {3}, kFirstRead);
  next.resumes_snapshot = true;
  world.Apply(next);
  EXPECT_EQ(source().snapshot_objects, 3u);
  ChangeBatch last = Part(world, {4}, kFirstRead);
  last.completes_round = true;
  last.round.lo = begin.round.lo;
  world.Apply(last);
  EXPECT_EQ(source().snapshot_objects, 4u);
  EXPECT_FALSE(source().snapshot_running);
  EXPECT_TRUE(source().snapshot_complete);
  EXPECT_EQ(source().last_complete_begin, begin.round.lo);
  EXPECT_TRUE(world.link.baseline_at.has_value());
  EXPECT_TRUE(world.tally.source_resets.empty());
}

TEST(Baseline, RoundsBesideAFullReadKeepTheSourceFreshAndEveryResetCounts) {
  World world;
  for (int i = 1; i <= 3; ++i) world.AddPerson(i);
  world.ReadAll();
  world.now += absl::Seconds(30);
  const auto source = [&]() -> const SourceState& { return world.link.sources[kAd]; };
  ChangeBatch begin = Part(world, {}, kDcChanged);
  begin.starts_round = true;
  world.Apply(begin);
  world.Apply(begin);
  EXPECT_EQ((world.tally.source_resets[{kAd, kDcChanged}]), 1u) << "delivered twice, counted once";
  EXPECT_TRUE(source().snapshot_running && source().snapshot_complete);
  EXPECT_EQ(source().gap_ended, begin.round.lo);
  world.now += absl::Seconds(5);
  ChangeBatch beside = world.AdBatch({});
  beside.beside_snapshot = true;
  world.Apply(beside);
  EXPECT_TRUE(source().snapshot_running);
  EXPECT_EQ(source().last_success, world.now);
  EXPECT_EQ(source().last_complete_begin, beside.round.lo);
  world.Apply(Part(world, {1}, kDcChanged));
  // The controller fails in turn: another full read, which counts again.
  world.now += absl::Seconds(5);
  ChangeBatch again = Part(world, {}, kDcChanged);
  again.starts_round = true;
  world.Apply(again);
  EXPECT_EQ((world.tally.source_resets[{kAd, kDcChanged}]), 2u);
  EXPECT_EQ(source().snapshot_objects, 0u);
  world.now += absl::Seconds(5);
  beside = world.AdBatch({});
  beside.beside_snapshot = true;
  world.Apply(beside);
  ChangeBatch last = Part(world, {1, 2, 3}, kDcChanged);
  last.completes_round = true;
  last.round.lo = again.round.lo;
  world.Apply(last);
  EXPECT_FALSE(source().snapshot_running);
  EXPECT_EQ(source().last_complete_begin, beside.round.lo)
      << "a round that began later ended first";
  // Back on the controller that was known before the end: an ordinary round ends it as well.
  world.now += absl::Seconds(5);
  ChangeBatch third = Part(world, {}, kDcChanged);
  third.starts_round = true;
  world.Apply(third);
  world.Apply(world.AdBatch({}));
  EXPECT_FALSE(source().snapshot_running);
}

TEST(Baseline, ATombstoneOfSomebodyNeverSeenIsNobody) {
  World world;
  world.AddPerson(1);
  world.ReadAll();
  world.AddPerson(8);
  world.DeleteAd(8);
  world.AdRound({8});
  EXPECT_EQ(world.people.size(), 1u);
  EntraView unknown;
  unknown.id = "never-seen";
  unknown.deletion = EntraDeletion::kHard;
  world.Observe(unknown, LookKind::kFeed);
  EXPECT_EQ(world.people.size(), 1u);
}

}  // namespace
}  // namespace driftwarden::monitor
