#pragma once

// A run made up from a seed: a world of some size, faults of some kinds, acts of people and
// machines at random moments, deaths of the monitor at random commits. Then everything is mended
// and the monitor has time to come to the right end.

#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "tests/sim/stage.h"

namespace driftwarden::sim {

class Scenario {
 public:
  explicit Scenario(uint64_t seed, std::unique_ptr<Disk> disk);

  // Plays both phases. Faults found, empty if all is well.
  std::vector<std::string> Run();
  std::string Describe() const;  // what was rolled, for a failing seed

 private:
  StageOptions MakeStage();
  void TakeBaseline();
  void Trouble();
  void Act();
  void ActOnPerson(uint64_t person);
  void ActOnTenant(size_t tenant);
  void Vanish(size_t tenant);
  void Mend();
  uint64_t AnyPerson();
  bool Chance(double p) { return rng_.Unit() < p; }
  int64_t Between(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(hi - lo + 1)));
  }

  const uint64_t seed_;
  SeededRng rng_;
  bool clock_steps_ = false;
  bool ignores_revokes_ = false;
  double deaths_ = 0;
  std::vector<std::string> acts_;
  std::unique_ptr<Stage> stage_;
};

}  // namespace driftwarden::sim
