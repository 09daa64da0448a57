#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/files.h"
#include "base/time.h"
#include "base/unsent.h"
#include "net/tls.h"
#include "tests/net/loopback.h"

namespace driftwarden::net {
namespace {

class TlsTest : public Loopback {
 protected:
  TlsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dw-net-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    now_ = SystemClock().Wall();
    auto ca = MakeCa("driftwarden test CA", now_);
    EXPECT_TRUE(ca.ok());
    ca_ = *std::move(ca);
  }
  ~TlsTest() override { std::filesystem::remove_all(directory_); }

  std::string File(const std::string& name, const std::string& content) {
    const std::string path = directory_ + "/" + name;
    EXPECT_TRUE(WriteFileAtomic(path, content).ok());
    return path;
  }

  // A server with a certificate for these names.
  std::string Serve(const std::vector<std::string>& dns, const std::vector<std::string>& ips,
                    const std::string& host, absl::Time issued, const std::string& client_ca = "") {
    auto identity = IssueServerCertificate(ca_, dns, ips, issued);
    EXPECT_TRUE(identity.ok()) << identity.status();
    ServerOptions options;
    options.tls.emplace(*std::move(identity));
    options.tls->client_ca_pem = client_ca;
    return Listen(options, host);
  }

  HttpClientOptions Trusting(const PemPair& ca) {
    HttpClientOptions options;
    options.ca_file = File("ca.pem", ca.certificate_pem);
    return options;
  }

  std::string directory_;
  absl::Time now_;
  PemPair ca_;
};

TEST_F(TlsTest, ATrustedNameIsServedOverAKeptConnection) {
  UseClient(Trusting(ca_));
  const std::string base = Serve({"localhost"}, {}, "localhost", now_);
  for (int i = 0; i < 4; ++i) {
    const auto answer = Get(base + "/a");
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->body, "GET /a ");
  }
  EXPECT_EQ(server_.connections(), 1U);
}

TEST_F(TlsTest, AnAddressIsVerifiedAgainstTheAddressesOfTheCertificate) {
  UseClient(Trusting(ca_));
  const std::string named = Serve({"localhost"}, {"127.0.0.1"}, "127.0.0.1", now_);
  EXPECT_TRUE(Get(named + "/a").ok());
  const std::string nameless = Serve({"127.0.0.1"}, {}, "127.0.0.1", now_);  // as a DNS name
  EXPECT_TRUE(absl::IsUnavailable(Get(nameless + "/a").status()));
  const std::string other = Serve({}, {"127.0.0.2"}, "127.0.0.1", now_);
  EXPECT_TRUE(Says(Get(other + "/a").status(), "is not for 127.0.0.1"));
}

TEST_F(TlsTest, AWrongNameIsRefused) {
  UseClient(Trusting(ca_));
  const std::string base = Serve({"other.test"}, {}, "localhost", now_);
  const auto answer = Get(base + "/a");
  EXPECT_TRUE(absl::IsUnavailable(answer.status()));
  EXPECT_TRUE(Says(answer.status(), "certificate of localhost:")) << answer.status();
  EXPECT_TRUE(Says(answer.status(), "is not for localhost")) << answer.status();
  EXPECT_TRUE(served_.requests.empty());
}

TEST_F(TlsTest, AnUnknownCaIsRefusedWithTheMend) {
  const std::string base = Serve({"localhost"}, {}, "localhost", now_);
  const auto answer = Get(base + "/a");  // the system's roots only
  EXPECT_TRUE(absl::IsUnavailable(answer.status()));
  EXPECT_TRUE(Says(answer.status(), "not trusted: unable to get local issuer certificate"))
      << answer.status();
  EXPECT_TRUE(Says(answer.status(), "add its CA with ca_file"));
  const auto impostor = MakeCa("driftwarden test CA", now_);  // the same name, another key
  ASSERT_TRUE(impostor.ok());
  UseClient(Trusting(*impostor));
  EXPECT_TRUE(Says(Get(base + "/a").status(), "not trusted"));
  EXPECT_TRUE(served_.requests.empty());
}

