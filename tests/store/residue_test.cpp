// What is left of people in the tenant: written apart from commits, gone with the person.

#include "monitor/residue.h"

#include <gmock/gmock.h>

#include "store/mem_store.h"
#include "store/records_residue.h"
#include "tests/store/sample_records.h"

namespace driftwarden::store {
namespace {

using monitor::Residue;
using monitor::ResidueArea;
using monitor::ResidueOutcome;
using ::testing::IsEmpty;

TEST(StoreResidue, EveryCutOfARecordIsDataLoss) {
  const std::string whole = EncodeResidue(SampleResidue());
  EXPECT_EQ(*DecodeResidue("k", whole), SampleResidue());
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(DecodeResidue("k", whole.substr(0, length)).status().code(), StatusCode::kDataLoss);
  }
  EXPECT_FALSE(DecodeResidue("k", whole + "x").ok());
  EXPECT_FALSE(DecodeResidue("k", "\x02" + whole.substr(1)).ok()) << "of a later version";
}

TEST(StoreResidue, IsKeptUntilThePersonGoes) {
  const auto store = *NewMemStore(std::make_shared<MemDisk>());
  const uint64_t lease = *store->AcquireLease();
  const LinkName link("main");
  Residue residue = SampleResidue();
  residue.person = 2;
  EXPECT_EQ(store->PutResidue(lease, link, residue).code(), StatusCode::kNotFound);
  Changes changes;
  changes.link.name = link;
  changes.people = {PlainPerson(1), PlainPerson(2)};
  Recount(changes.link, changes.people);
  ASSERT_TRUE(store->Commit(lease, changes).ok());

  ASSERT_TRUE(store->PutResidue(lease, link, residue).ok());
  EXPECT_EQ(store->PutResidue(lease + 1, link, residue).code(), StatusCode::kFailedPrecondition);
  auto loaded = *store->LoadResidue(link, {1, 2, 3});
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(loaded.at(2), residue);
  EXPECT_THAT(*store->Check(), IsEmpty());
  EXPECT_THAT(*store->LoadResidue(LinkName("other"), {2}), IsEmpty());
  residue.person = 9;
  EXPECT_EQ(store->PutResidue(lease, link, residue).code(), StatusCode::kNotFound);

  changes.people = {PlainPerson(1)};
  Recount(changes.link, changes.people);
  changes.link.next_person = 3;
  changes.people.clear();
  changes.removed = {2};
  ASSERT_TRUE(store->Commit(lease, changes).ok());
  EXPECT_THAT(*store->LoadResidue(link, {2}), IsEmpty());
  EXPECT_THAT(*store->Check(), IsEmpty());
}

TEST(Residue, AFailureLeavesWhatWasKnownOfTheSameAccount) {
  Residue before = SampleResidue();
  Residue now = before;
  for (auto& [area, findings] : now.areas) {
    findings = {};
    findings.outcome = ResidueOutcome::kFailed;
  }
  now.read = before.read + absl::Hours(24);
  const Residue merged = MergeResidue(before, now);
  EXPECT_EQ(merged.read, now.read);
  EXPECT_EQ(merged.areas.at(ResidueArea::kDirectoryRoles),
            before.areas.at(ResidueArea::kDirectoryRoles));
  EXPECT_EQ(merged.areas.at(ResidueArea::kEligibleRoles).outcome, ResidueOutcome::kFailed)
      << "that it was never evaluated is nothing to keep";
  now.areas[ResidueArea::kDirectoryRoles].outcome = ResidueOutcome::kPermission;
  EXPECT_EQ(MergeResidue(before, now), [&] {
    Residue expected = now;
    expected.areas[ResidueArea::kMethods] = before.areas.at(ResidueArea::kMethods);
    return expected;
  }());
  now.entra_id = "another";
  EXPECT_EQ(MergeResidue(before, now), now);
  EXPECT_EQ(MergeResidue(std::nullopt, now), now);
}

}  // namespace
}  // namespace driftwarden::store
