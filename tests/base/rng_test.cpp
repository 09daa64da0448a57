#include "base/rng.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

namespace driftwarden {
namespace {

TEST(SeededRng, GivesTheSameNumbersForTheSameSeed) {
  // splitmix64's published reference output for seed 1234567.
  SeededRng rng(1234567);
  EXPECT_EQ(rng.Next(), 6457827717110365317ULL);
  EXPECT_EQ(rng.Next(), 3203168211198807973ULL);
  EXPECT_EQ(rng.Next(), 9817491932198370423ULL);
}

TEST(Rng, BelowStaysBelowAndReachesEveryValue) {
  SeededRng rng(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(rng.Below(7));
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(*seen.rbegin(), 6u);
  EXPECT_EQ(rng.Below(1), 0u);
  EXPECT_LE(rng.Below(UINT64_MAX), UINT64_MAX - 1);
}

TEST(Rng, UnitIsBelowOne) {
  SeededRng rng(2);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double value = rng.Unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
}

TEST(Rng, UuidsAreVersion4AndDiffer) {
  SystemRng rng;
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = MakeUuid(rng);
    ASSERT_EQ(uuid.size(), 36u);
    EXPECT_EQ(uuid.find_first_not_of("0123456789abcdef-"), std::string::npos) << uuid;
    for (const size_t dash : {8, 13, 18, 23}) EXPECT_EQ(uuid[dash], '-') << uuid;
    EXPECT_EQ(uuid[14], '4') << uuid;
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace driftwarden
