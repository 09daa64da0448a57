// The USN source and the reader against a real Samba domain controller.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "base/strings.h"
#include "tests/directory/run.h"
#include "tests/directory/samba_fixture.h"
#include "watchers/ad_cursor.h"
#include "watchers/ad_reader.h"
#include "watchers/ad_usn_source.h"

namespace driftwarden::watchers {
namespace {

class CollectingSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    largest = std::max(largest, batch.observations.size());
    if (batch.completes_round) cursor = batch.cursor;
    reason = batch.snapshot_reason;
    offset = batch.clock_offset;
    for (const monitor::Observation& observation : batch.observations) {
      const auto& view = std::get<monitor::AdView>(observation.view);
      if (view.sam_account_name) seen[*view.sam_account_name] = view;
    }
    co_return OkStatus();
  }
  std::map<std::string, monitor::AdView> seen;
  std::string cursor;
  std::string reason;
  absl::Duration offset;
  size_t largest = 0;
};

class Sources : public directory::SambaTest {
 protected:
  void SetUp() override {
    directory::SambaTest::SetUp();
    if (HasFatalFailure()) return;
    options_ = Translate(Options());
    Use(options_);
  }
  static AdSourceOptions Translate(const directory::SessionOptions& from) {
    AdSourceOptions options;
    options.name = monitor::SourceName("corp");
    options.servers = {from.server};
    options.ca_file = from.ca_file;
    options.bind = from.bind;
    return options;
  }
  void Use(const AdSourceOptions& options) {
    source_ = std::make_unique<AdUsnSource>(options, *factory_, clock_, quiet_);
    reader_ = std::make_unique<AdReader>(options, *factory_, clock_, quiet_);
  }
  Status Poll() {
    sink_.seen.clear();
    return RunOn(context_, source_->Poll(sink_.cursor, monitor::BatchId("round-1"), sink_));
  }
  StatusOr<monitor::AdView> Read(const monitor::Guid& guid) {
    const auto read = RunOn(context_, reader_->ReadAccount(guid));
    if (!read.ok()) return read.status();
    return std::get<monitor::AdView>(read->view);
  }

  AdSourceOptions options_;
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  CollectingSink sink_;
  std::unique_ptr<AdUsnSource> source_;
  std::unique_ptr<AdReader> reader_;
};

TEST_F(Sources, FirstRoundHasPeopleAndNoMachinery) {
  const std::string name = Unique("person");
  AddUser(name);
  const Status polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink_.reason, "first");
  EXPECT_EQ(sink_.seen.count(name), 1u);
  for (const char* other : {"krbtgt", "Guest", "Administrator", "DC1$"}) {
    EXPECT_EQ(sink_.seen.count(other), 0u) << other;
  }
  EXPECT_LT(absl::AbsDuration(sink_.offset), absl::Seconds(5));
}

TEST_F(Sources, ADisableIsSeenWithItsTimeAndNothingElse) {
  const std::string name = Unique("leaver");
  const std::string dn = AddUser(name);
  AddUser(Unique("stayer"));
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink_.seen[name].Disabled(), false);
  const uint32_t version = sink_.seen[name].uac_stamp->version;
  ASSERT_TRUE(Poll().ok());
  EXPECT_TRUE(sink_.seen.empty()) << "nothing changed";

  const absl::Time before = clock_.Wall() - absl::Seconds(1);
  Modify(dn, "userAccountControl", "546");
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink_.reason, "");
  ASSERT_EQ(sink_.seen.size(), 1u);
  const monitor::AdView& view = sink_.seen[name];
  EXPECT_EQ(view.Disabled(), true);
  EXPECT_GT(view.uac_stamp->version, version);
  EXPECT_GE(view.uac_stamp->originating_time, before);
  EXPECT_LE(view.uac_stamp->originating_time, clock_.Wall() + absl::Seconds(1));

  const auto direct = Read(view.object_guid);
  ASSERT_TRUE(direct.ok()) << direct.status();
  EXPECT_EQ(direct->Disabled(), true);
  EXPECT_EQ(direct->uac_stamp, view.uac_stamp);
  EXPECT_EQ(direct->usn_changed, view.usn_changed);
}

