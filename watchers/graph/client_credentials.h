#pragma once

// Tokens by the client credentials grant (RFC 6749 section 4.4) of the Entra v2.0 token endpoint.

#include <memory>
#include <string>

#include "net/http.h"
#include "watchers/graph/clouds.h"
#include "watchers/graph/credential.h"
#include "watchers/graph/observer.h"
#include "watchers/graph/token.h"

namespace driftwarden::graph {

struct TokenOptions {
  std::string tenant_id;
  std::string client_id;
  Endpoints endpoints;
  absl::Duration timeout = absl::Seconds(20);
};

class ClientCredentialsIssuer final : public TokenIssuer {
 public:
  // A credential that ends sooner is warned of at each request.
  static constexpr absl::Duration kWarnBefore = absl::Hours(14 * 24);

  // All references must outlive it.
  ClientCredentialsIssuer(TokenOptions options, std::unique_ptr<Credential> credential,
                          net::HttpClient& http, Scheduler& scheduler, Rng& rng, Logger& log,
                          RequestObserver& observer);

  asio::awaitable<StatusOr<IssuedToken>> Issue() override;

 private:
  StatusOr<IssuedToken> Accept(net::HttpResponse response);
  Status Explain(const TokenReply& reply, const net::HttpResponse& response) const;
  void WarnOfTheEnd(absl::Time now);

  const TokenOptions options_;
  const std::unique_ptr<Credential> credential_;
  net::HttpClient& http_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  RequestObserver& observer_;
  JsonDecoder decoder_;
};

}  // namespace driftwarden::graph
