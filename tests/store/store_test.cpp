// What every StateStore does, over every backend.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "monitor/evidence.h"
#include "store/state_store.h"
#include "tests/store/backend.h"
#include "tests/store/same.h"
#include "tests/store/sample_records.h"

namespace driftwarden::store {
namespace {

using monitor::ActionState;
using monitor::DriftKind;
using monitor::EpisodeKind;
using monitor::IncidentId;
using monitor::Severity;
using monitor::State;
using monitor::TierName;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const LinkName kMain("main");

class StoreTest : public ::testing::TestWithParam<MakeBackend> {
 protected:
  StoreTest() : backend_(GetParam()()) {
    Reopen();
    main_.name = kMain;
  }

  void Reopen() {
    store_.reset();
    auto store = backend_->Open();
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    const auto lease = store_->AcquireLease();
    ASSERT_TRUE(lease.ok()) << lease.status();
    lease_ = *lease;
  }

  // Commits people with the counters they imply.
  void Put(std::vector<Person> people, std::vector<PersonOrdinal> removed = {}) {
    for (const PersonOrdinal ordinal : removed) people_.erase(ordinal);
    for (const Person& person : people) people_[person.ordinal] = person;
    Changes changes;
    changes.people = std::move(people);
    changes.removed = std::move(removed);
    Commit(std::move(changes));
  }

  void Commit(Changes changes) {
    std::vector<Person> all;
    for (const auto& [ordinal, person] : people_) all.push_back(person);
    Recount(main_, all);
    changes.link = main_;
    changes.must_sync = true;
    const Status status = store_->Commit(lease_, changes);
    ASSERT_TRUE(status.ok()) << status;
  }

  void ExpectClean() {
    const auto faults = store_->Check();
    ASSERT_TRUE(faults.ok()) << faults.status();
    EXPECT_THAT(*faults, IsEmpty());
  }

