// What Samba does not have, over real sessions against the simulator's controller: DirSync in pages
// and refused, notifications of deletions and their limits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/async/lane.h"
#include "tests/directory/recording_observer.h"
#include "tests/directory/run.h"
#include "tests/simulator/live_service.h"
#include "watchers/ad_dirsync_source.h"
#include "watchers/ad_sight.h"
#include "watchers/directory/schema.h"
#include "watchers/directory/session_openldap.h"

namespace driftwarden::watchers {
namespace {

using simulator::LiveService;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CollectingSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (!batch.cursor.empty()) cursor = batch.cursor;
    if (!batch.snapshot_reason.empty()) reason = batch.snapshot_reason;
    largest = std::max(largest, batch.observations.size());
    for (const monitor::Observation& observation : batch.observations) {
      const auto& view = std::get<monitor::AdView>(observation.view);
      seen[view.sam_account_name.value_or("?")] = view;
    }
    co_return OkStatus();
  }
  std::map<std::string, monitor::AdView> seen;
  std::string cursor;
  std::string reason;
  size_t largest = 0;
};

class SimulatedController : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    simulator::SimulatorOptions options;
    options.users = 300;
    options.cycle = absl::Seconds(3600);
    live_ = new LiveService(options);
  }
  static void TearDownTestSuite() {
    delete live_;
    live_ = nullptr;
  }
  void SetUp() override {
    options_.name = monitor::SourceName("corp");
    options_.servers = {live_->at().forests[0].ldaps_url};
    options_.ca_file = live_->at().ca_file;
    options_.bind.user = live_->at().forests[0].bind_user;
    options_.bind.password_file = live_->at().password_file;
    options_.page_size = 50;
    options_.pin = std::make_shared<AdPin>();
    options_.sight = std::make_shared<AdSight>(options_.name, quiet_);
    Restart();
  }
  void TearDown() override {
    Faults([](simulator::LdapFaults& faults) { faults = {}; });
  }
  void Restart() {
    dirsync_.reset();
    usn_ = std::make_unique<AdUsnSource>(options_, *factory_, clock_, quiet_);
    dirsync_ = std::make_unique<AdDirSyncSource>(options_, *usn_, clock_, quiet_, observer_);
  }
  Status Poll() {
    sink_.seen.clear();
    sink_.reason.clear();
    return RunOn(context_, dirsync_->Poll(sink_.cursor, monitor::BatchId("round"), sink_));
  }
  // Its text; empty when it is not there.
  std::string FindingOf(const std::string& name) const {
    for (const Finding& finding : options_.sight->findings()) {
      if (finding.name == name) return finding.text;
    }
    return "";
  }
  template <typename F>
  void Faults(F change) {
    live_->On([&] { change(live_->service().ldap().faults()); });
  }
  template <typename F>
  void Change(F change) {
    live_->On([&] {
      const Status done = change(live_->service().world().directory(), clock_.Wall());
      EXPECT_TRUE(done.ok()) << done;
    });
  }
  void Disable(const std::string& sam) {
    Change([&](auto& directory, absl::Time now) { return directory.Disable(sam, now); });
  }
  void Delete(const std::string& sam) {
    Change([&](auto& directory, absl::Time now) { return directory.Delete(sam, now); });
  }
  StatusOr<std::unique_ptr<directory::Session>> Open() {
    directory::SessionOptions session;
    session.source = "corp";
    session.server = options_.servers.front();
    session.ca_file = options_.ca_file;
    session.bind = options_.bind;
    return RunOn(context_, factory_->Open(std::move(session)));
  }
  static directory::SearchRequest Everything() {
    directory::SearchRequest request;
    request.base = "DC=corp,DC=example";
    request.attributes = directory::AccountAttributes();
    request.page_size = 0;
    return request;
  }

  static LiveService* live_;
  SystemClock clock_;
  asio::io_context context_;
  ThreadLane lane_{"ldap", 2};
  LaneTurns turns_{lane_, 2};
  std::unique_ptr<directory::SessionFactory> factory_ =
      directory::MakeOpenLdapSessionFactory(turns_, clock_);
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  RecordingObserver observer_;
  AdSourceOptions options_;
  CollectingSink sink_;
  std::unique_ptr<AdUsnSource> usn_;
  std::unique_ptr<AdDirSyncSource> dirsync_;
};

