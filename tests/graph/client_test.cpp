#include "watchers/graph/client.h"

#include "tests/graph/graph_fixture.h"

namespace driftwarden::graph {
namespace {

class ClientTest : public GraphTest {
 protected:
  StatusOr<GraphReply> Get(std::string url, Priority priority = Priority::kPoll) {
    return Run(client.Send(GraphRequest(std::move(url), "user", priority)));
  }
  StatusOr<GraphReply> Post(std::string url) {
    GraphRequest request(std::move(url), "revoke", Priority::kAct);
    request.method = "POST";
    request.read_only = false;
    return Run(client.Send(std::move(request)));
  }
};

TEST_F(ClientTest, IdentifiesAndAuthorisesEachRequest) {
  http.Reply(200, "{}", {net::HttpHeader("request-id", "srv-1")});
  const auto reply = Get("/users/x?$select=id", Priority::kAct);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->request_id, "srv-1");
  EXPECT_EQ(http.requests()[0].url, "https://graph.example.test/v1.0/users/x?$select=id");
  EXPECT_EQ(HeaderOf(0, "Authorization"), "Bearer token-0");
  EXPECT_EQ(HeaderOf(0, "x-ms-throttle-priority"), "high");
  EXPECT_EQ(HeaderOf(0, "client-request-id").size(), 36u);
  EXPECT_EQ(HeaderOf(0, "Content-Type"), "(absent)");
  EXPECT_EQ(observer.requests["user 200"], 1);
}

TEST_F(ClientTest, ALinkThatLeavesTheEndpointNeverSeesAToken) {
  for (const char* link :
       {"https://evil.test/v1.0/users/delta?$skiptoken=x", "http://graph.example.test/v1.0/users",
        "https://graph.example.test:444/v1.0/users", "https://graph.example.test/beta/users",
        "https://graph.example.test/v1.0/../beta/users", "https://graph.example.test/v1.0/%2E%2e/x",
        "https://graph.example.test@evil.test/v1.0/users",
        "https://graph.example.test.evil.test/v1.0/", "https://graph.example.test/v1.0",
        "https://graph.example.test\\@evil.test/v1.0/", "", "//evil.test/v1.0/users"}) {
    const auto reply = Get(link);
    if (std::string_view(link).substr(0, 2) == "//") {
      // A path, whatever it looks like: it stays on the endpoint.
      EXPECT_EQ(http.requests().back().url.find("https://graph.example.test/v1.0//"), 0u);
      continue;
    }
    EXPECT_TRUE(absl::IsPermissionDenied(reply.status())) << link << reply.status();
    EXPECT_TRUE(http.requests().empty()) << link;
    EXPECT_EQ(tokens.asked, 0);
  }
  EXPECT_TRUE(
      client.CheckLink("https://GRAPH.example.test:443/v1.0/users/delta?$skiptoken=x").ok());
}

TEST_F(ClientTest, ReadsWaitAsLongAsTheyAreAsked) {
  http.Reply(429, ErrorBody("TooManyRequests", "slow down"), {net::HttpHeader("Retry-After", "7")});
  http.Reply(503, "", {net::HttpHeader("retry-after", "2.5")});
  http.Reply(200, "{}");
  const auto reply = Get("/users/x");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->status, 200);
  ASSERT_EQ(scheduler.slept().size(), 2u);
  EXPECT_EQ(scheduler.slept()[0], absl::Seconds(7));
  EXPECT_EQ(scheduler.slept()[1], absl::Seconds(2.5));
  EXPECT_EQ(observer.throttled["user"], 1);
  EXPECT_EQ(HeaderOf(0, "client-request-id"), HeaderOf(2, "client-request-id"));
}

TEST_F(ClientTest, WithoutARetryAfterTheWaitGrows) {
  for (const int code : {502, 504, 408, 503, 429}) http.Reply(code, "");
  http.Reply(200, "{}");
  ASSERT_EQ(Get("/users/x")->status, 200);
  ASSERT_EQ(scheduler.slept().size(), 5u);
  EXPECT_GE(scheduler.slept()[0], absl::Seconds(0.5));
  EXPECT_GE(scheduler.slept()[4], absl::Seconds(8));
}

TEST_F(ClientTest, EndlessThrottlingIsBoundedInSum) {
  http.set_handler([](const net::HttpRequest&) -> Answer {
    net::HttpResponse response(429, "");
    response.headers.emplace_back("Retry-After", "1");
    return response;
  });
  const auto reply = Get("/users/x");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->status, 429);
  EXPECT_TRUE(absl::IsResourceExhausted(ToStatus(*reply, "user")));
  EXPECT_LE(scheduler.total(), MakeOptions().max_wait);
  EXPECT_LE(http.requests().size(), 8u);
}

