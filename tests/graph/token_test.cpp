#include "watchers/graph/token.h"

#include <unistd.h>

#include "base/files.h"
#include "tests/graph/graph_fixture.h"
#include "watchers/graph/client_credentials.h"

namespace driftwarden::graph {
namespace {

class TokenTest : public GraphTest {
 protected:
  TokenTest() : path_(Cat(::testing::TempDir(), "graph-secret-", getpid())) {
    EXPECT_TRUE(WriteFileAtomic(path_, "s3cr&t+\n").ok());
    TokenOptions options;
    options.tenant_id = "11111111-2222-3333-4444-555555555555";
    options.client_id = "app-1";
    options.endpoints = Endpoints("https://login.example.test", kGraph);
    auto issuer = std::make_unique<ClientCredentialsIssuer>(
        options, std::make_unique<SecretFileCredential>(path_), http, scheduler, rng, quiet_,
        observer);
    source.emplace(std::move(issuer), options.tenant_id, scheduler, rng, quiet_);
  }
  ~TokenTest() override { unlink(path_.c_str()); }

  std::string Token() {
    const auto token = Run(source->Token());
    return token.ok() ? std::string(token->Reveal()) : std::string(Message(token.status()));
  }
  void Grant(std::string_view token, int seconds) {
    http.Reply(200, Cat(R"({"token_type":"Bearer","expires_in":)", seconds, R"(,"access_token":")",
                        token, R"("})"));
  }
  Status Refuse(int code, std::string body, std::vector<net::HttpHeader> headers = {}) {
    http.Reply(code, std::move(body), std::move(headers));
    scheduler.manual().Advance(absl::Minutes(1));
    return Run(source->Token()).status();
  }
  static std::string OAuth(std::string_view error, std::string_view text,
                           std::string_view code = "1") {
    return Cat(R"({"error":")", error, R"(","error_description":")", text,
               R"(\r\nTrace ID: t","error_codes":[)", code, R"(],"trace_id":"t"})");
  }

  std::string path_;
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  std::optional<CachedTokenSource> source;
};

TEST_F(TokenTest, AsksOnceAndKeepsUntilFiveMinutesBeforeTheEnd) {
  Grant("one", 3600);
  EXPECT_EQ(Token(), "one");
  EXPECT_EQ(Token(), "one");
  ASSERT_EQ(http.requests().size(), 1u);
  const net::HttpRequest& sent = http.requests()[0];
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url,
            "https://login.example.test/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token");
  EXPECT_EQ(sent.body,
            "client_secret=s3cr%26t%2B&client_id=app-1&scope=https%3A%2F%2Fgraph.example.test%2F"
            ".default&grant_type=client_credentials");
  EXPECT_EQ(HeaderOf(0, "Content-Type"), "application/x-www-form-urlencoded");
  scheduler.manual().Advance(absl::Minutes(53));
  EXPECT_EQ(Token(), "one");
  scheduler.manual().Advance(absl::Minutes(2));
  Grant("two", 3600);
  EXPECT_EQ(Token(), "two");
  EXPECT_EQ(observer.requests["token 200"], 2);
}

TEST_F(TokenTest, AShortLivedTokenIsUsedForHalfItsLife) {
  Grant("one", 60);
  EXPECT_EQ(Token(), "one");
  scheduler.manual().Advance(absl::Seconds(20));
  EXPECT_EQ(Token(), "one");
  scheduler.manual().Advance(absl::Seconds(20));
  Grant("two", 60);
  EXPECT_EQ(Token(), "two");
}

TEST_F(TokenTest, ConcurrentCallersShareOneRequest) {
  Grant("one", 3600);
  std::optional<StatusOr<Secret>> results[5];
  for (auto& result : results) {
    asio::co_spawn(io, StoreResult(source->Token(), &result), [](std::exception_ptr) {});
  }
  io.run();
  for (auto& result : results) {
    ASSERT_TRUE(result.has_value());
    ASSERT_TRUE(result->ok()) << result->status();
    EXPECT_EQ((*result)->Reveal(), "one");
  }
  EXPECT_EQ(http.requests().size(), 1u);
}

TEST_F(TokenTest, TheSecretIsReadAnewForEachRequest) {
  Grant("one", 3600);
  EXPECT_EQ(Token(), "one");
  ASSERT_TRUE(WriteFileAtomic(path_, "rotated").ok());
  source->Refused(Secret("one"));
  Grant("two", 3600);
  EXPECT_EQ(Token(), "two");
  EXPECT_EQ(http.requests()[1].body.substr(0, 21), "client_secret=rotated");
}

TEST_F(TokenTest, ARefusedTokenIsForgottenAnOlderOneIsNot) {
  Grant("one", 3600);
  EXPECT_EQ(Token(), "one");
  source->Refused(Secret("an older one"));
  EXPECT_EQ(Token(), "one");
  source->Refused(Secret("one"));
  Grant("two", 3600);
  EXPECT_EQ(Token(), "two");
}

