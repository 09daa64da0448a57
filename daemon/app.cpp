#include "daemon/app.h"

#include <algorithm>
#include <csignal>

#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "daemon/app_parts.h"
#include "daemon/config_changes.h"
#include "daemon/source_options.h"
#include "daemon/verbs.h"
#include "net/packed.h"
#include "watchers/graph/clouds.h"
#include "watchers/graph/token_factory.h"

namespace driftwarden::daemon {

using monitor::SourceName;

namespace {

asio::awaitable<net::ServerResponse> Answer(Api* api, net::ServerRequest request) {
  net::ServerRequest asked;
  asked.headers = request.headers;
  auto handling = api->Handle(std::move(request));
  net::ServerResponse response = co_await std::move(handling);
  net::PackIfAccepted(asked, response);
  co_return response;
}

constexpr absl::Duration kGroupsEvery = absl::Minutes(5);

// Who polls often wants to know soon.
TenantVerificationOptions VerificationOf(const EntraConfig& tenant) {
  TenantVerificationOptions options;
  options.interval = std::min(options.interval, tenant.poll_interval);
  options.patience = std::min(options.patience, 60 * tenant.poll_interval);
  return options;
}

}  // namespace

App::App(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
App::~App() = default;

StatusOr<std::unique_ptr<App>> App::New(Config config, Logger& log) {
  // libldap's TLS writes to sockets as to files: a controller that went away must be an error of
  // the write, not the end of the process. Nor must a limit on file sizes.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  DW_RETURN_IF_ERROR(UseKerberosOf(config));  // before the parts, which have threads
  auto parts = std::make_unique<Parts>(std::move(config), log);
  parts->delivery_metrics = std::make_unique<DeliveryMetrics>(parts->registry, parts->clock);
  DW_RETURN_IF_ERROR(parts->OpenStore());
  DW_RETURN_IF_ERROR(parts->BuildReceivers());
  parts->registry.Set(metrics::Metric::kBuildInfo, {VersionText(), RevisionText()}, 1);
  parts->source_metrics = std::make_unique<SourceMetrics>(parts->registry, parts->config);
  DW_RETURN_IF_ERROR(parts->BuildTenants());
  DW_RETURN_IF_ERROR(parts->BuildDirectories());
  parts->BuildLinks();
  parts->BuildGroupLoops();
  parts->BuildNotifications();
  parts->BuildAlerting();
  DW_RETURN_IF_ERROR(parts->BuildApi());
  return std::unique_ptr<App>(new App(std::move(parts)));
}

Status App::Parts::OpenStore() {
  DW_RETURN_IF_ERROR(Annotate(MakeDirectories(config.data_dir), "data_dir"));
  store::RocksStoreOptions options;
  options.path = config.data_dir + "/state";
  options.memory_budget = config.memory_budget;
  DW_ASSIGN_OR_RETURN(store, store::OpenRocksStore(options));
  DW_ASSIGN_OR_RETURN(lease_epoch, store->AcquireLease());
  DW_ASSIGN_OR_RETURN(const auto crash_at, CrashPoints::FromEnvironment());
  if (crash_at) {
    log.Warn("crash_test", "the process will kill itself", {{"at", *crash_at}});
    crash_points = std::make_unique<CrashPoints>(*crash_at);
    store = CrashingStore(std::move(store), *crash_points);
  }
  return OkStatus();
}

Status App::Parts::BuildTenants() {
  for (const EntraConfig& entra : config.tenants) {
    auto tenant = std::make_unique<Tenant>();
    tenant->config = entra;
    tenant->metrics = std::make_unique<TenantMetrics>(registry, entra.name.value);
    net::HttpClientOptions http_options;
    http_options.ca_file = entra.ca_file;
    // Link-local addresses are this machine's own business.
    DW_ASSIGN_OR_RETURN(tenant->direct_http, net::NewHttpClient(io.get_executor(), http_options));
    http_options.max_connections_per_host = graph::Budget::kConnections;
    http_options.proxy = entra.proxy;
    http_options.proxy_credentials_file = entra.proxy_credentials_file;
    DW_ASSIGN_OR_RETURN(tenant->http, net::NewHttpClient(io.get_executor(), http_options));
    DW_ASSIGN_OR_RETURN(
        const graph::Endpoints endpoints,
        graph::ResolveEndpoints(entra.cloud, entra.login_endpoint, entra.graph_endpoint));
    tenant->tokens = graph::MakeTokenSource(
        entra.tenant_id, endpoints, entra.credential,
        {*tenant->http, *tenant->direct_http, scheduler, rng, log, *tenant->metrics});
    graph::ClientOptions client_options;
    client_options.endpoints = endpoints;
    client_options.log = &log;
    client_options.name = entra.name.value;
    tenant->client = std::make_unique<graph::GraphClient>(
        client_options, *tenant->http, *tenant->tokens, scheduler, rng, *tenant->metrics);
    watchers::GraphDeltaOptions delta_options;
    delta_options.name = entra.name;
    tenant->source =
        std::make_unique<watchers::GraphDeltaSource>(delta_options, *tenant->client, log);
    watchers::GraphReaderOptions reader_options;
    reader_options.name = entra.name;
    tenant->reader =
        std::make_unique<watchers::GraphReader>(reader_options, *tenant->client, scheduler, log);
    reader_options.priority = graph::Priority::kEvidence;
    tenant->verifier =
        std::make_unique<watchers::GraphReader>(reader_options, *tenant->client, scheduler, log);
    tenant->sight = std::make_shared<watchers::TenantSight>(entra.name, log);
    tenant->truth = std::make_unique<watchers::GraphTenantReader>(entra.name, *tenant->client,
                                                                  tenant->sight, log);
    tenant->logs = std::make_unique<watchers::GraphTenantLogs>(entra.name, *tenant->client,
                                                               scheduler, tenant->sight, log);
    tenant->residue =
        std::make_unique<watchers::GraphTenantResidue>(*tenant->client, tenant->sight);
    tenant->actuator = std::make_unique<remediation::GraphActuator>(*tenant->client);
    if (crash_points) {
      tenant->actuator = CrashingActuator(std::move(tenant->actuator), *crash_points);
    }
    tenants.push_back(std::move(tenant));
  }
  return OkStatus();
}

Status App::Parts::BuildDirectories() {
  sessions = directory::MakeOpenLdapSessionFactory(ldap_turns, clock);
  for (const DirectoryConfig& entry : config.directories) {
    auto built = std::make_unique<Directory>();
    built->config = entry;
    watchers::AdSourceOptions options = SourceOptionsOf(entry);
    options.pin = std::make_shared<watchers::AdPin>();
    built->locator = directory::MakeDnsDcLocator(DnsOptionsOf(entry), ldap_turns, rng);
    options.locator = built->locator.get();
    options.kept_attributes = KeptAttributesOf(config, entry.name);
    built->sight = std::make_shared<watchers::AdSight>(entry.name, log);
    options.sight = built->sight;
    options.scope_options = entry.scope;
    DW_ASSIGN_OR_RETURN(options.scope, directory::Scope::New(entry.scope, entry.base_dn));
    built->groups = std::make_unique<watchers::AdGroups>(options, *sessions, clock, log);
    built->groups->SetWanted(TierGroupsOf(config, entry.name));
    options.groups = built->groups.get();
    built->usn = std::make_unique<watchers::AdUsnSource>(options, *sessions, clock, log);
    if (entry.dirsync) {
      built->dirsync = std::make_unique<watchers::AdDirSyncSource>(options, *built->usn, clock, log,
                                                                   *source_metrics);
    }
    watchers::ChangeSource* follower = built->usn.get();
    if (built->dirsync) follower = built->dirsync.get();
    built->source = std::make_unique<watchers::AdReadingSource>(*follower, options);
    built->reader = std::make_unique<watchers::AdDirectReads>(options, *sessions, scheduler, log);
    built->options = std::move(options);
    directories.push_back(std::move(built));
  }
  return OkStatus();
}

void App::Parts::BuildGroupLoops() {
  for (const auto& entry : directories) {
    std::vector<Engine*> engines;
    for (const auto& link : links) {
      const auto& ad = link->policy->ad_sources;
      if (std::find(ad.begin(), ad.end(), entry->config.name) != ad.end()) {
        engines.push_back(link->engine.get());
      }
    }
    // Polls that short stand in compressed time.
    const bool fast = entry->config.poll_interval < absl::Seconds(1);
    entry->group_loop = std::make_unique<GroupLoop>(
        io.get_executor(), *entry->groups, entry->config.name, std::move(engines), scheduler, rng,
        log, fast ? absl::Seconds(2) : kGroupsEvery);
  }
}

void App::Parts::BuildLinks() {
  for (const monitor::Policy& policy : config.links) {
    auto link = std::make_unique<Link>();
    link->policy = std::make_shared<const monitor::Policy>(policy);
    link->metrics = std::make_unique<LinkMetrics>(registry, policy);
    link->chain = std::make_unique<ChainWatch>(*store, policy.link);
    EngineOptions options;
    options.resend_interval = config.alerting.resend_interval;
    options.external_url = config.alerting.external_url;
    EngineParts engine_parts{
        *store, write_lane, scheduler, rng, log, *link->metrics, [this](const Status& status) {
          OnStoreFailed(status);
        }};
    link->engine = std::make_unique<Engine>(io.get_executor(), lease_epoch, link->policy,
                                            std::move(engine_parts), options);
    Tenant* tenant = nullptr;
    for (const auto& candidate : tenants) {
      if (candidate->config.name == policy.entra_source) tenant = candidate.get();
    }
    std::map<SourceName, watchers::DirectoryReader*> readers;
    for (const auto& candidate : directories) {
      for (const SourceName& name : policy.ad_sources) {
        if (candidate->config.name == name) readers[name] = candidate->reader.get();
      }
    }
    DirectReadOptions read_options;
    read_options.interval = tenant->config.poll_interval;
    read_options.share = [tenant] { return tenant->client->budget().Share(); };
    link->direct_reads = std::make_unique<DirectReadLoop>(*link->engine, readers, *tenant->reader,
                                                          scheduler, rng, log, read_options);
    VerificationOptions verification_options;
    for (const SourceName& name : policy.ad_sources) {
      const DirectoryConfig* const read = config.FindDirectory(name);
      verification_options.interval = std::min(verification_options.interval, read->poll_interval);
    }
    const VerificationParts verification_parts{*link->engine, *store, read_lane,      scheduler,
                                               rng,           log,    *source_metrics};
    link->verification =
        std::make_unique<VerificationLoop>(verification_parts, readers, verification_options);
    link->tenant_verification = std::make_unique<TenantVerificationLoop>(
        verification_parts, policy.entra_source, *tenant->verifier, VerificationOf(tenant->config));
    TenantLoopOptions tenant_options;
    tenant_options.interval = std::min(tenant_options.interval, tenant->config.poll_interval * 4);
    link->tenant_loop = std::make_unique<TenantLoop>(*link->engine, *tenant->truth, scheduler, rng,
                                                     log, tenant_options);
    TenantLogOptions log_options;
    log_options.interval = std::min(log_options.interval, tenant->config.poll_interval * 4);
    log_options.directory_audits = tenant->config.directory_audits;
    log_options.sign_ins = tenant->config.sign_ins;
    const Engine* const engine = link->engine.get();
    auto cloud_sync = [engine] {
      return engine->CurrentPolicy()->sync_engine == monitor::SyncEngine::kCloudSync;
    };
    link->log_loop = std::make_unique<TenantLogLoop>(*link->engine, *tenant->logs, policy.link,
                                                     policy.entra_source, std::move(cloud_sync),
                                                     scheduler, rng, log, log_options);
    link->residue_book = std::make_unique<ResidueBook>(
        ResidueBookParts{*store, read_lane, write_lane, clock}, policy.link, lease_epoch);
    if (tenant->config.residue) {
      ResidueOptions residue_options;
      residue_options.interval = log_options.interval;
      link->residue_loop = std::make_unique<ResidueLoop>(
          *link->residue_book, *tenant->residue, policy.link, scheduler, rng, log, residue_options);
    }
    link->deadlines = std::make_unique<DeadlineLoop>(*link->engine, scheduler, rng, log);
    remediation::ActionRunnerOptions runner_options;
    runner_options.link = link->policy->link.value;
    runner_options.idle_wait = std::min(runner_options.idle_wait, tenant->config.poll_interval);
    link->actions = std::make_unique<remediation::ActionRunner>(
        *link->engine, *tenant->actuator, readers, *tenant->reader, scheduler, log, runner_options);
    links.push_back(std::move(link));
  }
  const auto feeds_of = [this](const SourceName& source) {
    std::vector<watchers::LinkFeed*> feeds;
    for (const auto& link : links) {
      const auto& ad = link->policy->ad_sources;
      if (link->policy->entra_source == source ||
          std::find(ad.begin(), ad.end(), source) != ad.end()) {
        feeds.push_back(link->engine.get());
      }
    }
    return feeds;
  };
  const auto make_loop = [&](watchers::ChangeSource& source, absl::Duration interval) {
    watchers::SourceLoopOptions options;
    options.poll_interval = interval;
    return std::make_unique<watchers::SourceLoop>(io.get_executor(), source,
                                                  feeds_of(source.name()), scheduler, rng, log,
                                                  *source_metrics, options);
  };
  for (const auto& entry : directories) {
    entry->loop = make_loop(*entry->source, entry->config.poll_interval);
    if (!entry->config.notifications) continue;
    entry->notifier = std::make_unique<watchers::AdNotifier>(io.get_executor(), entry->options,
                                                             *sessions, *entry->usn, *entry->loop,
                                                             scheduler, rng, log, *source_metrics);
    entry->loop->SetWitness(entry->notifier.get());
  }
  for (const auto& tenant : tenants) {
    tenant->loop = make_loop(*tenant->source, tenant->config.poll_interval);
  }
}

void App::Parts::BuildNotifications() {
  notifications = std::make_unique<NotificationServer>(io.get_executor(), clock);
  for (const auto& tenant : tenants) {
    const std::string& name = tenant->config.name.value;
    tenant->notification_metrics = std::make_unique<NotificationMetrics>(registry, name);
    const GraphNotificationsConfig& wanted = tenant->config.notifications;
    if (!wanted.enabled()) continue;
    watchers::GraphSubscriptionOptions options;
    options.name = tenant->config.name;
    options.url = tenant->config.NotificationUrl();
    options.lifetime = wanted.lifetime;
    options.wake_gap = std::min(options.wake_gap, tenant->config.poll_interval / 3);
    tenant->subscription = std::make_unique<watchers::GraphSubscription>(
        io.get_executor(), std::move(options), *tenant->client, *tenant->loop, tenant->sight,
        scheduler, rng, log, *tenant->notification_metrics);
    notifications->Add(tenant->config, *tenant->subscription);
  }
}

Status App::Parts::BuildReceivers() {
  DW_ASSIGN_OR_RETURN(alert_http, net::NewHttpClient(io.get_executor(), net::HttpClientOptions()));
  for (const std::string& url : config.alerting.alertmanagers) {
    const std::string name = Cat("alertmanager-", sinks.size() + 1);
    std::unique_ptr<alerts::AlertSink> sink =
        std::make_unique<alerts::AlertmanagerSink>(name, url, *alert_http);
    if (crash_points) sink = CrashingSink(std::move(sink), *crash_points);
    sinks.push_back(std::move(sink));
    delivery_metrics->Declare(sinks.back()->name());
  }
  return OkStatus();
}

void App::Parts::BuildAlerting() {
  std::vector<alerts::AlertSink*> receivers;
  for (const auto& sink : sinks) receivers.push_back(sink.get());
  alerts::DispatcherOptions options;
  options.resend_interval = config.alerting.resend_interval;
  for (const auto& link : links) {
    options.link = link->policy->link.value;
    link->dispatcher = std::make_unique<alerts::Dispatcher>(*link->engine, receivers, scheduler,
                                                            rng, log, *delivery_metrics, options);
  }
  options.link.clear();  // the monitor's own
  watchdog_port =
      std::make_unique<WatchdogPort>([this] { return Healthy(); }, scheduler,
                                     config.alerting.resend_interval, config.alerting.external_url);
  watchdog = std::make_unique<alerts::Dispatcher>(*watchdog_port, receivers, scheduler, rng, log,
                                                  *delivery_metrics, options);
}

Status App::Parts::BuildApi() {
  std::vector<Token> tokens;
  if (!config.http.tokens_file.empty()) {
    DW_ASSIGN_OR_RETURN(tokens, LoadTokens(config.http.tokens_file));
  }
  std::vector<LinkPort*> ports;
  for (const auto& link : links) ports.push_back(link->engine.get());
  const ExpectedLeaversConfig& expected = config.expected_leavers;
  if (!expected.csv_file.empty()) {
    leavers = std::make_unique<LeaverLoop>(LeaverLoopParts{*store, read_lane, scheduler, log},
                                           ports, expected.csv_file, expected.poll_interval);
  }
  ApiParts api_parts{*store,
                     read_lane,
                     clock,
                     log,
                     std::move(ports),
                     [this] { return Sources(); },
                     [this] { return RenderMetrics(); },
                     [this] { return ready.load(); },
                     VersionText(),
                     [this](std::string actor) { return Reload(std::move(actor)); },
                     [this] { return leavers ? leavers->Report() : LeaverFileReport(); }};
  api = std::make_unique<Api>(std::move(api_parts), Authenticator(std::move(tokens)));
  server = std::make_unique<net::HttpServer>(io.get_executor(), [this](net::ServerRequest request) {
    return Answer(api.get(), std::move(request));
  });
  return OkStatus();
}

std::vector<SourceReport> App::Parts::Sources() const {
  std::vector<SourceReport> out;
  const absl::Time now = clock.Wall();
  const auto add = [&](const watchers::SourceLoop& loop, monitor::SourceKind kind) {
    SourceReport report;
    report.name = loop.name();
    report.kind = kind;
    const watchers::SourceHealth health = loop.Health();
    report.up = health.up;
    report.error = health.error;
    report.fresh = true;
    report.snapshot_complete = true;
    bool read = false;
    for (const auto& link : links) {
      const auto state = link->engine->State();
      const auto found = state->sources.find(loop.name());
      if (found == state->sources.end()) continue;
      const monitor::SourceState& source = found->second;
      read = true;
      report.last_success = std::max(report.last_success, source.last_success);
      report.last_change = std::max(report.last_change, source.last_change);
      report.snapshot_running = report.snapshot_running || source.snapshot_running;
      report.snapshot_complete = report.snapshot_complete && source.snapshot_complete;
      report.snapshot_objects = std::max(report.snapshot_objects, source.snapshot_objects);
      if (absl::AbsDuration(source.clock_offset) > absl::AbsDuration(report.clock_offset)) {
        report.clock_offset = source.clock_offset;
      }
      report.fresh = report.fresh &&
                     !monitor::SourceIsStale(source, link->policy->StaleAfter(loop.name()), now);
    }
    report.fresh = report.fresh && read;
    report.snapshot_complete = report.snapshot_complete && read;
    out.push_back(std::move(report));
  };
  for (const auto& entry : directories) {
    add(*entry->loop, monitor::SourceKind::kActiveDirectory);
    out.back().findings = entry->sight->findings();
  }
  for (const auto& tenant : tenants) {
    add(*tenant->loop, monitor::SourceKind::kEntra);
    out.back().findings = tenant->sight->findings();
  }
  return out;
}

bool App::Parts::Healthy() const {
  if (!store_failure.ok()) return false;
  for (const SourceReport& source : Sources()) {
    if (!source.fresh) return false;
  }
  return true;
}

std::string App::Parts::RenderMetrics() {
  const absl::Time now = clock.Wall();
  for (const auto& entry : directories) {
    source_metrics->SetFindings(entry->config.name, entry->sight->findings());
  }
  for (const auto& tenant : tenants) {
    source_metrics->SetTenantFindings(tenant->config.name, tenant->sight->findings());
    tenant->metrics->SetBudget(tenant->client->budget());
  }
  for (const auto& link : links) {
    const auto policy = link->engine->CurrentPolicy();
    const auto state = link->engine->State();
    link->metrics->Refresh(*state, *policy, now, link->engine->waiting());
  }
  return registry.Render();
}

}  // namespace driftwarden::daemon
