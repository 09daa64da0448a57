// What a change costs must not depend on how many people stand in the store. Counted, not timed:
// what the store is asked for. script/bench scale measures the rest.

#include <gtest/gtest.h>

#include "bench/stored_link.h"
#include "store/kv_state_store.h"
#include "store/mem_disk.h"

namespace driftwarden::store {
namespace {

struct Asked {
  uint64_t keys = 0;     // that were asked for
  uint64_t scans = 0;    // ranges that were walked over
  uint64_t entries = 0;  // that came back from them
  uint64_t writes = 0;   // records and entries
  friend bool operator==(const Asked&, const Asked&) = default;
};

class CountingSnapshot final : public KvSnapshot {
 public:
  CountingSnapshot(std::unique_ptr<KvSnapshot> inner, Asked& asked)
      : inner_(std::move(inner)), asked_(asked) {}
  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) override {
    ++asked_.keys;
    return inner_->Get(family, key);
  }
  StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      Family family, const std::vector<std::string>& keys) override {
    asked_.keys += keys.size();
    return inner_->MultiGet(family, keys);
  }
  StatusOr<std::vector<KvEntry>> Scan(Family family, const KvRange& range, size_t limit,
                                      bool reverse) override {
    auto found = inner_->Scan(family, range, limit, reverse);
    ++asked_.scans;
    if (found.ok()) asked_.entries += found->size();
    return found;
  }

 private:
  const std::unique_ptr<KvSnapshot> inner_;
  Asked& asked_;
};

class CountingKv final : public Kv {
 public:
  std::unique_ptr<KvSnapshot> Snapshot() override {
    return std::make_unique<CountingSnapshot>(inner_->Snapshot(), asked);
  }
  Status Write(const KvBatch& batch, bool sync) override {
    asked.writes += batch.changes().size();
    return inner_->Write(batch, sync);
  }
  StatusOr<KvStats> Stats() override { return inner_->Stats(); }
  const std::string& path() const override { return inner_->path(); }
  bool read_only() const override { return false; }
  Asked asked;

 private:
  const std::unique_ptr<Kv> inner_ = NewMemKv(std::make_shared<MemDisk>());
};

// Somebody leaves in AD and then in Entra, and comes back, each with the deadlines due by then.
std::vector<Asked> AskedForOneChange(int people) {
  std::vector<Asked> out;
  auto kv = std::make_unique<CountingKv>();
  CountingKv& counting = *kv;
  auto store = OpenKvStateStore(std::move(kv));
  EXPECT_TRUE(store.ok());
  auto link = bench::StoredLink::Open(*std::move(store));
  EXPECT_TRUE(link.ok());
  EXPECT_TRUE((*link)->ReadBaseline(people, counting).ok());
  EXPECT_TRUE((*link)->store().Check()->empty());
  for (const int person : {0, people / 2}) {
    for (int step = 0; step < 4; ++step) {
      counting.asked = Asked();
      const auto make = step % 2 == 0 ? &bench::AdBatch : &bench::EntraBatch;
      EXPECT_TRUE((*link)->Deliver(make(person, 1, step >= 2, (*link)->NextChange())).ok());
      EXPECT_TRUE((*link)->ReviewDue().ok());
      out.push_back(counting.asked);
    }
  }
  EXPECT_TRUE((*link)->store().Check()->empty());
  return out;
}

TEST(Cost, AChangeAsksTheStoreForAsMuchWhereTwentyTimesAsManyPeopleAre) {
  const std::vector<Asked> few = AskedForOneChange(500);
  const std::vector<Asked> many = AskedForOneChange(10'000);
  ASSERT_EQ(few.size(), many.size());
  for (size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(few[i], many[i]) << i << ": " << few[i].keys << " and " << many[i].keys << " keys, "
                               << few[i].scans << " and " << many[i].scans << " scans, "
                               << few[i].entries << " and " << many[i].entries << " entries, "
                               << few[i].writes << " and " << many[i].writes << " writes";
    EXPECT_GT(few[i].writes, 0u);
    EXPECT_LT(few[i].entries, 100u);
  }
}

}  // namespace
}  // namespace driftwarden::store
