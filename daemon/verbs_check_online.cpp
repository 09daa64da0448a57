// check: what the configuration names, tried with the accounts that it names. Changes nothing.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <utility>

#include "base/async/lane_turns.h"
#include "base/async/scheduler.h"
#include "base/rng.h"
#include "base/strings.h"
#include "base/time.h"
#include "daemon/config.h"
#include "daemon/source_options.h"
#include "daemon/verbs.h"
#include "net/http_client.h"
#include "net/url.h"
#include "watchers/ad_check.h"
#include "watchers/directory/session_openldap.h"
#include "watchers/graph/token_factory.h"
#include "watchers/graph_check.h"

namespace driftwarden::daemon {
namespace {

namespace asio = boost::asio;
using watchers::CheckFinding;

constexpr absl::Duration kReceiverTimeout = absl::Seconds(10);

// What the checks share; its members outlive every coroutine of a check.
struct Bench {
  explicit Bench(const Config& c) : config(c) {}

  const Config& config;
  SystemClock clock;
  RealScheduler scheduler{clock};
  SystemRng rng;
  asio::io_context io{1};
  ThreadLane lane{"ldap", 2};
  LaneTurns turns{lane, 2};
  Logger quiet{LogLevel::kError, LogFormat::kLogfmt};
  std::vector<CheckFinding> findings;
};

void Print(const CheckFinding& finding) {
  std::printf("%-5s %s: %s%s%s\n", std::string(watchers::LevelText(finding.level)).c_str(),
              finding.subject.c_str(), finding.what.c_str(),
              finding.mend.empty() ? "" : "; mend: ", finding.mend.c_str());
  std::fflush(stdout);  // a line as soon as it is known: some take seconds
}

void Take(Bench* bench, std::vector<CheckFinding> findings) {
  for (CheckFinding& finding : findings) {
    Print(finding);
    bench->findings.push_back(std::move(finding));
  }
}

asio::awaitable<void> CheckDirectory(Bench* bench, const DirectoryConfig* entry) {
  auto sessions = directory::MakeOpenLdapSessionFactory(bench->turns, bench->clock);
  auto locator = directory::MakeDnsDcLocator(DnsOptionsOf(*entry), bench->turns, bench->rng);
  watchers::AdSourceOptions options = SourceOptionsOf(*entry);
  options.locator = locator.get();
  watchers::AdCheckWishes wishes;
  wishes.dirsync = entry->dirsync;
  wishes.notifications = entry->notifications;
  watchers::AdCheck check(std::move(options), wishes, *sessions, bench->clock);
  auto findings = co_await check.Run();
  Take(bench, std::move(findings));
}

bool MayRevoke(const Config& config, const monitor::SourceName& tenant) {
  for (const monitor::Policy& link : config.links) {
    if (link.entra_source != tenant) continue;
    if (link.remediation.mode == monitor::Mode::kAuto) return true;
    for (const monitor::ModeRule& rule : link.remediation.modes) {
      if (rule.mode == monitor::Mode::kAuto) return true;
    }
  }
  return false;
}

void TakeFailure(Bench* bench, std::string subject, const Status& status) {
  CheckFinding finding;
  finding.level = CheckFinding::Level::kFail;
  finding.subject = std::move(subject);
  finding.what = std::string(Message(status));
  std::vector<CheckFinding> one;
  one.push_back(std::move(finding));
  Take(bench, std::move(one));
}

asio::awaitable<void> CheckTenant(Bench* bench, const EntraConfig* entry) {
  net::HttpClientOptions http_options;
  http_options.ca_file = entry->ca_file;
  const auto direct = net::NewHttpClient(bench->io.get_executor(), http_options);
  http_options.proxy = entry->proxy;
  http_options.proxy_credentials_file = entry->proxy_credentials_file;
  const auto http = net::NewHttpClient(bench->io.get_executor(), http_options);
  const auto endpoints =
      graph::ResolveEndpoints(entry->cloud, entry->login_endpoint, entry->graph_endpoint);
  Status made = direct.status();
  made.Update(http.status());
  made.Update(endpoints.status());
  if (!made.ok()) {
    TakeFailure(bench, Cat(entry->name.value, ": endpoints"), made);
    co_return;
  }
  graph::NullObserver unseen;
  const graph::TokenParts parts{**http,     **direct,     bench->scheduler,
                                bench->rng, bench->quiet, unseen};
  const auto tokens =
      graph::MakeTokenSource(entry->tenant_id, *endpoints, entry->credential, parts);
  watchers::GraphCheckOptions options;
  options.name = entry->name;
  options.endpoints = *endpoints;
  options.revokes = MayRevoke(bench->config, entry->name);
  options.directory_audits = entry->directory_audits;
  options.sign_ins = entry->sign_ins;
  options.residue = entry->residue;
  watchers::GraphCheck check(std::move(options), **http, *tokens, bench->scheduler, bench->rng);
  auto findings = co_await check.Run();
  Take(bench, std::move(findings));
}

// Whether the pieces fit. Only the tenant can prove that it reaches us.
void CheckNotifications(Bench* bench, const EntraConfig& entry) {
  const GraphNotificationsConfig& wanted = entry.notifications;
  if (!wanted.enabled()) return;
  CheckFinding finding;
  finding.subject = Cat(entry.name.value, ": notifications");
  const auto url = net::ParseUrl(entry.NotificationUrl());
  const bool own_tls = !wanted.tls.cert_file.empty();
  if (url.ok() && IsLoopbackAddress(url->host)) {
    finding.level = CheckFinding::Level::kWarn;
    finding.what = Cat(entry.NotificationUrl(), " is this machine itself: no tenant reaches it");
    finding.mend = "name the address under which the internet reaches notifications.listen";
  } else {
    finding.what = Cat("the tenant is to send to ", entry.NotificationUrl(),
                       own_tls ? ", TLS ends here" : ", TLS ends at a proxy before us",
                       "; that it reaches us is proved by `run`, which it asks for a token (not "
                       "proven here)");
  }
  std::vector<CheckFinding> one;
  one.push_back(std::move(finding));
  Take(bench, std::move(one));
}

asio::awaitable<void> CheckReceiver(Bench* bench, net::HttpClient* http, std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  net::HttpRequest request(Cat(url, "/api/v2/status"));
  const auto answer = co_await http->Send(std::move(request), kReceiverTimeout);
  CheckFinding finding;
  finding.subject = Cat("alertmanager ", url);
  if (answer.ok() && answer->status == 200) {
    finding.what = "answers";
  } else {
    finding.level = CheckFinding::Level::kFail;
    finding.what = answer.ok() ? Cat("answers ", answer->status, " to GET /api/v2/status")
                               : std::string(Message(answer.status()));
    finding.mend = "start it, or mend alerting.alertmanagers";
  }
  std::vector<CheckFinding> one;
  one.push_back(std::move(finding));
  Take(bench, std::move(one));
}

asio::awaitable<void> CheckAll(Bench* bench, net::HttpClient* http) {
  for (const DirectoryConfig& entry : bench->config.directories) {
    co_await CheckDirectory(bench, &entry);
  }
  for (const EntraConfig& entry : bench->config.tenants) {
    co_await CheckTenant(bench, &entry);
    CheckNotifications(bench, entry);
  }
  for (const std::string& url : bench->config.alerting.alertmanagers) {
    std::string copy = url;
    co_await CheckReceiver(bench, http, std::move(copy));
  }
  bench->io.stop();  // whatever kept connections still wait for
}

}  // namespace

int VerbCheck(const std::string& path) {
  const int offline = VerbCheckOffline(path);
  if (offline != kExitOk && offline != kExitBlind) return offline;
  const auto config = LoadConfig(path);
  if (!config.ok()) return Complain(config.status());
  const Status kerberos = UseKerberosOf(*config);
  if (!kerberos.ok()) return Complain(kerberos);
  Bench bench(*config);
  const auto http = net::NewHttpClient(bench.io.get_executor(), net::HttpClientOptions());
  if (!http.ok()) return Complain(http.status());
  asio::co_spawn(bench.io, CheckAll(&bench, http->get()), [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  });
  bench.io.run();
  bool failed = offline == kExitBlind;
  for (const CheckFinding& finding : bench.findings) {
    failed |= finding.level == CheckFinding::Level::kFail;
  }
  return failed ? kExitBlind : kExitOk;
}

}  // namespace driftwarden::daemon
