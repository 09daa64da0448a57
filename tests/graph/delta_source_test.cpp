#include "watchers/graph_delta_source.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/graph/graph_fixture.h"

namespace driftwarden::watchers {
namespace {

using graph::ErrorBody;
using graph::kAda;
using graph::kBob;
using graph::kCyd;
using graph::kUsersDelta;

class FakeSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (batch.in_snapshot && batch.snapshot_reason != monitor::kFirstRead) {
      EXPECT_THAT(monitor::ResetReasonsOf(batch.kind), ::testing::Contains(batch.snapshot_reason));
    }
    batches.push_back(std::move(batch));
    co_return refuse_at == batches.size() ? CancelledError("stopping") : OkStatus();
  }
  std::vector<monitor::ChangeBatch> batches;
  size_t refuse_at = 0;
};

class DeltaSourceTest : public graph::GraphTest {
 protected:
  DeltaSourceTest() : source(MakeSourceOptions(), client, quiet_) {}
  static GraphDeltaOptions MakeSourceOptions() {
    GraphDeltaOptions options;
    options.name = monitor::SourceName("contoso");
    options.batch_size = 2;
    return options;
  }
  Status Poll(std::string cursor) {
    return Run(source.Poll(std::move(cursor), monitor::BatchId("round-1"), sink));
  }
  static std::string Link(std::string_view query) { return Cat(kUsersDelta, "?$", query); }
  static std::string Cursor(std::string_view token) {
    return FormatDeltaCursor(Link(Cat("deltatoken=", token)));
  }
  void Page(std::vector<std::string> elements, std::string_view link_name, std::string_view query) {
    http.Reply(200, Cat(R"({"value":[)", JoinStrings(elements, ","), R"(],"@odata.)", link_name,
                        R"(":")", Link(query), R"("})"));
  }
  static std::string User(std::string_view id, bool enabled) {
    return Cat(R"({"id":")", id, R"(","accountEnabled":)", enabled, "}");
  }
  const std::string& Url(size_t i) const { return http.requests().at(i).url; }
  static const monitor::EntraView& View(const monitor::ChangeBatch& batch, size_t i) {
    return std::get<monitor::EntraView>(batch.observations.at(i).view);
  }

  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  FakeSink sink;
  GraphDeltaSource source;
};

TEST_F(DeltaSourceTest, TheFirstRoundIsASnapshotInBoundedBatches) {
  Page({User(kAda, true), User(kBob, false), User(kCyd, true)}, "nextLink", "skiptoken=1");
  Page({}, "nextLink", "skiptoken=2");  // empty pages are normal
  Page({Cat(R"({"id":")", kAda, R"(","@removed":{"reason":"changed"}})")}, "deltaLink",
       "deltatoken=A");
  ASSERT_TRUE(Poll("").ok());
  EXPECT_EQ(Url(0), Cat(kUsersDelta, "?$select=", JoinStrings(DeltaSelect(), ",")));
  EXPECT_EQ(Url(1), Link("skiptoken=1"));
  EXPECT_EQ(Url(2), Link("skiptoken=2"));
  EXPECT_EQ(HeaderOf(0, "x-ms-throttle-priority"), "low");
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(HeaderOf(i, "client-request-id"), "round-1");
  ASSERT_EQ(sink.batches.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const monitor::ChangeBatch& batch = sink.batches[i];
    EXPECT_EQ(batch.source.value, "contoso");
    EXPECT_EQ(batch.kind, monitor::SourceKind::kEntra);
    EXPECT_EQ(batch.number, i + 1);
    EXPECT_TRUE(batch.in_snapshot);
    EXPECT_EQ(batch.snapshot_reason, "first");
    EXPECT_EQ(batch.starts_round, i == 0);
    EXPECT_EQ(batch.completes_round, i == 2);
    EXPECT_EQ(batch.cursor.empty(), i != 2);
  }
  EXPECT_EQ(sink.batches[0].observations.size(), 2u);
  EXPECT_EQ(View(sink.batches[0], 1).account_enabled, false);
  EXPECT_EQ(sink.batches[0].observations[0].look.kind, monitor::LookKind::kFeed);
  EXPECT_EQ(View(sink.batches[2], 0).deletion, monitor::EntraDeletion::kSoft);
  EXPECT_EQ(sink.batches[2].cursor, Cursor("A"));
}

