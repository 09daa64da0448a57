#pragma once

// What an App is made of; included by app*.cpp only. Order of members is order of construction.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "alerts/alertmanager_sink.h"
#include "alerts/dispatcher.h"
#include "base/async/event.h"
#include "base/async/lane.h"
#include "base/async/lane_turns.h"
#include "base/async/scheduler.h"
#include "base/async/task_group.h"
#include "base/rng.h"
#include "daemon/api.h"
#include "daemon/app.h"
#include "daemon/chain_watch.h"
#include "daemon/crash_points.h"
#include "daemon/deadline_loop.h"
#include "daemon/direct_read_loop.h"
#include "daemon/engine.h"
#include "daemon/group_loop.h"
#include "daemon/leaver_loop.h"
#include "daemon/metrics_wiring.h"
#include "daemon/notification_server.h"
#include "daemon/residue_book.h"
#include "daemon/residue_loop.h"
#include "daemon/tenant_log_loop.h"
#include "daemon/tenant_loop.h"
#include "daemon/tenant_verification_loop.h"
#include "daemon/verification_loop.h"
#include "daemon/watchdog.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "remediation/action_runner.h"
#include "remediation/graph_actuator.h"
#include "store/rocks_store.h"
#include "watchers/ad_direct_reads.h"
#include "watchers/ad_dirsync_source.h"
#include "watchers/ad_groups.h"
#include "watchers/ad_notifier.h"
#include "watchers/ad_reading_source.h"
#include "watchers/ad_usn_source.h"
#include "watchers/directory/dc_locator.h"
#include "watchers/directory/session_openldap.h"
#include "watchers/graph_delta_source.h"
#include "watchers/graph_reader.h"
#include "watchers/graph_tenant_logs.h"
#include "watchers/graph_tenant_reader.h"
#include "watchers/graph_tenant_residue.h"
#include "watchers/source_loop.h"

namespace driftwarden::daemon {

// For all sources together, however many there are.
inline constexpr int kLdapThreads = 8;

// One forest or domain that is read.
struct Directory {
  DirectoryConfig config;
  std::unique_ptr<directory::DcLocator> locator;
  std::shared_ptr<watchers::AdSight> sight;
  watchers::AdSourceOptions options;
  std::unique_ptr<watchers::AdGroups> groups;
  std::unique_ptr<watchers::AdUsnSource> usn;
  std::unique_ptr<watchers::AdDirSyncSource> dirsync;  // null: not configured
  std::unique_ptr<watchers::AdReadingSource> source;   // over dirsync, else usn
  std::unique_ptr<watchers::AdDirectReads> reader;
  std::unique_ptr<GroupLoop> group_loop;
  std::unique_ptr<watchers::SourceLoop> loop;
  std::unique_ptr<watchers::AdNotifier> notifier;  // null: not configured
};

// One Entra tenant.
struct Tenant {
  EntraConfig config;
  std::unique_ptr<TenantMetrics> metrics;
  std::unique_ptr<net::HttpClient> http;         // by the proxy, where one is configured
  std::unique_ptr<net::HttpClient> direct_http;  // by none
  std::unique_ptr<graph::TokenSource> tokens;
  std::unique_ptr<graph::GraphClient> client;
  std::unique_ptr<watchers::GraphDeltaSource> source;
  std::unique_ptr<watchers::GraphReader> reader;
  std::unique_ptr<watchers::GraphReader> verifier;  // behind all the other reads
  std::shared_ptr<watchers::TenantSight> sight;
  std::unique_ptr<watchers::TenantTruth> truth;
  std::unique_ptr<watchers::TenantLogs> logs;
  std::unique_ptr<watchers::TenantResidue> residue;
  std::unique_ptr<remediation::Actuator> actuator;
  std::unique_ptr<watchers::SourceLoop> loop;
  std::unique_ptr<NotificationMetrics> notification_metrics;
  std::unique_ptr<watchers::GraphSubscription> subscription;  // null: not configured
};

// One link with all that works on it.
struct Link {
  std::shared_ptr<const monitor::Policy> policy;  // as started: its name and sources
  std::unique_ptr<LinkMetrics> metrics;
  std::unique_ptr<ChainWatch> chain;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<DirectReadLoop> direct_reads;
  std::unique_ptr<VerificationLoop> verification;
  std::unique_ptr<TenantVerificationLoop> tenant_verification;
  std::unique_ptr<TenantLoop> tenant_loop;
  std::unique_ptr<TenantLogLoop> log_loop;
  std::unique_ptr<ResidueBook> residue_book;
  std::unique_ptr<ResidueLoop> residue_loop;  // null: switched off
  std::unique_ptr<DeadlineLoop> deadlines;
  std::unique_ptr<remediation::ActionRunner> actions;
  std::unique_ptr<alerts::Dispatcher> dispatcher;
};

struct App::Parts {
  Parts(Config c, Logger& l) : config(std::move(c)), log(l) {}

