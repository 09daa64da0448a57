// simulate and demo.

#include <stdlib.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/strings.h"
#include "base/units.h"
#include "daemon/app.h"
#include "daemon/demo_story.h"
#include "daemon/verbs.h"
#include "daemon/verbs_run.h"

namespace driftwarden::daemon {

using simulator::ConfigOptions;
using simulator::SimulatorOptions;
using simulator::SimulatorService;

namespace {

int Fail(const Status& status) {
  std::fprintf(stderr, "driftwarden: %s\n", std::string(Message(status)).c_str());
  return kExitRuntime;
}

// A private folder that goes with the process.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* base = ::getenv("TMPDIR");
    std::string pattern =
        Cat(base != nullptr && *base != '\0' ? base : "/tmp", "/driftwarden.XXXXXX");
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Blocks SIGINT and SIGTERM in every thread that is started after; Wait() takes the next one.
class SignalWait {
 public:
  SignalWait() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void Wait() {
    int number = 0;
    sigwait(&set_, &number);
  }
  // False: a signal came within `d`.
  bool Pause(absl::Duration d) {
    const timespec wait = absl::ToTimespec(d);
    came_ = came_ || sigtimedwait(&set_, nullptr, &wait) > 0;
    return !came_;
  }
  bool came() const { return came_; }

 private:
  sigset_t set_;
  bool came_ = false;
};

std::optional<uint16_t> PortOf(const std::string& listen, std::string* address) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  *address = listen.substr(0, colon);
  const auto port = ParseUint64(listen.substr(colon + 1));
  return port && *port < 65536 ? std::optional<uint16_t>(static_cast<uint16_t>(*port))
                               : std::nullopt;
}

StatusOr<SimulatorOptions> OptionsOf(const SimulateOptions& options, const std::string& folder) {
  SimulatorOptions out;
  out.users = options.users;
  out.seed = options.seed;
  out.forests = options.forests;
  out.tenants = options.tenants;
  out.folder = folder;
  DW_ASSIGN_OR_RETURN(out.cycle, ParseDuration(options.cycle));
  out.processing = std::min(out.processing, out.cycle / 10);
  if (options.auth_mode == "pass_through") out.auth_mode = simulator::AuthMode::kPassThrough;
  if (options.auth_mode == "federated") out.auth_mode = simulator::AuthMode::kFederated;
  using simulator::CredentialKind;
  if (options.credential == "certificate") out.credential = CredentialKind::kCertificate;
  if (options.credential == "federated") out.credential = CredentialKind::kFederated;
  if (options.credential == "managed_identity") {
    out.credential = CredentialKind::kManagedIdentity;
  }
  const auto port = PortOf(options.control, &out.address);
  if (!port) return InvalidError("--control must be ADDRESS:PORT");
  out.control_port = *port;
  return out;
}

ConfigOptions DemoConfig(const DemoPace& pace, const std::string& folder) {
  ConfigOptions config;
  config.data_dir = folder + "/data";
  config.ad_poll = absl::Milliseconds(500);
  config.entra_poll = absl::Milliseconds(500);
  config.settle = pace.settle;
  config.resend_interval = pace.resend;
  config.mode = "auto";
  config.modes = {{"tier0", "observe"}};
  simulator::ConfigTier tier0;
  tier0.name = "tier0";
  tier0.admin_count = true;
  simulator::ConfigTier standard;
  standard.name = "standard";
  for (simulator::ConfigTier* tier : {&tier0, &standard}) {
    tier->warn_after = pace.warn_after;
    tier->revoke_after = pace.revoke_after;
    tier->breach_after = pace.breach_after;
  }
  config.tiers = {tier0, standard};
  // A dozen leavers within a minute is the story, not an accident.
  config.budget_per_10m = 100;
  config.budget_per_hour = 100;
  config.budget_per_person = "10/10m";
  config.max_percent_per_day = 50;
  config.quiet_after_first_baseline = absl::ZeroDuration();
  return config;
}

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// The monitor in a thread of its own, as `run` would run it, its log in a file.
class MonitorThread {
 public:
  Status Start(const std::string& config_path, const std::string& log_path) {
    DW_ASSIGN_OR_RETURN(Config config, LoadConfig(config_path));
    log_ = std::make_unique<Logger>(config.log_level, config.log_format, log_path);
    DW_ASSIGN_OR_RETURN(app_, App::New(std::move(config), *log_));
    thread_ = std::thread([this] {
      ended_ = app_->Run();
      done_ = true;
    });
    const SystemClock clock;
    const absl::Duration end = clock.Steady() + absl::Seconds(30);
    while (app_->Address().empty()) {
      if (done_) return ended_;
      if (clock.Steady() > end) return DeadlineError("the monitor did not listen within 30 s");
      std::this_thread::yield();
    }
    return OkStatus();
  }
  ~MonitorThread() {
    if (app_ != nullptr && thread_.joinable()) {
      app_->RequestStop();
      thread_.join();
    }
  }
  std::string Address() const { return app_->Address(); }

