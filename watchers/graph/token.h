#pragma once

// Access tokens for one tenant: who issues them is behind TokenIssuer, how long they are kept is
// here.

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/status.h"
#include "watchers/graph/json.h"

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

struct IssuedToken {
  Secret token;
  absl::Duration lifetime;

  IssuedToken() = default;
  IssuedToken(Secret t, absl::Duration life) : token(std::move(t)), lifetime(life) {}
};

// Asks for one token. Errors as TokenSource's.
class TokenIssuer {
 public:
  virtual ~TokenIssuer() = default;
  virtual asio::awaitable<StatusOr<IssuedToken>> Issue() = 0;
};

// What a good answer grants; DataLoss when it holds no usable token and lifetime.
StatusOr<IssuedToken> GrantOf(TokenReply reply);

// Cached until 5 minutes (half the lifetime, if that is less) and a random minute before the end;
// concurrent callers share one request. A renewal that fails while the old token is still good
// gives the old one. After a refusal nothing is asked for kRefusedHold.
class CachedTokenSource final : public TokenSource {
 public:
  static constexpr absl::Duration kRefusedHold = absl::Seconds(10);
  static constexpr absl::Duration kRenewPause = absl::Seconds(30);

  // All references must outlive it. `tenant_id` is for the log.
  CachedTokenSource(std::unique_ptr<TokenIssuer> issuer, std::string tenant_id,
                    Scheduler& scheduler, Rng& rng, Logger& log);
  ~CachedTokenSource() override;

  asio::awaitable<StatusOr<Secret>> Token() override;
  void Refused(const Secret& token) override;

 private:
  struct Flight;

  asio::awaitable<Status> Fetch();
  absl::Duration Now() const { return scheduler_.clock().Steady(); }

  const std::unique_ptr<TokenIssuer> issuer_;
  const std::string tenant_id_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;

  Secret token_;
  absl::Duration renew_at_;    // steady
  absl::Duration expires_at_;  // steady
  Status refused_;             // the last lasting refusal
  absl::Duration refused_until_;
  std::shared_ptr<Flight> flight_;
};

}  // namespace driftwarden::graph
