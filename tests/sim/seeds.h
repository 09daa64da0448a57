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

// A build that nobody optimised plays fewer of its own accord; a sanitizer's build far fewer.
#if defined(__OPTIMIZE__)
inline constexpr uint64_t kSlowness = kThinning;
#else
inline constexpr uint64_t kSlowness = 10 * kThinning;
#endif

inline uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr) return otherwise;
  return ParseUint64(text).value_or(otherwise);
}

// `shard`: the series is played in several parts, of which only the first listens to what is named.
inline Seeds SeedsOf(uint64_t usual_count, uint64_t shard = 0) {
  const uint64_t named = NumberFromEnvironment("DRIFTWARDEN_SIM_SEED", 0);
  const uint64_t wanted = NumberFromEnvironment("DRIFTWARDEN_SIM_SEEDS", 0);
  const uint64_t usual = std::max<uint64_t>(1, usual_count / kSlowness);
  Seeds seeds;
  if (named == 0 && wanted == 0) {
    seeds.first = 1 + shard * usual;
    seeds.count = usual;
  } else {
    if (named != 0) seeds.first = named;
    seeds.count = wanted != 0 ? wanted : (named != 0 ? 1 : usual);
    if (shard > 0) seeds.count = 0;
  }
  return seeds;
}

}  // namespace driftwarden::sim
