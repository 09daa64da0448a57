#pragma once

// Randomness is passed in, so that a simulation replays from its seed.

#include <array>
#include <cstdint>
#include <string>

namespace driftwarden {

class Rng {
 public:
  virtual ~Rng() = default;
  virtual uint64_t Next() = 0;  // 64 uniform bits

  uint64_t Below(uint64_t bound);  // [0, bound); bound > 0
  double Unit();                   // [0, 1)
};

// From the kernel; for ids and jitter. Thread-safe.
class SystemRng final : public Rng {
 public:
  uint64_t Next() override;
};

// splitmix64: the same numbers for the same seed on every machine. Not thread-safe.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(uint64_t seed) : state_(seed) {}
  uint64_t Next() override;

 private:
  uint64_t state_;
};

// A random RFC 4122 version 4 UUID in text.
std::string MakeUuid(Rng& rng);

}  // namespace driftwarden
