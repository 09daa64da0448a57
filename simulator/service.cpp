#include "simulator/service.h"

#include <boost/json.hpp>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/rng.h"
#include "base/strings.h"
#include "net/http_server.h"
#include "net/packed.h"
#include "net/tls.h"
#include "simulator/control_api.h"
#include "simulator/graph_api.h"
#include "simulator/notifier.h"
#include "simulator/web_token.h"

namespace driftwarden::simulator {
namespace {

// A pure API as a handler of the HTTP server. Everything it needs lives as long as the server.
template <typename Api>
asio::awaitable<net::ServerResponse> CallApi(Api* api, const Clock* clock,
                                             net::ServerRequest request) {
  co_return api->Handle(request, clock->Wall());
}

template <typename Api>
net::Handler HandlerOf(Api* api, const Clock* clock) {
  return
      [api, clock](net::ServerRequest request) { return CallApi(api, clock, std::move(request)); };
}

// A new subscription counts once both its URLs have shown that they listen.
asio::awaitable<void> ValidateNew(GraphApi* api, Notifier* notifier, const Clock* clock,
                                  net::ServerResponse* response) {
  boost::system::error_code error;
  const boost::json::value made = boost::json::parse(response->body, error);
  if (error || !made.is_object()) co_return;
  const auto text = [&made](const char* key) {
    const boost::json::value* value = made.as_object().if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  Status validated;
  const std::vector<std::string> urls = {text("notificationUrl"), text("lifecycleNotificationUrl")};
  for (size_t i = 0; i < urls.size() && validated.ok(); ++i) {
    std::string url = urls[i];
    if (url.empty()) continue;
    validated = co_await notifier->Validate(std::move(url));
  }
  const std::string id = text("id");
  auto refused = api->AfterValidation(id, validated, clock->Wall());
  if (!refused) co_return;
  refused->headers = std::move(response->headers);
  *response = *std::move(refused);
}

// Graph packs its answers for whoever takes them packed.
asio::awaitable<net::ServerResponse> CallGraph(GraphApi* api, Notifier* notifier,
                                               const Clock* clock, net::ServerRequest request) {
  net::ServerResponse response = api->Handle(request, clock->Wall());
  const bool subscribes = request.method == "POST" && request.path == "/v1.0/subscriptions";
  if (subscribes && response.status == 201) co_await ValidateNew(api, notifier, clock, &response);
  net::PackIfAccepted(request, response);
  co_return response;
}

const char* ToText(AuthMode mode) {
  switch (mode) {
    case AuthMode::kPasswordHashSync:
      return "password_hash_sync";
    case AuthMode::kPassThrough:
      return "pass_through";
    case AuthMode::kFederated:
      return "federated";
  }
  return "auto";
}

// The metadata service on its own server.
asio::awaitable<net::ServerResponse> CallMetadata(GraphApi* api, const Clock* clock,
                                                  net::ServerRequest request) {
  co_return api->MetadataService(request, clock->Wall());
}

// "corp", "corp2", ...
std::string Numbered(std::string_view name, size_t i) {
  return i == 0 ? std::string(name) : Cat(name, i + 1);
}

WorldOptions WorldOf(const SimulatorOptions& options, absl::Time start) {
  WorldOptions world;
  world.seed = options.seed;
  world.start = start;
  world.forests.clear();
  for (size_t i = 0; i < options.forests; ++i) {
    ForestOptions forest;
    forest.people.count = options.users;
    forest.people.domain = Cat(Numbered("corp", i), ".example");
    forest.people.netbios = i == 0 ? "CORP" : Cat("CORP", i + 1);
    forest.people.tier0_every = options.tier0_every;
    forest.people.leavers_every = options.leavers_every;
    world.forests.push_back(std::move(forest));
  }
  world.tenants.clear();
  for (size_t i = 0; i < options.tenants; ++i) {
    TenantOptions tenant;
    tenant.name = Numbered("contoso", i);
    tenant.forest = i % options.forests;
    tenant.unlinked_every = options.unlinked_every;
    world.tenants.push_back(std::move(tenant));
  }
  world.sync.cycle = options.cycle;
  world.sync.processing = options.processing;
  world.actors.mode = options.auth_mode;
  world.actors.stubborn_after = options.stubborn_after;
  return world;
}

// The forms under which one account may bind.
void AddAccount(const People& people, const std::string& name, const std::string& password,
                bool admin, std::vector<LdapAccount>& out) {
  out.push_back({Cat(name, '@', people.options().domain), password, admin});
  out.push_back({Cat(people.options().netbios, '\\', name), password, admin});
  out.push_back({Cat("CN=", name, ",CN=Users,", people.base_dn()), password, admin});
}

}  // namespace

struct SimulatorService::Impl {
  Impl(asio::any_io_executor ex, const Clock& c, SimulatorOptions o)
      : executor(std::move(ex)), clock(c), options(std::move(o)) {
    // The configuration names files, and may be used from another working directory.
    std::error_code error;
    folder = std::filesystem::absolute(options.folder, error).string();
  }

