#include "base/rng.h"

#include <sys/random.h>

#include <cstdio>

#include "base/check.h"

namespace driftwarden {

uint64_t Rng::Below(uint64_t bound) {
  DW_CHECK(bound > 0);
  // Rejection keeps it uniform; the loop runs once in all but a vanishing share of calls.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = Next();
  while (value >= limit) value = Next();
  return value % bound;
}

double Rng::Unit() {
  return static_cast<double>(Next() >> 11) * 0x1.0p-53;
}

uint64_t SystemRng::Next() {
  uint64_t value = 0;
  DW_CHECK(getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

uint64_t SeededRng::Next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::string MakeUuid(Rng& rng) {
  const uint64_t hi = (rng.Next() & 0xffffffffffff0fffULL) | 0x4000ULL;
  const uint64_t lo = (rng.Next() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(hi >> 32),
                static_cast<unsigned>((hi >> 16) & 0xffff), static_cast<unsigned>(hi & 0xffff),
                static_cast<unsigned>(lo >> 48),
                static_cast<unsigned long long>(lo & 0xffffffffffffULL));
  return text;
}

}  // namespace driftwarden
