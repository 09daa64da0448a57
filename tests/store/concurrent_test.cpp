// One writer beside readers, over every backend; what TSan looks at.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/store/backend.h"
#include "tests/store/sample_records.h"

namespace driftwarden::store {
namespace {

class ConcurrentTest : public ::testing::TestWithParam<MakeBackend> {};

INSTANTIATE_TEST_SUITE_P(Mem, ConcurrentTest, ::testing::Values(MakeMemBackend));
INSTANTIATE_TEST_SUITE_P(Rocks, ConcurrentTest, ::testing::Values(MakeRocksBackend));

constexpr PersonOrdinal kPeople = 150;
const LinkName kMain("main");

// Person n is due at second 1000 - n: every commit puts a deadline before those a scan has passed.
Status CommitPerson(StateStore& store, uint64_t lease, LinkState& link, PersonOrdinal ordinal) {
  Changes changes;
  changes.people = {PlainPerson(ordinal)};
  changes.people[0].review_at = At(1000 - static_cast<int64_t>(ordinal));
  link.next_person = ordinal + 1;
  link.linked_people = ordinal;
  link.users[{monitor::State::kAligned, monitor::TierName("standard")}] =
      static_cast<int64_t>(ordinal);
  changes.link = link;
  return store.Commit(lease, changes);
}

TEST_P(ConcurrentTest, ReadersSeeWholeCommitsAndNeverGoBack) {
  const auto backend = GetParam()();
  const auto store = *backend->Open();
  const uint64_t lease = *store->AcquireLease();
  std::atomic<bool> done = false;
  std::atomic<int> faults = 0;
  const auto read = [&] {
    size_t seen = 0;
    while (!done) {
      const auto page = store->ListPeople(kMain, {}, "", kPeople);
      const auto link = store->LoadLink(kMain);
      const auto due = store->DueBefore(kMain, At(900), 5);
      const bool ok = page.ok() && link.ok() && due.ok() && page->items.size() >= seen &&
                      (!link->has_value() || (*link)->linked_people >= page->items.size());
      if (!ok) ++faults;
      if (page.ok()) seen = page->items.size();
    }
  };
  std::thread first(read), second(read);
  LinkState link;
  link.name = kMain;
  for (PersonOrdinal i = 1; i <= kPeople; ++i) {
    if (!CommitPerson(*store, lease, link, i).ok()) ++faults;
  }
  done = true;
  first.join();
  second.join();
  EXPECT_EQ(faults, 0);
  EXPECT_THAT(*store->DueBefore(kMain, At(900), 3),
              ::testing::ElementsAre(kPeople, kPeople - 1, kPeople - 2));
  EXPECT_THAT(*store->Check(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace driftwarden::store