TEST_F(TokenTest, AFailedRenewalKeepsTheTokenThatIsStillGood) {
  Grant("one", 3600);
  EXPECT_EQ(Token(), "one");
  scheduler.manual().Advance(absl::Minutes(57));
  http.Fail(UnavailableError("connection refused"));
  EXPECT_EQ(Token(), "one");
  EXPECT_EQ(Token(), "one") << "no second attempt at once";
  EXPECT_EQ(http.requests().size(), 2u);
  scheduler.manual().Advance(absl::Minutes(4));
  http.Fail(UnavailableError("connection refused"));
  EXPECT_EQ(Token(), "token request: connection refused");
}

TEST_F(TokenTest, LastingRefusalsNameTheMend) {
  struct Case {
    const char* error;
    const char* code;
    const char* text;
    const char* mend;
  };
  const Case cases[] = {
      {"invalid_client", "7000215", "Invalid client secret.", "write a current client secret"},
      {"invalid_client", "7000222", "Secret keys are expired.", "the client secret has expired"},
      {"invalid_client", "1", "Something new.", "and check client_id"},
      {"unauthorized_client", "700016", "Application not found.", "must exist in this tenant"},
      {"unauthorized_client", "7000112", "Application is disabled.", "enable sign-in"},
      {"unauthorized_client", "1", "Something new.", "must exist in this tenant"},
      {"invalid_request", "90002", "Tenant not found.", "no such tenant at this login host"},
      {"invalid_request", "900023", "Tenant is malformed.", "check tenant_id and cloud"},
      {"invalid_resource", "500011", "No resource principal.", "endpoints.graph"},
      {"invalid_scope", "70011", "Bad scope.", "cloud"},
      {"unsupported_grant_type", "1", "x", "credential"}};
  for (const Case& c : cases) {
    const Status status = Refuse(401, OAuth(c.error, c.text, c.code));
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_NE(Message(status).find(c.mend), std::string_view::npos) << status;
    EXPECT_NE(Message(status).find(c.text), std::string_view::npos) << status;
    EXPECT_EQ(Message(status).find("Trace ID"), std::string_view::npos) << "one line";
    EXPECT_EQ(Message(status).find("s3cr"), std::string_view::npos);
  }
}

TEST_F(TokenTest, AClockThatIsOffIsSaidWithHowMuch) {
  const auto refuse = [this](absl::Duration ahead) {
    scheduler.manual().Advance(absl::Minutes(1));
    net::HttpResponse response(401, OAuth("invalid_client", "Not in its time.", "700024"));
    response.date = scheduler.clock().Wall() - ahead;
    http.set_handler([response](const net::HttpRequest&) { return response; });
    return std::string(Message(Run(source->Token()).status()));
  };
  EXPECT_NE(refuse(absl::Minutes(20)).find("(it is 20 min ahead of the token endpoint's)"),
            std::string::npos)
      << refuse(absl::Minutes(20));
  EXPECT_NE(refuse(-absl::Minutes(20)).find(" behind the token endpoint's)"), std::string::npos);
  EXPECT_EQ(refuse(absl::Seconds(1)).find("token endpoint's)"), std::string::npos);
}

TEST_F(TokenTest, ALastingRefusalIsNotTriedAgainAtOnceButHeals) {
  EXPECT_TRUE(absl::IsUnauthenticated(Refuse(400, OAuth("invalid_client", "no"))));
  EXPECT_TRUE(absl::IsUnauthenticated(Run(source->Token()).status()));
  EXPECT_EQ(http.requests().size(), 1u);
  scheduler.manual().Advance(absl::Seconds(11));
  Grant("one", 3600);
  EXPECT_EQ(Token(), "one");
}

TEST_F(TokenTest, TransientTroubleIsToldApart) {
  EXPECT_TRUE(absl::IsUnavailable(Refuse(400, OAuth("temporarily_unavailable", "later"))));
  EXPECT_TRUE(absl::IsUnavailable(Refuse(503, "<html>")));
  const Status throttled = Refuse(429, "", {net::HttpHeader("Retry-After", "17")});
  EXPECT_TRUE(absl::IsResourceExhausted(throttled));
  EXPECT_EQ(RetryAfter(throttled), absl::Seconds(17));
  const Status proxy = Refuse(403, "<html>blocked</html>");
  EXPECT_TRUE(absl::IsUnavailable(proxy));
  EXPECT_NE(Message(proxy).find("endpoints.login"), std::string_view::npos);
}

TEST_F(TokenTest, AnAnswerWithoutAUsableTokenIsDataLoss) {
  for (const char* body : {"", "{}", R"({"access_token":"a"})", R"({"expires_in":5})",
                           R"({"access_token":"a","expires_in":0})",
                           R"({"access_token":"a\r\nX: y","expires_in":50})"}) {
    EXPECT_TRUE(absl::IsDataLoss(Refuse(200, body))) << body;
  }
}

TEST_F(TokenTest, AMissingSecretFileSaysWhichAndSendsNothing) {
  unlink(path_.c_str());
  const Status status = Run(source->Token()).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_NE(Message(status).find(path_), std::string_view::npos) << status;
  EXPECT_TRUE(http.requests().empty());
}

}  // namespace
}  // namespace driftwarden::graph
