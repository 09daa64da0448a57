#pragma once

// A run made up from a seed: a world of some size, faults of some kinds, acts of people,
// administrators and machines at random moments, deaths of the monitor at random commits. Then
// everything is mended, and the monitor has time to come to the right end; and then something
// happens once more, without any fault, which must come to the right end too.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "tests/sim/stage.h"

namespace driftwarden::sim {

// A long one has many people, the usual timers and the peace that the slowest of them need; a short
// one is over as soon as all is well, so that many can be played.
enum class Length { kShort, kLong };

// The most that a controller lags or is down.
constexpr absl::Duration kMostLag = absl::Seconds(90);

// What a scenario rolls of one theme, apart from all others: where it is not played, and when more
// of it is rolled, every other seed keeps its story.
class Dice {
 public:
  explicit Dice(uint64_t seed) : rng_(seed) {}
  bool Chance(double p) { return rng_.Unit() < p; }
  uint64_t Below(uint64_t n) { return rng_.Below(n); }
  int64_t Between(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(hi - lo + 1)));
  }

 private:
  SeededRng rng_;
};

class Scenario {
 public:
  Scenario(uint64_t seed, Length length, std::unique_ptr<Disk> disk);

  // Plays all phases. Faults found, empty if all is well.
  std::vector<std::string> Run();
  std::string Describe() const;  // what was rolled, for a failing seed

 private:
  StageOptions MakeStage();
  std::shared_ptr<const monitor::Policy> MakePolicy(const monitor::Policy& usual);
  void TakeBaseline();
  void Trouble();
  void RollTenantFaults(simulator::TenantFaults& faults);
  void Mend();
  // Until all is well; false: it did not become so within the bound.
  bool Settle(absl::Duration at_least);
  void Epilogue();
  // Each of these is something that happens in peace, and must come to its end.
  void LeaveInPeace();
  void ComeBackAndLeave();
  void ReviveInCloud();
  void SignInAgain();
  // Somebody whose state is that one in the first link, and for whom revocations need nobody.
  std::optional<uint64_t> Somebody(monitor::State state);
  std::optional<uint64_t> SomebodyFrom(uint64_t person, monitor::State state);
  bool ChangedFrom(uint64_t person, monitor::State from, absl::Time since);
  void Add(const std::vector<std::string>& faults);
  void Expect(bool holds, uint64_t person, const char* what);

  // scenario_acts.cpp
  void Act();
  void ActOnPerson(uint64_t person);
  void ActInTenant(uint64_t person, size_t tenant);
  void ActOnTenant(size_t tenant);
  void ActOnController();
  void ActOnMonitor();
  template <typename SomeDice>
  absl::Duration Leap(SomeDice& dice);
  void StepClock();
  void KillAndRestart();
  // While it lasts, everything else is as it is.
  void ForAWhile(const char* what, absl::Duration length, bool& switched);
  void Vanish(size_t tenant);

  // scenario_brakes.cpp
  void RollBrakes();
  void Tighten(monitor::Remediation& remediation);
  // Time passes in peace: an operator looks at the guards now and then.
  void PassInPeace(absl::Duration length);

  // scenario_expiry.cpp
  void RollExpiry();
  void ActOnExpiry();
  void SetExpiry(uint64_t person, absl::Time at, const char* what);
  void ExtendAtTheLastMoment(uint64_t person);
  void MendExpiry();
  void ExpireInPeace();
  bool HasExpiryDate(uint64_t person);
  uint64_t AnyPersonToExpire();

  uint64_t AnyPerson();
  bool Chance(double p) { return rng_.Unit() < p; }
  int64_t Between(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(hi - lo + 1)));
  }
  void Note(const std::string& what);

  const uint64_t seed_;
  const Length length_;
  SeededRng rng_;
  Dice expiry_dice_;
  Dice brake_dice_;
  Dice restart_dice_;
  bool clock_steps_ = false;
  bool clock_leaps_ = false;  // by minutes and hours
  bool controllers_ = false;  // stop, lag and are restored
  bool tokens_ = false;       // are refused for a while
  bool ignores_revokes_ = false;
  bool administrators_ = false;
  bool expiries_ = false;         // accounts expire
  bool acts_on_expired_ = false;  // and the policy says what to do then
  bool brakes_ = false;           // of one person, of one episode and of a day are tight
  double deaths_ = 0;
  double minds_change_ = 0;  // at each direct read of AD
  AnswerFaults answers_;     // where the production client reads Entra
  std::vector<std::string> acts_;
  std::vector<std::string> faults_;
  std::unique_ptr<Stage> stage_;
};

}  // namespace driftwarden::sim
