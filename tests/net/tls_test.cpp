#include "net/tls.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/files.h"

namespace driftwarden::net {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

TEST(Certificates, AreIssuedUnderACa) {
  const auto ca = MakeCa("driftwarden test CA", kNow);
  ASSERT_TRUE(ca.ok()) << ca.status();
  EXPECT_NE(ca->certificate_pem.find("BEGIN CERTIFICATE"), std::string::npos);
  EXPECT_NE(ca->key_pem.find("PRIVATE KEY"), std::string::npos);
  const auto server = IssueServerCertificate(*ca, {"localhost", "dc1.test"}, {"127.0.0.1"}, kNow);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_NE(server->certificate_pem, ca->certificate_pem);
}

TEST(Certificates, CarryTheTimeTheyWereGiven) {
  const auto ca = MakeCa("CA", kNow);
  ASSERT_TRUE(ca.ok());
  const auto server = IssueServerCertificate(*ca, {"a.test"}, {}, kNow);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(*CertificateExpiry(server->certificate_pem), kNow + absl::Hours(24 * 365));
  EXPECT_EQ(*CertificateExpiry(ca->certificate_pem), kNow + absl::Hours(24 * 3650));
  EXPECT_FALSE(CertificateExpiry("nonsense").ok());
}

TEST(Certificates, RefuseNamesThatAreNone) {
  const auto ca = MakeCa("CA", kNow);
  ASSERT_TRUE(ca.ok());
  EXPECT_FALSE(IssueServerCertificate(*ca, {}, {}, kNow).ok());
  EXPECT_FALSE(IssueServerCertificate(*ca, {"a,DNS:b"}, {}, kNow).ok());
  EXPECT_FALSE(IssueServerCertificate(*ca, {}, {"not an address"}, kNow).ok());
  EXPECT_FALSE(IssueServerCertificate(PemPair("x", "y"), {"a"}, {}, kNow).ok());
}

class TlsFiles : public ::testing::Test {
 protected:
  TlsFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dw-tls-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    const auto ca = MakeCa("CA", kNow);
    const auto one = IssueServerCertificate(*ca, {"a.test"}, {}, kNow);
    const auto two = IssueServerCertificate(*ca, {"b.test"}, {}, kNow);
    Write("ca.pem", ca->certificate_pem);
    Write("one.pem", one->certificate_pem);
    Write("one.key", one->key_pem);
    Write("two.key", two->key_pem);
    Write("junk.pem", "not PEM at all");
  }
  ~TlsFiles() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(Path(name), text).ok());
  }

  std::string directory_;
};

TEST_F(TlsFiles, LoadAndAreCheckedAgainstEachOther) {
  const auto good = LoadTlsServerConfig(Path("one.pem"), Path("one.key"), Path("ca.pem"));
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_FALSE(good->client_ca_pem.empty());
  const auto swapped = LoadTlsServerConfig(Path("one.pem"), Path("two.key"), "");
  EXPECT_TRUE(absl::IsInvalidArgument(swapped.status()));
  EXPECT_NE(Message(swapped.status()).find("two.key"), std::string_view::npos);
}

TEST_F(TlsFiles, ErrorsNameTheFile) {
  const auto junk = LoadTlsServerConfig(Path("junk.pem"), Path("one.key"), "");
  EXPECT_NE(Message(junk.status()).find("junk.pem"), std::string_view::npos);
  const auto junk_key = LoadTlsServerConfig(Path("one.pem"), Path("junk.pem"), "");
  EXPECT_NE(Message(junk_key.status()).find("junk.pem"), std::string_view::npos);
  const auto missing = LoadTlsServerConfig(Path("none.pem"), Path("one.key"), "");
  EXPECT_NE(Message(missing.status()).find("none.pem"), std::string_view::npos);
}

}  // namespace
}  // namespace driftwarden::net
