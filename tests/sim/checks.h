#pragma once

// What must hold whatever happens, compared with the world's own record. Nothing here asks the code
// under test for a verdict: only what it stored, and what really happened.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/stage.h"

namespace driftwarden::sim {

// Sanitizers make everything many times slower and look for other faults than these runs do: one
// in so many of the long series is enough for them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr uint64_t kThinning = 10;
#else
inline constexpr uint64_t kThinning = 1;
#endif

// Clocks of controllers against the true one.
inline constexpr absl::Duration kClocksDiffer = absl::Seconds(5);

// Holds every call that reaches a tenant to the invariants, at the moment it arrives.
class CallChecker {
 public:
  explicit CallChecker(Stage& stage) : stage_(stage) {}
  // Looks at the calls since the last time. Faults are added to `faults`, one text each.
  void Look();
  std::vector<std::string> faults;

 private:
  void CheckIntent(const simulator::Call& call, size_t link);
  void CheckDirectory(const simulator::Call& call, size_t link);
  // That answer puts them out by its date alone, where that counts.
  bool IsOutByDate(const testing::ReadBook::OfDirectory& read, const simulator::Call& call,
                   size_t link);
  bool IsTooEarly(const testing::ReadBook::OfDirectory& read, const simulator::Call& call,
                  size_t link);
  void CheckBudgets(const simulator::Call& call, size_t link);
  void CheckBrakes(const simulator::Call& call, size_t link);
  void CheckClock(const simulator::Call& call, size_t link);
  // How much later than its intent a call may come, by the true clock.
  absl::Duration Late() const;

  Stage& stage_;
  size_t seen_ = 0;
};

// Whatever reached a tenant stands in the store, also after a death.
std::vector<std::string> CheckCallsKnown(Stage& stage);
// What the last direct read of an account said is what is known of it, whatever else was seen.
std::vector<std::string> CheckReads(Stage& stage);
// The chain of every link verifies from its first entry to the head that the link remembers.
std::vector<std::string> CheckEvidence(Stage& stage);
// The store's own indexes and counters.
std::vector<std::string> CheckStore(Stage& stage);
// What the truth says a person's stored state must be by now; several where a timer is near.
std::vector<monitor::State> ExpectedStates(Stage& stage, size_t link, uint64_t person);
// Every person of every link is stored in the state that the truth asks for. Liveness: to be
// called when faults have stopped and time enough has passed.
std::vector<std::string> CheckStates(Stage& stage);

// What is known of everybody's two accounts is how they are. For the end, as CheckStates.
std::vector<std::string> CheckFacts(Stage& stage);
// Who is breached pages, and nobody is told of whose episode has been over for a while.
std::vector<std::string> CheckAlerts(Stage& stage);
// Whatever is under way goes on in time, and what failed is tried again in time. For the end.
std::vector<std::string> CheckActions(Stage& stage);
// Who is expired in AD and live in Entra is told so, and nobody else is; where the policy acts on
// it they were revoked, as soon as that was due. For the end.
std::vector<std::string> CheckExpired(Stage& stage);
// Every change of state that was recorded could be so when it was: nobody was called converged who
// was not out of Entra and sealed, nobody late before their time, whatever was wrong meanwhile.
std::vector<std::string> CheckHistory(Stage& stage);
// A monitor with an empty store reads the same world: what it knows of everybody is what was kept,
// memory excepted. Ends the run, in peace.
std::vector<std::string> CheckRebuilt(Stage& stage);

// The stored person behind a simulated one; nothing when the link does not know them.
std::optional<monitor::Person> StoredPerson(Stage& stage, size_t link, uint64_t person);
// Revocations that reached the tenant, faulty or not.
size_t CallsFor(Stage& stage, size_t link, uint64_t person);

std::string Lines(const std::vector<std::string>& faults);

}  // namespace driftwarden::sim