TEST_F(TlsTest, AMendedCaFileCountsForTheNextConnection) {
  const std::string base = Serve({"localhost"}, {}, "localhost", now_);
  const auto stranger = MakeCa("somebody else", now_);
  ASSERT_TRUE(stranger.ok());
  UseClient(Trusting(*stranger));
  EXPECT_TRUE(Says(Get(base + "/a").status(), "not trusted"));
  File("ca.pem", "not PEM");
  EXPECT_TRUE(Says(Get(base + "/a").status(), "not trusted"));
  File("ca.pem", ca_.certificate_pem);
  EXPECT_TRUE(Get(base + "/a").ok());
}

TEST_F(TlsTest, AnExpiredCertificateIsRefused) {
  UseClient(Trusting(ca_));
  const std::string base = Serve({"localhost"}, {}, "localhost", now_ - absl::Hours(24 * 400));
  const auto answer = Get(base + "/a");
  EXPECT_TRUE(Says(answer.status(), "not valid now: certificate has expired")) << answer.status();
}

TEST_F(TlsTest, AServerMayDemandAClientCertificate) {
  UseClient(Trusting(ca_));
  const std::string base = Serve({"localhost"}, {}, "localhost", now_, ca_.certificate_pem);
  EXPECT_TRUE(absl::IsUnavailable(Post(base + "/a", "x").status()));
  EXPECT_TRUE(served_.requests.empty());
  const auto identity = IssueServerCertificate(ca_, {"prometheus.test"}, {}, now_);
  ASSERT_TRUE(identity.ok());
  HttpClientOptions options = Trusting(ca_);
  options.client_certificate_file = File("client.pem", identity->certificate_pem);
  options.client_key_file = File("client.key", identity->key_pem);
  UseClient(options);
  const auto answer = Get(base + "/a");
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(TlsTest, PlainHttpToATlsPortAndTheOtherWayFail) {
  UseClient(Trusting(ca_));
  std::string base = Serve({"localhost"}, {}, "localhost", now_);
  const auto plain = Get("http" + base.substr(5) + "/a");
  EXPECT_FALSE(plain.ok());
  const std::string http = Listen(ServerOptions(), "localhost");
  const auto tls = Get("https" + http.substr(4) + "/a");
  EXPECT_TRUE(absl::IsUnavailable(tls.status())) << tls.status();
}

TEST_F(TlsTest, ASilentTlsServerMeetsTheConnectTimeout) {
  HttpClientOptions options = Trusting(ca_);
  options.connect_timeout = absl::Milliseconds(100);
  UseClient(options);
  auto listener = NewStreamListener(loop_.executor(), ListenOptions());
  ASSERT_TRUE(listener.ok());  // the system accepts, nobody speaks
  const auto answer = Get(Cat("https://127.0.0.1:", (*listener)->port(), "/"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  EXPECT_TRUE(WasUnsent(answer.status()));
}

TEST_F(TlsTest, StopClosesTlsConnections) {
  UseClient(Trusting(ca_));
  const std::string base = Serve({"localhost"}, {}, "localhost", now_);
  ASSERT_TRUE(Get(base + "/a").ok());
  loop_.Await(server_.Stop());
  EXPECT_EQ(server_.connections(), 0U);
  EXPECT_TRUE(absl::IsUnavailable(Get(base + "/a").status()));
}

TEST_F(TlsTest, BadFilesAreNamed) {
  HttpClientOptions missing;
  missing.ca_file = directory_ + "/none.pem";
  EXPECT_TRUE(Says(NewHttpClient(loop_.executor(), missing).status(), "none.pem"));
  HttpClientOptions junk;
  junk.ca_file = File("junk.pem", "not PEM");
  EXPECT_TRUE(Says(NewHttpClient(loop_.executor(), junk).status(), "junk.pem"));
  ServerOptions server;
  server.tls.emplace(PemPair("not PEM", "not PEM"));
  EXPECT_TRUE(absl::IsInvalidArgument(server_.Listen(server).status()));
}

}  // namespace
}  // namespace driftwarden::net
