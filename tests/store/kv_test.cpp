// What every Kv does, over every backend: the checks of the layers above that need raw bytes.

#include "store/kv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/keys.h"
#include "store/kv_state_store.h"
#include "store/migrate.h"
#include "store/records.h"
#include "tests/store/backend.h"
#include "tests/store/sample_records.h"

namespace driftwarden::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class KvTest : public ::testing::TestWithParam<MakeBackend> {
 protected:
  KvTest() : backend_(GetParam()()) { Reopen(); }

  void Reopen() {
    kv_.reset();
    auto kv = backend_->OpenKv();
    ASSERT_TRUE(kv.ok()) << kv.status();
    kv_ = *std::move(kv);
  }

  void Write(const KvBatch& batch) {
    const Status status = kv_->Write(batch, true);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::vector<std::string> Keys(const KvRange& range, size_t limit, bool reverse) {
    const auto entries = kv_->Snapshot()->Scan(Family::kPeople, range, limit, reverse);
    std::vector<std::string> out;
    for (const KvEntry& entry : *entries) out.push_back(entry.key);
    return out;
  }

  // A store with one person, closed again.
  void Fill() {
    kv_.reset();
    const auto store = *backend_->Open();
    Changes changes;
    changes.link.name = LinkName("main");
    changes.people = {PlainPerson(1)};
    changes.must_sync = true;
    Recount(changes.link, changes.people);
    ASSERT_TRUE(store->Commit(*store->AcquireLease(), changes).ok());
  }

  std::vector<std::string> Check() {
    kv_.reset();
    const auto faults = (*backend_->Open())->Check();
    EXPECT_TRUE(faults.ok()) << faults.status();
    return faults.ok() ? *faults : std::vector<std::string>();
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Kv> kv_;
};

INSTANTIATE_TEST_SUITE_P(Mem, KvTest, ::testing::Values(MakeMemBackend));
INSTANTIATE_TEST_SUITE_P(Rocks, KvTest, ::testing::Values(MakeRocksBackend));

TEST_P(KvTest, KeysSortAsBytesInBothDirections) {
  KvBatch batch;
  for (const char* key : {"b", "a", "ab", "\xff", "c"}) batch.Put(Family::kPeople, key, "1");
  batch.Put(Family::kEpisodes, "aa", "another family");
  Write(batch);
  EXPECT_THAT(Keys({"a", "c"}, 10, false), ElementsAre("a", "ab", "b"));
  EXPECT_THAT(Keys({"a", "c"}, 2, true), ElementsAre("b", "ab"));
  EXPECT_THAT(Keys({"c", "\xff\xff"}, 10, false), ElementsAre("c", "\xff"));
  EXPECT_THAT(Keys({"c", "a"}, 10, false), IsEmpty());
  EXPECT_THAT(Keys({"a", "z"}, 0, false), IsEmpty());
}

TEST_P(KvTest, TheLastChangeOfAKeyWins) {
  KvBatch batch;
  batch.Put(Family::kMeta, "k", "1");
  batch.Delete(Family::kMeta, "k");
  batch.Put(Family::kMeta, "k", "2");
  batch.Put(Family::kMeta, "gone", "1");
  batch.Delete(Family::kMeta, "gone");
  Write(batch);
  Reopen();
  const auto values = *kv_->Snapshot()->MultiGet(Family::kMeta, {"k", "absent", "gone"});
  EXPECT_EQ(values[0], "2");
  EXPECT_FALSE(values[1].has_value());
  EXPECT_FALSE(values[2].has_value());
}

TEST_P(KvTest, ASnapshotDoesNotMove) {
  KvBatch first, second;
  first.Put(Family::kMeta, "k", "old");
  Write(first);
  const auto snapshot = kv_->Snapshot();
  second.Put(Family::kMeta, "k", "new");
  second.Put(Family::kMeta, "l", "new");
  Write(second);
  EXPECT_EQ(*snapshot->Get(Family::kMeta, "k"), "old");
  EXPECT_FALSE(snapshot->Get(Family::kMeta, "l")->has_value());
  EXPECT_EQ(*kv_->Snapshot()->Get(Family::kMeta, "k"), "new");
}

TEST_P(KvTest, ANewerSchemaIsRefusedWithTheVersionThatReadsIt) {
  KvBatch batch;
  batch.Put(Family::kMeta, SchemaKey(), EncodeSchema({9, "4.5.0"}));
  Write(batch);
  kv_.reset();
  const auto store = backend_->Open();
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(store.status())),
              HasSubstr("has schema 9, which driftwarden 4.5.0 and newer read"));
}

TEST_P(KvTest, RecordsWithoutASchemaAreDamage) {
  KvBatch batch;
  batch.Put(Family::kPeople, NumberKey(1, 1), EncodePerson(PlainPerson(1)));
  Write(batch);
  kv_.reset();
  EXPECT_EQ(backend_->Open().status().code(), StatusCode::kDataLoss);
}

// A step that was cut off after its work runs again.
int steps_run = 0;

Status AppendMark(Kv& kv) {
  ++steps_run;
  const auto before = *kv.Snapshot()->Get(Family::kMeta, "mark");
  KvBatch batch;
  batch.Put(Family::kMeta, "mark", before.value_or("") + "x");
  return kv.Write(batch, true);
}

