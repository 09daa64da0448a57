// The chain of evidence as a running daemon verifies it.

#include "daemon/chain_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/strings.h"
#include "monitor/evidence.h"
#include "store/forwarding_store.h"
#include "store/mem_store.h"

namespace driftwarden::daemon {
namespace {

using monitor::EvidenceEntry;
using monitor::LinkName;
using monitor::LinkState;

// Shows entries as somebody with the disk in hand may have left them, and counts what is read.
class TamperedStore final : public store::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  StatusOr<std::vector<EvidenceEntry>> Evidence(const LinkName& link, uint64_t from_seq,
                                                size_t limit) override {
    if (!refuses.ok()) return refuses;
    auto entries = ForwardingStore::Evidence(link, from_seq, limit);
    if (!entries.ok()) return entries;
    for (EvidenceEntry& entry : *entries) {
      if (entry.seq == changed) entry.details["actor"] = "somebody else";
    }
    std::erase_if(*entries, [this](const EvidenceEntry& entry) {
      return entry.seq == removed || (cut_after > 0 && entry.seq > cut_after);
    });
    entries_read += entries->size();
    return entries;
  }

  uint64_t changed = 0;
  uint64_t removed = 0;
  uint64_t cut_after = 0;
  Status refuses;
  uint64_t entries_read = 0;
};

class ChainWatchTest : public ::testing::Test {
 protected:
  ChainWatchTest() { lease_ = *store_.AcquireLease(); }

  void Write(int entries) {
    monitor::Changes changes;
    for (int i = 0; i < entries; ++i) {
      EvidenceEntry entry;
      entry.type = "baseline_accepted";
      entry.details["actor"] = Cat("ada ", i);
      monitor::ChainEvidence(link_, entry);
      changes.evidence.push_back(std::move(entry));
    }
    changes.link = link_;
    ASSERT_TRUE(store_.Commit(lease_, changes).ok());
  }
  ChainReport Turn() {
    const auto report = watch_.Turn();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : ChainReport();
  }
  // So many turns; the first report that changed, else the last one.
  ChainReport Turns(int count) {
    ChainReport report;
    for (int i = 0; i < count && !report.changed; ++i) report = Turn();
    return report;
  }

  TamperedStore store_{*store::NewMemStore(std::make_shared<store::MemDisk>())};
  uint64_t lease_ = 0;
  LinkState link_ = [] {
    LinkState link;
    link.name = LinkName("main");
    return link;
  }();
  ChainWatch watch_{store_, LinkName("main"), {10, 5}};
};

TEST_F(ChainWatchTest, AnUntouchedChainStaysWholeWhileItGrows) {
  EXPECT_TRUE(Turn().whole);  // nothing was committed yet
  for (int i = 0; i < 30; ++i) {
    Write(i % 4);
    const ChainReport report = Turn();
    EXPECT_TRUE(report.whole) << report.fault;
    EXPECT_FALSE(report.changed);
    EXPECT_FALSE(report.behind);
  }
}

TEST_F(ChainWatchTest, ATurnReadsABoundedNumberOfEntries) {
  Write(200);
  Turn();
  EXPECT_EQ(store_.entries_read, 5u);  // of the full pass; no entry is new
  Write(3);
  store_.entries_read = 0;
  Turn();
  EXPECT_EQ(store_.entries_read, 3u + 5u);
  Write(25);
  store_.entries_read = 0;
  EXPECT_TRUE(Turn().behind);
  EXPECT_EQ(store_.entries_read, 10u + 5u);
  EXPECT_TRUE(Turn().behind);
  EXPECT_FALSE(Turn().behind);
}

TEST_F(ChainWatchTest, ANewEntryThatWasChangedShowsInTheNextTurn) {
  Write(100);
  Turn();
  Write(4);
  store_.changed = 103;
  const ChainReport report = Turn();
  EXPECT_FALSE(report.whole);
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.entry, 103u);
  EXPECT_NE(Message(report.fault).find("link main, entry 103"), std::string::npos) << report.fault;
}

TEST_F(ChainWatchTest, AnOldEntryThatIsChangedWhileItRunsIsFoundByTheFullPass) {
  Write(40);
  Turns(20);  // two whole passes and some
  store_.changed = 7;
  const ChainReport report = Turns(10);
  EXPECT_TRUE(report.changed);
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.entry, 7u);
}

TEST_F(ChainWatchTest, ARemovedEntryIsFound) {
  Write(40);
  store_.removed = 22;
  const ChainReport report = Turns(10);
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.entry, 22u);
}

TEST_F(ChainWatchTest, AChainThatWasCutIsFound) {
  Write(40);
  store_.cut_after = 31;
  const ChainReport report = Turns(10);
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.entry, 32u);
}

TEST_F(ChainWatchTest, ALinkPutBackToAnOlderRecordIsFoundAtOnce) {
  Write(10);
  const LinkState older = link_;
  Write(10);
  Turn();
  monitor::Changes back;
  back.link = older;
  ASSERT_TRUE(store_.Commit(lease_, back).ok());
  EXPECT_FALSE(Turn().whole);
}

TEST_F(ChainWatchTest, OnceBrokenOnlyAWholePassMakesItGood) {
  Write(40);
  store_.changed = 12;
  const ChainReport broken = Turns(10);
  ASSERT_FALSE(broken.whole);
  for (int i = 0; i < 20; ++i) {  // passes end at the same entry; it is told once
    Write(1);
    const ChainReport report = Turn();
    EXPECT_FALSE(report.whole);
    EXPECT_FALSE(report.changed);
    EXPECT_EQ(report.entry, 12u);
  }
  store_.changed = 0;  // put back from a copy
  int turns = 0;
  ChainReport report;
  while (!report.changed && turns < 100) {
    report = Turn();
    ++turns;
  }
  EXPECT_TRUE(report.whole);
  EXPECT_TRUE(report.fault.ok());
  EXPECT_GE(turns, 50 / 5);  // from the first entry to the last; the pass stands at ten at most
  Write(2);
  EXPECT_TRUE(Turn().whole);
}

TEST_F(ChainWatchTest, AStoreThatDoesNotAnswerSaysNothingAboutTheChain) {
  Write(40);
  Turn();
  store_.refuses = UnavailableError("disk away");
  EXPECT_EQ(watch_.Turn().status().code(), StatusCode::kUnavailable);
  store_.refuses = OkStatus();
  EXPECT_TRUE(Turn().whole);
}

}  // namespace
}  // namespace driftwarden::daemon
