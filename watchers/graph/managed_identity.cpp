#include "watchers/graph/managed_identity.h"

#include <unistd.h>

#include <cstdlib>

#include "base/async/backoff.h"
#include "base/hex.h"
#include "base/strings.h"
#include "net/url.h"
#include "watchers/graph/answer_shape.h"
#include "watchers/graph/arc_challenge.h"
#include "watchers/graph/retry_after.h"

namespace driftwarden::graph {
namespace {

constexpr size_t kAnswerLimit = size_t{1} << 20;
constexpr char kArcAgent[] = "/opt/azcmagent/bin/himds";
constexpr char kArcEndpoint[] = "http://127.0.0.1:40342";
constexpr std::string_view kTokenPath = "/metadata/identity/oauth2/token";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);  // read once, before any thread
  std::string out = value == nullptr ? "" : value;
  while (!out.empty() && out.back() == '/') out.pop_back();
  return out;
}

bool IsTransient(int status) {
  return status == 404 || status == 408 || status == 410 || status == 429 || status >= 500;
}

// The agent is on this machine, and what it is told is a secret of this machine.
Status CheckLocal(const std::string& endpoint) {
  const auto url = net::ParseUrl(endpoint);
  if (url.ok() &&
      (url->host == "localhost" || url->host == "::1" || url->host.starts_with("127."))) {
    return OkStatus();
  }
  return UnauthenticatedError(Cat("IDENTITY_ENDPOINT is ", Printable(endpoint, 100),
                                  ", which is not this machine; mend the environment"));
}

}  // namespace

ManagedIdentityPlace ManagedIdentityPlace::FromEnvironment() {
  ManagedIdentityPlace place;
  place.identity_endpoint = Variable("IDENTITY_ENDPOINT");
  place.imds_endpoint = Variable("IMDS_ENDPOINT");
  const std::string host = Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
  if (!host.empty()) {
    place.imds_host = host;
  } else if (!place.IsArc() && ::access(kArcAgent, F_OK) == 0) {
    place.identity_endpoint = Cat(kArcEndpoint, kTokenPath);
    place.imds_endpoint = kArcEndpoint;
  }
  return place;
}

ManagedIdentityIssuer::ManagedIdentityIssuer(ManagedIdentityOptions options,
                                             net::HttpClient& direct, Scheduler& scheduler,
                                             Rng& rng, Logger& log, RequestObserver& observer)
    : options_(std::move(options)),
      direct_(direct),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      observer_(observer) {}

asio::awaitable<StatusOr<IssuedToken>> ManagedIdentityIssuer::Issue() {
  if (options_.place.IsArc()) {
    auto answer = co_await AskArc();
    if (!answer.ok()) co_return answer.status();
    co_return Accept(*std::move(answer));
  }
  net::QueryPairs query;
  query.emplace_back("api-version", "2018-02-01");
  query.emplace_back("resource", Cat(options_.resource, "/"));
  if (!options_.client_id.empty()) query.emplace_back("client_id", options_.client_id);
  std::string url = Cat(options_.place.imds_host, kTokenPath, "?", net::FormEncode(query));
  std::string nothing;
  auto answer = co_await Ask(std::move(url), std::move(nothing));
  if (!answer.ok()) {
    co_return Annotate(answer.status(),
                       Cat("managed identity: no metadata service at ", options_.place.imds_host,
                           "; only a machine in Azure, or one with the Azure Arc agent, has one"));
  }
  co_return Accept(*std::move(answer));
}

asio::awaitable<StatusOr<net::HttpResponse>> ManagedIdentityIssuer::AskArc() {
  DW_CO_RETURN_IF_ERROR(CheckLocal(options_.place.identity_endpoint));
  if (!options_.client_id.empty()) {
    co_return UnauthenticatedError(
        "Azure Arc knows the machine's own identity only; remove managed_identity.client_id");
  }
  net::QueryPairs query;
  query.emplace_back("api-version", "2019-11-01");
  query.emplace_back("resource", Cat(options_.resource, "/"));
  const std::string url = Cat(options_.place.identity_endpoint, "?", net::FormEncode(query));
  std::string first_url = url;
  std::string nothing;
  auto first = co_await Ask(std::move(first_url), std::move(nothing));
  if (!first.ok()) co_return Annotate(first.status(), "managed identity: Azure Arc agent");
  if (first->status != 401) co_return first;
  const std::string* challenge = first->Find("WWW-Authenticate");
  const auto key =
      ReadArcChallenge(challenge == nullptr ? "" : *challenge, options_.place.arc_tokens);
  if (!key.ok()) co_return UnauthenticatedError(Message(key.status()));
  std::string second_url = url;
  std::string authorization = Cat("Basic ", TrimAscii(key->Reveal()));
  auto second = co_await Ask(std::move(second_url), std::move(authorization));
  co_return second;
}

asio::awaitable<StatusOr<net::HttpResponse>> ManagedIdentityIssuer::Ask(std::string url,
                                                                        std::string authorization) {
  Backoff backoff(options_.first_backoff, absl::Seconds(30), rng_);
  for (int attempt = 1;; ++attempt) {
    net::HttpRequest request(url);
    request.AddHeader("Metadata", "true");
    request.AddHeader("Accept", "application/json");
    if (!authorization.empty()) request.AddHeader("Authorization", authorization);
    request.response_limit = kAnswerLimit;
    auto response = co_await direct_.Send(std::move(request), options_.timeout);
    observer_.OnRequest("token", response.ok() ? response->status : 0);
    if (!response.ok()) co_return response.status();
    const Status shape = CheckAnswerShape(*response, url);
    if (!shape.ok()) co_return shape;
    if (!IsTransient(response->status) || attempt == kAttempts) co_return response;
    const Status slept = co_await scheduler_.SleepFor(backoff.Next());
    if (!slept.ok()) co_return slept;
  }
}

StatusOr<IssuedToken> ManagedIdentityIssuer::Accept(net::HttpResponse response) {
  auto reply = decoder_.DecodeToken(response.body);
  const Secret wiped(std::move(response.body));
  const int status = response.status;
  if (status == 200) {
    DW_RETURN_IF_ERROR(reply.status());
    return GrantOf(*std::move(reply));
  }
  const TokenReply refusal = reply.ok() ? *std::move(reply) : TokenReply();
  const std::string what =
      Cat("managed identity refused (HTTP ", status, ")", refusal.error.empty() ? "" : ": ",
          Printable(refusal.error, 80), refusal.error_description.empty() ? "" : ", \"",
          Printable(refusal.error_description, 300), refusal.error_description.empty() ? "" : "\"");
  log_.Debug("token_refused", what, {{"tenant", options_.tenant_id}, {"code", status}});
  if (status == 429 || status == 408 || status == 410 || status >= 500)
    return UnavailableError(what);
  return UnauthenticatedError(Cat(what, "; ", Mend(refusal, status)));
}

std::string ManagedIdentityIssuer::Mend(const TokenReply& reply, int status) const {
  if (options_.place.IsArc()) {
    return status == 401 || status == 403 ? "add the user that runs driftwarden to the group himds"
                                          : "see azcmagent show: the machine must be connected";
  }
  if (reply.error == "invalid_request" && !options_.client_id.empty()) {
    return Cat("assign the identity with client id ", options_.client_id, " to this machine");
  }
  return "give this machine a managed identity, or name the user-assigned one with "
         "managed_identity.client_id";
}

}  // namespace driftwarden::graph