  asio::any_io_executor executor;
  const Clock& clock;
  const SimulatorOptions options;
  std::string folder;
  SimulatorEndpoints endpoints;
  std::unique_ptr<World> world;
  AlertReceiver alerts;
  std::unique_ptr<GraphApi> graph;
  std::unique_ptr<Notifier> notifier;
  std::unique_ptr<ControlApi> control;
  std::vector<std::unique_ptr<LdapServer>> ldap;
  std::vector<std::unique_ptr<net::HttpServer>> http;

  std::string File(std::string_view name) const { return Cat(folder, '/', name); }
  StatusOr<std::string> WriteSecret(std::string_view name, std::string& path) const;
  StatusOr<net::TlsServerConfig> MakeTls();
  Status StartLdap(const net::TlsServerConfig& tls);
  StatusOr<uint16_t> Serve(net::Handler handler, uint16_t port,
                           std::optional<net::TlsServerConfig> tls);
  Status StartHttp(const net::TlsServerConfig& tls, AppRegistration app);
  Status AddCredential(AppRegistration& app);
  Status AddCertificate(AppRegistration& app);
  Status AddFederated(AppRegistration& app);
};

// A password of its own, alone in a file: `ldapsearch -y` takes a line end for part of it.
StatusOr<std::string> SimulatorService::Impl::WriteSecret(std::string_view name,
                                                          std::string& path) const {
  SystemRng rng;
  std::string secret = MakeUuid(rng);
  path = File(name);
  DW_RETURN_IF_ERROR(WriteFileAtomic(path, secret));
  return secret;
}

StatusOr<net::TlsServerConfig> SimulatorService::Impl::MakeTls() {
  const absl::Time now = clock.Wall();
  DW_ASSIGN_OR_RETURN(const net::PemPair ca, net::MakeCa("driftwarden simulator", now));
  const std::vector<std::string> names = {"localhost", world->directory().dc().dns_name};
  const std::vector<std::string> addresses = {options.address};
  DW_ASSIGN_OR_RETURN(net::PemPair identity,
                      net::IssueServerCertificate(ca, names, addresses, now));
  endpoints.ca_file = File("ca.pem");
  DW_RETURN_IF_ERROR(WriteFileAtomic(endpoints.ca_file, ca.certificate_pem, 0644));
  return net::TlsServerConfig(std::move(identity));
}

Status SimulatorService::Impl::StartLdap(const net::TlsServerConfig& tls) {
  DW_ASSIGN_OR_RETURN(const std::string reader, WriteSecret("ldap.pw", endpoints.password_file));
  DW_ASSIGN_OR_RETURN(const std::string admin,
                      WriteSecret("admin.pw", endpoints.admin_password_file));
  for (size_t i = 0; i < world->forests(); ++i) {
    const People& people = world->people(i);
    LdapServerOptions server;
    server.forest = i;
    server.tls = tls;
    AddAccount(people, "svc-drift", reader, /*admin=*/false, server.accounts);
    AddAccount(people, "Administrator", admin, /*admin=*/true, server.accounts);
    ConfigTargets::Forest forest;
    forest.name = Numbered("corp", i);
    forest.bind_user = server.accounts.front().user;
    ldap.push_back(std::make_unique<LdapServer>(executor, *world, clock, std::move(server)));
    DW_ASSIGN_OR_RETURN(const uint16_t ldaps_port,
                        ldap.back()->ListenTls(options.address, i == 0 ? options.ldaps_port : 0));
    DW_ASSIGN_OR_RETURN(const uint16_t ldap_port,
                        ldap.back()->ListenPlain(options.address, i == 0 ? options.ldap_port : 0));
    forest.ldaps_url = Cat("ldaps://", options.address, ':', ldaps_port);
    forest.ldap_url = Cat("ldap://", options.address, ':', ldap_port);
    endpoints.forests.push_back(std::move(forest));
  }
  endpoints.admin_user = Cat("Administrator@", world->people().options().domain);
  return OkStatus();
}

StatusOr<uint16_t> SimulatorService::Impl::Serve(net::Handler handler, uint16_t port,
                                                 std::optional<net::TlsServerConfig> tls) {
  net::ServerOptions server;
  server.address = options.address;
  server.port = port;
  server.tls = std::move(tls);
  server.clock = &clock;
  server.max_connections = 4096;  // a hundred tenants keep several each
  http.push_back(std::make_unique<net::HttpServer>(executor, std::move(handler)));
  return http.back()->Listen(std::move(server));
}

Status SimulatorService::Impl::AddCertificate(AppRegistration& app) {
  net::RsaIdentityOptions wish;
  wish.name = "driftwarden simulated application";
  wish.not_before = clock.Wall() - absl::Hours(1);
  wish.not_after = clock.Wall() + absl::Hours(24 * 365);
  DW_ASSIGN_OR_RETURN(const net::PemPair identity, net::MakeRsaIdentity(wish));
  endpoints.certificate_file = File("app.pem");
  endpoints.private_key_file = File("app.key");
  DW_RETURN_IF_ERROR(WriteFileAtomic(endpoints.certificate_file, identity.certificate_pem, 0644));
  DW_RETURN_IF_ERROR(WriteFileAtomic(endpoints.private_key_file, identity.key_pem));
  return app.AddCertificate(identity.certificate_pem);
}

// As a Kubernetes cluster would write it for a pod, but for a day.
Status SimulatorService::Impl::AddFederated(AppRegistration& app) {
  const absl::Time now = clock.Wall();
  net::RsaIdentityOptions wish;
  wish.name = "simulated token issuer";
  wish.not_before = now - absl::Hours(1);
  wish.not_after = now + absl::Hours(24 * 365);
  DW_ASSIGN_OR_RETURN(const net::PemPair issuer, net::MakeRsaIdentity(wish));
  FederatedTrust trust;
  trust.issuer = "https://issuer.corp.example";
  trust.subject = "system:serviceaccount:driftwarden:driftwarden";
  trust.certificate_pem = issuer.certificate_pem;
  const boost::json::object claims = {{"iss", trust.issuer},
                                      {"sub", trust.subject},
                                      {"aud", trust.audience},
                                      {"nbf", absl::ToUnixSeconds(now)},
                                      {"iat", absl::ToUnixSeconds(now)},
                                      {"exp", absl::ToUnixSeconds(now + absl::Hours(24))}};
  DW_ASSIGN_OR_RETURN(const std::string token,
                      MakeWebToken({{"alg", "RS256"}, {"typ", "JWT"}}, claims, issuer.key_pem));
  app.trust = std::move(trust);
  endpoints.federated_token_file = File("federated.jwt");
  return WriteFileAtomic(endpoints.federated_token_file, token);
}

Status SimulatorService::Impl::AddCredential(AppRegistration& app) {
  endpoints.credential = options.credential;
  endpoints.client_id = app.client_id;
  DW_ASSIGN_OR_RETURN(app.client_secret, WriteSecret("graph.secret", endpoints.secret_file));
  if (options.credential == CredentialKind::kCertificate) return AddCertificate(app);
  if (options.credential == CredentialKind::kFederated) return AddFederated(app);
  return OkStatus();
}

Status SimulatorService::Impl::StartHttp(const net::TlsServerConfig& tls, AppRegistration app) {
  GraphOptions graph_options;
  graph_options.app = std::move(app);
  graph = std::make_unique<GraphApi>(*world, std::move(graph_options));
  std::vector<LdapFaults*> faults;
  for (const auto& server : ldap) faults.push_back(&server->faults());
  control = std::make_unique<ControlApi>(*world, std::move(faults));
  notifier = std::make_unique<Notifier>(executor, clock, *world, graph->subscriptions());
  DW_RETURN_IF_ERROR(notifier->Trust(endpoints.ca_file));
  notifier->Start();
  control->Serve(graph->subscriptions(),
                 [this](const std::string& ca_file) { return notifier->Trust(ca_file); });
  const auto answer = [this](net::ServerRequest request) {
    return CallGraph(graph.get(), notifier.get(), &clock, std::move(request));
  };
  DW_ASSIGN_OR_RETURN(const uint16_t graph_port, Serve(answer, options.graph_port, tls));
  DW_ASSIGN_OR_RETURN(const uint16_t control_port,
                      Serve(HandlerOf(control.get(), &clock), options.control_port, std::nullopt));
  endpoints.graph_url = Cat("https://", options.address, ':', graph_port);
  endpoints.control_url = Cat("http://", options.address, ':', control_port);
  if (options.credential == CredentialKind::kManagedIdentity) {
    const auto metadata = [this](net::ServerRequest request) {
      return CallMetadata(graph.get(), &clock, std::move(request));
    };
    DW_ASSIGN_OR_RETURN(const uint16_t imds_port, Serve(metadata, 0, std::nullopt));
    endpoints.imds_url = Cat("http://", options.address, ':', imds_port);
  }
  if (!options.alert_receiver) return OkStatus();
  DW_ASSIGN_OR_RETURN(const uint16_t alerts_port,
                      Serve(HandlerOf(&alerts, &clock), options.alerts_port, std::nullopt));
  endpoints.alerts_url = Cat("http://", options.address, ':', alerts_port);
  return OkStatus();
}

SimulatorService::SimulatorService(asio::any_io_executor executor, const Clock& clock,
                                   SimulatorOptions options)
    : impl_(std::make_unique<Impl>(std::move(executor), clock, std::move(options))) {}

SimulatorService::~SimulatorService() = default;

Status SimulatorService::Start() {
  const SimulatorOptions& options = impl_->options;
  if (options.users == 0 || options.forests == 0 || options.tenants == 0) {
    return InvalidError("the simulator needs at least one person, one forest and one tenant");
  }
  if (options.folder.empty()) return InvalidError("the simulator needs a folder");
  DW_RETURN_IF_ERROR(MakeDirectories(options.folder));
  impl_->world = std::make_unique<World>(WorldOf(options, impl_->clock.Wall()));
  DW_ASSIGN_OR_RETURN(const net::TlsServerConfig tls, impl_->MakeTls());
  DW_RETURN_IF_ERROR(impl_->StartLdap(tls));
  AppRegistration app;
  DW_RETURN_IF_ERROR(impl_->AddCredential(app));
  DW_RETURN_IF_ERROR(impl_->StartHttp(tls, std::move(app)));
  impl_->endpoints.auth_mode = ToText(options.auth_mode);
  for (size_t i = 0; i < impl_->world->tenants(); ++i) {
    const Tenant& tenant = impl_->world->tenant(i);
    impl_->endpoints.tenants.push_back(
        {tenant.options().name, tenant.id(), Numbered("corp", tenant.options().forest)});
  }
  return OkStatus();
}

asio::awaitable<void> SimulatorService::Stop() {
  if (impl_->notifier) co_await impl_->notifier->Stop();
  for (const auto& server : impl_->http) co_await server->Stop();
  for (const auto& server : impl_->ldap) co_await server->Stop();
}

const SimulatorEndpoints& SimulatorService::endpoints() const {
  return impl_->endpoints;
}

Status SimulatorService::WriteConfig(const std::string& path, const ConfigOptions& options) const {
  return WriteFileAtomic(path, ConfigYaml(impl_->endpoints, options));
}

World& SimulatorService::world() {
  return *impl_->world;
}
AlertReceiver& SimulatorService::alerts() {
  return impl_->alerts;
}
AppRegistration& SimulatorService::app() {
  return impl_->graph->app();
}
LdapServer& SimulatorService::ldap(size_t forest) {
  return *impl_->ldap[forest];
}

}  // namespace driftwarden::simulator
