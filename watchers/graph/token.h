#pragma once

// Access tokens for one tenant. Wire source: the Entra v2.0 token endpoint, client credentials
// grant (RFC 6749 section 4.4).

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/status.h"
#include "net/http.h"
#include "net/url.h"
#include "watchers/graph/clouds.h"
#include "watchers/graph/json.h"
#include "watchers/graph/observer.h"

namespace driftwarden::graph {

namespace asio = boost::asio;

// Gives a token that should still be good. One executor.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // Unauthenticated, with the mend, when a human must act; Unavailable, ResourceExhausted or
  // DeadlineExceeded when later may be better; Cancelled.
  virtual asio::awaitable<StatusOr<Secret>> Token() = 0;
  // The tenant refused `token`: it is not handed out again. Another, newer one is kept.
  virtual void Refused(const Secret& token) = 0;
};

// What proves that we are the application: a secret today; a certificate's assertion or a
// federated token are other implementations.
class Credential {
 public:
  virtual ~Credential() = default;
  // The form fields beside client_id, scope and grant_type; made anew for each token request, so
  // that a rotated secret works without a restart.
  virtual StatusOr<net::QueryPairs> FormFields() = 0;
  // Where a person mends it, e.g. "write a valid secret to /etc/driftwarden/graph.secret".
  virtual std::string Mend() const = 0;
};

class SecretFileCredential final : public Credential {
 public:
  explicit SecretFileCredential(std::string path) : path_(std::move(path)) {}
  StatusOr<net::QueryPairs> FormFields() override;
  std::string Mend() const override;

 private:
  const std::string path_;
};

struct TokenOptions {
  std::string tenant_id;
  std::string client_id;
  Endpoints endpoints;
  absl::Duration timeout = absl::Seconds(20);
};

// Cached until 5 minutes (half the lifetime, if that is less) and a random minute before the end;
// concurrent callers share one request. A renewal that fails while the old token is still good
// gives the old one. A refused credential is not tried again for kRefusedHold.
class ClientCredentialsSource final : public TokenSource {
 public:
  static constexpr absl::Duration kRefusedHold = absl::Seconds(10);
  static constexpr absl::Duration kRenewPause = absl::Seconds(30);

  // All references must outlive it.
  ClientCredentialsSource(TokenOptions options, std::unique_ptr<Credential> credential,
                          net::HttpClient& http, Scheduler& scheduler, Rng& rng, Logger& log,
                          RequestObserver& observer);
  ~ClientCredentialsSource() override;

  asio::awaitable<StatusOr<Secret>> Token() override;
  void Refused(const Secret& token) override;

 private:
  struct Flight;

  asio::awaitable<Status> Fetch();
  Status Accept(net::HttpResponse response);
  Status Explain(const TokenReply& reply, const net::HttpResponse& response) const;
  absl::Duration Now() const { return scheduler_.clock().Steady(); }

  const TokenOptions options_;
  const std::unique_ptr<Credential> credential_;
  net::HttpClient& http_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  RequestObserver& observer_;
  JsonDecoder decoder_;

  Secret token_;
  absl::Duration renew_at_;    // steady
  absl::Duration expires_at_;  // steady
  Status refused_;             // the last lasting refusal
  absl::Duration refused_until_;
  std::shared_ptr<Flight> flight_;
};

}  // namespace driftwarden::graph
