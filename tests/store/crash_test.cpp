// Power loss over MemDisk, and death at every commit over FaultStore.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/mem_store.h"
#include "tests/store/same.h"
#include "tests/store/sample_records.h"
#include "tests/testing/fault_store.h"

namespace driftwarden::store {
namespace {

const LinkName kMain("main");

class CrashTest : public ::testing::Test {
 protected:
  std::unique_ptr<StateStore> Open() {
    auto store = NewMemStore(disk_);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  static Changes ChangesOf(PersonOrdinal people, bool sync) {
    Changes changes;
    changes.link.name = kMain;
    changes.must_sync = sync;
    std::vector<Person> all;
    for (PersonOrdinal i = 1; i <= people; ++i) all.push_back(PlainPerson(i));
    Recount(changes.link, all);
    changes.people = {all.back()};
    return changes;
  }

  // Who is there, by the link's own count.
  static uint64_t PeopleIn(StateStore& store) {
    const auto link = store.LoadLink(kMain);
    EXPECT_TRUE(link.ok());
    const auto page = store.ListPeople(kMain, {}, "", 100);
    EXPECT_TRUE(page.ok());
    const uint64_t listed = page->items.size();
    EXPECT_EQ(link->has_value() ? (*link)->linked_people : 0, listed);
    EXPECT_THAT(*store.Check(), ::testing::IsEmpty());
    return listed;
  }

  std::shared_ptr<MemDisk> disk_ = std::make_shared<MemDisk>();
};

TEST_F(CrashTest, APowerLossTakesOnlyWhatWasNotSynced) {
  auto store = Open();
  const uint64_t lease = *store->AcquireLease();
  ASSERT_TRUE(store->Commit(lease, ChangesOf(1, false)).ok());
  ASSERT_TRUE(store->Commit(lease, ChangesOf(2, true)).ok());
  EXPECT_EQ(disk_->unsynced_writes(), 0u) << "a sync covers what came before it";
  ASSERT_TRUE(store->Commit(lease, ChangesOf(3, false)).ok());
  ASSERT_TRUE(store->Commit(lease, ChangesOf(4, false)).ok());
  EXPECT_EQ(disk_->unsynced_writes(), 2u);
  store.reset();
  disk_->LoseUnsynced(1);
  EXPECT_EQ(PeopleIn(*Open()), 3u) << "a log loses its tail, never its middle";
  disk_->LoseUnsynced();
  EXPECT_EQ(PeopleIn(*Open()), 3u) << "what survived one crash survives the next";
}

TEST_F(CrashTest, AProcessThatDiesLosesNothingItCommitted) {
  auto store = Open();
  const uint64_t lease = *store->AcquireLease();
  ASSERT_TRUE(store->Commit(lease, ChangesOf(1, false)).ok());
  store.reset();
  EXPECT_EQ(PeopleIn(*Open()), 1u);
}

TEST_F(CrashTest, ADeathAtAnyCommitLeavesAWholeState) {
  constexpr uint64_t kCommits = 5;
  for (const bool after : {false, true}) {
    for (uint64_t n = 1; n <= kCommits; ++n) {
      disk_ = std::make_shared<MemDisk>();
      FaultStore store(Open(), {.at_commit = n, .after_commit = after});
      const uint64_t lease = *store.AcquireLease();
      for (uint64_t i = 1; i <= kCommits; ++i) {
        const Status status = store.Commit(lease, ChangesOf(i, true));
        EXPECT_EQ(status.ok(), i < n);
        if (i >= n) {
          EXPECT_EQ(status.code(), StatusCode::kCancelled);
        }
      }
      EXPECT_TRUE(store.dead());
      EXPECT_EQ(store.commits(), n);
      EXPECT_EQ(store.Links().status().code(), StatusCode::kCancelled);
      disk_->LoseUnsynced();
      EXPECT_EQ(PeopleIn(*Open()), after ? n : n - 1);
    }
  }
}

TEST_F(CrashTest, AZombieThatWokeUpLateCannotCommit) {
  auto zombie = Open();
  const uint64_t old = *zombie->AcquireLease();
  ASSERT_TRUE(zombie->Commit(old, ChangesOf(1, true)).ok());
  auto store = Open();
  const uint64_t lease = *store->AcquireLease();
  EXPECT_EQ(zombie->Commit(old, ChangesOf(2, true)).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(store->Commit(lease, ChangesOf(2, true)).ok());
}

TEST_F(CrashTest, ALostLeaseIsNeverGivenAgain) {
  auto store = Open();
  const uint64_t first = *store->AcquireLease();
  store.reset();
  disk_->LoseUnsynced();
  EXPECT_GT(*Open()->AcquireLease(), first);
}

TEST_F(CrashTest, AFullDiskIsUnavailableAndChangesNothing) {
  auto store = Open();
  const uint64_t lease = *store->AcquireLease();
  ASSERT_TRUE(store->Commit(lease, ChangesOf(1, true)).ok());
  disk_->RefuseWrites("No space left on device");
  const Status status = store->Commit(lease, ChangesOf(2, true));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr("No space left on device"));
  EXPECT_EQ(PeopleIn(*store), 1u);
  disk_->RefuseWrites("");
  EXPECT_TRUE(store->Commit(lease, ChangesOf(2, true)).ok());
}

TEST_F(CrashTest, ADeadlineSurvivesTheLossOfALaterMark) {
  auto store = Open();
  const uint64_t lease = *store->AcquireLease();
  Changes changes = ChangesOf(1, true);
  changes.people[0].review_at = At(100);
  ASSERT_TRUE(store->Commit(lease, changes).ok());
  ASSERT_TRUE(store->DueBefore(kMain, At(99), 10).ok());  // raises the mark in memory
  changes.people[0].review_at = At(500);
  changes.must_sync = false;
  ASSERT_TRUE(store->Commit(lease, changes).ok());
  store.reset();
  disk_->LoseUnsynced();
  EXPECT_THAT(*Open()->DueBefore(kMain, At(100), 10), ::testing::ElementsAre(1));
}

}  // namespace
}  // namespace driftwarden::store
