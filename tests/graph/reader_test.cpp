#include "watchers/graph_reader.h"

#include "tests/graph/graph_fixture.h"
#include "watchers/graph_delta_round.h"

namespace driftwarden::watchers {
namespace {

using graph::ErrorBody;
using graph::kAda;
using graph::kBob;
using graph::kCyd;
using monitor::EntraDeletion;
using monitor::EntraView;

const monitor::ActionId kIntent("intent-1");

const EntraView& View(const StatusOr<monitor::Observation>& seen) {
  return std::get<EntraView>(seen->view);
}

class ReaderTest : public graph::GraphTest {
 protected:
  ReaderTest() : reader(MakeReaderOptions(), client, scheduler, quiet_) {}
  static GraphReaderOptions MakeReaderOptions() {
    GraphReaderOptions options;
    options.name = monitor::SourceName("contoso");
    return options;
  }
  static std::string User(std::string_view id, bool enabled) {
    return Cat(R"({"id":")", id, R"(","accountEnabled":)", enabled,
               R"(,"signInSessionsValidFromDateTime":null})");
  }
  static std::string Missing() { return ErrorBody("Request_ResourceNotFound", "does not exist"); }
  static std::string Inner(size_t index, int status, std::string_view body,
                           std::string_view headers = "{}") {
    return Cat(R"({"id":")", index, R"(","status":)", status, R"(,"headers":)", headers,
               R"(,"body":)", body, "}");
  }
  void Batch(const std::vector<std::string>& answers) {
    http.Reply(200, Cat(R"({"responses":[)", JoinStrings(answers, ","), "]}"));
  }
  std::vector<StatusOr<monitor::Observation>> ReadAll(std::vector<std::string> ids) {
    return Run(reader.ReadUsers(std::move(ids), monitor::BatchId("round-1")));
  }

  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  GraphReader reader;
};

TEST_F(ReaderTest, ALiveAccountIsOneRequest) {
  http.Reply(200, User(kAda, false));
  const auto seen = Run(reader.ReadUser(kAda, kIntent));
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(seen->look.kind, monitor::LookKind::kDirect);
  EXPECT_EQ(seen->look.source.value, "contoso");
  EXPECT_EQ(View(seen).account_enabled, false);
  EXPECT_TRUE(View(seen).sessions_valid_from->never);
  EXPECT_EQ(View(seen).deletion, EntraDeletion::kLive);
  EXPECT_EQ(http.requests()[0].url, Cat("https://graph.example.test/v1.0/users/", kAda,
                                        "?$select=", JoinStrings(DeltaSelect(), ",")));
  EXPECT_EQ(HeaderOf(0, "x-ms-throttle-priority"), "normal");
  EXPECT_EQ(HeaderOf(0, "client-request-id"), "intent-1");
}

TEST_F(ReaderTest, A404IsLookedUpInTheDeletedItems) {
  http.Reply(404, Missing());
  http.Reply(200, Cat(R"({"id":")", kAda, R"(","deletedDateTime":"2026-11-20T00:00:00Z"})"));
  const auto seen = Run(reader.ReadUser(kAda, kIntent));
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(View(seen).deletion, EntraDeletion::kSoft);
  EXPECT_FALSE(View(seen).account_enabled.has_value());
  EXPECT_NE(http.requests()[1].url.find("/directory/deletedItems/microsoft.graph.user/"),
            std::string::npos);
}

TEST_F(ReaderTest, OnlyASecondLookAfterAPauseSaysGoneForGood) {
  for (int i = 0; i < 4; ++i) http.Reply(404, Missing());
  const auto seen = Run(reader.ReadUser(kAda, kIntent));
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(View(seen).deletion, EntraDeletion::kHard);
  EXPECT_EQ(View(seen).id, kAda);
  EXPECT_EQ(seen->look.at.hi, scheduler.clock().Wall());
  EXPECT_EQ(scheduler.total(), MakeReaderOptions().second_look_after);
}

TEST_F(ReaderTest, AReplicaThatCatchesUpIsBelieved) {
  http.Reply(404, Missing()).Reply(404, Missing()).Reply(200, User(kAda, true));
  const auto seen = Run(reader.ReadUser(kAda, kIntent));
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(View(seen).deletion, EntraDeletion::kLive);
  EXPECT_EQ(View(seen).account_enabled, true);
}

TEST_F(ReaderTest, NoOther404EverMeansGone) {
  for (const std::string& body : {std::string("<html>"), std::string(), ErrorBody("Oops", "x")}) {
    http.Reply(404, body);
    EXPECT_TRUE(absl::IsUnavailable(Run(reader.ReadUser(kAda, kIntent)).status())) << body;
  }
  http.Reply(404, Missing()).Reply(403, ErrorBody("Authorization_RequestDenied", "no"));
  EXPECT_TRUE(absl::IsPermissionDenied(Run(reader.ReadUser(kAda, kIntent)).status()))
      << "without a look at the deleted items nothing is known";
  http.Reply(404, Missing()).Reply(404, Missing()).Fail(UnavailableError("cut"));
  EXPECT_TRUE(absl::IsUnavailable(Run(reader.ReadUser(kAda, kIntent)).status()));
}

TEST_F(ReaderTest, AnAnswerAboutSomebodyElseIsRefused) {
  http.Reply(200, User(kBob, false));
  EXPECT_TRUE(absl::IsDataLoss(Run(reader.ReadUser(kAda, kIntent)).status()));
  EXPECT_FALSE(Run(reader.ReadUser("", kIntent)).ok());
}

TEST_F(ReaderTest, AnIdCannotChangeThePath) {
  EXPECT_TRUE(absl::IsPermissionDenied(Run(reader.ReadUser("a/../../x?y", kIntent)).status()));
  EXPECT_TRUE(http.requests().empty()) << "an id that climbs is not sent at all";
  http.Reply(400, ErrorBody("Request_BadRequest", "Invalid object identifier"));
  EXPECT_FALSE(Run(reader.ReadUser("a/x?y\"", kIntent)).ok());
  EXPECT_EQ(http.requests().at(0).url.find("https://graph.example.test/v1.0/users/a%2Fx%3Fy%22?"),
            0u);
}

TEST_F(ReaderTest, ManyAreReadTwentyAtATimeInTheOrderAsked) {
  std::vector<std::string> ids;
  for (int i = 0; i < 45; ++i) ids.push_back(Cat("user-", i));
  http.set_handler([](const net::HttpRequest& request) -> graph::GraphTest::Answer {
    std::vector<std::string> answers;
    size_t index = 0;
    for (size_t at = request.body.find("/users/"); at != std::string::npos;
         at = request.body.find("/users/", at + 1)) {
      const size_t start = at + 7;
      const std::string id = request.body.substr(start, request.body.find('?', start) - start);
      answers.insert(answers.begin(), Inner(index++, 200, User(id, true)));
    }
    return net::HttpResponse(200, Cat(R"({"responses":[)", JoinStrings(answers, ","), "]}"));
  });
  const auto seen = ReadAll(ids);
  ASSERT_EQ(seen.size(), 45u);
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_TRUE(seen[i].ok()) << seen[i].status();
    EXPECT_EQ(View(seen[i]).id, ids[i]);
  }
  EXPECT_EQ(http.requests().size(), 3u);
  EXPECT_EQ(http.requests()[0].url, "https://graph.example.test/v1.0/$batch");
  EXPECT_EQ(HeaderOf(0, "Content-Type"), "application/json");
}

TEST_F(ReaderTest, OnlyTheThrottledPartIsSentAgainAfterTheLargestWait) {
  Batch({Inner(0, 429, ErrorBody("TooManyRequests", "x"), R"({"Retry-After":"3"})"),
         Inner(1, 200, User(kBob, true)),
         Inner(2, 429, ErrorBody("TooManyRequests", "x"), R"({"retry-after":"7"})")});
  Batch({Inner(1, 200, User(kCyd, false)), Inner(0, 200, User(kAda, false))});
  const auto seen = ReadAll({kAda, kBob, kCyd});
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(View(seen[0]).account_enabled, false);
  EXPECT_EQ(View(seen[1]).account_enabled, true);
  EXPECT_EQ(View(seen[2]).account_enabled, false);
  EXPECT_EQ(http.requests()[1].body.find(kBob), std::string::npos);
  EXPECT_GE(scheduler.total(), absl::Seconds(7));
  EXPECT_EQ(observer.throttled["batch"], 2);
}

TEST_F(ReaderTest, EndlessInnerThrottlingIsBounded) {
  http.set_handler([](const net::HttpRequest&) -> graph::GraphTest::Answer {
    return net::HttpResponse(200, Cat(R"({"responses":[)", Inner(0, 429, "{}"), "]}"));
  });
  const auto seen = ReadAll({kAda});
  EXPECT_TRUE(absl::IsResourceExhausted(seen[0].status())) << seen[0].status();
  EXPECT_LE(http.requests().size(), 5u);
}

TEST_F(ReaderTest, EachOfABatchHasItsOwnEnd) {
  Batch({Inner(0, 404, Missing()), Inner(1, 404, Missing()), Inner(2, 403, ErrorBody("x", "y"))});
  Batch({Inner(0, 404, Missing()),
         Inner(1, 200, Cat(R"({"id":")", kBob, R"(","deletedDateTime":"2026-11-20T00:00:00Z"})"))});
  Batch({Inner(0, 404, Missing())});
  Batch({Inner(0, 404, Missing())});
  const auto seen = ReadAll({kAda, kBob, kCyd, ""});
  EXPECT_EQ(View(seen[0]).deletion, EntraDeletion::kHard);
  EXPECT_EQ(View(seen[1]).deletion, EntraDeletion::kSoft);
  EXPECT_TRUE(absl::IsPermissionDenied(seen[2].status()));
  EXPECT_TRUE(absl::IsInvalidArgument(seen[3].status()));
  EXPECT_EQ(scheduler.slept().size(), 1u) << "one pause for all";
}

TEST_F(ReaderTest, AMissingOrDoubledAnswerIsNotGuessed) {
  Batch({Inner(0, 200, User(kAda, true)), Inner(0, 200, User(kAda, false)),
         Inner(9, 200, User(kBob, true))});
  const auto seen = ReadAll({kAda, kBob});
  EXPECT_EQ(View(seen[0]).account_enabled, true);
  EXPECT_TRUE(absl::IsDataLoss(seen[1].status()));
}

TEST_F(ReaderTest, AFailedBatchFailsEachOfIt) {
  http.Reply(400, ErrorBody("BadRequest", "no"));
  for (const auto& seen : ReadAll({kAda, kBob})) {
    EXPECT_TRUE(absl::IsFailedPrecondition(seen.status()));
  }
  EXPECT_TRUE(ReadAll({}).empty());
}

}  // namespace
}  // namespace driftwarden::watchers