LiveService* SimulatedController::live_ = nullptr;

TEST_F(SimulatedController, DirSyncBeginsWithEverybodyAndGoesOnWithWhatChanged) {
  Faults([](auto& faults) { faults.dirsync_page = 40; });
  Status polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink_.reason, "first");
  EXPECT_GE(sink_.seen.size(), 290U);
  EXPECT_LE(sink_.largest, 50U);
  EXPECT_THAT(sink_.cursor, HasSubstr("dirsync1 "));
  EXPECT_THAT(observer_.tracking, ElementsAre(AdTracking::kDirSync));

  Disable("u0000010");
  Delete("u0000011");
  polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink_.reason, "");
  ASSERT_EQ(sink_.seen.size(), 2U);
  EXPECT_EQ(sink_.seen["u0000010"].Disabled(), true);
  EXPECT_TRUE(sink_.seen["u0000010"].uac_stamp.has_value()) << "read whole, not from the row";
  EXPECT_EQ(sink_.seen["u0000011"].deleted, true);
  EXPECT_TRUE(sink_.seen["u0000011"].deleted_stamp.has_value());
  ASSERT_TRUE(Poll().ok());
  EXPECT_TRUE(sink_.seen.empty());
}

TEST_F(SimulatedController, ManyChangesComeInBoundedBatches) {
  ASSERT_TRUE(Poll().ok());
  for (int i = 20; i < 150; ++i) Disable(Cat("u0000", i < 100 ? "0" : "", i));
  Faults([](auto& faults) { faults.dirsync_page = 60; });
  sink_.largest = 0;
  const Status polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink_.seen.size(), 130U);
  EXPECT_LE(sink_.largest, 50U);
}

TEST_F(SimulatedController, ADeadCookieIsAFullReadOfItsOwnReason) {
  ASSERT_TRUE(Poll().ok());
  Faults([](auto& faults) { faults.forget_dirsync = true; });
  const Status polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink_.reason, monitor::kCookieRejected);
  EXPECT_THAT(monitor::ResetReasonsOf(monitor::SourceKind::kActiveDirectory),
              ::testing::Contains(sink_.reason));
  EXPECT_GE(sink_.seen.size(), 280U);
  Faults([](auto& faults) { faults = {}; });
  Disable("u0000160");
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink_.reason, "");
  EXPECT_EQ(sink_.seen.size(), 1U);
}

TEST_F(SimulatedController, WithoutTheRightUsnsTakeOverWhereTheyStand) {
  ASSERT_TRUE(Poll().ok());
  Disable("u0000170");
  ASSERT_TRUE(Poll().ok());
  Faults([](auto& faults) { faults.refuse_dirsync = true; });
  Disable("u0000171");
  const Status polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink_.reason, "") << "nobody has to be read anew";
  EXPECT_EQ(sink_.seen.size(), 1U);
  EXPECT_EQ(sink_.seen["u0000171"].Disabled(), true);
  EXPECT_THAT(observer_.tracking, ElementsAre(AdTracking::kDirSync, AdTracking::kUsn));
  EXPECT_THAT(sink_.cursor, ::testing::StartsWith("usn"));
  EXPECT_THAT(FindingOf(kDirSyncRefused), HasSubstr("Replicating Directory Changes"));
  Restart();  // the right is back
  Faults([](auto& faults) { faults = {}; });
  Disable("u0000172");
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink_.reason, "") << "USNs bridge the gap to the new cookie";
  EXPECT_EQ(FindingOf(kDirSyncRefused), "");
  EXPECT_EQ(sink_.seen.count("u0000172"), 1U);
  EXPECT_THAT(sink_.cursor, HasSubstr("dirsync1 "));
}

