#pragma once

// The tenants of a world behind Microsoft Graph v1.0 and the token endpoint, without the socket:
// request in, response out. The HTTPS server calls it, and tests may in process. The bearer token
// says which tenant is meant.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "net/http_server.h"
#include "simulator/app_registration.h"
#include "simulator/subscriptions.h"
#include "simulator/tenant.h"
#include "simulator/world.h"

namespace driftwarden::simulator {

struct GraphOptions {
  AppRegistration app;
  absl::Duration token_lifetime = absl::Seconds(3599);
};

class GraphApi {
 public:
  // `world` must outlive it.
  GraphApi(World& world, GraphOptions options)
      : world_(world), options_(std::move(options)), subscriptions_(world) {}

  // Links in answers carry the request's Host. The Date header is the server's business.
  net::ServerResponse Handle(const net::ServerRequest& request, absl::Time now);

  // The instance metadata service, which is another server: http, at a link-local address.
  net::ServerResponse MetadataService(const net::ServerRequest& request, absl::Time now);
  AppRegistration& app() { return options_.app; }
  Subscriptions& subscriptions() { return subscriptions_; }
  // A 201 for a subscription counts once its URL was asked. The answer instead, if it did not
  // listen.
  std::optional<net::ServerResponse> AfterValidation(const std::string& id, const Status& validated,
                                                     absl::Time now);

  uint64_t requests() const { return requests_; }  // to Graph, inner ones of a batch too

 private:
  // Where a request stands: its tenant, its path below the version, what it carries.
  struct Context {
    Tenant* tenant = nullptr;
    absl::Time now;
    std::string base;  // https://host:port/v1.0, or beta
    std::string client_request_id;
    bool beta = false;  // the version that the path names
  };

  net::ServerResponse Token(std::string_view tenant_id, const net::ServerRequest& request,
                            absl::Time now);
  net::ServerResponse Discovery(std::string_view tenant_id, const net::ServerRequest& request,
                                absl::Time now);
  std::optional<size_t> TenantNumber(std::string_view tenant_id) const;
  std::string NewToken(size_t tenant, absl::Time now) const;
  Tenant* TenantOf(const net::ServerRequest& request, absl::Time now);
  std::optional<net::ServerResponse> Fault(Context& context);
  net::ServerResponse Dispatch(const std::vector<std::string>& path,
                               const net::ServerRequest& request, Context& context);
  net::ServerResponse Route(const std::vector<std::string>& path, const net::ServerRequest& request,
                            Context& context);
  net::ServerResponse UserCall(const std::vector<std::string>& path,
                               const net::ServerRequest& request, Context& context);
  net::ServerResponse Delta(const net::ServerRequest& request, const Context& context);
  net::ServerResponse DeadToken(DeadTokenShape shape, const Context& context);
  net::ServerResponse GetUser(uint64_t person, const net::ServerRequest& request,
                              const Context& context);
  net::ServerResponse PatchUser(uint64_t person, const net::ServerRequest& request,
                                const Context& context);
  net::ServerResponse Revoke(uint64_t person, const Context& context);
  net::ServerResponse WriteDone(net::ServerResponse response, const Context& context);
  net::ServerResponse DeletedItem(std::string_view id, const net::ServerRequest& request,
                                  const Context& context);
  // What the tenant says of itself (graph_tenant.cpp). Nothing: none of these paths.
  std::optional<net::ServerResponse> TenantCall(const std::vector<std::string>& path,
                                                const net::ServerRequest& request,
                                                const Context& context);
  net::ServerResponse Organization(const Context& context);
  net::ServerResponse SyncConfiguration(const Context& context);
  net::ServerResponse Domains(const Context& context);
  net::ServerResponse TokenPolicies(const Context& context);
  net::ServerResponse AccessPolicies(const Context& context);
  net::ServerResponse Roles(const std::vector<std::string>& path, const Context& context);
  net::ServerResponse Groups(const Context& context);
  net::ServerResponse GroupMembers(const std::string& group, const Context& context);
  net::ServerResponse ServicePrincipals(const std::vector<std::string>& path,
                                        const net::ServerRequest& request, const Context& context);
  net::ServerResponse SyncJobs(const Context& context);
  net::ServerResponse ListUsers(const net::ServerRequest& request, const Context& context);
  net::ServerResponse SyncBehavior(uint64_t person, const Context& context);
  // The tenant's logs (graph_reports.cpp): directoryAudits, signIns, provisioning.
  net::ServerResponse Report(const std::vector<std::string>& path,
                             const net::ServerRequest& request, const Context& context);
  net::ServerResponse DirectoryAudits(const net::ServerRequest& request, const Context& context);
  net::ServerResponse SignIns(const net::ServerRequest& request, const Context& context);
  net::ServerResponse ProvisioningLog(const net::ServerRequest& request, const Context& context);
  // graph_devices.cpp.
  net::ServerResponse DevicesOf(uint64_t person, const std::vector<std::string>& path,
                                const net::ServerRequest& request, const Context& context);
  net::ServerResponse UsersOfDevice(const std::string& device, const Context& context);
  // graph_remains.cpp. Nothing: none of these paths.
  std::optional<net::ServerResponse> RemainsOf(uint64_t person,
                                               const std::vector<std::string>& path,
                                               const net::ServerRequest& request,
                                               const Context& context);
  std::optional<net::ServerResponse> RemainsByFilter(const std::vector<std::string>& path,
                                                     const net::ServerRequest& request,
                                                     const Context& context);
  net::ServerResponse Batch(const net::ServerRequest& request, Context& context);
  net::ServerResponse SubscriptionCall(const std::vector<std::string>& path,
                                       const net::ServerRequest& request, const Context& context);
  void Stamp(net::ServerResponse& response, const Context& context);

  World& world_;
  GraphOptions options_;
  Subscriptions subscriptions_;
  uint64_t requests_ = 0;
  uint64_t next_request_id_ = 1;
};

}  // namespace driftwarden::simulator
