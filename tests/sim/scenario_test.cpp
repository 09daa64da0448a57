// Seeded scenarios; see seeds.h.

#include <gtest/gtest.h>

#include <string>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/scenario.h"
#include "tests/sim/seeds.h"

namespace driftwarden::sim {
namespace {

constexpr uint64_t kShortSeeds = 250;  // of one part; bites/find.sh plays the first part
constexpr uint64_t kLongSeeds = 20;
// Sanitizers play the first part alone, and few of it.
constexpr uint64_t kParts = kThinning == 1 ? 10 : 1;
constexpr uint64_t kFewer = kThinning == 1 ? 1 : 2;

void Play(Length length, Seeds seeds) {
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    Scenario scenario(seed, length, NewMemoryDisk());
    const std::vector<std::string> faults = scenario.Run();
    EXPECT_EQ(Lines(faults), "") << "DRIFTWARDEN_SIM_SEED=" << seed << "\n" << scenario.Describe();
    if (::testing::Test::HasFailure()) return;  // the first is enough to play again
  }
}

class ShortScenario : public ::testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Scenario, ShortScenario, ::testing::Range<uint64_t>(0, kParts));

TEST_P(ShortScenario, EverySeedEndsRight) {
  Play(Length::kShort, SeedsOf(kShortSeeds / kFewer, GetParam()));
}

TEST(LongScenario, EverySeedEndsRight) {
  Play(Length::kLong, SeedsOf(kLongSeeds));
}

}  // namespace
}  // namespace driftwarden::sim
