#pragma once

// Which seeds a series of scenarios plays. DRIFTWARDEN_SIM_SEED: the first (default 1).
// DRIFTWARDEN_SIM_SEEDS: how many (default: the series' own number, or 1 when the first is named).

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/strings.h"
#include "tests/sim/checks.h"

namespace driftwarden::sim {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 1;
};

inline uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr) return otherwise;
  return ParseUint64(text).value_or(otherwise);
}

inline Seeds SeedsOf(uint64_t usual_count) {
  const uint64_t named = NumberFromEnvironment("DRIFTWARDEN_SIM_SEED", 0);
  Seeds seeds;
  if (named != 0) seeds.first = named;
  const uint64_t usual = named != 0 ? 1 : std::max<uint64_t>(1, usual_count / kThinning);
  seeds.count = NumberFromEnvironment("DRIFTWARDEN_SIM_SEEDS", usual);
  return seeds;
}

}  // namespace driftwarden::sim
