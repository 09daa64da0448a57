#include "net/http_server.h"

#include <gtest/gtest.h>

#include "net/url.h"
#include "tests/net/loopback.h"

namespace driftwarden::net {
namespace {

class FixedClock final : public Clock {
 public:
  absl::Time Wall() const override { return absl::FromUnixSeconds(784111777); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

asio::awaitable<std::string> ReadToEnd(ByteStream* stream) {
  std::string text;
  char buffer[4096];
  while (true) {
    const auto count = co_await stream->ReadSome(buffer, sizeof buffer);
    if (!count.ok() || *count == 0) co_return text;
    text.append(buffer, *count);
  }
}

class HttpServerTest : public Loopback {
 protected:
  std::unique_ptr<ByteStream> Dial(const std::string& base) {
    auto dialer = NewDialer(loop_.executor(), DialerOptions());
    EXPECT_TRUE(dialer.ok());
    dialer_ = *std::move(dialer);
    const Url url = *ParseUrl(base);
    DialTarget target(url.host, url.port, false);
    auto stream = loop_.Await(dialer_->Dial(target, absl::Seconds(10)));
    EXPECT_TRUE(stream.ok()) << stream.status();
    (*stream)->ExpiresAfter(absl::Seconds(20));
    return *std::move(stream);
  }

  // What the server says to these bytes before it closes.
  std::string Exchange(const std::string& base, const std::string& bytes) {
    const auto stream = Dial(base);
    EXPECT_TRUE(loop_.Await(stream->WriteAll(bytes)).ok());
    return loop_.Await(ReadToEnd(stream.get()));
  }

  std::unique_ptr<Dialer> dialer_;
};

TEST_F(HttpServerTest, AnswersAndClosesWhenAsked) {
  const std::string base = Listen(ServerOptions());
  const std::string answer =
      Exchange(base, "GET /a?b=c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n"
            "Connection: close\r\n\r\nGET /a ");
}

TEST_F(HttpServerTest, WritesTheDateOfItsClock) {
  const FixedClock clock;
  ServerOptions options;
  options.clock = &clock;
  const auto answer = Get(Listen(options) + "/");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(*answer->Find("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  const std::string base = Listen(ServerOptions());
  const std::string answer =
      Exchange(base,
               "GET /one HTTP/1.1\r\nHost: x\r\n\r\nPOST /two HTTP/1.1\r\nHost: x\r\n"
               "Content-Length: 3\r\n\r\nabcGET /three HTTP/1.0\r\n\r\n");
  const size_t one = answer.find("GET /one ");
  const size_t two = answer.find("POST /two abc");
  const size_t three = answer.find("GET /three ");
  EXPECT_TRUE(one < two && two < three && three != std::string::npos) << answer;
}

TEST_F(HttpServerTest, TellsACarefulClientToGoOn) {
  const std::string base = Listen(ServerOptions());
  const auto stream = Dial(base);
  ASSERT_TRUE(loop_
                  .Await(stream->WriteAll("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                                          "Expect: 100-continue\r\nConnection: close\r\n\r\n"))
                  .ok());
  char buffer[64];
  const auto count = loop_.Await(stream->ReadSome(buffer, sizeof buffer));
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(std::string(buffer, *count), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(loop_.Await(stream->WriteAll("ok")).ok());
  EXPECT_NE(loop_.Await(ReadToEnd(stream.get())).find("POST /a ok"), std::string::npos);
}

TEST_F(HttpServerTest, RefusesWhatIsTooLargeOrNotHttp) {
  ServerOptions options;
  options.body_limit = 100;
  options.header_limit = 1000;
  const std::string base = Listen(options);
  EXPECT_EQ(Post(base + "/a", std::string(100, 'x'))->status, 200);
  const auto large = Post(base + "/a", std::string(101, 'x'));
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_EQ(large->status, 413);
  EXPECT_EQ(*large->Find("content-type"), "application/problem+json");
  const auto far_too_large = Post(base + "/a", std::string(300000, 'x'));
  ASSERT_TRUE(far_too_large.ok()) << far_too_large.status();
  EXPECT_EQ(far_too_large->status, 413);
  HttpRequest headers(base + "/a");
  headers.AddHeader("X-Long", std::string(1000, 'x'));
  EXPECT_EQ(Send(headers)->status, 431);
  for (const char* bytes :
       {"nonsense\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET /%zz?a=%zz HTTP/1.1\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc"}) {
    EXPECT_EQ(Exchange(base, bytes).substr(0, 12), "HTTP/1.1 400") << bytes;
  }
  EXPECT_EQ(served_.requests.size(), 1U);
}

TEST_F(HttpServerTest, ChunkedBodiesHaveTheSameLimit) {
  ServerOptions options;
  options.body_limit = 5;
  const std::string base = Listen(options);
  const std::string head =
      "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  EXPECT_NE(Exchange(base, head + "5\r\nhello\r\n0\r\n\r\n").find("POST /a hello"),
            std::string::npos);
  EXPECT_EQ(Exchange(base, head + "6\r\nhello!\r\n0\r\n\r\n").substr(0, 12), "HTTP/1.1 413");
}

TEST_F(HttpServerTest, ClosesOnASlowSender) {
  ServerOptions options;
  options.read_timeout = absl::Milliseconds(50);
  const std::string base = Listen(options);
  EXPECT_EQ(Exchange(base, ""), "");                                     // says nothing
  EXPECT_EQ(Exchange(base, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow"), "");  // stops in the header
  EXPECT_EQ(Exchange(base, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"), "");
  EXPECT_TRUE(served_.requests.empty());
}

asio::awaitable<void> Drip(ByteStream* stream, int* sent) {
  Status status = OkStatus();
  while (status.ok()) {
    std::string bytes = "X: y\r\n";
    status = co_await stream->WriteAll(std::move(bytes));
    ++*sent;
  }
}

TEST_F(HttpServerTest, ASlowSenderGainsNoTimeByDripping) {
  ServerOptions options;
  options.read_timeout = absl::Milliseconds(100);
  options.header_limit = 100'000'000;  // so that only the time-out can end it
  const std::string base = Listen(options);
  const auto stream = Dial(base);
  ASSERT_TRUE(loop_.Await(stream->WriteAll("GET / HTTP/1.1\r\n")).ok());
  int sent = 0;
  loop_.Await(Drip(stream.get(), &sent));
  EXPECT_GT(sent, 1);
  EXPECT_TRUE(served_.requests.empty());
}

TEST_F(HttpServerTest, ClosesConnectionsOverTheLimit) {
  ServerOptions options;
  options.max_connections = 2;
  const std::string base = Listen(options);
  auto first = Dial(base);
  const auto second = Dial(base);
  ASSERT_TRUE(loop_.Until([this] { return server_.connections() == 2; }));
  const auto third = Dial(base);
  EXPECT_EQ(loop_.Await(ReadToEnd(third.get())), "");
  EXPECT_EQ(server_.connections(), 2U);
  first.reset();
  ASSERT_TRUE(loop_.Until([this] { return server_.connections() == 1; }));
  EXPECT_TRUE(Get(base + "/a").ok());
}

TEST_F(HttpServerTest, SeveralListenersShareTheHandler) {
  const std::string one = Listen(ServerOptions());
  ServerOptions v6;
  v6.address = "::1";
  const auto two = server_.Listen(v6);
  EXPECT_TRUE(Get(one + "/a").ok());
  if (!two.ok()) GTEST_SKIP() << "no IPv6 here: " << two.status();
  EXPECT_TRUE(Get(Cat("http://[::1]:", *two, "/a")).ok());
}

TEST_F(HttpServerTest, ATakenPortIsNamed) {
  const std::string base = Listen(ServerOptions());
  ServerOptions again;
  again.port = ParseUrl(base)->port;
  const Status status = server_.Listen(again).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_TRUE(Says(status, Cat("127.0.0.1:", again.port))) << status;
  ServerOptions bad;
  bad.address = "localhost";
  EXPECT_TRUE(absl::IsInvalidArgument(server_.Listen(bad).status()));
}

TEST_F(HttpServerTest, StopEndsIdleAndBusyConnections) {
  const std::string base = Listen(ServerOptions());
  ASSERT_TRUE(Get(base + "/a").ok());  // leaves an idle connection
  const auto silent = Dial(base);
  std::vector<StatusOr<HttpResponse>> answers;
  HttpRequest request(base + "/hang");
  tasks_.Spawn(SendInto(client_.get(), request, absl::Seconds(20), &answers));
  ASSERT_TRUE(loop_.Until([this] { return served_.in_flight == 1; }));
  loop_.Await(server_.Stop());
  EXPECT_EQ(server_.connections(), 0U);
  ASSERT_TRUE(loop_.Until([&answers] { return answers.size() == 1; }));
  EXPECT_TRUE(absl::IsUnavailable(answers[0].status())) << answers[0].status();
  EXPECT_TRUE(Says(Get(base + "/a").status(), "refused"));
  EXPECT_FALSE(server_.Listen(ServerOptions()).ok());
}

TEST_F(HttpServerTest, AnUnsafeAnswerBecomesAnError) {
  HttpServer server(loop_.executor(), [](ServerRequest) -> asio::awaitable<ServerResponse> {
    ServerResponse response(200, "text/plain", "x");
    response.headers.emplace_back("X", "a\r\nSet-Cookie: b");
    co_return response;
  });
  const auto port = server.Listen(ServerOptions());
  ASSERT_TRUE(port.ok());
  const auto answer = Get(Cat("http://127.0.0.1:", *port, "/"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(answer->Find("set-cookie"), nullptr);
  loop_.Await(server.Stop());
}

TEST_F(HttpServerTest, CarriesLargeAnswers) {
  const auto answer = Get(Listen(ServerOptions()) + "/big?size=5000000");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, std::string(5000000, 'x'));
}

}  // namespace
}  // namespace driftwarden::net
