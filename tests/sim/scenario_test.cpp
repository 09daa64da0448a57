// Seeded scenarios; see seeds.h.

#include <gtest/gtest.h>

#include <string>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/scenario.h"
#include "tests/sim/seeds.h"

namespace driftwarden::sim {
namespace {

TEST(Scenario, EverySeedEndsRight) {
  const Seeds seeds = SeedsOf(50);
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    Scenario scenario(seed, NewMemoryDisk());
    const std::vector<std::string> faults = scenario.Run();
    EXPECT_EQ(Lines(faults), "") << "DRIFTWARDEN_SIM_SEED=" << seed << "\n" << scenario.Describe();
  }
}

}  // namespace
}  // namespace driftwarden::sim
