#include "watchers/ad_usn_source.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/directory/usn_source_fixture.h"

namespace driftwarden::watchers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(UsnSource, FirstRoundReadsEverybodyInBoundedBatches) {
  Fill(7);
  FakeAccount gone;
  gone.name = "gone";
  gone.deleted = true;
  dc1().Put(gone);
  const absl::Time before = clock.now;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.seen.size(), 8u);
  EXPECT_EQ(sink.seen["gone"].deleted, true);
  EXPECT_EQ(sink.seen["user0"].deleted, false);
  ASSERT_EQ(sink.batches.size(), 4u) << "the first one says that it began";
  EXPECT_TRUE(sink.batches[0].observations.empty());
  for (size_t i = 0; i < 4; ++i) {
    const monitor::ChangeBatch& batch = sink.batches[i];
    EXPECT_EQ(batch.number, i + 1);
    EXPECT_EQ(batch.source.value, "corp");
    EXPECT_LE(batch.observations.size(), 3u);
    EXPECT_TRUE(batch.in_snapshot);
    EXPECT_EQ(batch.snapshot_reason, "first");
    EXPECT_EQ(batch.starts_round, i == 0);
    EXPECT_EQ(batch.completes_round, i == 3);
    EXPECT_EQ(batch.cursor.empty(), i == 1 || i == 2) << "where it can be resumed";
    EXPECT_GE(batch.round.lo, before);
    EXPECT_GT(batch.round.hi, batch.round.lo);
    for (const auto& observation : batch.observations) {
      EXPECT_EQ(observation.look.kind, monitor::LookKind::kFeed);
      EXPECT_GT(observation.look.at.lo, batch.round.lo);
      EXPECT_LE(observation.look.at.hi, sink.batches.back().round.hi);
    }
  }
  EXPECT_EQ(dc2().opened, 0);
}

TEST_F(UsnSource, LaterRoundsReadOnlyWhatChanged) {
  Fill(5);
  ASSERT_TRUE(Poll().ok());
  Disable("user2");
  ASSERT_TRUE(Poll().ok());
  ASSERT_EQ(sink.batches.size(), 1u) << "a small round is one batch";
  EXPECT_FALSE(sink.batches[0].in_snapshot);
  EXPECT_TRUE(sink.batches[0].starts_round && sink.batches[0].completes_round);
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen["user2"].Disabled(), true);
  EXPECT_THAT(dc1().searches.at(0).filter, HasSubstr("(uSNChanged>=6)"));
  EXPECT_THAT(dc1().searches.at(0).filter, HasSubstr("objectCategory=person"));
  EXPECT_FALSE(dc1().searches.at(0).show_deleted);
  EXPECT_THAT(dc1().searches.at(1).filter, HasSubstr("(isDeleted=TRUE)"));
  EXPECT_THAT(dc1().searches.at(1).filter, Not(HasSubstr("objectCategory")));
  EXPECT_EQ(dc1().searches.at(1).base, "<WKGUID=18E2EA80684F11D2B9AA00C04F79F805,DC=corp>");
  EXPECT_TRUE(dc1().searches.at(1).show_deleted);
}

TEST_F(UsnSource, NothingNewIsNoSearchButStillARound) {
  Fill(2);
  ASSERT_TRUE(Poll().ok());
  const std::string cursor = sink.cursor;
  ASSERT_TRUE(Poll().ok());
  EXPECT_TRUE(dc1().searches.empty());
  ASSERT_EQ(sink.batches.size(), 1u);
  EXPECT_TRUE(sink.batches[0].completes_round);
  EXPECT_TRUE(sink.batches[0].observations.empty());
  EXPECT_EQ(sink.cursor, cursor);
  EXPECT_EQ(dc1().opened, 1) << "one session for all rounds";
}

TEST_F(UsnSource, AChangeDuringTheFirstReadIsPartOfIt) {
  Fill(6);
  bool once = true;
  dc1().before = [&](const directory::SearchRequest&) {
    if (std::exchange(once, false)) Disable("user0");
    return OkStatus();
  };
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.seen["user0"].Disabled(), true) << "nobody is left out of the baseline";
  EXPECT_EQ(sink.batches.back().completes_round, true);
  EXPECT_EQ(ParseAdCursor(sink.cursor)->bounds[0].usn, 7u);
  ASSERT_TRUE(Poll().ok());
  EXPECT_TRUE(sink.seen.empty());
}

