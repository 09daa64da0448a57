#include "watchers/graph/clouds.h"

#include <gtest/gtest.h>

#include "watchers/graph/retry_after.h"

namespace driftwarden::graph {
namespace {

TEST(ResolveEndpoints, EveryCloudHasItsOwnHosts) {
  EXPECT_EQ(ResolveEndpoints("global", "", "")->graph, "https://graph.microsoft.com");
  EXPECT_EQ(ResolveEndpoints("usgov", "", "")->graph, "https://graph.microsoft.us");
  EXPECT_EQ(ResolveEndpoints("usgov-dod", "", "")->graph, "https://dod-graph.microsoft.us");
  EXPECT_EQ(ResolveEndpoints("china", "", "")->login, "https://login.chinacloudapi.cn");
  EXPECT_FALSE(ResolveEndpoints("moon", "", "").ok());
}

TEST(ResolveEndpoints, AnOverrideWinsAndIsTidied) {
  const auto both = ResolveEndpoints("global", "https://127.0.0.1:8443/", "https://G.Example:443");
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->login, "https://127.0.0.1:8443");
  EXPECT_EQ(both->graph, "https://g.example");
}

TEST(ResolveEndpoints, AnOverrideMustBePlainHttps) {
  EXPECT_FALSE(ResolveEndpoints("global", "http://login.example", "").ok());
  EXPECT_FALSE(ResolveEndpoints("global", "", "https://graph.example/v1.0").ok());
  EXPECT_FALSE(ResolveEndpoints("global", "", "graph.example").ok());
}

TEST(ParseRetryAfter, EveryFormThatWasSeen) {
  const absl::Time now = absl::FromUnixSeconds(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(ParseRetryAfter("7", now), absl::Seconds(7));
  EXPECT_EQ(ParseRetryAfter(" 1.5 ", now), absl::Milliseconds(1500));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:57 GMT", now), absl::Seconds(20));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:07 GMT", now), absl::ZeroDuration());
  EXPECT_EQ(ParseRetryAfter("-3", now), absl::ZeroDuration());
  EXPECT_EQ(ParseRetryAfter("99999999999999999999", now), kLongestRetryAfter);
  EXPECT_EQ(ParseRetryAfter("86400", now), kLongestRetryAfter);
  EXPECT_EQ(ParseRetryAfter("Fri, 31 Dec 9999 23:59:59 GMT", now), kLongestRetryAfter);
  for (const char* junk : {"", " ", "soon", "1s", "inf", "nan", "0x10", "1e3"}) {
    EXPECT_FALSE(ParseRetryAfter(junk, now).has_value()) << junk;
  }
}

}  // namespace
}  // namespace driftwarden::graph
