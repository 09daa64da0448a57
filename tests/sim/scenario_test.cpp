// Seeded scenarios. DRIFTWARDEN_SIM_SEED: the first seed (default 1). DRIFTWARDEN_SIM_SEEDS: how
// many (default 50, or 1 when the first is named).

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/scenario.h"

namespace driftwarden::sim {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr) return otherwise;
  return ParseUint64(text).value_or(otherwise);
}

TEST(Scenario, EverySeedEndsRight) {
  const uint64_t named = FromEnvironment("DRIFTWARDEN_SIM_SEED", 0);
  const uint64_t first = named != 0 ? named : 1;
  const uint64_t count = FromEnvironment("DRIFTWARDEN_SIM_SEEDS", named != 0 ? 1 : 50 / kThinning);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    Scenario scenario(seed, NewMemoryDisk());
    const std::vector<std::string> faults = scenario.Run();
    EXPECT_EQ(Lines(faults), "") << "DRIFTWARDEN_SIM_SEED=" << seed << "\n" << scenario.Describe();
  }
}

}  // namespace
}  // namespace driftwarden::sim
