#pragma once

// A simulated world, a disk and an Alertmanager, with a monitor that may die and is started again.
// Everything follows from the seed.

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/monitor_process.h"

namespace driftwarden::sim {

// Where the state lies when the process does not.
class Disk {
 public:
  virtual ~Disk() = default;
  virtual std::unique_ptr<store::StateStore> Open() = 0;
  // What was written and not synced may be gone.
  virtual void PowerLoss() = 0;
};
std::unique_ptr<Disk> NewMemoryDisk();
std::unique_ptr<Disk> NewRocksDisk();

struct StageOptions {
  simulator::WorldOptions world;
  ProcessOptions process;
  uint64_t seed = 1;
  absl::Duration restart_after = absl::Seconds(2);
  absl::Duration ad_lag;  // the most that a domain controller is behind
};

class Stage {
 public:
  Stage(StageOptions options, std::unique_ptr<Disk> disk);
  ~Stage();

  // Starts the first process; it dies as planned, later ones as `later` says (default: never).
  void Start(store::FaultPlan plan);
  std::function<store::FaultPlan()> later;

  // Time passes; whoever dies is buried and started again.
  void RunFor(absl::Duration d);
  // At an absolute moment of the story.
  void RunTo(absl::Duration since_start);
  // Ends the process for good (to look at the store).
  void Stop();
  // `meanwhile`, while it is down, the machine's wall clock is stepped: no process sees it jump.
  void KillAndRestart(absl::Duration meanwhile = absl::ZeroDuration());
  // An operator clears every guard of every link.
  void ResetGuards();
  absl::Time guards_reset() const { return guards_reset_; }
  // Ends the process for good, and starts one that never dies on another disk.
  void StartAnew(std::unique_ptr<Disk> disk);

  simulator::World& world() { return world_; }
  testing::SimClock& clock() { return clock_; }
  absl::Time now() const { return clock_.True(); }
  testing::AlertBook& alerts() { return alerts_; }
  testing::ReadBook& reads() { return reads_; }
  testing::Controllers& controllers() { return controllers_; }
  MonitorProcess& process() { return *process_; }
  store::StateStore& store() { return process_->inner(); }
  const StageOptions& options() const { return options_; }
  const LinkSetup& link(size_t i) const { return options_.process.links[i]; }
  size_t links() const { return options_.process.links.size(); }
  testing::WireFaults& faults() { return faults_; }
  int deaths() const { return deaths_; }
  // The most that the machine's wall clock was ever off.
  absl::Duration clock_error() const { return clock_error_; }
  // The most that it was ever ahead.
  absl::Duration clock_lead() const { return clock_lead_; }
  void StepWall(absl::Duration by);
  // The process saw its clock step so far off that it cannot trust it, and had time to notice.
  bool clock_stepped_off() const;
  // By the true clock, since when this process runs and its clock is as wrong as it is.
  absl::Time clock_since() const { return std::max(began_, stepped_); }
  uint64_t commits() const { return commits_before_ + process_->store().commits(); }

  // Checks every call that reached a tenant since the last look; run after every step.
  std::function<void()> after_step;
  // Looks at what a dead process left behind, before the next one does anything.
  std::function<void()> after_death;

 private:
  void Begin(store::FaultPlan plan);
  void Restart();

  const StageOptions options_;
  std::unique_ptr<Disk> disk_;
  asio::io_context io_;
  testing::SimClock clock_;
  testing::SimScheduler scheduler_;
  simulator::World world_;
  testing::Controllers controllers_;
  testing::AlertBook alerts_;
  testing::ReadBook reads_;
  Logger log_;
  testing::WireFaults faults_;
  std::unique_ptr<MonitorProcess> process_;
  int deaths_ = 0;
  absl::Duration clock_error_;
  absl::Duration clock_lead_;
  absl::Time began_;  // this process did
  absl::Time stepped_ = absl::InfinitePast();
  absl::Duration stepped_by_;
  absl::Time guards_reset_ = absl::InfinitePast();
  uint64_t commits_before_ = 0;
};

}  // namespace driftwarden::sim