TEST_P(KvTest, AnOldSchemaIsMigratedStepByStep) {
  ASSERT_TRUE(BringToSchema(*kv_, CurrentPlan()).ok());
  steps_run = 0;
  const SchemaPlan plan{3, "0.3.0", {{1, "0.2.0", AppendMark}, {2, "0.3.0", AppendMark}}};
  ASSERT_TRUE(BringToSchema(*kv_, plan).ok());
  ASSERT_TRUE(BringToSchema(*kv_, plan).ok());
  EXPECT_EQ(steps_run, 2);
  EXPECT_EQ(*kv_->Snapshot()->Get(Family::kMeta, "mark"), "xx");
  const auto record = DecodeSchema("", **kv_->Snapshot()->Get(Family::kMeta, SchemaKey()));
  EXPECT_EQ(record->schema, 3u);
  EXPECT_EQ(record->reader, "0.3.0");
  EXPECT_EQ(BringToSchema(*kv_, CurrentPlan()).code(), StatusCode::kFailedPrecondition);
}

TEST_P(KvTest, AStepThatFailsLeavesTheOldSchema) {
  ASSERT_TRUE(BringToSchema(*kv_, CurrentPlan()).ok());
  const auto fail = [](Kv&) { return UnavailableError("no room"); };
  const SchemaPlan plan{2, "0.2.0", {{1, "0.2.0", fail}}};
  EXPECT_EQ(BringToSchema(*kv_, plan).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(BringToSchema(*kv_, CurrentPlan()).ok());
  const SchemaPlan gap{3, "0.3.0", {{2, "0.3.0", AppendMark}}};
  EXPECT_EQ(BringToSchema(*kv_, gap).code(), StatusCode::kFailedPrecondition);
}

TEST_P(KvTest, CheckFindsMissingAndStaleEntries) {
  Fill();
  EXPECT_THAT(Check(), IsEmpty());
  Reopen();
  KvBatch batch;
  batch.Delete(Family::kLookups, LookupKey(Lookup::kUpn, UpnOf(1), 1, 1));
  batch.Put(Family::kLookups, LookupKey(Lookup::kUpn, "stranger", 1, 1), "");
  batch.Put(Family::kDeadlines, DeadlineKey(1, At(5), 1), "");
  batch.Put(Family::kIndexes, OrdinalIndexKey(Index::kOpenPerson, 1, 77), "");
  batch.Put(Family::kIndexes, std::string("\x63junk"), "");
  Write(batch);
  EXPECT_THAT(Check(), ::testing::UnorderedElementsAre(
                           ::testing::AllOf(HasSubstr("lookups 05"), HasSubstr("is missing")),
                           ::testing::AllOf(HasSubstr("lookups 05"), HasSubstr("is stale")),
                           ::testing::AllOf(HasSubstr("deadlines 00000001"), HasSubstr("is stale")),
                           ::testing::AllOf(HasSubstr("indexes 02"), HasSubstr("leads to nothing")),
                           ::testing::AllOf(HasSubstr("indexes 63"), HasSubstr("is no key"))));
}

TEST_P(KvTest, DamagedRecordsAreNamedAndReadAsDataLoss) {
  Fill();
  Reopen();
  KvBatch batch;
  batch.Put(Family::kPeople, NumberKey(1, 1), "\x01 rubbish");
  Write(batch);
  kv_.reset();
  const auto store = *backend_->Open();
  PeopleKeys keys;
  keys.ordinals = {1};
  const auto people = store->LoadPeople(LinkName("main"), keys);
  ASSERT_EQ(people.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(Message(people.status())), HasSubstr("people 000000010000000000000001"));
  EXPECT_THAT(*store->Check(),
              ::testing::Contains(HasSubstr("stored record people 000000010000000000000001")));
}

TEST_P(KvTest, ACollidingHashIsToldApartByTheRecord) {
  Fill();
  Reopen();
  KvBatch batch;  // as if another GUID had the same hash
  batch.Put(Family::kLookups, LookupKey(Lookup::kObjectGuid, GuidOf(2).Raw(), 1, 1), "");
  batch.Put(Family::kLookups, LookupKey(Lookup::kUpn, "collides@corp.example", 1, 1), "");
  Write(batch);
  kv_.reset();
  const auto store = *backend_->Open();
  PeopleKeys keys;
  keys.guids = {GuidOf(2)};
  EXPECT_THAT(store->LoadPeople(LinkName("main"), keys)->by_ordinal, IsEmpty());
  EXPECT_THAT(*store->Find("collides@corp.example"), IsEmpty());
}

TEST_P(KvTest, DeadlineScansBeginAtTheStoredMark) {
  Fill();
  const auto store = *backend_->Open();
  const LinkName main("main");
  const uint64_t lease = *store->AcquireLease();
  Changes changes;
  changes.link.name = main;
  changes.people = {PlainPerson(1)};
  changes.people[0].review_at = At(100);
  ASSERT_TRUE(store->Commit(lease, changes).ok());
  EXPECT_THAT(*store->DueBefore(main, At(50), 10), IsEmpty());
  changes.people[0].review_at = At(200);
  ASSERT_TRUE(store->Commit(lease, changes).ok());
  EXPECT_THAT(*store->DueBefore(main, At(300), 10), ElementsAre(1));
}

}  // namespace
}  // namespace driftwarden::store
