#include "watchers/graph/token.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "base/async/event.h"
#include "base/strings.h"
#include "watchers/graph/retry_after.h"

namespace driftwarden::graph {
namespace {

constexpr size_t kAnswerLimit = size_t{1} << 20;
constexpr absl::Duration kMargin = absl::Minutes(5);
constexpr absl::Duration kJitter = absl::Minutes(1);

bool IsTransientStatus(int code) {
  return code == 408 || code == 429 || code >= 500;
}

// The first line of the tenant's own words: it names the exact reason, which `error` does not.
std::string Reason(const TokenReply& reply) {
  const std::string_view text = reply.error_description;
  const std::string line = Printable(text.substr(0, text.find_first_of("\r\n")), 300);
  return line.empty() ? reply.error : Cat(reply.error, ", \"", line, "\"");
}

bool IsHeaderSafe(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

struct ClientCredentialsSource::Flight {
  AsyncEvent done;
  Status result;
  explicit Flight(const asio::any_io_executor& executor) : done(executor) {}
};

StatusOr<net::QueryPairs> SecretFileCredential::FormFields() {
  DW_ASSIGN_OR_RETURN(const Secret secret, ReadSecretFile(path_));
  net::QueryPairs fields;
  fields.emplace_back("client_secret", std::string(secret.Reveal()));
  return fields;
}

std::string SecretFileCredential::Mend() const {
  return Cat("write a current client secret (its value, not its id) to ", path_);
}

ClientCredentialsSource::ClientCredentialsSource(TokenOptions options,
                                                 std::unique_ptr<Credential> credential,
                                                 net::HttpClient& http, Scheduler& scheduler,
                                                 Rng& rng, Logger& log, RequestObserver& observer)
    : options_(std::move(options)),
      credential_(std::move(credential)),
      http_(http),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      observer_(observer),
      renew_at_(-absl::InfiniteDuration()),
      expires_at_(-absl::InfiniteDuration()),
      refused_until_(-absl::InfiniteDuration()) {}

ClientCredentialsSource::~ClientCredentialsSource() = default;

void ClientCredentialsSource::Refused(const Secret& token) {
  if (token.Reveal() != token_.Reveal()) return;
  token_ = Secret();
  renew_at_ = expires_at_ = -absl::InfiniteDuration();
}

asio::awaitable<StatusOr<Secret>> ClientCredentialsSource::Token() {
  while (true) {
    if (!token_.empty() && Now() < renew_at_) co_return token_;
    if (!refused_.ok() && Now() < refused_until_) co_return refused_;
    if (flight_ == nullptr) break;
    const std::shared_ptr<Flight> flight = flight_;
    const bool landed = co_await flight->done.Wait();
    if (!landed) co_return CancelledError("stopping");
    // The one who asked was stopped, we were not: ask ourselves.
    if (absl::IsCancelled(flight->result)) continue;
    if (!token_.empty() && Now() < expires_at_) co_return token_;
    if (!flight->result.ok()) co_return flight->result;
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto flight = std::make_shared<Flight>(executor);
  flight_ = flight;
  const Status fetched = co_await Fetch();
  flight->result = fetched;
  flight_.reset();
  flight->done.Set();
  if (fetched.ok()) co_return token_;
  const bool still_good = !token_.empty() && Now() < expires_at_;
  if (!still_good || absl::IsCancelled(fetched)) co_return fetched;
  log_.Warn("token_renewal_failed", Message(fetched), {{"tenant", options_.tenant_id}});
  renew_at_ = std::min(expires_at_, Now() + kRenewPause);
  co_return token_;
}

asio::awaitable<Status> ClientCredentialsSource::Fetch() {
  auto fields = credential_->FormFields();
  if (!fields.ok()) {
    // Not Unavailable: waiting does not mend a file.
    co_return UnauthenticatedError(Message(fields.status()));
  }
  fields->emplace_back("client_id", options_.client_id);
  fields->emplace_back("scope", Cat(options_.endpoints.graph, "/.default"));
  fields->emplace_back("grant_type", "client_credentials");
  const std::string url = Cat(options_.endpoints.login, "/", net::PercentEncode(options_.tenant_id),
                              "/oauth2/v2.0/token");
  net::HttpRequest request("POST", url, "application/x-www-form-urlencoded",
                           net::FormEncode(*fields));
  request.AddHeader("Accept", "application/json");
  request.response_limit = kAnswerLimit;
  auto response = co_await http_.Send(std::move(request), options_.timeout);
  observer_.OnRequest("token", response.ok() ? response->status : 0);
  if (!response.ok()) co_return Annotate(response.status(), "token request");
  const Status accepted = Accept(*std::move(response));
  if (absl::IsUnauthenticated(accepted)) {
    refused_ = accepted;
    refused_until_ = Now() + kRefusedHold;
  }
  co_return accepted;
}

Status ClientCredentialsSource::Accept(net::HttpResponse response) {
  auto reply = decoder_.DecodeToken(response.body);
  const Secret wiped(std::move(response.body));
  if (response.status != 200) {
    return Explain(reply.ok() ? *reply : TokenReply(), response);
  }
  DW_RETURN_IF_ERROR(reply.status());
  if (reply->access_token.empty() || !IsHeaderSafe(reply->access_token.Reveal()) ||
      reply->expires_in.value_or(0) <= 0) {
    return DataLossError("token answer: no usable access_token and expires_in");
  }
  const absl::Duration lifetime =
      absl::Seconds(std::min<int64_t>(*reply->expires_in, int64_t{7} * 86400));
  const absl::Duration margin = std::min(kMargin, lifetime / 2);
  const absl::Duration jitter = std::min(kJitter, lifetime / 10) * rng_.Unit();
  token_ = std::move(reply->access_token);
  expires_at_ = Now() + lifetime;
  renew_at_ = expires_at_ - margin - jitter;
  refused_ = OkStatus();
  return OkStatus();
}

// The documents allow a client to branch on `error` only: codes and texts change.
Status ClientCredentialsSource::Explain(const TokenReply& reply,
                                        const net::HttpResponse& response) const {
  const int code = response.status;
  const absl::Time now = response.date.value_or(scheduler_.clock().Wall());
  const std::string* header = response.Find("Retry-After");
  const auto wait = header != nullptr ? ParseRetryAfter(*header, now) : std::nullopt;
  // The one line that people see is the source's; this is what Microsoft's support asks for.
  log_.Debug("token_refused", reply.error.empty() ? "the token endpoint failed" : Reason(reply),
             {{"tenant", options_.tenant_id},
              {"code", code},
              {"error", Printable(reply.error, 80)},
              {"error_codes", reply.error_codes},
              {"trace_id", Printable(reply.trace_id, 80)},
              {"correlation_id", Printable(reply.correlation_id, 80)}});
  const std::string what = Cat("token refused (HTTP ", code, "): ", Reason(reply));
  if (reply.error == "temporarily_unavailable" || reply.error == "server_error" ||
      IsTransientStatus(code)) {
    const std::string text = reply.error.empty() ? Cat("token endpoint answers HTTP ", code) : what;
    if (wait.has_value() || code == 429)
      return ThrottledError(text, wait.value_or(absl::Seconds(30)));
    return UnavailableError(text);
  }
  if (reply.error == "invalid_client") {
    return UnauthenticatedError(Cat(what, "; ", credential_->Mend(), ", and check client_id"));
  }
  if (reply.error == "unauthorized_client") {
    return UnauthenticatedError(Cat(what,
                                    "; check tenant_id and client_id: the application must "
                                    "exist in this tenant, be enabled and have consent"));
  }
  if (reply.error == "invalid_scope" || reply.error == "invalid_resource") {
    return UnauthenticatedError(Cat(what, "; check cloud and endpoints.graph"));
  }
  if (reply.error.empty()) {
    // No answer of Entra's: a proxy or a wrong host. It may heal, so it is asked again later.
    return UnavailableError(
        Cat("token endpoint ", options_.endpoints.login, " answers HTTP ", code,
            " without an OAuth error; check cloud, endpoints.login and proxies"));
  }
  return UnauthenticatedError(Cat(what, "; check tenant_id, client_id and the credential"));
}

}  // namespace driftwarden::graph
