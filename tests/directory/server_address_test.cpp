#include "watchers/directory/server_address.h"

#include <gtest/gtest.h>

#include <string>

namespace driftwarden::directory {
namespace {

TEST(ServerAddress, PortFollowsTheSchemeUnlessGiven) {
  const auto plain = ParseServerAddress("ldap://dc1.corp.example");
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->ldaps);
  EXPECT_EQ(plain->HostPort(), "dc1.corp.example:389");
  const auto secure = ParseServerAddress("LDAPS://dc1.corp.example/");
  ASSERT_TRUE(secure.ok());
  EXPECT_EQ(secure->Url(), "ldaps://dc1.corp.example:636");
  const auto given = ParseServerAddress("ldaps://127.0.0.1:40636");
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(given->port, 40636);
}

TEST(ServerAddress, TakesAnIpv6AddressInBrackets) {
  const auto address = ParseServerAddress("ldaps://[::1]:1636");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->Url(), "ldaps://[::1]:1636");
}

TEST(ServerAddress, RefusesWhatIsNoServer) {
  for (const char* bad :
       {"", "dc1", "https://dc1", "ldaps://", "ldaps://:636", "ldaps://dc1:0", "ldaps://dc1:65536",
        "ldaps://dc1:x", "ldaps://dc1:", "ldaps://[::1", "ldaps://[::1]x", "ldaps://dc1/DC=x",
        "ldaps://u@dc1", "ldaps://a b", "ldaps://dc1?x", "ldaps://[dc1]"}) {
    const auto address = ParseServerAddress(bad);
    ASSERT_FALSE(address.ok()) << bad;
    EXPECT_EQ(address.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(address.status().message()).find("ldaps://host[:port]"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace driftwarden::directory
