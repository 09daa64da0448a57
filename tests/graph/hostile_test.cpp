// Whatever answers in the tenant's place: one clear error within bounds of time and memory, the
// cursor stays, and the next poll goes on as if nothing had been.

#include <gtest/gtest.h>

#include "base/files.h"
#include "net/gzip.h"
#include "net/http_client.h"
#include "net/tls.h"
#include "tests/async/run_loop.h"
#include "tests/graph/graph_fixture.h"
#include "tests/testing/hostile_server.h"
#include "tests/testing/temp_directory.h"
#include "watchers/graph/token_factory.h"
#include "watchers/graph_delta_source.h"
#include "watchers/graph_reader.h"

namespace driftwarden::watchers {
namespace {

using testing::HostileAnswer;
using testing::HttpText;
using Then = HostileAnswer::Then;

constexpr char kJson[] = "Content-Type: application/json\r\n";
constexpr char kNoAnswer[] = "no complete answer from";
constexpr size_t kLimit = size_t{1} << 20;
// Between a server that writes and a client that has stopped reading: the kernel's.
constexpr size_t kSocketBuffers = size_t{12} << 20;

struct Case {
  std::string name;
  HostileAnswer answer;
  std::string says;  // a part of the error
};

std::string Deep(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

// Enough for one write to be worth it.
std::string Many(std::string_view line) {
  std::string out;
  while (out.size() < 16'384) out += line;
  return out;
}

std::string Page(const std::string& value) {
  return Cat(R"({"value":)", value, R"(,"@odata.deltaLink":"LINK"})");
}

// What is wrong on the wire, whoever asks.
std::vector<Case> WireCases() {
  const std::string chunked =
      Cat("HTTP/1.1 200 OK\r\n", kJson, "Transfer-Encoding: chunked\r\n\r\n");
  const std::string packed = net::Gzip(std::string(8 * kLimit, ' '));
  const std::string gzip = Cat(kJson, "Content-Encoding: gzip\r\n");
  const std::string head = Cat("HTTP/1.1 200 OK\r\n", kJson);
  std::string flood = head;
  for (int i = 0; i < 20'000; ++i) flood += Cat("X-", i, ": y\r\n");
  const std::string large(4 * kLimit, ' ');
  return {
      {"nothing at all", HostileAnswer(""), "closed the connection before it answered"},
      {"silence", HostileAnswer("", Then::kHang), kNoAnswer},
      {"a head without its end", HostileAnswer(head), "in the middle of its answer"},
      {"a body cut short", HostileAnswer(Cat(head, "Content-Length: 500\r\n\r\n{")),
       "in the middle of its answer"},
      {"a body cut short that hangs",
       HostileAnswer(Cat(head, "Content-Length: 500\r\n\r\n{"), Then::kHang), kNoAnswer},
      {"a length that is none", HostileAnswer(Cat(head, "Content-Length: -1\r\n\r\n{}")),
       "is not HTTP"},
      {"two lengths", HostileAnswer(Cat(head, "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")),
       "is not HTTP"},
      {"a length beyond all bounds",
       HostileAnswer(Cat(head, "Content-Length: 99999999999999\r\n\r\n{}"), Then::kHang),
       "is larger than 1048576 bytes"},
      {"a large body", HostileAnswer(HttpText(200, kJson, large)), "is larger than 1048576 bytes"},
      {"a body without end", HostileAnswer(Cat(head, "\r\n"), Then::kRepeat, large),
       "is larger than 1048576 bytes"},
      {"chunks without end",
       HostileAnswer(chunked, Then::kRepeat, Cat("1000\r\n", std::string(4096, ' '), "\r\n")),
       "is larger than 1048576 bytes"},
      {"a chunk's extension without end",
       HostileAnswer(Cat(chunked, "5;x="), Then::kRepeat, std::string(65'536, 'a')), "is not HTTP"},
      {"a trailer without end",
       HostileAnswer(Cat(chunked, "0\r\n"), Then::kRepeat, Many("x: y\r\n")), "is not HTTP"},
      {"a chunk size that is none", HostileAnswer(Cat(chunked, "zz\r\n")), "is not HTTP"},
      {"headers without end", HostileAnswer(head, Then::kRepeat, Many("X-More: of this\r\n")),
       "is not HTTP"},
      {"a flood of headers", HostileAnswer(Cat(flood, "Content-Length: 2\r\n\r\n{}")),
       "is not HTTP"},
      {"interim answers without end",
       HostileAnswer("", Then::kRepeat, "HTTP/1.1 103 Early Hints\r\n\r\n"), kNoAnswer},
      {"a head byte by byte", HostileAnswer("", Then::kDrip, head), kNoAnswer},
      {"a body byte by byte",
       HostileAnswer(Cat(head, "Content-Length: 900000\r\n\r\n"), Then::kDrip, " "), kNoAnswer},
      {"another protocol", HostileAnswer("SSH-2.0-OpenSSH_9.2\r\n"), "is not HTTP"},
      {"a bomb", HostileAnswer(HttpText(200, gzip, packed)), "unpacks to more than 1048576 bytes"},
      {"gzip that is none", HostileAnswer(HttpText(200, gzip, "{}")), "not gzip"},
      {"gzip cut short", HostileAnswer(HttpText(200, gzip, packed.substr(0, 100))), "is cut"},
      {"a packing nobody asked for",
       HostileAnswer(HttpText(200, Cat(kJson, "Content-Encoding: br\r\n"), "{}")), "br"},
      {"a web page", HostileAnswer(HttpText(200, "Content-Type: text/html\r\n", "<html>")),
       "a web page from 127.0.0.1"},
  };
}

// What is wrong with a document that arrived.
std::vector<Case> DocumentCases() {
  const auto json = [](const std::string& body) {
    return HostileAnswer(HttpText(200, kJson, body));
  };
  return {
      {"no content", HostileAnswer("HTTP/1.1 204 No Content\r\n\r\n"), "JSON"},
      {"an empty body", json(""), "JSON"},
      {"a mark before it", json("\xef\xbb\xbf{\"value\":7}"), ""},
      {"a zero byte", json(std::string("{\"value\":[\0]}", 13)), ""},
      {"bytes that are no text", json("{\"value\":[{\"id\":\"\xff\xfe\"}]}"), ""},
      {"a document cut short", json(R"({"value":[{"id":"a")"), ""},
      {"two documents", json(R"({"value":[]}{"value":[]})"), ""},
      {"depth", json(Page(Deep(300'000))), ""},
      {"a number", json("7"), ""},
      {"an array", json("[]"), ""},
      {"null", json("null"), ""},
      {"other types", json(R"({"value":{"id":1},"@odata.deltaLink":{}})"), ""},
      {"no link", json(R"({"value":[]})"), ""},
      {"an error that is a success", json(R"({"error":{"code":"x","message":"y"}})"), ""},
  };
}

class Sink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (batch.completes_round) cursor = batch.cursor;
    seen += batch.observations.size();
    co_return OkStatus();
  }
  std::string cursor;
  size_t seen = 0;
};

class Hostile : public ::testing::Test {
 protected:
  Hostile() { Connect(false); }
  ~Hostile() override {
    http.reset();
    if (server) loop.Await(server->Stop());
    loop.Await(elsewhere.Stop());
    loop.Settle();
  }

  void Connect(bool tls) {
    if (server) loop.Await(server->Stop());
    net::HttpClientOptions options;
    std::optional<net::TlsServerConfig> config;
    if (tls) {
      const auto ca = net::MakeCa("hostile", clock.Wall());
      const auto issued =
          net::IssueServerCertificate(*ca, {"localhost"}, {"127.0.0.1"}, clock.Wall());
      options.ca_file = folder.path() + "/ca.pem";
      ASSERT_TRUE(WriteFileAtomic(options.ca_file, ca->certificate_pem).ok());
      config = net::TlsServerConfig(*issued);
    }
    auto made = net::NewHttpClient(loop.executor(), options);
    ASSERT_TRUE(made.ok());
    http = *std::move(made);
    server = std::make_unique<testing::HostileServer>(loop.executor(), scheduler, config);
    SetPatience(absl::Milliseconds(600));
    cursor = FormatDeltaCursor(Cat(server->url(), "/v1.0/users/delta?$deltatoken=A"));
  }

  // How long one exchange may take from now on.
  void SetPatience(absl::Duration patience) {
    source.reset();
    graph::ClientOptions client_options;
    client_options.endpoints = graph::Endpoints(server->url(), server->url());
    client_options.response_limit = kLimit;
    client_options.timeout = patience;
    client_options.first_backoff = absl::Milliseconds(5);
    client = std::make_unique<graph::GraphClient>(client_options, *http, tokens, scheduler, rng,
                                                  observer);
    GraphDeltaOptions delta;
    delta.name = monitor::SourceName("contoso");
    source = std::make_unique<GraphDeltaSource>(delta, *client, log);
  }

  Status Poll() { return loop.Await(source->Poll(cursor, monitor::BatchId("round"), sink)); }
  // One line for people, with what was asked.
  static void ExpectClear(const Status& status, const Case& one, std::string_view asked) {
    ASSERT_FALSE(status.ok()) << one.name;
    const std::string text(Message(status));
    EXPECT_NE(text.find(one.says), std::string::npos) << one.name << ": " << status;
    EXPECT_NE(text.find(asked), std::string::npos) << one.name << ": " << status;
    EXPECT_EQ(text, Printable(text, 1000)) << one.name;
    EXPECT_LT(text.size(), 500u) << one.name << ": " << text;
    EXPECT_EQ(text.find("token-"), std::string::npos) << one.name << ": " << text;
  }
  void ExpectOneErrorAndARecovery(const Case& one) {
    SCOPED_TRACE(one.name);
    // Who waits for nothing need not wait long; a busy machine gets time for the rest.
    SetPatience(one.says == kNoAnswer ? absl::Milliseconds(600) : absl::Seconds(20));
    server->answer = one.answer;
    server->written = 0;
    sink = Sink();
    const absl::Duration begun = clock.Steady();
    const Status status = Poll();
    ExpectClear(status, one, "users");
    EXPECT_LT(clock.Steady() - begun, absl::Seconds(20));
    EXPECT_EQ(sink.cursor, "") << "the cursor stays";
    EXPECT_LT(server->written, kLimit + kSocketBuffers);
    SetPatience(absl::Seconds(20));
    server->answer = HostileAnswer(HttpText(
        200, kJson,
        Cat(R"({"value":[{"id":")", graph::kAda, R"(","accountEnabled":false}],)",
            R"("@odata.deltaLink":")", server->url(), R"(/v1.0/users/delta?$deltatoken=B"})")));
    const Status next = Poll();
    EXPECT_TRUE(next.ok()) << next;
    EXPECT_EQ(sink.seen, 1u);
    EXPECT_NE(sink.cursor, "");
  }

  testing::TempDirectory folder;
  RunLoop loop;
  SystemClock clock;
  RealScheduler scheduler{clock};
  SeededRng rng{3};
  Logger log{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  graph::NullObserver observer;
  graph::FakeTokens tokens;
  testing::HostileServer elsewhere{loop.executor(), scheduler};
  std::unique_ptr<testing::HostileServer> server;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<graph::GraphClient> client;
  std::unique_ptr<GraphDeltaSource> source;
  Sink sink;
  std::string cursor;
};

TEST_F(Hostile, WhatIsBrokenOnTheWireCostsOneErrorAndNothingElse) {
  for (const Case& one : WireCases()) ExpectOneErrorAndARecovery(one);
}

TEST_F(Hostile, AndSoDoesABrokenDocument) {
  for (const Case& one : DocumentCases()) ExpectOneErrorAndARecovery(one);
}

TEST_F(Hostile, InsideTlsAnEndWithoutAGoodbyeIsNoEnd) {
  Connect(true);
  const std::string head = Cat("HTTP/1.1 200 OK\r\n", kJson, "\r\n");
  // Without a length the end of the connection ends the body: cut it, and it says something else.
  Case cut{"cut", HostileAnswer(Cat(head, R"({"value":[]})"), Then::kCut), ""};
  ExpectOneErrorAndARecovery(cut);
  EXPECT_GE(server->requests.size(), 2u);
}

TEST_F(Hostile, NoRedirectIsFollowedWithAToken) {
  for (const int status : {301, 302, 303, 307, 308}) {
    for (const std::string& to :
         {elsewhere.url() + "/v1.0/users/delta", server->url() + "/v1.0/x"}) {
      Case one{Cat(status, " to ", to), HostileAnswer(""), "no redirect is followed"};
      one.answer.text = HttpText(status, Cat("Location: ", to, "\r\n"), "");
      const size_t before = server->requests.size();
      ExpectOneErrorAndARecovery(one);
      EXPECT_EQ(server->requests.size(), before + 2) << "the poll, and the one after it";
    }
  }
  EXPECT_EQ(elsewhere.connections, 0u);
}

TEST_F(Hostile, EqualNamesAndUnknownOnesDoNoHarm) {
  const std::string user =
      Cat(R"({"id":"x","id":")", graph::kBob, R"(","accountEnabled":true,"accountEnabled":false,)",
          R"("later":)", Deep(500), "}");
  server->answer =
      HostileAnswer(HttpText(200, kJson,
                             Cat(R"({"value":[],"value":[)", user, R"(],"@odata.deltaLink":")",
                                 server->url(), R"(/v1.0/users/delta?$deltatoken=B"})")));
  const Status polled = Poll();
  EXPECT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink.seen, 1u);
}

TEST_F(Hostile, ADirectReadFailsAsClearly) {
  GraphReaderOptions options;
  options.name = monitor::SourceName("contoso");
  options.second_look_after = absl::Milliseconds(5);
  GraphReader reader(options, *client, scheduler, log);
  for (const auto& cases : {WireCases(), DocumentCases()}) {
    for (const Case& one : cases) {
      SCOPED_TRACE(one.name);
      server->answer = one.answer;
      const auto read = loop.Await(reader.ReadUser(graph::kAda, monitor::ActionId("a")));
      // A document without what a person needs is no person, and never a deleted one.
      EXPECT_FALSE(read.ok()) << one.name;
    }
  }
}

class HostileTokens : public Hostile {
 protected:
  std::unique_ptr<graph::TokenSource> Make(graph::CredentialOptions credential) {
    credential.client_id = "app";
    const std::string secret = folder.path() + "/secret";
    EXPECT_TRUE(WriteFileAtomic(secret, "s3cret").ok());
    credential.secret_file = secret;
    return graph::MakeTokenSource("11111111-2222-3333-4444-555555555555",
                                  graph::Endpoints(server->url(), server->url()), credential,
                                  {*http, *http, scheduler, rng, log, observer});
  }
};

TEST_F(HostileTokens, TheTokenEndpointsNonsenseIsOneErrorToo) {
  for (const auto& cases : {WireCases(), DocumentCases()}) {
    for (const Case& one : cases) {
      // Its own patience is longer than this test's.
      if (one.says == kNoAnswer) continue;
      SCOPED_TRACE(one.name);
      server->answer = one.answer;
      const auto issuer = Make(graph::CredentialOptions());
      server->written = 0;
      const auto token = loop.Await(issuer->Token());
      Case shown = one;
      if (shown.says == "JSON") shown.says = "";
      ExpectClear(token.status(), shown, "token");
      EXPECT_EQ(Message(token.status()).find("s3cret"), std::string_view::npos);
      EXPECT_LT(server->written, 4 * kLimit + kSocketBuffers);
    }
  }
  server->answer = HostileAnswer(HttpText(307, Cat("Location: ", elsewhere.url(), "\r\n"), ""));
  const auto issuer = Make(graph::CredentialOptions());
  const auto token = loop.Await(issuer->Token());
  EXPECT_NE(Message(token.status()).find("no redirect is followed"), std::string_view::npos);
  EXPECT_EQ(elsewhere.connections, 0u) << "the secret goes nowhere else";
}

}  // namespace
}  // namespace driftwarden::watchers