TEST_F(ClientTest, AWishLongerThanOurPatienceIsHandedUp) {
  http.Reply(429, "", {net::HttpHeader("Retry-After", "300")});
  const auto reply = Get("/users/x");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(RetryAfter(ToStatus(*reply, "user")), absl::Seconds(300));
  EXPECT_TRUE(scheduler.slept().empty());
  const auto next = Get("/users/y");
  EXPECT_TRUE(absl::IsResourceExhausted(next.status())) << "the tenant is left alone";
  EXPECT_EQ(http.requests().size(), 1u);
  http.Reply(200, "{}");
  EXPECT_TRUE(Get("/users/z", Priority::kAct).ok()) << "but an act still tries";
}

TEST_F(ClientTest, AnHttpDateIsReadAgainstTheServersOwnClock) {
  net::HttpResponse response(503, "");
  response.date = absl::FromUnixSeconds(784111777);
  response.headers.emplace_back("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT");
  http.set_handler([response, first = true](const net::HttpRequest&) mutable -> Answer {
    if (!std::exchange(first, false)) return net::HttpResponse(200, "{}");
    return response;
  });
  const auto reply = Get("/users/x");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(scheduler.total(), absl::Seconds(10));
}

TEST_F(ClientTest, APostIsNeverSentAgain) {
  for (const int code : {429, 500, 502, 503, 504, 408}) {
    const size_t before = http.requests().size();
    scheduler.manual().Advance(absl::Hours(1));
    http.Reply(code, "");
    const auto reply = Post("/users/x/revokeSignInSessions");
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->status, code);
    EXPECT_EQ(http.requests().size(), before + 1);
  }
  http.Fail(UnavailableError("cut"));
  EXPECT_TRUE(absl::IsUnavailable(Post("/users/x/revokeSignInSessions").status()));
  EXPECT_EQ(http.requests().size(), 7u);
}

TEST_F(ClientTest, A401RenewsTheTokenOnce) {
  http.Reply(401, ErrorBody("InvalidAuthenticationToken", "expired")).Reply(200, "{}");
  EXPECT_EQ(Get("/users/x")->status, 200);
  EXPECT_EQ(tokens.refused, std::vector<std::string>{"token-0"});
  EXPECT_EQ(HeaderOf(1, "Authorization"), "Bearer token-1");
  http.Reply(401, "").Reply(401, "");
  const auto reply = Get("/users/x");
  EXPECT_EQ(reply->status, 401);
  EXPECT_TRUE(absl::IsUnauthenticated(ToStatus(*reply, "user")));
  EXPECT_EQ(http.requests().size(), 4u);
}

TEST_F(ClientTest, WithoutATokenNothingIsSent) {
  tokens.failure = UnauthenticatedError("no");
  EXPECT_TRUE(absl::IsUnauthenticated(Get("/users/x").status()));
  EXPECT_TRUE(http.requests().empty());
}

TEST_F(ClientTest, TransportTroubleIsCountedAndHandedUp) {
  http.Fail(UnavailableError("graph.example.test: connection refused"));
  EXPECT_TRUE(absl::IsUnavailable(Get("/users/x").status()));
  EXPECT_EQ(observer.requests["user 0"], 1);
}

TEST_F(ClientTest, TheDateHeaderGivesTheClockOffset) {
  net::HttpResponse response(200, "{}");
  response.date = scheduler.clock().Wall() + absl::Seconds(90);
  http.set_handler([response](const net::HttpRequest&) -> Answer { return response; });
  const auto reply = Get("/users/x");
  EXPECT_EQ(reply->clock_offset, absl::Seconds(90.5));
}

TEST_F(ClientTest, StatusesSayWhatAPersonNeeds) {
  GraphReply reply;
  const auto code_of = [&reply](int status, const char* code) {
    reply.status = status;
    reply.error.code = code;
    return ToStatus(reply, "user").code();
  };
  EXPECT_EQ(code_of(400, "BadRequest"), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code_of(403, "Authorization_RequestDenied"), StatusCode::kPermissionDenied);
  EXPECT_EQ(code_of(404, "Request_ResourceNotFound"), StatusCode::kNotFound);
  EXPECT_EQ(code_of(404, ""), StatusCode::kUnavailable) << "a proxy's 404";
  EXPECT_EQ(code_of(429, ""), StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of(500, ""), StatusCode::kUnavailable);
  EXPECT_EQ(code_of(302, ""), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code_of(204, ""), StatusCode::kOk);
}

}  // namespace
}  // namespace driftwarden::graph
