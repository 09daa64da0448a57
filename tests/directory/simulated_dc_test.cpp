// What Samba does not have, over real sessions against the simulator's controller: DirSync in pages
// and refused, notifications of deletions and their limits.

#include "tests/directory/simulated_controller.h"

namespace driftwarden::watchers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