TEST_F(SimulatedController, ARestoredDatabaseIsReadWhole) {
  ASSERT_TRUE(Poll().ok());
  Change([](auto& directory, absl::Time now) {
    directory.ChangeInvocationId(now);
    return OkStatus();
  });
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink_.reason, monitor::kInvocationId);
  EXPECT_THAT(sink_.cursor, HasSubstr("dirsync1 "));
}

TEST_F(SimulatedController, CursorsReadBack) {
  DirSyncCursor cursor;
  cursor.cookie = std::string("\0\1cookie", 8);
  cursor.usn = "usn1 ldaps://dc 1";
  EXPECT_EQ(ParseDirSyncCursor(cursor.ToString()).cookie, cursor.cookie);
  EXPECT_EQ(ParseDirSyncCursor(cursor.ToString()).usn, cursor.usn);
  for (const char* text :
       {"", "usn1 x", "dirsync1", "dirsync1 ", "dirsync1 !! usn1", "dirsync1 QQ=="}) {
    EXPECT_EQ(ParseDirSyncCursor(text).cookie, "") << text;
    EXPECT_EQ(ParseDirSyncCursor(text).usn, text);
  }
}

TEST_F(SimulatedController, NotificationsTellOfChangesAndDeletions) {
  auto session = Open();
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE(RunOn(context_, (*session)->Watch(Everything())).ok());
  // A search on the same session is answered while it watches.
  ASSERT_TRUE(RunOn(context_, directory::ReadServerState(**session, clock_)).ok());
  Disable("u0000180");
  auto told = RunOn(context_, (*session)->Next(absl::Seconds(20)));
  ASSERT_TRUE(told.ok()) << told.status();
  ASSERT_EQ(told->size(), 1U);
  EXPECT_EQ(*told->front().First(directory::kSamAccountName), "u0000180");
  EXPECT_NE(told->front().First(directory::kReplMetaData), nullptr);
  Delete("u0000180");
  told = RunOn(context_, (*session)->Next(absl::Seconds(20)));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(*told->front().First(directory::kIsDeleted), "TRUE");
  told = RunOn(context_, (*session)->Next(absl::Milliseconds(20)));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_TRUE(told->empty()) << "silence is no error";
}

TEST_F(SimulatedController, ChangesThatComeDuringASearchAreKept) {
  auto session = Open();
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE(RunOn(context_, (*session)->Watch(Everything())).ok());
  ASSERT_TRUE(RunOn(context_, directory::ReadServerState(**session, clock_)).ok());
  Disable("u0000181");
  ASSERT_TRUE(RunOn(context_, directory::ReadServerState(**session, clock_)).ok());
  const auto told = RunOn(context_, (*session)->Next(absl::Seconds(20)));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->size(), 1U);
}

TEST_F(SimulatedController, ARefusedNotificationSaysSo) {
  Faults([](auto& faults) { faults.refuse_notify = true; });
  auto session = Open();
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE(RunOn(context_, (*session)->Watch(Everything())).ok());
  const auto told = RunOn(context_, (*session)->Next(absl::Seconds(20)));
  EXPECT_EQ(told.status().code(), StatusCode::kPermissionDenied);
}

TEST_F(SimulatedController, AFloodComesInTurnsOfBoundedSize) {
  auto session = Open();
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE(RunOn(context_, (*session)->Watch(Everything())).ok());
  ASSERT_TRUE(RunOn(context_, directory::ReadServerState(**session, clock_)).ok());
  for (int round = 0; round < 4; ++round) {
    Change([&](auto& directory, absl::Time now) {
      for (int i = 200; i < 300; ++i) {
        const Status done = directory.Describe(Cat("u0000", i), Cat("round ", round), now);
        if (!done.ok()) return done;
      }
      return OkStatus();
    });
  }
  size_t told = 0;
  while (told < 400) {
    const auto some = RunOn(context_, (*session)->Next(absl::Seconds(20)));
    ASSERT_TRUE(some.ok() && !some->empty()) << some.status();
    EXPECT_LE(some->size(), 128U);
    told += some->size();
  }
  EXPECT_EQ(told, 400U);
}

}  // namespace
}  // namespace driftwarden::watchers
