// What requests cost, and what is spent within a window.

#include "watchers/graph/request_cost.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/rng.h"
#include "watchers/graph/spent_window.h"
#include "watchers/graph/throttle.h"

namespace driftwarden::graph {
namespace {

TEST(CostOf, FollowsTheDocumentedTable) {
  struct Case {
    const char* method;
    const char* url;
    double units;
    double writes;
  };
  const Case cases[] = {
      {"GET", "/users", 2, 0},
      {"GET", "/users?$select=id", 1, 0},
      {"GET", "/users?%24select=id", 1, 0},
      {"GET", "/users?$top=5&$select=id", 1, 0},
      {"GET", "/users?$top=100", 2, 0},
      {"GET", "/users?$expand=manager", 3, 0},
      {"GET", "/users?$expand=manager&$select=id&$top=3", 1, 0},
      {"GET", "/users/0b6f0c0e", 2, 0},
      {"GET", "/users/0b6f0c0e?$select=id", 1, 0},
      {"GET", "/users/delta?$select=id", 1, 0},
      {"GET", "https://graph.example.test/v1.0/users/delta?$deltatoken=x", 1, 0},
      {"GET", "https://graph.example.test/v1.0/users?$expand=manager", 3, 0},
      {"GET", "https://graph.example.test", 1, 0},
      {"GET", "/organization?$select=id", 1, 0},
      {"GET", "/groups/1/transitiveMembers/microsoft.graph.user?$select=id", 4, 0},
      {"POST", "/users/0b6f0c0e/revokeSignInSessions", 1, 1},
      {"PATCH", "/users/0b6f0c0e", 1, 1},
      {"DELETE", "/users/0b6f0c0e", 1, 1},
      {"POST", "/$batch", 20, 0},
      {"GET", "", 1, 0},
  };
  for (const Case& each : cases) {
    const RequestCost cost = CostOf(each.method, each.url);
    EXPECT_EQ(cost.units, each.units) << each.method << ' ' << each.url;
    EXPECT_EQ(cost.writes, each.writes) << each.method << ' ' << each.url;
  }
}

TEST(SpentWindow, NeverForgetsTooEarlyNorMuchTooLate) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SeededRng rng(seed);
    const absl::Duration length = absl::Seconds(10);
    SpentWindow window(length);
    std::deque<std::pair<absl::Duration, double>> spent;
    absl::Duration now = absl::Hours(seed);
    for (int step = 0; step < 2000; ++step) {
      now += absl::Milliseconds(rng.Below(step % 50 == 0 ? 20'000 : 400));
      const double amount = rng.Below(10);
      window.Add(now, amount);
      spent.emplace_back(now, amount);
      while (spent.front().first < now - length * 1.02) spent.pop_front();
      double least = 0, most = 0;
      for (const auto& [at, units] : spent) {
        most += units;
        if (at > now - length) least += units;
      }
      ASSERT_GE(window.Total(now), least);
      ASSERT_LE(window.Total(now), most);
      const double wanted = rng.Below(40);
      const absl::Duration free = window.FreeAt(now, wanted);
      ASSERT_GE(free, now);
      ASSERT_LE(window.Total(free), wanted);
      if (free > now) {
        ASSERT_GT(window.Total(free - absl::Milliseconds(1)), wanted);
      }
    }
  }
}

TEST(Throttle, TheHeadersSayWhatIsRefused) {
  Throttle throttle;
  EXPECT_EQ(throttle.what(), Throttles::kAll);
  EXPECT_EQ(throttle.reason(), "unknown");
  throttle.scope = "Tenant_Application/ReadWrite/app/tenant";
  throttle.information = "ResourceUnitLimitExceeded";
  EXPECT_EQ(throttle.what(), Throttles::kAll);
  EXPECT_EQ(throttle.reason(), "resource_units");
  throttle.scope = "Tenant_Application/Write/app/tenant";
  EXPECT_EQ(throttle.what(), Throttles::kWrites);
  throttle.scope = "tenant_application/READ/app/tenant";
  throttle.information = "CpuLimitExceeded";
  EXPECT_EQ(throttle.what(), Throttles::kReads);
  EXPECT_EQ(throttle.reason(), "cpu");
  throttle.scope = "//";
  throttle.information = "WriteLimitExceeded";
  EXPECT_EQ(throttle.what(), Throttles::kWrites);
  EXPECT_EQ(throttle.reason(), "writes");
  throttle.information = "something new";
  EXPECT_EQ(throttle.what(), Throttles::kAll);
  EXPECT_EQ(throttle.reason(), "other");
}

TEST(ParseLoadNumber, TakesWhatIsPlausible) {
  EXPECT_EQ(ParseLoadNumber("2"), 2);
  EXPECT_EQ(ParseLoadNumber(" 0.85 "), 0.85);
  for (const char* junk : {"", "-1", "0", "nan", "inf", "1e99", "2x", "99999999", "0x10"}) {
    EXPECT_FALSE(ParseLoadNumber(junk).has_value()) << junk;
  }
}

}  // namespace
}  // namespace driftwarden::graph