  PeopleSet Load(const PeopleKeys& keys) {
    auto set = store_->LoadPeople(kMain, keys);
    EXPECT_TRUE(set.ok()) << set.status();
    return set.ok() ? *std::move(set) : PeopleSet();
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<StateStore> store_;
  uint64_t lease_ = 0;
  LinkState main_;
  std::map<PersonOrdinal, Person> people_;
};

INSTANTIATE_TEST_SUITE_P(Mem, StoreTest, ::testing::Values(MakeMemBackend));
INSTANTIATE_TEST_SUITE_P(Rocks, StoreTest, ::testing::Values(MakeRocksBackend));

Person WithEpisode(PersonOrdinal ordinal, const std::string& id) {
  Person person = PlainPerson(ordinal);
  person.state = State::kLagging;
  person.phase = State::kLagging;
  person.memory.episodes = 1;
  person.review_at = At(static_cast<int64_t>(ordinal));
  person.episode.emplace();
  person.episode->id = EpisodeId(id);
  person.episode->link = kMain;
  person.episode->person = ordinal;
  person.episode->tier = person.tier;
  person.episode->kinds = {
      {DriftKind::kDisableLag, Severity::kWarning, At(1), At(2), std::nullopt}};
  return person;
}

Action ActionOf(PersonOrdinal person, const std::string& id, int64_t requested, ActionState state) {
  Action action = SampleAction();
  action.id = ActionId(id);
  action.person = person;
  action.requested_at = At(requested);
  action.state = state;
  return action;
}

std::vector<PersonOrdinal> Ordinals(const Page<Person>& page) {
  std::vector<PersonOrdinal> out;
  for (const Person& person : page.items) out.push_back(person.ordinal);
  return out;
}

std::vector<std::string> Ids(const std::vector<Action>& actions) {
  std::vector<std::string> out;
  for (const Action& action : actions) out.push_back(action.id.value);
  return out;
}

std::vector<std::string> Ids(const std::vector<Episode>& episodes) {
  std::vector<std::string> out;
  for (const Episode& episode : episodes) out.push_back(episode.id.value);
  return out;
}

TEST_P(StoreTest, AnEmptyStoreAnswersEmpty) {
  EXPECT_THAT(*store_->Links(), IsEmpty());
  EXPECT_FALSE(store_->LoadLink(kMain)->has_value());
  EXPECT_THAT(Load({.ordinals = {1}, .guids = {}, .entra_ids = {}, .anchors = {}}).by_ordinal,
              IsEmpty());
  EXPECT_THAT(*store_->DueBefore(kMain, At(0), 10), IsEmpty());
  EXPECT_THAT(store_->ListEpisodes(kMain, false, "", 10)->items, IsEmpty());
  EXPECT_THAT(*store_->Find("anybody"), IsEmpty());
  ExpectClean();
}

TEST_P(StoreTest, ALinkAndItsPeopleComeBackAfterReopening) {
  main_ = SampleLinkState();
  main_.evidence_seq = 0;
  main_.evidence_hash = {};
  const Person person = WithEpisode(7, "e1.main");
  Put({person});
  Reopen();
  EXPECT_THAT(*store_->Links(), ElementsAre(kMain));
  const auto link = store_->LoadLink(kMain);
  ASSERT_TRUE(link.ok() && link->has_value());
  EXPECT_TRUE(Same(**link, main_));
  const PeopleSet set = Load({.ordinals = {7, 8}, .guids = {}, .entra_ids = {}, .anchors = {}});
  ASSERT_EQ(set.by_ordinal.size(), 1u);
  EXPECT_TRUE(Same(set.by_ordinal.at(7), person));
  ExpectClean();
}

TEST_P(StoreTest, LinksKeepTheirPeopleApart) {
  Put({PlainPerson(1)});
  Changes other;
  other.link.name = LinkName("other");
  other.people = {PlainPerson(1), PlainPerson(2)};
  Recount(other.link, other.people);
  ASSERT_TRUE(store_->Commit(lease_, other).ok());
  EXPECT_THAT(*store_->Links(), ElementsAre(kMain, LinkName("other")));
  EXPECT_EQ(
      Load({.ordinals = {1, 2}, .guids = {}, .entra_ids = {}, .anchors = {}}).by_ordinal.size(),
      1u);
  EXPECT_THAT(*store_->Find(UpnOf(1)), ElementsAre(std::pair(kMain, PersonOrdinal{1}),
                                                   std::pair(LinkName("other"), PersonOrdinal{1})));
  ExpectClean();
}

TEST_P(StoreTest, PeopleAreFoundByEveryKey) {
  Put({PlainPerson(1), PlainPerson(2), PlainPerson(3)});
  const Person two = PlainPerson(2);
  PeopleKeys keys;
  keys.guids = {GuidOf(1), GuidOf(99)};
  keys.entra_ids = {two.facts.entra->id, "nobody"};
  keys.anchors = {PlainPerson(3).facts.anchor};
  const PeopleSet set = Load(keys);
  EXPECT_EQ(set.by_ordinal.size(), 3u);
  EXPECT_EQ(set.by_guid.at(GuidOf(1)), 1u);
  EXPECT_EQ(set.by_entra_id.at(two.facts.entra->id), 2u);
  EXPECT_EQ(set.by_anchor.at(PlainPerson(3).facts.anchor), 3u);

  const auto only_two = ElementsAre(std::pair(kMain, PersonOrdinal{2}));
  const monitor::AdHalf& ad = two.facts.ad.front();
  EXPECT_THAT(*store_->Find("p2.main"), only_two);
  EXPECT_THAT(*store_->Find("uSER2@corp.example"), only_two);
  EXPECT_THAT(*store_->Find("user2"), only_two);
  EXPECT_THAT(*store_->Find(two.facts.anchor.value), only_two);
  EXPECT_THAT(*store_->Find(ad.sid.ToString()), only_two);
  EXPECT_THAT(*store_->Find(ad.object_guid.ToString()), only_two);
  EXPECT_THAT(*store_->Find(two.facts.entra->id), only_two);
  EXPECT_THAT(*store_->Find("user"), IsEmpty());
  EXPECT_THAT(*store_->Find("p2.elsewhere"), IsEmpty());
}

TEST_P(StoreTest, SeveralPeopleMayShareAName) {
  Person first = PlainPerson(1), second = PlainPerson(2);
  second.facts.ad.front().upn = first.facts.ad.front().upn;
  Put({first, second});
  EXPECT_EQ(store_->Find(UpnOf(1))->size(), 2u);
  ExpectClean();
}

TEST_P(StoreTest, ARenameLeavesNoOldNameBehind) {
  Person person = PlainPerson(1);
  Put({person});
  person.facts.ad.front().upn = "new@corp.example";
  person.facts.entra->upn = "new@corp.example";
  Put({person});
  EXPECT_THAT(*store_->Find(UpnOf(1)), IsEmpty());
  EXPECT_EQ(store_->Find("new@corp.example")->size(), 1u);
  ExpectClean();
}

TEST_P(StoreTest, ARemovedPersonLeavesNothingBehind) {
  Put({WithEpisode(1, "e1.main"), PlainPerson(2)});
  Put({}, {1});
  EXPECT_THAT(*store_->Find(UpnOf(1)), IsEmpty());
  EXPECT_THAT(*store_->OpenPeople(kMain, 0, 10), IsEmpty());
  EXPECT_THAT(*store_->DueBefore(kMain, At(1000), 10), IsEmpty());
  EXPECT_FALSE(store_->LoadEpisode(EpisodeId("e1.main"))->has_value());
  ExpectClean();
}

TEST_P(StoreTest, AnEpisodeMayMoveToAnotherPersonInOneCommit) {
  Put({WithEpisode(1, "e1.main"), PlainPerson(2)});
  Put({WithEpisode(2, "e1.main")}, {1});
  EXPECT_EQ((*store_->LoadEpisode(EpisodeId("e1.main")))->person, 2u);
  ExpectClean();
}

TEST_P(StoreTest, DeadlinesComeEarliestFirstAndGoWhenMoved) {
  std::vector<Person> people;
  for (PersonOrdinal i = 1; i <= 5; ++i) {
    people.push_back(PlainPerson(i));
    people.back().review_at = At(100 - static_cast<int64_t>(i));
  }
  Put(people);
  EXPECT_THAT(*store_->DueBefore(kMain, At(94), 10), IsEmpty());
  EXPECT_THAT(*store_->DueBefore(kMain, At(97), 10), ElementsAre(5, 4, 3));
  EXPECT_THAT(*store_->DueBefore(kMain, At(97), 2), ElementsAre(5, 4));
  people[4].review_at = absl::InfiniteFuture();
  people[3].review_at = At(200);
  Put({people[4], people[3]});
  EXPECT_THAT(*store_->DueBefore(kMain, At(97), 10), ElementsAre(3));
  // A deadline before everything a scan has passed is found, before and after a restart.
  people[0].review_at = At(-500);
  Put({people[0]});
  EXPECT_THAT(*store_->DueBefore(kMain, At(0), 10), ElementsAre(1));
  Reopen();
  EXPECT_THAT(*store_->DueBefore(kMain, At(0), 10), ElementsAre(1));
  people[1].review_at = At(-600);
  Put({people[1]});
  EXPECT_THAT(*store_->DueBefore(kMain, At(0), 10), ElementsAre(2, 1));
  ExpectClean();
}

TEST_P(StoreTest, OpenAndInheritedPeopleAreListedApart) {
  Person inherited = PlainPerson(2);
  inherited.memory.inherited = true;
  inherited.state = State::kInherited;
  inherited.memory.watch_until = At(9);
  Put({WithEpisode(1, "e1.main"), inherited, WithEpisode(3, "e2.main"), PlainPerson(4)});
  EXPECT_THAT(*store_->WatchedPeople(kMain, 0, 10), ElementsAre(2));
  EXPECT_THAT(*store_->OpenPeople(kMain, 0, 10), ElementsAre(1, 3));
  EXPECT_THAT(*store_->InheritedPeople(kMain, 0, 10), ElementsAre(2));
  EXPECT_THAT(*store_->InheritedPeople(kMain, 2, 10), IsEmpty());
}

TEST_P(StoreTest, PeopleAreListedByFilterInPages) {
  std::vector<Person> people;
  for (PersonOrdinal i = 1; i <= 30; ++i) {
    people.push_back(i % 3 == 0 ? WithEpisode(i, Cat("e", i, ".main")) : PlainPerson(i));
  }
  people[5].tier = TierName("tier0");  // person 6
  people[5].episode->tier = TierName("tier0");
  people[8].state = State::kContained;  // person 9
  people[8].episode->kinds.front().cleared = At(9);
  Put(people);
  PeopleFilter filter;
  Page<Person> all = *store_->ListPeople(kMain, filter, "", 20);
  EXPECT_EQ(all.items.size(), 20u);
  EXPECT_EQ(store_->ListPeople(kMain, filter, all.next_cursor, 20)->items.size(), 10u);
  EXPECT_EQ(store_->ListPeople(kMain, filter, all.next_cursor, 10)->next_cursor, "");

  filter.state = State::kLagging;
  Page<Person> page = *store_->ListPeople(kMain, filter, "", 3);
  EXPECT_THAT(Ordinals(page), ElementsAre(3, 6, 12));
  EXPECT_THAT(Ordinals(*store_->ListPeople(kMain, filter, page.next_cursor, 3)),
              ElementsAre(15, 18, 21));
  filter.tier = TierName("tier0");
  EXPECT_THAT(Ordinals(*store_->ListPeople(kMain, filter, "", 3)), ElementsAre(6));
  filter = {};
  filter.with_open_episode = true;
  EXPECT_EQ(store_->ListPeople(kMain, filter, "", 100)->items.size(), 10u);
  filter.kind = DriftKind::kDisableLag;
  EXPECT_EQ(store_->ListPeople(kMain, filter, "", 100)->items.size(), 9u);
  filter = {};
  filter.state = State::kAligned;
  filter.text = "uSeR2";
  EXPECT_THAT(Ordinals(*store_->ListPeople(kMain, filter, "", 100)),
              ElementsAre(2, 20, 22, 23, 25, 26, 28, 29));
  EXPECT_EQ(store_->ListPeople(kMain, {}, "junk", 1).status().code(), StatusCode::kInvalidArgument);
}

TEST_P(StoreTest, EpisodesOpenAndClosedFormOneListNewestFirst) {
  Put({WithEpisode(1, "e10.main"), WithEpisode(2, "e2.main")});
  Changes changes;
  for (const int number : {1, 3, 9, 11}) {
    Episode episode = SampleEpisode();
    episode.id = EpisodeId(Cat("e", number, ".main"));
    episode.person = 1;
    changes.closed_episodes.push_back(episode);
  }
  Commit(changes);
  Page<Episode> page = *store_->ListEpisodes(kMain, false, "", 4);
  EXPECT_THAT(Ids(page.items), ElementsAre("e11.main", "e10.main", "e9.main", "e3.main"));
  page = *store_->ListEpisodes(kMain, false, page.next_cursor, 4);
  EXPECT_THAT(Ids(page.items), ElementsAre("e2.main", "e1.main"));
  EXPECT_EQ(page.next_cursor, "");
  page = *store_->ListEpisodes(kMain, true, "", 1);
  EXPECT_THAT(Ids(page.items), ElementsAre("e10.main"));
  EXPECT_THAT(Ids(store_->ListEpisodes(kMain, true, page.next_cursor, 1)->items),
              ElementsAre("e2.main"));
  EXPECT_THAT(Ids(*store_->PersonEpisodes(kMain, 1, 3)),
              ElementsAre("e10.main", "e11.main", "e9.main"));
  EXPECT_TRUE((*store_->LoadEpisode(EpisodeId("e9.main")))->closed.has_value());
  EXPECT_FALSE((*store_->LoadEpisode(EpisodeId("e2.main")))->closed.has_value());
  EXPECT_FALSE(store_->LoadEpisode(EpisodeId("e77.main"))->has_value());
  EXPECT_FALSE(store_->LoadEpisode(EpisodeId("e1.unknown"))->has_value());
  ExpectClean();
}

TEST_P(StoreTest, ActionsAreListedAndLiveOnesFollowTheirState) {
  Put({WithEpisode(1, "e1.main"), WithEpisode(2, "e2.main")});
  Changes changes;
  changes.actions = {ActionOf(1, "a", 10, ActionState::kVerified),
                     ActionOf(1, "b", 30, ActionState::kQueued),
                     ActionOf(2, "c", 20, ActionState::kIntent)};
  Commit(changes);
  EXPECT_THAT(Ids(*store_->LiveActions(kMain)), ElementsAre("b", "c"));
  EXPECT_THAT(Ids(*store_->PersonActions(kMain, 1, 10)), ElementsAre("b", "a"));
  Page<Action> page = *store_->ListActions(kMain, "", 2);
  EXPECT_THAT(Ids(page.items), ElementsAre("b", "c"));
  page = *store_->ListActions(kMain, page.next_cursor, 2);
  EXPECT_THAT(Ids(page.items), ElementsAre("a"));
  EXPECT_EQ(page.next_cursor, "");
  EXPECT_EQ(store_->ListActions(kMain, "zz", 2).status().code(), StatusCode::kInvalidArgument);
  const PeopleSet set = Load({.ordinals = {1}, .guids = {}, .entra_ids = {}, .anchors = {}});
  EXPECT_THAT(Ids(set.actions.at(1)), ElementsAre("a", "b"));

  Changes done;
  done.actions = {ActionOf(1, "b", 30, ActionState::kFailed)};
  Commit(done);
  EXPECT_THAT(Ids(*store_->LiveActions(kMain)), ElementsAre("c"));
  EXPECT_EQ((*store_->LoadAction(kMain, ActionId("b")))->state, ActionState::kFailed);
  EXPECT_FALSE(store_->LoadAction(kMain, ActionId("x"))->has_value());
  ExpectClean();
}

TEST_P(StoreTest, AnIncidentComesWithItsPersonAndGoesWhenRemoved) {
  Put({WithEpisode(1, "e2.main")});
  Changes changes;
  for (const char* id : {"e1.main", "e2.main", "e3.main"}) {
    Incident incident = SampleIncident();
    incident.id = IncidentId(id);
    incident.person = 1;
    incident.ended_at.reset();
    changes.incidents.push_back(incident);
  }
  changes.incidents.push_back(SampleIncident());
  changes.incidents.back().id = IncidentId("cause");
  changes.incidents.back().person.reset();
  Commit(changes);
  EXPECT_EQ(store_->Incidents(kMain)->size(), 4u);
  const PeopleKeys one{.ordinals = {1}, .guids = {}, .entra_ids = {}, .anchors = {}};
  EXPECT_EQ(Load(one).incidents.at(1).id.value, "e2.main") << "the open episode's own";
  Changes removed;
  removed.removed_incidents = {IncidentId("e2.main"), IncidentId("e3.main")};
  Commit(removed);
  EXPECT_EQ(store_->Incidents(kMain)->size(), 2u);
  EXPECT_EQ(Load(one).incidents.at(1).id.value, "e1.main");
  ExpectClean();
}

TEST_P(StoreTest, EvidenceIsKeptInOrderAndByPerson) {
  Put({PlainPerson(1), PlainPerson(2)});
  Changes changes;
  for (PersonOrdinal i = 0; i < 6; ++i) {
    EvidenceEntry entry = SampleEvidence();
    entry.person = 1 + i % 2;
    if (i == 5) entry.person.reset();
    monitor::ChainEvidence(main_, entry);
    changes.evidence.push_back(entry);
  }
  Commit(changes);
  const auto all = *store_->Evidence(kMain, 0, 100);
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[3].seq, 4u);
  EXPECT_EQ(store_->Evidence(kMain, 5, 100)->size(), 2u);
  EXPECT_EQ(store_->Evidence(kMain, 1, 3)->back().seq, 3u);
  const auto of_one = *store_->PersonEvidence(kMain, 1, 2);
  ASSERT_EQ(of_one.size(), 2u);
  EXPECT_EQ(of_one[0].seq, 3u);
  EXPECT_EQ(of_one[1].seq, 5u);
  const auto first = *store_->PersonEvidenceAfter(kMain, 1, 0, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].seq, 1u);
  EXPECT_EQ(first[1].seq, 3u);
  const auto rest = *store_->PersonEvidenceAfter(kMain, 1, 3, 2);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].seq, 5u);
  EXPECT_TRUE(store_->PersonEvidenceAfter(kMain, 1, 5, 2)->empty());
  ExpectClean();
}