TEST_F(UsnSource, AChangeWhileReadingIsReadAgainNextTime) {
  Fill(6);
  ASSERT_TRUE(Poll().ok());
  Disable("user1");
  bool once = true;
  dc1().before = [&](const directory::SearchRequest&) {
    if (std::exchange(once, false)) Disable("user0");
    return OkStatus();
  };
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.seen["user0"].Disabled(), true);
  EXPECT_EQ(ParseAdCursor(sink.cursor)->bounds[0].usn, 7u) << "read before the search";
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.deliveries["user0"], 1);
}

TEST_F(UsnSource, AFailureInTheMiddleKeepsTheCursorAndReplays) {
  Fill(2);
  ASSERT_TRUE(Poll().ok());
  const std::string cursor = sink.cursor;
  for (int i = 0; i < 7; ++i) Disable(Cat("user", i));
  dc1().before = [&](const directory::SearchRequest& request) {
    return request.cookie == "6" ? UnavailableError("connection lost") : OkStatus();
  };
  EXPECT_EQ(Poll().code(), StatusCode::kUnavailable);
  EXPECT_EQ(sink.cursor, cursor);
  EXPECT_FALSE(sink.batches.empty()) << "what came before the failure was delivered";
  for (const auto& batch : sink.batches) EXPECT_FALSE(batch.completes_round);
  dc1().before = nullptr;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.seen.size(), 7u) << "all of it again";
  EXPECT_NE(sink.cursor, cursor);
  EXPECT_EQ(dc1().opened, 2) << "on a new session";
}

TEST_F(UsnSource, ARefusedDeliveryKeepsTheCursor) {
  Fill(2);
  sink.fail_completion = true;
  EXPECT_EQ(Poll().code(), StatusCode::kCancelled);
  EXPECT_EQ(ParseAdCursor(sink.cursor)->snapshot->below, 3u) << "nothing is done";
  sink.cursor.clear();
  sink.refuse = CancelledError("stopping");
  EXPECT_EQ(Poll().code(), StatusCode::kCancelled);
  EXPECT_EQ(sink.cursor, "");
}

TEST_F(UsnSource, DeletionIsSeenByItsTombstone) {
  Fill(3);
  ASSERT_TRUE(Poll().ok());
  FakeAccount account = dc1().accounts["user1"];
  account.deleted = true;
  dc1().Put(account);
  ASSERT_TRUE(Poll().ok());
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen["user1"].deleted, true);
}

TEST_F(UsnSource, HiddenTombstonesAreToldOnceAndDoNotStopTheRest) {
  const std::string path = ::testing::TempDir() + "/ad_usn_source_test.log";
  std::remove(path.c_str());
  {
    Logger log(LogLevel::kWarn, LogFormat::kLogfmt, path);
    AdSourceOptions options = Options();
    options.sight = std::make_shared<AdSight>(options.name, log);
    AdUsnSource told(options, forest, clock, log);
    asio::io_context context;
    Fill(3);
    dc1().hides_tombstones = true;
    EXPECT_TRUE(RunOn(context, told.Poll("", monitor::BatchId("round-1"), sink)).ok());
    EXPECT_EQ(sink.seen.size(), 3u);
    EXPECT_NE(sink.cursor, "");
    Disable("user1");
    EXPECT_TRUE(RunOn(context, told.Poll(sink.cursor, monitor::BatchId("round-1"), sink)).ok());
    dc1().hides_tombstones = false;  // and finds nothing: the same to us
    EXPECT_TRUE(RunOn(context, told.Poll("", monitor::BatchId("round-1"), sink)).ok());
    const std::vector<Finding> findings = options.sight->findings();
    ASSERT_EQ(findings.size(), 2u) << "these accounts have no replication metadata either";
    EXPECT_EQ(findings.front().name, kMetadataHidden);
    EXPECT_EQ(findings.back().name, kTombstonesHidden);
    EXPECT_TRUE(options.sight->asks_for_xml());
  }
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t first = text.find("ad_tombstones_hidden");
  EXPECT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find("ad_tombstones_hidden", first + 1), std::string::npos) << text;
}

