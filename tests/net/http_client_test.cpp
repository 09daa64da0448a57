#include "net/http_client.h"

#include <gtest/gtest.h>

#include "base/unsent.h"
#include "tests/net/loopback.h"

namespace driftwarden::net {
namespace {

using HttpClientTest = Loopback;

const char kKeptAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(HttpClientTest, SendsMethodTargetHeadersAndBody) {
  const std::string base = Listen(ServerOptions());
  HttpRequest request("POST", base + "/a%20b?x=1&y=%2F+z", "application/json", "{\"k\":1}");
  request.AddHeader("Authorization", "Bearer abc");
  const auto answer = Send(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /a%20b {\"k\":1}");
  ASSERT_NE(answer->Find("content-type"), nullptr);
  EXPECT_EQ(*answer->Find("content-type"), "text/plain");
  ASSERT_EQ(served_.requests.size(), 1U);
  const ServerRequest& seen = served_.requests[0];
  EXPECT_EQ(seen.Query("x"), "1");
  EXPECT_EQ(seen.Query("y"), "/ z");
  EXPECT_FALSE(seen.HasQuery("z"));
  EXPECT_EQ(*seen.Find("authorization"), "Bearer abc");
  EXPECT_EQ(Cat("http://", *seen.Find("host")), base);
  EXPECT_EQ(*seen.Find("user-agent"), "driftwarden");
}

TEST_F(HttpClientTest, AnyStatusIsAnAnswerAndRedirectsAreNotFollowed) {
  const std::string base = Listen(ServerOptions());
  for (const int code : {201, 204, 302, 304, 401, 404, 429, 500, 503}) {
    const auto answer = Get(Cat(base, "/status?code=", code));
    ASSERT_TRUE(answer.ok()) << code << answer.status();
    EXPECT_EQ(answer->status, code);
  }
  EXPECT_EQ(served_.requests.size(), 9U);
}

TEST_F(HttpClientTest, KeepsAndReusesItsConnection) {
  const std::string base = Listen(ServerOptions());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Get(base + "/a").ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Post(base + "/a", "body").ok());
  HttpRequest head("HEAD", base + "/a");
  const auto answer = Send(head);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->body.empty());
  ASSERT_TRUE(Get(base + "/status?code=204").ok());
  ASSERT_TRUE(Get(base + "/b").ok());
  for (const ServerRequest& seen : served_.requests) {
    EXPECT_EQ(seen.peer, served_.requests[0].peer);
  }
  EXPECT_EQ(server_.connections(), 1U);
}

TEST_F(HttpClientTest, UsesNoMoreConnectionsThanItMay) {
  HttpClientOptions options;
  options.max_connections_per_host = 2;
  UseClient(options);
  const std::string base = Listen(ServerOptions());
  std::vector<StatusOr<HttpResponse>> answers;
  for (int i = 0; i < 6; ++i) {
    HttpRequest request(base + "/hang");
    tasks_.Spawn(SendInto(client_.get(), request, absl::Seconds(20), &answers));
  }
  ASSERT_TRUE(loop_.Until([this] { return served_.in_flight == 2; }));
  loop_.Settle();
  EXPECT_EQ(server_.connections(), 2U);
  served_.release.Set();
  ASSERT_TRUE(loop_.Until([&answers] { return answers.size() == 6; }));
  for (const auto& answer : answers) EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(served_.in_flight_max, 2U);
}

TEST_F(HttpClientTest, WaitingForABusyHostHasALimit) {
  HttpClientOptions options;
  options.max_connections_per_host = 1;
  UseClient(options);
  const std::string base = Listen(ServerOptions());
  std::vector<StatusOr<HttpResponse>> answers;
  HttpRequest request(base + "/hang");
  tasks_.Spawn(SendInto(client_.get(), request, absl::Seconds(20), &answers));
  ASSERT_TRUE(loop_.Until([this] { return served_.in_flight == 1; }));
  const auto late = Send(HttpRequest(base + "/a"), absl::Milliseconds(50));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
  EXPECT_TRUE(Says(late.status(), "busy"));
  EXPECT_TRUE(WasUnsent(late.status()));
  served_.release.Set();
  ASSERT_TRUE(loop_.Until([&answers] { return answers.size() == 1; }));
  EXPECT_TRUE(Get(base + "/a").ok());
}

TEST_F(HttpClientTest, AServerThatNeverAnswersMeetsTheDeadline) {
  const std::string base = Listen(ServerOptions());
  const auto answer = Send(HttpRequest(base + "/hang"), absl::Milliseconds(100));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  EXPECT_TRUE(Says(answer.status(), "no complete answer from 127.0.0.1:"));
  EXPECT_FALSE(WasUnsent(answer.status())) << "it may have arrived";
  EXPECT_TRUE(Get(base + "/a").ok());
}

TEST_F(HttpClientTest, ACancelledCallerGetsCancelled) {
  const std::string base = Listen(ServerOptions());
  std::vector<StatusOr<HttpResponse>> answers;
  TaskGroup callers(loop_.executor());
  HttpRequest request(base + "/hang");
  callers.Spawn(SendInto(client_.get(), request, absl::Seconds(20), &answers));
  ASSERT_TRUE(loop_.Until([this] { return served_.in_flight == 1; }));
  callers.Cancel();
  loop_.Await(callers.Join());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(absl::IsCancelled(answers[0].status())) << answers[0].status();
}

TEST_F(HttpClientTest, ARefusedConnectionNamesHostAndPort) {
  auto listener = NewStreamListener(loop_.executor(), ListenOptions());
  ASSERT_TRUE(listener.ok());
  const uint16_t port = (*listener)->port();
  (*listener)->Close();
  const auto answer = Get(Cat("http://127.0.0.1:", port, "/"));
  EXPECT_TRUE(absl::IsUnavailable(answer.status()));
  EXPECT_EQ(Message(answer.status()), Cat("connect to 127.0.0.1:", port, " refused"));
  EXPECT_TRUE(WasUnsent(answer.status()));
}

TEST_F(HttpClientTest, AnUnknownNameIsNamed) {
  const auto answer = Get("http://no-such-host.invalid/");
  EXPECT_TRUE(absl::IsUnavailable(answer.status()) || absl::IsDeadlineExceeded(answer.status()));
  EXPECT_TRUE(Says(answer.status(), "no-such-host.invalid")) << answer.status();
}

TEST_F(HttpClientTest, NoticesThatAnIdleConnectionWasClosed) {
  ServerOptions options;
  options.idle_timeout = absl::Milliseconds(30);
  const std::string base = Listen(options);
  ASSERT_TRUE(Get(base + "/a").ok());
  ASSERT_TRUE(loop_.Until([this] { return server_.connections() == 0; }));
  const auto answer = Post(base + "/b", "x");  // a POST could not be repeated
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(HttpClientTest, ClosesItsOwnIdleConnections) {
  HttpClientOptions options;
  options.idle_timeout = absl::Milliseconds(30);
  UseClient(options);
  const std::string base = Listen(ServerOptions());
  ASSERT_TRUE(Get(base + "/a").ok());
  EXPECT_TRUE(loop_.Until([this] { return server_.connections() == 0; }));
}

TEST_F(HttpClientTest, RepeatsAGetOnAFreshConnectionWhenTheKeptOneDies) {
  const Script dies{{kKeptAnswer}, true};
  const Script lives{{kKeptAnswer}, false};
  const std::string base = ListenRaw({dies, lives});
  ASSERT_TRUE(Get(base + "/first").ok());
  const auto answer = Get(base + "/second");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(raw_served_.connections, 2U);
  EXPECT_EQ(raw_served_.requests.size(), 3U);
}

TEST_F(HttpClientTest, NeverRepeatsAPost) {
  const Script dies{{kKeptAnswer}, true};
  const Script lives{{kKeptAnswer}, false};
  const std::string base = ListenRaw({dies, lives});
  ASSERT_TRUE(Get(base + "/first").ok());
  const auto answer = Post(base + "/revoke", "x");
  EXPECT_TRUE(absl::IsUnavailable(answer.status())) << answer.status();
  EXPECT_TRUE(Says(answer.status(), "before it answered")) << answer.status();
  EXPECT_EQ(raw_served_.connections, 1U);
  EXPECT_EQ(raw_served_.requests.size(), 2U);
}

TEST_F(HttpClientTest, AFreshConnectionThatDiesIsNotTriedAgain) {
  const Script dies{{}, true};
  const std::string base = ListenRaw({dies, dies});
  EXPECT_TRUE(absl::IsUnavailable(Get(base + "/").status()));
  EXPECT_EQ(raw_served_.requests.size(), 1U);
}

TEST_F(HttpClientTest, RefusesRequestsThatWouldChangeTheMessage) {
  HttpRequest split("http://127.0.0.1:1/");
  split.AddHeader("X", "a\r\nY: b");
  EXPECT_TRUE(absl::IsInvalidArgument(Send(split).status()));
  HttpRequest framing("http://127.0.0.1:1/");
  framing.AddHeader("content-length", "4");
  EXPECT_TRUE(absl::IsInvalidArgument(Send(framing).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Send(HttpRequest("GET /", "http://h/")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Get("host/without/scheme").status()));
}

}  // namespace
}  // namespace driftwarden::net
