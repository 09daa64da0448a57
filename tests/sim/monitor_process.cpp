#include "tests/sim/monitor_process.h"

#include <algorithm>
#include <boost/asio/strand.hpp>
#include <set>
#include <utility>

#include "base/check.h"

namespace driftwarden::sim {

using monitor::SourceName;

// Nobody counts here.
class MonitorProcess::Silent final : public daemon::CommitObserver,
                                     public watchers::SourceObserver,
                                     public alerts::DispatchObserver,
                                     public daemon::VerificationObserver {
 public:
  void OnCommit(const monitor::LinkState&, const monitor::Tally&) override {}
  void OnPoll(const SourceName&, const Status&, absl::Duration) override {}
  void OnDelivery(const std::string&, const Status&, size_t) override {}
  void OnVerified(const SourceName&, daemon::Verified) override {}
  void OnPass(const SourceName&, absl::Time) override {}
};

struct MonitorProcess::Link {
  std::vector<std::unique_ptr<testing::WorldAdReader>> directories;
  std::unique_ptr<testing::WorldEntraReader> adapter;
  std::unique_ptr<GraphWire> graph;  // null: the adapter
  watchers::TenantReader* tenant = nullptr;
  std::unique_ptr<testing::WorldActuator> actuator;
  std::unique_ptr<daemon::Engine> engine;
  std::unique_ptr<daemon::DirectReadLoop> reads;
  std::unique_ptr<daemon::TenantVerificationLoop> verification;
  std::unique_ptr<daemon::VerificationLoop> directory_verification;
  std::unique_ptr<testing::WorldTenantLogs> logs;
  std::unique_ptr<daemon::TenantLogLoop> log_loop;
  std::unique_ptr<daemon::DeadlineLoop> deadlines;
  std::unique_ptr<remediation::ActionRunner> runner;
  std::unique_ptr<alerts::Dispatcher> dispatcher;
};

struct MonitorProcess::Source {
  std::unique_ptr<watchers::ChangeSource> source;
  std::unique_ptr<watchers::SourceLoop> loop;
};

MonitorProcess::MonitorProcess(Surroundings around, ProcessOptions options,
                               std::unique_ptr<store::StateStore> inner, store::FaultPlan plan,
                               uint64_t seed)
    : around_(around),
      options_(std::move(options)),
      inner_(inner.get()),
      store_(std::move(inner), plan),
      rng_(seed),
      wire_(around.world, around.controllers, around.clock, around.scheduler, rng_,
            [this] { return dead(); }),
      silent_(std::make_unique<Silent>()),
      sink_(std::make_unique<testing::BookSink>(wire_, around.alerts, "book")),
      tasks_(around.io.get_executor()) {
  wire_.book = &around.reads;
  const auto lease = store_.AcquireLease();
  DW_CHECK(lease.ok());
  lease_epoch_ = *lease;
  for (const LinkSetup& setup : options_.links) BuildLink(setup);
  BuildSources();
}

MonitorProcess::~MonitorProcess() = default;

void MonitorProcess::BuildLink(const LinkSetup& setup) {
  auto link = std::make_unique<Link>();
  const monitor::Policy& policy = *setup.policy;
  remediation::ActionRunner::DirectoryReaders readers;
  remediation::ActionRunner::DirectoryReaders readers_for_calls;
  remediation::ActionRunner::DirectoryReaders readers_to_compare;
  const auto new_reader = [&](const SourceName& name, size_t asker) {
    link->directories.push_back(
        std::make_unique<testing::WorldAdReader>(wire_, setup.forest, name, asker));
    return link->directories.back().get();
  };
  for (const SourceName& name : policy.ad_sources) {
    readers[name] = new_reader(name, testing::ReadBook::kLoop);
    readers_to_compare[name] = new_reader(name, testing::ReadBook::kComparison);
    readers_for_calls[name] = new_reader(name, links_.size());
  }
  if (options_.real_graph != nullptr) {
    link->graph =
        std::make_unique<GraphWire>(wire_, around_.scheduler, rng_, around_.log, setup.tenant,
                                    policy.entra_source, *options_.real_graph);
    link->tenant = &link->graph->reader();
  } else {
    link->adapter =
        std::make_unique<testing::WorldEntraReader>(wire_, setup.tenant, policy.entra_source);
    link->tenant = link->adapter.get();
  }
  link->actuator = std::make_unique<testing::WorldActuator>(wire_, setup.tenant);
  daemon::EngineParts parts{
      store_, lane_, around_.scheduler, rng_, around_.log, *silent_, [this](const Status& status) {
        failure_ = status;
        dead_ = true;
      }};
  daemon::EngineOptions engine_options;
  engine_options.resend_interval = options_.resend_interval;
  engine_options.external_url = "https://driftwarden.example";
  link->engine =
      std::make_unique<daemon::Engine>(asio::make_strand(around_.io.get_executor()), lease_epoch_,
                                       setup.policy, std::move(parts), engine_options);
  daemon::DirectReadOptions read_options;
  read_options.interval = policy.poll_intervals.at(policy.entra_source);
  link->reads = std::make_unique<daemon::DirectReadLoop>(
      *link->engine, readers, *link->tenant, around_.scheduler, rng_, around_.log, read_options);
  daemon::TenantVerificationOptions verification;
  verification.interval = absl::Seconds(5);
  verification.patience = options_.verification_patience;
  verification.slice = 5;
  const daemon::VerificationParts verification_parts{
      *link->engine, store_, lane_, around_.scheduler, rng_, around_.log, *silent_};
  link->verification = std::make_unique<daemon::TenantVerificationLoop>(
      verification_parts, policy.entra_source, *link->tenant, verification);
  daemon::VerificationOptions comparison;
  comparison.interval = verification.interval;
  comparison.slice = verification.slice;
  link->directory_verification = std::make_unique<daemon::VerificationLoop>(
      verification_parts, readers_to_compare, comparison);
  link->logs = std::make_unique<testing::WorldTenantLogs>(wire_, setup.tenant, policy.entra_source);
  link->log_loop = std::make_unique<daemon::TenantLogLoop>(
      *link->engine, *link->logs, policy.link, policy.entra_source, [] { return false; },
      around_.scheduler, rng_, around_.log, daemon::TenantLogOptions());
  link->deadlines =
      std::make_unique<daemon::DeadlineLoop>(*link->engine, around_.scheduler, rng_, around_.log);
  remediation::ActionRunnerOptions runner_options;
  runner_options.link = policy.link.value;
  runner_options.verify_for = options_.verify_for;
  runner_options.reconcile_for = options_.reconcile_for;
  link->runner = std::make_unique<remediation::ActionRunner>(
      *link->engine, *link->actuator, readers_for_calls, *link->tenant, around_.scheduler,
      around_.log, runner_options);
  alerts::DispatcherOptions dispatch;
  dispatch.resend_interval = options_.resend_interval;
  std::vector<alerts::AlertSink*> sinks(1, sink_.get());
  link->dispatcher = std::make_unique<alerts::Dispatcher>(*link->engine, sinks, around_.scheduler,
                                                          rng_, around_.log, *silent_, dispatch);
  links_.push_back(std::move(link));
}

void MonitorProcess::BuildSources() {
  std::set<SourceName> built;
  for (size_t i = 0; i < options_.links.size(); ++i) {
    const LinkSetup& setup = options_.links[i];
    const monitor::Policy& policy = *setup.policy;
    for (const SourceName& name : policy.ad_sources) {
      if (!built.insert(name).second) continue;
      AddSource(std::make_unique<testing::WorldAdSource>(wire_, setup.forest, name,
                                                         options_.ad_page_size),
                name, policy.poll_intervals.at(name));
    }
    std::unique_ptr<watchers::ChangeSource> source;
    if (links_[i]->graph) {
      source = links_[i]->graph->NewSource();
    } else {
      source =
          std::make_unique<testing::WorldEntraSource>(wire_, setup.tenant, policy.entra_source);
    }
    AddSource(std::move(source), policy.entra_source,
              policy.poll_intervals.at(policy.entra_source));
  }
}

void MonitorProcess::AddSource(std::unique_ptr<watchers::ChangeSource> source,
                               const SourceName& name, absl::Duration interval) {
  std::vector<watchers::LinkFeed*> feeds;
  for (size_t i = 0; i < options_.links.size(); ++i) {
    const monitor::Policy& policy = *options_.links[i].policy;
    const auto& ad = policy.ad_sources;
    const bool reads =
        policy.entra_source == name || std::find(ad.begin(), ad.end(), name) != ad.end();
    if (reads) feeds.push_back(links_[i]->engine.get());
  }
  auto entry = std::make_unique<Source>();
  watchers::SourceLoopOptions loop_options;
  loop_options.poll_interval = interval;
  entry->loop = std::make_unique<watchers::SourceLoop>(around_.io.get_executor(), *source, feeds,
                                                       around_.scheduler, rng_, around_.log,
                                                       *silent_, loop_options);
  entry->source = std::move(source);
  sources_.push_back(std::move(entry));
}

daemon::Engine& MonitorProcess::engine(size_t link) {
  return *links_[link]->engine;
}

void MonitorProcess::Start() {
  tasks_.Spawn(Boot());
}

asio::awaitable<void> MonitorProcess::Boot() {
  for (const auto& link : links_) {
    const Status opened = co_await link->engine->Open();
    if (!opened.ok()) co_return;
  }
  for (const auto& link : links_) {
    tasks_.Spawn(link->reads->Run());
    tasks_.Spawn(link->verification->Run());
    if (options_.verify_directories) tasks_.Spawn(link->directory_verification->Run());
    if (options_.logs) tasks_.Spawn(link->log_loop->Run());
    tasks_.Spawn(link->deadlines->Run());
    tasks_.Spawn(link->runner->Run());
    tasks_.Spawn(link->dispatcher->Run());
    tasks_.Spawn(JudgeAnew(link->engine.get()));
  }
  for (const auto& source : sources_) tasks_.Spawn(source->loop->Run());
}

asio::awaitable<void> MonitorProcess::JudgeAnew(daemon::Engine* engine) {
  while (!dead()) {
    const Status judged = co_await engine->ReviewAll();
    if (judged.code() != StatusCode::kUnavailable) co_return;
    const Status slept = co_await around_.scheduler.SleepFor(absl::Seconds(1));
    if (!slept.ok()) co_return;
  }
}

void MonitorProcess::ResetGuards() {
  tasks_.Spawn(ResetEach());
}

asio::awaitable<void> MonitorProcess::ResetEach() {
  for (const auto& link : links_) {
    for (const char* guard : monitor::kAllGuards) {
      std::string name = guard;
      std::string actor = "operator";
      std::string reason = "mended";
      const Status reset =
          co_await link->engine->ResetGuard(std::move(name), std::move(actor), std::move(reason));
      if (!reset.ok()) co_return;
    }
  }
}

void MonitorProcess::Bury() {
  dead_ = true;
  store_.Kill();
  for (const auto& link : links_) link->engine->Stop();
  tasks_.Cancel();
  around_.scheduler.Settle();
  DW_CHECK(tasks_.running() == 0);
}

}  // namespace driftwarden::sim
