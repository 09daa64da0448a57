#include "daemon/check_certificates.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/strings.h"
#include "net/tls.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::daemon {
namespace {

using Level = watchers::CheckFinding::Level;

class CheckCertificatesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::string path = folder_.path() + "/" + name;
    EXPECT_TRUE(WriteFileAtomic(path, text).ok());
    return path;
  }
  net::PemPair Application(absl::Time until) {
    net::RsaIdentityOptions wish;
    wish.name = "app";
    wish.not_before = now_ - absl::Hours(24);
    wish.not_after = until;
    const auto made = net::MakeRsaIdentity(wish);
    EXPECT_TRUE(made.ok());
    return *made;
  }
  Config WithApplication(const net::PemPair& certificate, const net::PemPair& key) {
    Config config;
    EntraConfig tenant;
    tenant.name = monitor::SourceName("contoso");
    tenant.credential.kind = graph::CredentialOptions::Kind::kCertificate;
    tenant.credential.certificate_file = Write("app.pem", certificate.certificate_pem);
    tenant.credential.private_key_file = Write("app.key", key.key_pem);
    config.tenants = {tenant};
    return config;
  }
  watchers::CheckFinding Only(const Config& config) {
    const auto findings = CheckCertificates(config, now_);
    EXPECT_EQ(findings.size(), 1u);
    return findings.empty() ? watchers::CheckFinding() : findings[0];
  }

  testing::TempDirectory folder_;
  const absl::Time now_ = absl::FromUnixSeconds(1'795'219'200);
};

TEST_F(CheckCertificatesTest, NothingIsSaidOfWhatIsNotUsed) {
  EXPECT_TRUE(CheckCertificates(Config(), now_).empty());
}

TEST_F(CheckCertificatesTest, AnApplicationsEndIsToldInTime) {
  const net::PemPair good = Application(now_ + absl::Hours(24 * 90));
  EXPECT_EQ(Only(WithApplication(good, good)).level, Level::kOk);
  const net::PemPair ending = Application(now_ + absl::Hours(24 * 5));
  const auto warned = Only(WithApplication(ending, ending));
  EXPECT_EQ(warned.level, Level::kWarn);
  EXPECT_NE(warned.mend.find("upload a new one"), std::string::npos);
  const net::PemPair ended = Application(now_ - absl::Hours(1));
  EXPECT_EQ(Only(WithApplication(ended, ended)).level, Level::kFail);
  const auto wrong = Only(WithApplication(good, ended));
  EXPECT_EQ(wrong.level, Level::kFail);
  EXPECT_NE(wrong.what.find("app.key"), std::string::npos) << wrong.what;
}

TEST_F(CheckCertificatesTest, ListenersAreLookedAtOnceEach) {
  const auto ca = net::MakeCa("test", now_);
  const auto server = net::IssueServerCertificate(*ca, {"localhost"}, {}, now_);
  Config config;
  config.http.tls.cert_file = Write("http.pem", server->certificate_pem);
  config.http.tls.key_file = Write("http.key", server->key_pem);
  for (const char* name : {"contoso", "fabrikam"}) {
    EntraConfig tenant;
    tenant.name = monitor::SourceName(name);
    tenant.notifications.tls = config.http.tls;
    config.tenants.push_back(tenant);
  }
  const auto findings = CheckCertificates(config, now_);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].level, Level::kOk);
  EXPECT_EQ(findings[0].subject, "http.tls");
  EXPECT_EQ(findings[1].subject, "contoso: notifications.tls");
  config.http.tls.key_file = Write("http.key", ca->key_pem);
  const auto wrong = CheckCertificates(config, now_);
  ASSERT_FALSE(wrong.empty());
  EXPECT_EQ(wrong[0].level, Level::kFail) << wrong[0].what;
}

}  // namespace
}  // namespace driftwarden::daemon