 private:
  std::unique_ptr<Logger> log_;
  std::unique_ptr<App> app_;
  std::thread thread_;
  Status ended_;
  std::atomic<bool> done_{false};
};

void Break(SimulatorThread& simulator, const std::string& part) {
  simulator.Do([&](SimulatorService& service) {
    if (part == "no_receiver") service.alerts().set_broken(true);
    if (part == "ignore_revoke") service.world().tenant().faults().ignore_revoke = true;
    if (part == "lose_disable") service.world().sync().set_lose_all(true);
  });
}

int Verdict(const DemoOptions& options, const std::vector<std::string>& missing) {
  if (missing.empty()) {
    Print("\nall of it happened");
    return kExitOk;
  }
  Print(Cat("\n", missing.size(), " parts of the story did not happen:"));
  for (const std::string& what : missing) Print(Cat("  ", what));
  return options.exit_when_settled ? kExitRuntime : kExitOk;
}

}  // namespace

int VerbSimulate(const SimulateOptions& options) {
  SignalWait signals;
  const TemporaryFolder temporary;
  const std::string folder = options.folder.empty() ? temporary.path() : options.folder;
  const auto simulator_options = OptionsOf(options, folder);
  if (!simulator_options.ok()) {
    Fail(simulator_options.status());
    return kExitUsage;
  }
  SimulatorThread simulator(*simulator_options);
  const Status started = simulator.Start();
  if (!started.ok()) return Fail(started);
  const Status written = simulator.Do([&](SimulatorService& service) -> Status {
    if (options.config_out.empty()) return OkStatus();
    ConfigOptions config;
    config.data_dir = folder + "/data";
    return service.WriteConfig(options.config_out, config);
  });
  if (!written.ok()) return Fail(written);
  const auto endpoints =
      simulator.Do([](SimulatorService& service) { return service.endpoints(); });
  Print(Cat("control  ", endpoints.control_url));
  for (const auto& forest : endpoints.forests) Print(Cat("ldaps    ", forest.ldaps_url));
  Print(Cat("graph    ", endpoints.graph_url));
  if (!endpoints.imds_url.empty()) Print(Cat("imds     ", endpoints.imds_url));
  if (!endpoints.alerts_url.empty()) Print(Cat("alerts   ", endpoints.alerts_url));
  Print(Cat("ca       ", endpoints.ca_file));
  Print(Cat("admin    ", endpoints.admin_user, " ", endpoints.admin_password_file));
  if (!options.config_out.empty()) Print(Cat("config   ", options.config_out));
  signals.Wait();
  return kExitOk;
}

int VerbDemo(const DemoOptions& options) {
  SignalWait signals;
  const TemporaryFolder folder;
  const DemoPace pace(options.speed);
  SimulatorOptions simulator_options;
  simulator_options.users = options.users;
  simulator_options.seed = options.seed;
  // Whatever the size, there are administrators to choose one from.
  simulator_options.tier0_every = std::min<uint64_t>(500, options.users / 4);
  simulator_options.cycle = pace.cycle;
  simulator_options.processing = pace.cycle / 10;
  simulator_options.folder = folder.path() + "/simulator";
  Print(Cat("simulating an AD forest and an Entra tenant with ", options.users, " people"));
  SimulatorThread simulator(simulator_options);
  if (const Status started = simulator.Start(); !started.ok()) return Fail(started);
  if (!options.break_part.empty()) Break(simulator, options.break_part);
  const std::string config = folder.path() + "/driftwarden.yaml";
  const Status written = simulator.Do([&](SimulatorService& service) {
    return service.WriteConfig(config, DemoConfig(pace, folder.path()));
  });
  if (!written.ok()) return Fail(written);
  MonitorThread monitor;
  const Status running = monitor.Start(config, folder.path() + "/driftwarden.log");
  if (!running.ok()) return Fail(running);
  Print(Cat("driftwarden runs: ", monitor.Address(), "/metrics\n"));
  ClientOptions client_options;
  client_options.url = monitor.Address();
  auto client = Client::Open(client_options);
  if (!client.ok()) return Fail(client.status());
  const SystemClock clock;
  const absl::Duration begin = clock.Steady();
  const auto say = [&](const std::string& line) {
    Print(Cat("[", absl::ToInt64Seconds(clock.Steady() - begin), " s] ", line));
  };
  DemoStory story(simulator, *std::move(client), pace, say,
                  [&](absl::Duration d) { return signals.Pause(d); });
  const std::vector<std::string> missing = story.Tell();
  Print(Cat("\n", story.LagTable()));
  Print(Cat("metrics: ", monitor.Address(), "/metrics"));
  const int code = Verdict(options, missing);
  if (options.exit_when_settled || signals.came()) return code;
  Print("press Ctrl-C to end");
  signals.Wait();
  return code;
}

}  // namespace driftwarden::daemon
