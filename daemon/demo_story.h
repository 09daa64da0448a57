#pragma once

// The demo's story and its judge. A dozen people are disabled in AD. Most are disabled in Entra by
// the next sync, sealed and converge. One is skipped by the sync engine: warned about, revoked,
// contained, disabled by a later cycle, sealed, converged, the alert resolved. One, whose tier is
// not acted on, turns breached and pages critical. Success is read from outside: the daemon's HTTP
// API, the alert receiver, and the simulator's own record of calls; never from the daemon's memory.

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <vector>

#include "daemon/client.h"
#include "daemon/simulator_thread.h"

namespace driftwarden::daemon {

// The story's times; everything divided by --speed.
struct DemoPace {
  absl::Duration cycle = absl::Seconds(10);
  absl::Duration settle = absl::Seconds(1);
  absl::Duration warn_after = absl::Seconds(14);
  absl::Duration revoke_after = absl::Seconds(16);
  absl::Duration breach_after = absl::Seconds(42);
  absl::Duration resend = absl::Seconds(3);
  explicit DemoPace(double speed);
};

class DemoStory {
 public:
  // `say` prints one line of progress; `pause` waits for so long and says false when somebody wants
  // it all to end.
  DemoStory(SimulatorThread& simulator, Client client, DemoPace pace,
            std::function<void(const std::string&)> say, std::function<bool(absl::Duration)> pause);

  // Tells and watches the story to its end, or until a step does not happen in its time. Empty:
  // all of it happened; else what did not.
  std::vector<std::string> Tell();

  // Who lagged by how much, as a table.
  std::string LagTable() const;

 private:
  struct Leaver {
    uint64_t person = 0;
    std::string sam;
    std::string upn;
    std::string part;  // "ordinary", "skipped", "not acted on"
    absl::Time disabled_at;
  };

  bool Baseline();
  void Leave();
  bool OrdinaryConverge();
  bool SkippedIsContained();
  bool SkippedConverges();
  bool NotActedOnIsBreached();
  bool JudgeCalls();

  bool Step(const std::string& what, absl::Duration within, const std::function<bool()>& done);
  bool Expect(bool ok, const std::string& what);
  StatusOr<boost::json::value> PersonOf(const Leaver& leaver) const;
  std::string StateOf(const Leaver& leaver) const;
  bool AlertSeen(const Leaver& leaver, const std::string& severity, bool resolved) const;
  std::vector<simulator::Call> RevokesOf(const Leaver& leaver) const;
  // When the tenant itself disabled them; infinite future when it did not.
  absl::Time EntraDisabledAt(const Leaver& leaver) const;

  SimulatorThread& simulator_;
  Client client_;
  const DemoPace pace_;
  std::function<void(const std::string&)> say_;
  std::function<bool(absl::Duration)> pause_;
  bool interrupted_ = false;
  SystemClock clock_;
  std::vector<Leaver> leavers_;
  std::vector<std::string> missing_;
};

}  // namespace driftwarden::daemon