TEST_F(UsnSource, TombstonesAreInScopeByTheirLastParent) {
  AdSourceOptions options = Options();
  options.base_dn = "ou=staff,dc=corp";
  Restart(options);
  const std::pair<const char*, const char*> cases[] = {
      {"inside", "OU=Sales,OU=Staff,DC=corp"},
      {"exactly", "OU=Staff,DC=corp"},
      {"outside", "OU=Guests,DC=corp"},
      {"similar", "OU=XOU=Staff,DC=corp"},
      {"parentgone", "OU=Old\\0ADEL:f789bb45,CN=Deleted Objects,DC=corp"}};
  for (const auto& [name, parent] : cases) {
    FakeAccount account;
    account.name = name;
    account.deleted = true;
    account.last_parent = parent;
    dc1().Put(account);
  }
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(dc1().searches.at(0).base, "ou=staff,dc=corp");
  EXPECT_EQ(sink.seen.size(), 3u);
  EXPECT_EQ(sink.seen.count("outside") + sink.seen.count("similar"), 0u);
}

TEST_F(UsnSource, AControllerThatIsNotSynchronizedIsPassedOver) {
  Fill(2);
  dc2() = dc1();
  dc2().dsa = std::string(16, 'e');
  dc1().synchronized = false;
  ASSERT_TRUE(Poll().ok());
  EXPECT_FALSE(dc2().searches.empty());
  dc2().synchronized = false;
  Restart();
  const Status status = Poll();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not finished synchronising"));
}

TEST_F(UsnSource, ARefusedPasswordIsNotTriedEverywhere) {
  dc1().open_error = UnauthenticatedError("corp: bind refused");
  EXPECT_EQ(Poll().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(dc2().opened, 0);
}

TEST_F(UsnSource, ASessionWhoseSecretChangedIsReplacedAtTheNextPoll) {
  dc1().Put(FakeAccount{"ada"});
  ASSERT_TRUE(Poll().ok());
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(dc1().opened, 1);
  dc1().secret = 1;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(dc1().opened, 2);
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(dc1().opened, 2) << "once a change";
}

TEST_F(UsnSource, AWrongNewSecretDoesNotBlindASessionThatStands) {
  dc1().Put(FakeAccount{"ada"});
  ASSERT_TRUE(Poll().ok());
  dc1().secret = 1;
  dc1().open_error = UnauthenticatedError("corp: bind refused");
  dc1().Put(FakeAccount{"grace"});
  const Status polled = Poll();
  EXPECT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink.seen.count("grace"), 1u);
  EXPECT_EQ(dc1().renewal_failed.code(), StatusCode::kUnauthenticated);
  const int opened = dc1().opened;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(dc1().opened, opened) << "a refused secret is not tried again";
  EXPECT_EQ(dc2().opened, 0) << "nor elsewhere";
}

TEST_F(UsnSource, EveryUnreachableControllerIsNamed) {
  dc1().open_error = UnavailableError("corp: dc1 is unreachable");
  dc2().open_error = UnavailableError("corp: dc2 is unreachable");
  const Status status = Poll();
  EXPECT_EQ(std::string(status.message()), "corp: dc1 is unreachable; corp: dc2 is unreachable");
  dc2().open_error = OkStatus();
  dc2().Put(FakeAccount{"ada"});
  EXPECT_TRUE(Poll().ok()) << "heals by itself";
}

TEST_F(UsnSource, ABrokenObjectDoesNotHoldUpItsPage) {
  Fill(4);
  dc1().accounts["user1"].broken = true;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.seen.size(), 3u);
  EXPECT_NE(sink.cursor, "");
}

TEST_F(UsnSource, PagesThatNeverEndAreAnError) {
  class Endless final : public directory::Session {
   public:
    explicit Endless(FakeController& dc) : inner_(dc) {}
    asio::awaitable<StatusOr<directory::SearchPage>> Search(
        directory::SearchRequest request) override {
      const bool accounts = request.page_size > 0;
      StatusOr<directory::SearchPage> page = co_await inner_.Search(std::move(request));
      if (accounts) page->entries.clear();
      if (accounts) page->cookie = "again";
      co_return page;
    }
    FakeControllerSession inner_;
  };
  class Factory final : public directory::SessionFactory {
   public:
    asio::awaitable<StatusOr<std::unique_ptr<directory::Session>>> Open(
        directory::SessionOptions) override {
      std::unique_ptr<directory::Session> session = std::make_unique<Endless>(dc);
      co_return session;
    }
    FakeController dc;
  };
  Factory factory;
  AdUsnSource endless(Options(), factory, clock, quiet);
  asio::io_context context;
  EXPECT_EQ(RunOn(context, endless.Poll("", monitor::BatchId("round-1"), sink)).code(),
            StatusCode::kDataLoss);
}

}  // namespace
}  // namespace driftwarden::watchers
