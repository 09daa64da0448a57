#pragma once

// Tokens of the identity that Azure gives to the machine: by the instance metadata service of a
// virtual machine, or by the Azure Arc agent on a machine elsewhere. Wire source: "How to use
// managed identities for Azure resources on an Azure VM to acquire an access token", and the same
// for Azure Arc-enabled servers.

#include <string>

#include "net/http.h"
#include "watchers/graph/observer.h"
#include "watchers/graph/token.h"

namespace driftwarden::graph {

// What the machine says of itself, under the names that the vendor's own libraries read.
struct ManagedIdentityPlace {
  std::string identity_endpoint;  // IDENTITY_ENDPOINT: Azure Arc's, when both are set
  std::string imds_endpoint;      // IMDS_ENDPOINT
  std::string imds_host = "http://169.254.169.254";  // AZURE_POD_IDENTITY_AUTHORITY_HOST
  std::string arc_tokens = "/var/opt/azcmagent/tokens";

  bool IsArc() const { return !identity_endpoint.empty() && !imds_endpoint.empty(); }
  // Of this process' environment. Where the Arc agent is installed and the environment says
  // nothing, as in a systemd service, its usual endpoint counts.
  static ManagedIdentityPlace FromEnvironment();
};

struct ManagedIdentityOptions {
  std::string tenant_id;  // for the log
  std::string client_id;  // of a user-assigned identity; empty: the machine's own
  std::string resource;   // base URL of Graph
  ManagedIdentityPlace place;
  absl::Duration timeout = absl::Seconds(20);
  absl::Duration first_backoff = absl::Seconds(1);
};

class ManagedIdentityIssuer final : public TokenIssuer {
 public:
  static constexpr int kAttempts = 5;

  // All references must outlive it. `direct` must not go through a proxy: what answers at the
  // link-local address then is not this machine's.
  ManagedIdentityIssuer(ManagedIdentityOptions options, net::HttpClient& direct,
                        Scheduler& scheduler, Rng& rng, Logger& log, RequestObserver& observer);

  asio::awaitable<StatusOr<IssuedToken>> Issue() override;

 private:
  // Repeats what the service itself says to repeat: 404, 410, 429 and 5xx.
  asio::awaitable<StatusOr<net::HttpResponse>> Ask(std::string url, std::string authorization);
  asio::awaitable<StatusOr<net::HttpResponse>> AskArc();
  StatusOr<IssuedToken> Accept(net::HttpResponse response);
  std::string Mend(const TokenReply& reply, int status) const;

  const ManagedIdentityOptions options_;
  net::HttpClient& direct_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  RequestObserver& observer_;
  JsonDecoder decoder_;
};

}  // namespace driftwarden::graph