TEST_P(StoreTest, ANewLeaseShutsOutTheOldOne) {
  const uint64_t old = lease_;
  const auto lease = store_->AcquireLease();
  ASSERT_TRUE(lease.ok());
  EXPECT_GT(*lease, old);
  Changes changes;
  changes.link.name = kMain;
  EXPECT_EQ(store_->Commit(old, changes).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->Commit(*lease + 1, changes).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(store_->Commit(*lease, changes).ok());
  Reopen();
  EXPECT_GT(lease_, *lease) << "epochs rise over restarts";
}

TEST_P(StoreTest, StatsCountKeysByFamily) {
  Put({PlainPerson(1), PlainPerson(2)});
  const auto stats = store_->Stats();
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->schema, 1u);
  EXPECT_EQ(stats->keys.at("people"), 2u);
  EXPECT_FALSE(stats->path.empty());
}

TEST_P(StoreTest, RandomChangesKeepEveryIndexRight) {
  SeededRng rng(7);
  for (int round = 0; round < 40; ++round) {
    std::map<PersonOrdinal, Person> changed;
    std::vector<PersonOrdinal> removed;
    for (uint64_t i = 1 + rng.Below(8); i > 0; --i) {
      const PersonOrdinal ordinal = 1 + rng.Below(20);
      if (rng.Below(10) == 0) {
        removed.push_back(ordinal);
        continue;
      }
      Person person = RandomPerson(rng);
      person.ordinal = ordinal;
      // Episode ids are the link's own and never shared.
      if (person.episode.has_value()) person.episode->id = EpisodeId(Cat("e", ordinal, ".main"));
      changed[ordinal] = person;
    }
    std::erase_if(removed, [&](PersonOrdinal ordinal) { return changed.contains(ordinal); });
    std::vector<Person> people;
    for (const auto& [ordinal, person] : changed) people.push_back(person);
    Put(people, removed);
  }
  ExpectClean();
  Reopen();
  ExpectClean();
  for (const auto& [ordinal, person] : people_) {
    PeopleKeys keys;
    for (const auto& half : person.facts.ad) keys.guids.push_back(half.object_guid);
    const PeopleSet set = Load(keys);
    if (keys.guids.empty()) continue;
    ASSERT_TRUE(set.by_ordinal.contains(ordinal));
    EXPECT_TRUE(Same(set.by_ordinal.at(ordinal), person));
  }
}

TEST_P(StoreTest, CheckFindsWrongCounters) {
  Put({PlainPerson(1), WithEpisode(2, "e1.main")});
  Changes changes;
  changes.link = main_;
  changes.link.users[{State::kAligned, TierName("standard")}] = 5;
  changes.link.open.clear();
  changes.link.linked_people = 9;
  changes.link.next_person = 2;
  changes.link.evidence_seq = 3;
  ASSERT_TRUE(store_->Commit(lease_, changes).ok());
  const auto faults = store_->Check();
  ASSERT_TRUE(faults.ok());
  EXPECT_THAT(*faults, ::testing::UnorderedElementsAre(
                           ::testing::HasSubstr("aligned/standard 5 stored and 1 counted"),
                           ::testing::HasSubstr("disable_lag/standard/warning 0 stored and 1"),
                           ::testing::HasSubstr("linked people: 9 stored and 2 counted"),
                           ::testing::HasSubstr("person 2 exists, the next one would be 2"),
                           ::testing::HasSubstr("chain of evidence ends at 0")));
}

}  // namespace
}  // namespace driftwarden::store
