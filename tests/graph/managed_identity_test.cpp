#include "watchers/graph/managed_identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "tests/graph/graph_fixture.h"
#include "tests/testing/temp_directory.h"
#include "watchers/graph/arc_challenge.h"

namespace driftwarden::graph {
namespace {

constexpr char kGranted[] =
    R"({"access_token":"one","expires_in":"86399","expires_on":"1795305600","token_type":"Bearer"})";

class ManagedIdentityTest : public GraphTest {
 protected:
  ManagedIdentityTest() {
    options.resource = kGraph;
    options.place.arc_tokens = folder.path();
  }
  StatusOr<IssuedToken> Issue() {
    ManagedIdentityIssuer issuer(options, http, scheduler, rng, log, observer);
    return Run(issuer.Issue());
  }
  void BeArc() {
    options.place.identity_endpoint = "http://localhost:40342/metadata/identity/oauth2/token";
    options.place.imds_endpoint = "http://localhost:40342";
  }
  std::string Key(const std::string& name, const std::string& content) {
    const std::string path = Cat(folder.path(), "/", name);
    EXPECT_TRUE(WriteFileAtomic(path, content).ok());
    return path;
  }

  testing::TempDirectory folder;
  ManagedIdentityOptions options;
};

TEST_F(ManagedIdentityTest, AVirtualMachineAsksItsMetadataService) {
  http.Reply(200, kGranted);
  const auto issued = Issue();
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_EQ(issued->token.Reveal(), "one");
  EXPECT_EQ(issued->lifetime, absl::Seconds(86399));
  EXPECT_EQ(http.requests()[0].url,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
            "https%3A%2F%2Fgraph.example.test%2F");
  EXPECT_EQ(HeaderOf(0, "Metadata"), "true");
  options.client_id = "mine";
  http.Reply(200, kGranted);
  ASSERT_TRUE(Issue().ok());
  EXPECT_TRUE(http.requests()[1].url.ends_with("&client_id=mine")) << http.requests()[1].url;
}

TEST_F(ManagedIdentityTest, WhatPassesIsAskedAgainWithGrowingPauses) {
  http.Reply(404, "").Reply(429, "").Reply(503, "").Reply(410, "").Reply(200, kGranted);
  ASSERT_TRUE(Issue().ok());
  EXPECT_EQ(scheduler.slept().size(), 4u);
  for (int i = 0; i < ManagedIdentityIssuer::kAttempts; ++i) http.Reply(500, "");
  EXPECT_TRUE(absl::IsUnavailable(Issue().status()));
}

TEST_F(ManagedIdentityTest, AMachineWithoutAnIdentitySaysHowToGetOne) {
  http.Reply(400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  const Status none = Issue().status();
  EXPECT_TRUE(absl::IsUnauthenticated(none)) << none;
  EXPECT_NE(Message(none).find("give this machine a managed identity"), std::string_view::npos);
  options.client_id = "mine";
  http.Reply(400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  const Status other = Issue().status();
  EXPECT_NE(Message(other).find("assign the identity with client id mine"), std::string_view::npos);
  http.Fail(UnavailableError("connect to 169.254.169.254:80 timed out"));
  const Status elsewhere = Issue().status();
  EXPECT_TRUE(absl::IsUnavailable(elsewhere));
  EXPECT_NE(Message(elsewhere).find("only a machine in Azure"), std::string_view::npos);
}

TEST_F(ManagedIdentityTest, AzureArcIsToldWhatItsOwnFileHolds) {
  BeArc();
  const std::string path = Key("a.key", "challenge\n");
  http.Reply(401, "", {net::HttpHeader("WWW-Authenticate", Cat("Basic realm=", path))});
  http.Reply(200, kGranted);
  const auto issued = Issue();
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_EQ(HeaderOf(0, "Authorization"), "(absent)");
  EXPECT_EQ(HeaderOf(1, "Authorization"), "Basic challenge");
  EXPECT_EQ(HeaderOf(1, "Metadata"), "true");
  EXPECT_NE(http.requests()[1].url.find("api-version=2019-11-01"), std::string::npos);
}

TEST_F(ManagedIdentityTest, NoOtherFileIsEverSent) {
  BeArc();
  Key("note.txt", "x");
  Key("large.key", std::string(4097, 'x'));
  Key("empty.key", "");
  const std::string open = Key("open.key", "x");
  ASSERT_EQ(chmod(open.c_str(), 0666), 0);
  ASSERT_EQ(symlink("/etc/passwd", Cat(folder.path(), "/link.key").c_str()), 0);
  ASSERT_EQ(mkdir(Cat(folder.path(), "/folder.key").c_str(), 0700), 0);
  const std::string here = folder.path();
  struct Case {
    std::string header;
    std::string_view says;
  };
  const Case cases[] = {{"", "no \"Basic realm=PATH\""},
                        {"Bearer realm=x", "no \"Basic realm=PATH\""},
                        {"Basic realm=/etc/shadow", "is not directly in"},
                        {Cat("Basic realm=", here, "/../a.key"), "is not directly in"},
                        {"Basic realm=a.key", "is not directly in"},
                        {Cat("Basic realm=", here, "/note.txt"), "does not end in .key"},
                        {Cat("Basic realm=", here, "/.key"), "does not end in .key"},
                        {Cat("Basic realm=", here, "/large.key"), "is larger than 4096"},
                        {Cat("Basic realm=", here, "/empty.key"), "is empty"},
                        {Cat("Basic realm=", here, "/open.key"), "anybody can write it"},
                        {Cat("Basic realm=", here, "/link.key"), "is a link"},
                        {Cat("Basic realm=", here, "/folder.key"), "no regular file"},
                        {Cat("Basic realm=", here, "/absent.key"), "group himds"}};
  for (const Case& c : cases) {
    http.Reply(401, "", {net::HttpHeader("WWW-Authenticate", c.header)});
    const size_t before = http.requests().size();
    const Status status = Issue().status();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_NE(Message(status).find(c.says), std::string_view::npos) << status;
    EXPECT_EQ(http.requests().size(), before + 1) << "nothing was told: " << c.header;
  }
}

TEST_F(ManagedIdentityTest, AzureArcIsOnThisMachineOrNowhere) {
  BeArc();
  options.place.identity_endpoint = "http://10.0.0.1/metadata/identity/oauth2/token";
  EXPECT_TRUE(absl::IsUnauthenticated(Issue().status()));
  BeArc();
  options.client_id = "mine";
  const Status status = Issue().status();
  EXPECT_NE(Message(status).find("machine's own identity only"), std::string_view::npos) << status;
  EXPECT_TRUE(http.requests().empty());
}

}  // namespace
}  // namespace driftwarden::graph
