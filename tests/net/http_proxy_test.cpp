// The client through a CONNECT proxy: TLS inside the tunnel, also inside TLS with the proxy itself.

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hex.h"
#include "base/time.h"
#include "base/unsent.h"
#include "net/tls.h"
#include "tests/net/loopback.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::net {
namespace {

asio::awaitable<void> Pump(ByteStream* from, ByteStream* to) {
  std::string buffer(16384, '\0');
  while (true) {
    const auto count = co_await from->ReadSome(buffer.data(), buffer.size());
    if (!count.ok() || *count == 0) break;
    std::string bytes = buffer.substr(0, *count);
    const Status written = co_await to->WriteAll(std::move(bytes));
    if (!written.ok()) break;
  }
  to->Close();
}

struct Tunnels {
  std::vector<std::string> heads;  // what the proxy was asked
  std::vector<std::unique_ptr<ByteStream>> streams;
  std::unique_ptr<Dialer> dialer;
  TaskGroup* tasks = nullptr;
  bool tls = false;
};

asio::awaitable<void> ServeTunnel(ByteStream* client, Tunnels* tunnels) {
  if (tunnels->tls) {
    const Status secured = co_await client->StartTlsServer();
    if (!secured.ok()) co_return;
  }
  std::string head = co_await ReadRawRequest(client);
  tunnels->heads.push_back(head);
  const size_t colon = head.find(':');
  const auto port = ParseUint64(head.substr(colon + 1, head.find(" HTTP") - colon - 1));
  DialTarget target("127.0.0.1", static_cast<uint16_t>(port.value_or(0)), false);
  auto dialed = co_await tunnels->dialer->Dial(std::move(target), absl::Seconds(10));
  if (!dialed.ok()) co_return;
  tunnels->streams.push_back(*std::move(dialed));
  ByteStream* const upstream = tunnels->streams.back().get();
  std::string answer = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
  const Status written = co_await client->WriteAll(std::move(answer));
  if (!written.ok()) co_return;
  tunnels->tasks->Spawn(Pump(upstream, client));
  co_await Pump(client, upstream);
}

asio::awaitable<void> AcceptTunnels(StreamListener* listener, Tunnels* tunnels) {
  while (true) {
    auto accepted = co_await listener->Accept();
    if (!accepted.ok()) co_return;
    tunnels->streams.push_back(*std::move(accepted));
    tunnels->tasks->Spawn(ServeTunnel(tunnels->streams.back().get(), tunnels));
  }
}

class ProxyTest : public Loopback {
 protected:
  ProxyTest() {
    const absl::Time now = SystemClock().Wall();
    ca_ = *MakeCa("driftwarden test CA", now);
    options_.ca_file = File("ca.pem", ca_.certificate_pem);
    tunnels_.tasks = &tasks_;
    tunnels_.dialer = *NewDialer(loop_.executor(), DialerOptions());
    ServerOptions server;
    server.tls.emplace(*IssueServerCertificate(ca_, {"graph.example.test"}, {}, now));
    const std::string base = Listen(std::move(server), "graph.example.test");
    target_ = base;
    proxy_identity_ = *IssueServerCertificate(ca_, {}, {"127.0.0.1"}, now);
  }
  ~ProxyTest() override {
    client_.reset();
    for (const auto& listener : raw_listeners_) listener->Close();
    for (const auto& stream : tunnels_.streams) stream->Close();
    loop_.Await(tasks_.Join());
    loop_.Settle();
  }

  std::string File(const std::string& name, const std::string& content) {
    const std::string path = Cat(folder_.path(), "/", name);
    EXPECT_TRUE(WriteFileAtomic(path, content).ok());
    return path;
  }
  // host:port of a proxy that opens tunnels to loopback, whatever the name.
  std::string StartProxy(bool tls) {
    ListenOptions listen;
    if (tls) listen.tls.emplace(proxy_identity_);
    tunnels_.tls = tls;
    raw_listeners_.push_back(*NewStreamListener(loop_.executor(), std::move(listen)));
    StreamListener* const raw = raw_listeners_.back().get();
    tasks_.Spawn(AcceptTunnels(raw, &tunnels_));
    return Cat("127.0.0.1:", raw->port());
  }
  void Use(const std::string& proxy) {
    options_.proxy = proxy;
    UseClient(options_);
  }

  testing::TempDirectory folder_;
  PemPair ca_;
  PemPair proxy_identity_;
  HttpClientOptions options_;
  Tunnels tunnels_;
  std::string target_;  // a name that only the proxy can look up
};

TEST_F(ProxyTest, ATunnelIsOpenedOnceAndKept) {
  Use(Cat("http://", StartProxy(false)));
  for (int i = 0; i < 3; ++i) {
    const auto answer = Get(target_ + "/a");
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->body, "GET /a ");
  }
  ASSERT_EQ(tunnels_.heads.size(), 1u);
  const std::string authority = target_.substr(8);
  EXPECT_EQ(tunnels_.heads[0],
            Cat("CONNECT ", authority, " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"));
}

TEST_F(ProxyTest, AProxyMayHaveTlsOfItsOwn) {
  options_.proxy_credentials_file = File("proxy.pw", "user:pass\n");
  Use(Cat("https://", StartProxy(true)));
  const std::string large = target_ + "/big?size=300000";
  for (int i = 0; i < 3; ++i) {
    const auto answer = Get(large);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->body.size(), 300000u);
  }
  ASSERT_FALSE(tunnels_.heads.empty());
  const std::string want = Cat("Proxy-Authorization: Basic ", Base64Encode("user:pass"), "\r\n");
  EXPECT_NE(tunnels_.heads[0].find(want), std::string::npos) << tunnels_.heads[0];
}

TEST_F(ProxyTest, WhoeverIsBehindTheTunnelIsVerified) {
  Use(Cat("http://", StartProxy(false)));
  const std::string other = Cat("https://other.example.test", target_.substr(target_.rfind(':')));
  const Status status = Get(other + "/a").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_TRUE(Says(status, "is not for other.example.test")) << status;
}

TEST_F(ProxyTest, AnUntrustedProxyIsToldNothing) {
  const auto stranger = MakeCa("somebody else", SystemClock().Wall());
  options_.ca_file = File("stranger.pem", stranger->certificate_pem);
  Use(Cat("https://", StartProxy(true)));
  const Status status = Get(target_ + "/a").status();
  EXPECT_TRUE(Says(status, "proxy 127.0.0.1")) << status;
  EXPECT_TRUE(Says(status, "not trusted")) << status;
  EXPECT_TRUE(tunnels_.heads.empty());
}

TEST_F(ProxyTest, RefusalsAndNonsenseAreOneErrorEach) {
  struct Case {
    std::string answer;
    std::string_view says;
  };
  const Case cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy_credentials_file"},
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403 Forbidden; allow the host"},
      {"HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n", "301 Moved"},
      {"SSH-2.0-x\r\n\r\n", "is not HTTP"},
      {"HTTP/1.1 2\r\n\r\n", "is not HTTP"},
      {"HTTP/1.1 200 OK\r\n\r\nmore", "bytes behind its answer"},
      {"HTTP/1.1 200 OK\r\n", "closed the connection before it answered"},
      {std::string(40000, 'x'), "does not end"}};
  for (const Case& c : cases) {
    Script script;
    script.answers.push_back(c.answer);
    Use(ListenRaw({script}));
    const Status status = Get(target_ + "/a").status();
    EXPECT_TRUE(Says(status, c.says)) << status;
    EXPECT_TRUE(WasUnsent(status)) << status;
  }
}

}  // namespace
}  // namespace driftwarden::net
