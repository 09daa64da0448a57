// People of whom somebody told something are found by indexes of their own.

#include <gmock/gmock.h>

#include "store/mem_store.h"
#include "tests/store/sample_records.h"

namespace driftwarden::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<PersonOrdinal> Listed(StateStore& store, const PeopleFilter& filter) {
  std::vector<PersonOrdinal> out;
  const auto page = store.ListPeople(LinkName("main"), filter, "", 9);
  for (const Person& person : page->items) out.push_back(person.ordinal);
  return out;
}

TEST(StoreTold, PeopleAreListedWhileItHolds) {
  const absl::Time at = absl::FromUnixSeconds(1'800'000'000);
  const auto store = *NewMemStore(std::make_shared<MemDisk>());
  const uint64_t lease = *store->AcquireLease();
  const auto put = [&](const std::vector<Person>& people) {
    Changes changes;
    changes.link.name = LinkName("main");
    Recount(changes.link, people);
    changes.people = people;
    ASSERT_TRUE(store->Commit(lease, changes).ok());
  };
  Person exempt = PlainPerson(2);
  exempt.memory.exemption = {at, at, "why", "ada"};
  Person expected = PlainPerson(3);
  expected.memory.leave.emplace();
  Person gone = PlainPerson(4);
  gone.memory.leave.emplace().end = monitor::LeaveEnd::kDeparted;
  put({PlainPerson(1), exempt, expected, gone});
  PeopleFilter exempted;
  exempted.exempted = true;
  PeopleFilter leavers;
  leavers.expected = true;
  EXPECT_THAT(Listed(*store, exempted), ElementsAre(2));
  EXPECT_THAT(Listed(*store, leavers), ElementsAre(3));
  exempt.memory.exemption.reset();
  expected.memory.leave->end = monitor::LeaveEnd::kWithdrawn;
  put({PlainPerson(1), exempt, expected, gone});
  EXPECT_THAT(Listed(*store, exempted), IsEmpty());
  EXPECT_THAT(Listed(*store, leavers), IsEmpty());
  EXPECT_THAT(*store->Check(), IsEmpty());
}

}  // namespace
}  // namespace driftwarden::store