TEST_F(Sources, ADeletionIsSeenAndItsTombstoneReadDirectly) {
  const std::string name = Unique("deleted");
  const std::string dn = AddUser(name);
  Modify(dn, "mS-DS-ConsistencyGuid", "0123456789abcdef");
  ASSERT_TRUE(Poll().ok());
  const monitor::AdView alive = sink_.seen[name];
  EXPECT_EQ(alive.consistency_guid, "0123456789abcdef");
  EXPECT_EQ(alive.deleted, false);
  Delete(dn);
  ASSERT_TRUE(Poll().ok());
  ASSERT_EQ(sink_.seen.size(), 1u);
  const monitor::AdView& tombstone = sink_.seen[name];
  EXPECT_EQ(tombstone.deleted, true);
  EXPECT_EQ(tombstone.object_guid, alive.object_guid);
  EXPECT_EQ(tombstone.sid, alive.sid);
  EXPECT_FALSE(tombstone.consistency_guid.has_value());
  ASSERT_TRUE(tombstone.deleted_stamp.has_value());
  EXPECT_LT(absl::AbsDuration(tombstone.deleted_stamp->originating_time - clock_.Wall()),
            absl::Seconds(10));
  EXPECT_EQ(tombstone.uac_stamp, alive.uac_stamp) << "a deletion does not touch it";

  const auto direct = Read(alive.object_guid);
  ASSERT_TRUE(direct.ok()) << direct.status();
  EXPECT_EQ(direct->deleted, true);
}

TEST_F(Sources, AnUnknownAccountIsNotFoundAndAMachineIsRefused) {
  EXPECT_EQ(Read(*monitor::Guid::FromBytes("no such account.")).status().code(),
            StatusCode::kNotFound);
  auto session = Open(Options());
  ASSERT_TRUE(session.ok());
  directory::SearchRequest request;
  request.base = Base();
  request.filter = "(objectClass=computer)";
  request.attributes = {"objectGUID"};
  const auto page = Search(**session, request);
  ASSERT_TRUE(page.ok());
  ASSERT_FALSE(page->entries.empty());
  const auto guid = monitor::Guid::FromBytes(*page->entries[0].First("objectguid"));
  EXPECT_EQ(Read(*guid).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(Sources, ThousandsComeInPages) {
  const std::string stem = Unique("many");
  for (int i = 0; i < 1100; ++i) AddUser(Cat(stem, '-', i));
  ASSERT_TRUE(Poll().ok());
  EXPECT_GE(sink_.seen.size(), 1100u);
  EXPECT_EQ(sink_.largest, 1000u);
  options_.page_size = 100;
  Use(options_);
  sink_ = CollectingSink();
  ASSERT_TRUE(Poll().ok());
  EXPECT_GE(sink_.seen.size(), 1100u);
  EXPECT_EQ(sink_.largest, 100u);
}

TEST_F(Sources, APlainReaderSeesPeopleButNoTombstones) {
  const std::string name = Unique("reader");
  options_.bind.user = AddReader(name, "Drift.Reader1");
  options_.bind.password_file = Cat(::testing::TempDir(), '/', name);
  std::ofstream(options_.bind.password_file) << "Drift.Reader1\n";
  Use(options_);
  const std::string leaver = Unique("leaver");
  const std::string dn = AddUser(leaver);
  ASSERT_TRUE(Poll().ok());
  const monitor::AdView alive = sink_.seen[leaver];
  EXPECT_TRUE(alive.uac_stamp.has_value()) << "metadata is readable to everybody";
  EXPECT_EQ(alive.Disabled(), false);
  Delete(dn);
  const Status polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink_.seen.count(leaver), 0u);
  EXPECT_EQ(Read(alive.object_guid).status().code(), StatusCode::kNotFound);
}

TEST_F(Sources, ScopeIsTheBase) {
  const std::string name = Unique("outside");
  const std::string dn = AddUser(name);
  options_.base_dn = Cat("OU=Domain Controllers,", Base());
  Use(options_);
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink_.seen.count(name), 0u);
  Delete(dn);
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink_.seen.count(name), 0u) << "nor its tombstone";
  options_.base_dn = Cat("OU=absent,", Base());
  Use(options_);
  sink_.cursor = "";
  const Status status = Poll();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(std::string(status.message()).find("check base_dn"), std::string::npos) << status;
}

}  // namespace
}  // namespace driftwarden::watchers