TEST_F(DeltaSourceTest, ChangesGoOnFromTheCursor) {
  Page({User(kAda, false)}, "deltaLink", "deltatoken=B");
  ASSERT_TRUE(Poll(Cursor("A")).ok());
  EXPECT_EQ(Url(0), Link("deltatoken=A"));
  ASSERT_EQ(sink.batches.size(), 1u);
  EXPECT_FALSE(sink.batches[0].in_snapshot);
  EXPECT_TRUE(sink.batches[0].snapshot_reason.empty());
  EXPECT_TRUE(sink.batches[0].starts_round);
  EXPECT_EQ(sink.batches[0].cursor, Cursor("B"));
}

TEST_F(DeltaSourceTest, AQuietRoundStillMovesTheCursor) {
  Page({}, "deltaLink", "deltatoken=B");
  ASSERT_TRUE(Poll(Cursor("A")).ok());
  ASSERT_EQ(sink.batches.size(), 1u);
  EXPECT_TRUE(sink.batches[0].observations.empty());
  EXPECT_TRUE(sink.batches[0].starts_round && sink.batches[0].completes_round);
}

TEST_F(DeltaSourceTest, EveryDeadTokenStartsAFullRoundInTheSameCall) {
  const std::pair<int, std::string> shapes[] = {
      {410, ""},
      {410, ErrorBody("syncStateNotFound", "gone")},
      {400, ErrorBody("SyncStateNotFound", "gone")},
      {404, ErrorBody("syncStateNotFound", "gone")},
      {400, ErrorBody("resyncRequired", "gone")},
      {400, ErrorBody("Request_UnsupportedQuery", "DeltaLink older than 30 days is not supported")},
      {400, ErrorBody("Directory_ExpiredPageToken", "expired")}};
  for (const auto& [status, body] : shapes) {
    sink.batches.clear();
    // A Location that leads elsewhere is not followed.
    http.Reply(status, body, {net::HttpHeader("Location", "https://evil.test/users/delta")});
    Page({User(kAda, true)}, "deltaLink", "deltatoken=N");
    ASSERT_TRUE(Poll(Cursor("A")).ok()) << status << body;
    ASSERT_EQ(sink.batches.size(), 1u);
    EXPECT_TRUE(sink.batches[0].in_snapshot);
    EXPECT_EQ(sink.batches[0].snapshot_reason, "token_expired");
    EXPECT_NE(http.requests().back().url.find("$select=id,"), std::string::npos);
  }
}

TEST_F(DeltaSourceTest, TroubleKeepsTheCursor) {
  for (const int status : {401, 403, 500}) {
    http.Reply(status, "");
    if (status == 401) http.Reply(status, "");
    EXPECT_FALSE(Poll(Cursor("A")).ok()) << status;
    EXPECT_EQ(http.requests().back().url, Link("deltatoken=A"));
  }
  http.Fail(DeadlineError("slow"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Poll(Cursor("A"))));
  EXPECT_TRUE(sink.batches.empty());
}

TEST_F(DeltaSourceTest, AnExpiredPageRestartsTheRoundFromItsOwnToken) {
  Page({User(kAda, false)}, "nextLink", "skiptoken=1");
  http.Reply(400, ErrorBody("Directory_ExpiredPageToken", "too slow"));
  Page({User(kAda, false)}, "deltaLink", "deltatoken=B");
  ASSERT_TRUE(Poll(Cursor("A")).ok());
  EXPECT_EQ(Url(2), Link("deltatoken=A"));
  EXPECT_FALSE(sink.batches.back().in_snapshot);
  EXPECT_TRUE(sink.batches.back().starts_round) << "the round began anew";
}

TEST_F(DeltaSourceTest, RestartsOfAFullRoundAreBounded) {
  for (int i = 0; i < 20; ++i) {
    Page({User(kAda, false)}, "nextLink", "skiptoken=1");
    http.Reply(400, ErrorBody("Directory_ExpiredPageToken", "too slow"));
  }
  EXPECT_FALSE(Poll("").ok());
  EXPECT_EQ(http.requests().size(), 12u);
  EXPECT_FALSE(sink.batches.back().completes_round);
}

TEST_F(DeltaSourceTest, ACircleOfLinksEndsThePollAndInTheEndTheCursor) {
  for (int poll = 1; poll <= 3; ++poll) {
    Page({}, "nextLink", "skiptoken=1");
    Page({}, "nextLink", "skiptoken=1");
    if (poll < 3) {
      EXPECT_TRUE(absl::IsDataLoss(Poll(Cursor("A")))) << poll;
    }
  }
  Page({}, "deltaLink", "deltatoken=B");
  ASSERT_TRUE(Poll(Cursor("A")).ok());
  EXPECT_EQ(sink.batches.back().snapshot_reason, "paging_loop");
}

