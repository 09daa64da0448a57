#pragma once

// Authorised requests to one tenant's Graph: token, identification, throttling, bounded retries and
// the guard that keeps tokens on the configured host. What the answers mean is the callers' matter.

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "net/http.h"
#include "watchers/graph/budget.h"
#include "watchers/graph/clouds.h"
#include "watchers/graph/json.h"
#include "watchers/graph/observer.h"
#include "watchers/graph/throttle.h"
#include "watchers/graph/token.h"

namespace driftwarden::graph {

struct GraphRequest {
  std::string method = "GET";
  std::string url;         // "/users/..." below /v1.0, or a whole link that the tenant gave
  std::string_view route;  // the request's name in metrics, a literal
  Priority priority = Priority::kPoll;
  std::string body;               // JSON; empty: none
  std::string client_request_id;  // a new one is made when empty
  // Of the parts of a $batch; otherwise found from method and url.
  std::optional<RequestCost> cost;
  bool read_only = true;  // may be sent again; false for everything that changes something
  // On the steady clock: what is not on its way by then is not sent.
  absl::Duration not_after = absl::InfiniteDuration();

  GraphRequest() = default;
  GraphRequest(std::string request_url, std::string_view name, Priority p)
      : url(std::move(request_url)), route(name), priority(p) {}
};

// Any HTTP answer, good or bad.
struct GraphReply {
  int status = 0;
  std::string body;
  GraphError error;  // of a status of 400 and above; the code is empty when it was not Graph's
  std::string request_id;
  TimeBounds at;                               // our clock: sent, answered
  std::optional<absl::Duration> clock_offset;  // the tenant's clock minus ours, to half a second
  std::optional<absl::Duration> retry_after;
  // How much of the allowed load is used, 1 being all of it; told from about 0.8 only.
  std::optional<double> throttle_share;
  std::optional<double> resource_units;  // what it cost, where the tenant says
  Throttle throttle;                     // of a 429

  bool ok() const { return status >= 200 && status < 300; }
};

// The status that a reply amounts to, in words: 400 FailedPrecondition, 401 Unauthenticated,
// 403 PermissionDenied, 404 NotFound (Unavailable when the 404 is not Graph's own: a proxy knows
// nothing about users), 429 ResourceExhausted, 408 and 5xx Unavailable.
Status ToStatus(const GraphReply& reply, std::string_view what);

// An id as one segment of a path, whatever is in it.
std::string PathSegment(std::string_view id);

struct ClientOptions {
  Endpoints endpoints;
  absl::Duration timeout = absl::Seconds(60);  // one exchange
  absl::Duration max_wait = absl::Minutes(2);  // all waits of one Send together
  absl::Duration first_backoff = absl::Seconds(1);
  int max_attempts = 8;
  size_t response_limit = net::kDefaultResponseLimit;
  // Who is told of refusals for load, and what the tenant is called there. Null: nobody.
  Logger* log = nullptr;
  std::string name;
};

// One executor.
class GraphClient {
 public:
  // All references must outlive it.
  GraphClient(ClientOptions options, net::HttpClient& http, TokenSource& tokens,
              Scheduler& scheduler, Rng& rng, RequestObserver& observer);

  // Read-only requests are sent again after 408, 429, 502, 503, 504 and 509 within max_wait; a
  // request that changes something never. A 401 renews the token once (a refused call was not
  // made). Errors: those of the token and the transport; PermissionDenied for a link that leaves
  // the configured endpoint; ResourceExhausted when the tenant wants more patience than max_wait;
  // Unavailable when `not_after` passed first. What failed before it was sent is marked
  // (base/unsent.h) and never DeadlineExceeded: that means that it may have arrived.
  asio::awaitable<StatusOr<GraphReply>> Send(GraphRequest request);

  // Ok when a bearer token may be sent to `link`: same origin as the Graph endpoint, under /v1.0/,
  // or the sign-ins of beta.
  Status CheckLink(std::string_view link) const;
  // The whole URL of a path below the version, e.g. "/users/delta".
  std::string UrlOf(std::string_view path) const;
  // Of the sign-ins of the other version, which alone tells of those that are not interactive.
  std::string BetaSignInsUrl(std::string_view query) const;

  // What the outer answer of a batch does not show: that a part was throttled, and is to be asked
  // for again after `wait`; what the parts cost, and how much is used.
  void NoteInnerThrottle(std::string_view route, Priority priority, absl::Duration wait,
                         const Throttle& throttle = Throttle());
  void NoteInnerCosts(std::string_view route, Priority priority, RequestCost reserved,
                      const std::vector<BatchItem>& parts);

  JsonDecoder& decoder() { return decoder_; }
  Budget& budget() { return budget_; }
  const Budget& budget() const { return budget_; }
  const ClientOptions& options() const { return options_; }

 private:
  struct Patience;

  asio::awaitable<StatusOr<GraphReply>> SendOnce(GraphRequest request, std::string url,
                                                 Secret token);
  // Its turn in the budget, then SendOnce.
  asio::awaitable<StatusOr<GraphReply>> SendInTurn(GraphRequest request, std::string url,
                                                   Secret* token, absl::Duration until);
  // Ok: try again now. Otherwise the wait is too long or was cancelled.
  asio::awaitable<Status> WaitToRetry(const GraphRequest& request, const GraphReply& reply,
                                      Patience& patience);
  void Refused(std::string_view route, Priority priority, absl::Duration wait,
               const Throttle& throttle);
  GraphReply ReadReply(net::HttpResponse response, TimeBounds at);

  const ClientOptions options_;
  net::HttpClient& http_;
  TokenSource& tokens_;
  Scheduler& scheduler_;
  Rng& rng_;
  RequestObserver& observer_;
  Budget budget_;
  JsonDecoder decoder_;
  absl::Duration refusal_logged_ = -absl::InfiniteDuration();  // steady
  uint64_t refusals_ = 0;                                      // since then
};

}  // namespace driftwarden::graph
