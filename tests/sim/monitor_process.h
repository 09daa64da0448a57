#pragma once

// The monitor as one process has it: a store and, for each link, the production engine, loops,
// runner and dispatcher, over a wire to the simulated world. Dies with its store, at any commit.

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alerts/dispatcher.h"
#include "base/async/task_group.h"
#include "daemon/deadline_loop.h"
#include "daemon/direct_read_loop.h"
#include "daemon/engine.h"
#include "daemon/tenant_log_loop.h"
#include "daemon/tenant_verification_loop.h"
#include "daemon/verification_loop.h"
#include "remediation/action_runner.h"
#include "tests/sim/graph_wire.h"
#include "tests/testing/fault_store.h"
#include "tests/testing/sim_scheduler.h"
#include "tests/testing/world_adapters.h"
#include "tests/testing/world_logs.h"
#include "watchers/source_loop.h"

namespace driftwarden::sim {

struct LinkSetup {
  std::shared_ptr<const monitor::Policy> policy;
  size_t forest = 0;
  size_t tenant = 0;
};

struct ProcessOptions {
  std::vector<LinkSetup> links;
  size_t ad_page_size = 50;
  absl::Duration resend_interval = absl::Seconds(30);
  absl::Duration verify_for = absl::Minutes(2);
  absl::Duration reconcile_for = absl::Seconds(15);
  bool logs = false;  // the tenants' logs and devices are read too
  // Before an account that differs from what the feed told is mended by the slow comparison.
  absl::Duration verification_patience = absl::Minutes(1);
  // AD is compared slowly too. Only this finds what a controller that lags told of attributes that
  // have no stamp.
  bool verify_directories = false;
  // Entra is read by the production client over its own wire format, its answers spoiled so; null:
  // the adapters stand for it. It must outlive the process.
  const AnswerFaults* real_graph = nullptr;
};

// What outlives a process.
struct Surroundings {
  asio::io_context& io;
  testing::SimClock& clock;
  testing::SimScheduler& scheduler;
  simulator::World& world;
  testing::Controllers& controllers;
  testing::AlertBook& alerts;
  testing::ReadBook& reads;
  Logger& log;
};

class MonitorProcess {
 public:
  MonitorProcess(Surroundings around, ProcessOptions options,
                 std::unique_ptr<store::StateStore> inner, store::FaultPlan plan, uint64_t seed);
  ~MonitorProcess();

  // Opens the links and starts everything.
  void Start();
  bool dead() const { return dead_ || store_.dead(); }
  void Kill() { store_.Kill(); }
  // An operator resets every guard of every link.
  void ResetGuards();
  // Ends what is left of it; virtual time stands still.
  void Bury();

  testing::Wire& wire() { return wire_; }
  store::FaultStore& store() { return store_; }
  store::StateStore& inner() { return *inner_; }  // answers even when the process is dead
  daemon::Engine& engine(size_t link);
  Status failure() const { return failure_; }

 private:
  struct Link;
  struct Source;
  class Silent;
  void BuildLink(const LinkSetup& setup);
  void BuildSources();
  void AddSource(std::unique_ptr<watchers::ChangeSource> source, const monitor::SourceName& name,
                 absl::Duration interval);
  asio::awaitable<void> Boot();
  asio::awaitable<void> JudgeAnew(daemon::Engine* engine);
  asio::awaitable<void> ResetEach();

  Surroundings around_;
  const ProcessOptions options_;
  store::StateStore* inner_;
  store::FaultStore store_;
  uint64_t lease_epoch_ = 0;
  SeededRng rng_;
  InlineLane lane_;
  testing::Wire wire_;
  std::unique_ptr<Silent> silent_;
  std::unique_ptr<testing::BookSink> sink_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Source>> sources_;
  TaskGroup tasks_;
  bool dead_ = false;
  Status failure_;
};

}  // namespace driftwarden::sim
