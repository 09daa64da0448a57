// Seeded scenarios. DRIFTWARDEN_SIM_SEEDS: how many (default 50). DRIFTWARDEN_SIM_SEED: this one
// only.

#include <gtest/gtest.h>

#include <cstdio>
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
  const uint64_t only = FromEnvironment("DRIFTWARDEN_SIM_SEED", 0);
  const uint64_t count = only != 0 ? 1 : FromEnvironment("DRIFTWARDEN_SIM_SEEDS", 50);
  const uint64_t first = only != 0 ? only : 1;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    if (only != 0)
      std::printf("DRIFTWARDEN_SIM_SEED=%llu\n", static_cast<unsigned long long>(seed));
    Scenario scenario(seed, NewMemoryDisk());
    const std::vector<std::string> faults = scenario.Run();
    EXPECT_EQ(Lines(faults), "") << "DRIFTWARDEN_SIM_SEED=" << seed << "\n" << scenario.Describe();
  }
}

}  // namespace
}  // namespace driftwarden::sim