TEST_F(DeltaSourceTest, AnUnknown400DoesNotStandStillForGood) {
  for (int poll = 1; poll <= 2; ++poll) {
    http.Reply(400, ErrorBody("BadRequest", "Badly formed token."));
    EXPECT_TRUE(absl::IsFailedPrecondition(Poll(Cursor("A")))) << poll;
  }
  http.Reply(400, ErrorBody("BadRequest", "Badly formed token."));
  Page({}, "deltaLink", "deltatoken=B");
  ASSERT_TRUE(Poll(Cursor("A")).ok());
  EXPECT_EQ(sink.batches.back().snapshot_reason, "token_refused");
}

TEST_F(DeltaSourceTest, ARefusedPropertyIsDroppedAndTheRestRead) {
  http.Reply(400, ErrorBody("BadRequest",
                            "Invalid request for delta query: not supported for the following "
                            "properties: signInSessionsValidFromDateTime"));
  http.Reply(400, ErrorBody("BadRequest", "Could not find a property named 'displayName'."));
  Page({User(kAda, true)}, "deltaLink", "deltatoken=A");
  ASSERT_TRUE(Poll("").ok());
  EXPECT_EQ(Url(2).find("signInSessions"), std::string::npos);
  EXPECT_EQ(Url(2).find("displayName"), std::string::npos);
  EXPECT_NE(Url(2).find("accountEnabled"), std::string::npos);
  EXPECT_EQ(sink.batches.back().cursor, Cursor("A")) << "the cursor is good in the next process";
}

TEST_F(DeltaSourceTest, ARefusalOfWhatIsNeededFails) {
  http.Reply(400, ErrorBody("BadRequest", "not supported: accountEnabled"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Poll("")));
  EXPECT_EQ(http.requests().size(), 1u);
}

TEST_F(DeltaSourceTest, ALinkToElsewhereIsNotFollowedNorKept) {
  for (const char* name : {"nextLink", "deltaLink"}) {
    http.Reply(200, Cat(R"({"value":[],"@odata.)", name,
                        R"(":"https://evil.test/v1.0/users/delta?$skiptoken=x"})"));
    EXPECT_TRUE(absl::IsPermissionDenied(Poll(Cursor("A"))));
  }
  EXPECT_EQ(http.requests().size(), 2u);
  EXPECT_TRUE(sink.batches.empty());
}

TEST_F(DeltaSourceTest, ACursorOfAnotherMakeStartsOver) {
  const std::pair<std::string, std::string> cases[] = {
      {"junk", "cursor_unreadable"},
      {"graph-delta 1\nid\nhttps://graph.example.test/v1.0/users/delta?$deltatoken=A\n",
       "select_changed"},
      {FormatDeltaCursor("https://old.test/v1.0/users/delta?$deltatoken=A"), "endpoint_changed"}};
  for (const auto& [cursor, reason] : cases) {
    Page({}, "deltaLink", "deltatoken=B");
    ASSERT_TRUE(Poll(cursor).ok());
    EXPECT_EQ(sink.batches.back().snapshot_reason, reason);
  }
}

TEST_F(DeltaSourceTest, ABrokenPageDeliversNothingOfIt) {
  http.Reply(200, R"({"value":[{"id":"a","accountEnabled":false},)");
  EXPECT_TRUE(absl::IsDataLoss(Poll(Cursor("A"))));
  EXPECT_TRUE(sink.batches.empty());
}

TEST_F(DeltaSourceTest, ASinkThatStopsEndsThePoll) {
  Page({User(kAda, true), User(kBob, true), User(kCyd, true)}, "nextLink", "skiptoken=1");
  sink.refuse_at = 1;
  EXPECT_TRUE(absl::IsCancelled(Poll("")));
  EXPECT_EQ(sink.batches.size(), 1u);
  EXPECT_EQ(http.requests().size(), 1u);
}

TEST_F(DeltaSourceTest, ThrottlingIsSatOut) {
  http.Reply(429, "", {net::HttpHeader("Retry-After", "9")});
  Page({}, "deltaLink", "deltatoken=B");
  ASSERT_TRUE(Poll(Cursor("A")).ok());
  EXPECT_EQ(scheduler.total(), absl::Seconds(9));
  EXPECT_EQ(sink.batches[0].round.Width(), absl::ZeroDuration()) << "of what was answered";
}

}  // namespace
}  // namespace driftwarden::watchers
