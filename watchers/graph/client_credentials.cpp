#include "watchers/graph/client_credentials.h"

#include "base/strings.h"
#include "base/units.h"
#include "watchers/graph/answer_shape.h"
#include "watchers/graph/retry_after.h"

namespace driftwarden::graph {
namespace {

constexpr size_t kAnswerLimit = size_t{1} << 20;
constexpr absl::Duration kClockMatters = absl::Seconds(30);

bool IsTransientStatus(int code) {
  return code == 408 || code == 429 || code >= 500;
}

// The first line of the tenant's own words: it names the exact reason, which `error` does not.
std::string Reason(const TokenReply& reply) {
  const std::string_view text = reply.error_description;
  const std::string line = Printable(text.substr(0, text.find_first_of("\r\n")), 300);
  return line.empty() ? reply.error : Cat(reply.error, ", \"", line, "\"");
}

// How far this machine's clock is off, when that may be the reason.
std::string ClockText(const std::optional<absl::Time>& theirs, absl::Time ours) {
  if (!theirs) return "";
  const absl::Duration ahead = ours - *theirs;
  if (absl::AbsDuration(ahead) < kClockMatters) return "";
  return Cat(" (it is ", HumanDuration(absl::AbsDuration(ahead)),
             ahead > absl::ZeroDuration() ? " ahead of" : " behind", " the token endpoint's)");
}

}  // namespace

ClientCredentialsIssuer::ClientCredentialsIssuer(TokenOptions options,
                                                 std::unique_ptr<Credential> credential,
                                                 net::HttpClient& http, Scheduler& scheduler,
                                                 Rng& rng, Logger& log, RequestObserver& observer)
    : options_(std::move(options)),
      credential_(std::move(credential)),
      http_(http),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      observer_(observer) {}

asio::awaitable<StatusOr<IssuedToken>> ClientCredentialsIssuer::Issue() {
  ProofRequest proof;
  proof.token_url = Cat(options_.endpoints.login, "/", net::PercentEncode(options_.tenant_id),
                        "/oauth2/v2.0/token");
  proof.client_id = options_.client_id;
  proof.now = scheduler_.clock().Wall();
  proof.rng = &rng_;
  auto fields = credential_->FormFields(proof);
  if (!fields.ok()) {
    // Not Unavailable: waiting does not mend a file.
    co_return UnauthenticatedError(Message(fields.status()));
  }
  WarnOfTheEnd(proof.now);
  fields->emplace_back("client_id", options_.client_id);
  fields->emplace_back("scope", Cat(options_.endpoints.graph, "/.default"));
  fields->emplace_back("grant_type", "client_credentials");
  net::HttpRequest request("POST", proof.token_url, "application/x-www-form-urlencoded",
                           net::FormEncode(*fields));
  request.AddHeader("Accept", "application/json");
  request.response_limit = kAnswerLimit;
  auto response = co_await http_.Send(std::move(request), options_.timeout);
  observer_.OnRequest("token", response.ok() ? response->status : 0);
  if (!response.ok()) co_return Annotate(response.status(), "token request");
  const Status shape = CheckAnswerShape(*response, proof.token_url);
  if (!shape.ok()) co_return Annotate(shape, "token request");
  co_return Accept(*std::move(response));
}

void ClientCredentialsIssuer::WarnOfTheEnd(absl::Time now) {
  const auto end = credential_->ValidUntil();
  if (!end || *end - now > kWarnBefore) return;
  log_.Warn("credential_ends_soon",
            "the certificate ends soon: upload a new one to the application, then write it over "
            "the old one",
            {{"tenant", options_.tenant_id}, {"ends_in", HumanDuration(*end - now)}});
}

StatusOr<IssuedToken> ClientCredentialsIssuer::Accept(net::HttpResponse response) {
  auto reply = decoder_.DecodeToken(response.body);
  const Secret wiped(std::move(response.body));
  if (response.status != 200) {
    return Explain(reply.ok() ? *reply : TokenReply(), response);
  }
  DW_RETURN_IF_ERROR(reply.status());
  return GrantOf(*std::move(reply));
}

// The documents allow a client to branch on `error` only: codes and texts change.
Status ClientCredentialsIssuer::Explain(const TokenReply& reply,
                                        const net::HttpResponse& response) const {
  const int code = response.status;
  const absl::Time ours = scheduler_.clock().Wall();
  const std::string* header = response.Find("Retry-After");
  const auto wait =
      header != nullptr ? ParseRetryAfter(*header, response.date.value_or(ours)) : std::nullopt;
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
  if (reply.error.empty()) {
    // No answer of Entra's: a proxy or a wrong host. It may heal, so it is asked again later.
    return UnavailableError(
        Cat("token endpoint ", options_.endpoints.login, " answers HTTP ", code,
            " without an OAuth error; check cloud, endpoints.login and proxies"));
  }
  const TokenFault fault = FaultOf(reply);
  std::string mend = MendOf(fault);
  if (mend.empty()) mend = credential_->Mend(fault);
  if (fault == TokenFault::kAssertionTime) mend += ClockText(response.date, ours);
  if (fault == TokenFault::kCredential) mend += ", and check client_id";
  return UnauthenticatedError(Cat(what, "; ", mend));
}

}  // namespace driftwarden::graph