  Config config;
  Logger& log;
  SystemClock clock;
  RealScheduler scheduler{clock};
  SystemRng rng;
  asio::io_context io{1};
  ThreadLane ldap_lane{"ldap", kLdapThreads};
  LaneTurns ldap_turns{ldap_lane, kLdapThreads};
  ThreadLane write_lane{"store-write", 1};
  ThreadLane read_lane{"store-read", 2};
  metrics::Registry registry;
  std::unique_ptr<CrashPoints> crash_points;  // null but in crash tests
  std::unique_ptr<store::StateStore> store;
  uint64_t lease_epoch = 0;
  std::unique_ptr<SourceMetrics> source_metrics;
  std::unique_ptr<DeliveryMetrics> delivery_metrics;
  std::unique_ptr<directory::SessionFactory> sessions;
  std::vector<std::unique_ptr<Directory>> directories;
  std::vector<std::unique_ptr<Tenant>> tenants;
  std::vector<std::unique_ptr<Link>> links;
  std::unique_ptr<net::HttpClient> alert_http;
  std::vector<std::unique_ptr<alerts::AlertSink>> sinks;
  std::unique_ptr<WatchdogPort> watchdog_port;
  std::unique_ptr<alerts::Dispatcher> watchdog;
  std::unique_ptr<LeaverLoop> leavers;  // null: not configured
  std::unique_ptr<Api> api;
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<NotificationServer> notifications;

  // While Run works.
  std::unique_ptr<TaskGroup> pollers;  // sources, direct reads, deadlines, actions
  std::unique_ptr<TaskGroup> tellers;  // dispatchers, housekeeping
  std::unique_ptr<TaskGroup> signals;  // to the very end: a second signal ends at once
  std::unique_ptr<AsyncEvent> stop;
  bool reload_on_hangup = false;
  bool reloading = false;
  std::atomic<bool> ready{false};
  Status store_failure;
  mutable std::mutex mutex;  // of address
  std::string address;

  // Building (app.cpp).
  Status OpenStore();
  Status BuildTenants();
  Status BuildDirectories();
  void BuildGroupLoops();
  void BuildLinks();
  Status BuildReceivers();
  void BuildNotifications();
  void BuildAlerting();
  Status BuildApi();
  // Working (app_run.cpp).
  asio::awaitable<Status> OpenEngines();
  asio::awaitable<void> Main(Status* result);
  asio::awaitable<void> Once(OnceResult* out, Status* result);
  void SizeBudgets();
  asio::awaitable<void> Housekeep();
  asio::awaitable<void> VerifyChain(Link* link);
  asio::awaitable<void> WatchSignals();
  void TellEverybody(const alerts::Alert& alert, absl::Duration give_up, TaskGroup& group);
  asio::awaitable<void> LastWord();
  asio::awaitable<void> Unsubscribe();
  asio::awaitable<void> TakeDown();
  // Reloading (app_reload.cpp).
  asio::awaitable<ReloadOutcome> Reload(std::string actor);
  asio::awaitable<void> ReloadOnHangup();
  ReloadOutcome Compare(const Config& edited) const;
  asio::awaitable<Status> TakeOver(Config* edited, std::string actor);
  asio::awaitable<void> JudgeAnew(Link* link);
  void LogReload(const ReloadOutcome& outcome, const std::string& actor);

  void RefreshStoreMetrics(const StatusOr<store::StoreStats>& stats);
  Status Listen();
  void OnStoreFailed(const Status& status);
  std::vector<SourceReport> Sources() const;
  std::string RenderMetrics();
  bool Healthy() const;
};

}  // namespace driftwarden::daemon
