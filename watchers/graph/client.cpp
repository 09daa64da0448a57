#include "watchers/graph/client.h"

#include <cmath>
#include <utility>

#include "base/async/backoff.h"
#include "base/strings.h"
#include "base/units.h"
#include "base/unsent.h"
#include "net/url.h"
#include "watchers/graph/answer_shape.h"
#include "watchers/graph/retry_after.h"

namespace driftwarden::graph {
namespace {

constexpr absl::Duration kRefusalsLoggedEvery = absl::Minutes(1);
constexpr std::string_view kVersionPath = "/v1.0/";
// The one thing that the other version is asked for: sign-ins that are no interactive ones.
constexpr std::string_view kBetaPath = "/beta/auditLogs/signIns";

bool IsTransient(int status) {
  return status == 408 || status == 429 || status == 502 || status == 503 || status == 504 ||
         status == 509;
}

// A Date header has whole seconds, so half of one is added; the middle of the exchange is ours.
absl::Duration ClockOffset(absl::Time date, const TimeBounds& at) {
  return date + absl::Milliseconds(500) - (at.lo + at.Width() / 2);
}

}  // namespace

struct GraphClient::Patience {
  absl::Duration give_up;  // steady
  Backoff backoff;
  Patience(absl::Duration until, absl::Duration first, absl::Duration cap, Rng& rng)
      : give_up(until), backoff(first, cap, rng) {}
};

Status ToStatus(const GraphReply& reply, std::string_view what) {
  if (reply.ok()) return OkStatus();
  std::string text = Cat(what, ": HTTP ", reply.status);
  if (!reply.error.code.empty()) {
    text += Cat(" ", Printable(reply.error.code, 80), ", \"", Printable(reply.error.message, 300),
                "\"");
  }
  if (!reply.request_id.empty()) text += Cat(" (request-id ", Printable(reply.request_id, 60), ")");
  switch (reply.status) {
    case 400:
      return PreconditionError(text);
    case 401:
      return UnauthenticatedError(Cat(text,
                                      "; Graph refuses our token: check the cloud and the "
                                      "application's permissions"));
    case 403:
      return PermissionError(text);
    case 404:
      if (reply.error.code.empty()) return UnavailableError(Cat(text, ", not from Graph"));
      return NotFoundError(text);
    case 429:
      return ThrottledError(text, reply.retry_after.value_or(absl::Seconds(10)));
    default:
      if (reply.status == 408 || reply.status >= 500) {
        if (reply.retry_after.has_value()) return ThrottledError(text, *reply.retry_after);
        return UnavailableError(text);
      }
      return PreconditionError(text);
  }
}

namespace {

// Before anything was sent a time-out is not one of an answer.
Status NotSent(const Status& status) {
  if (!absl::IsDeadlineExceeded(status)) return Unsent(status);
  return Unsent(UnavailableError(Message(status)));
}

}  // namespace

std::string PathSegment(std::string_view id) {
  return net::PercentEncode(id);
}

GraphClient::GraphClient(ClientOptions options, net::HttpClient& http, TokenSource& tokens,
                         Scheduler& scheduler, Rng& rng, RequestObserver& observer)
    : options_(std::move(options)),
      http_(http),
      tokens_(tokens),
      scheduler_(scheduler),
      rng_(rng),
      observer_(observer),
      budget_(scheduler) {}

std::string GraphClient::UrlOf(std::string_view path) const {
  return Cat(options_.endpoints.graph, "/v1.0", path);
}

std::string GraphClient::BetaSignInsUrl(std::string_view query) const {
  return Cat(options_.endpoints.graph, kBetaPath, "?", query);
}

Status GraphClient::CheckLink(std::string_view link) const {
  const auto url = net::ParseUrl(link);
  if (!url.ok())
    return PermissionError(Cat("refused a link of the tenant: ", Message(url.status())));
  if (!net::SameOrigin(link, options_.endpoints.graph)) {
    return PermissionError(Cat("refused a link that leaves ", options_.endpoints.graph, " for ",
                               Printable(url->Authority(), 100)));
  }
  const std::string_view target = url->target;
  const std::string_view path = target.substr(0, target.find('?'));
  const bool climbs = path.find("..") != std::string_view::npos ||
                      ToLowerAscii(path).find("%2e") != std::string::npos;
  if ((!path.starts_with(kVersionPath) && path != kBetaPath) || climbs) {
    return PermissionError(Cat("refused a link outside /v1.0: ", Printable(path, 100)));
  }
  return OkStatus();
}

asio::awaitable<StatusOr<GraphReply>> GraphClient::Send(GraphRequest request) {
  std::string url = request.url;
  if (!url.empty() && url[0] == '/') url = UrlOf(url);
  const Status allowed = CheckLink(url);
  if (!allowed.ok()) co_return allowed;
  if (request.client_request_id.empty()) request.client_request_id = MakeUuid(rng_);

  if (!request.cost.has_value()) request.cost = CostOf(request.method, request.url);

  Patience patience(scheduler_.clock().Steady() + options_.max_wait, options_.first_backoff,
                    absl::Seconds(30), rng_);
  bool renewed = false;
  for (int attempt = 1;; ++attempt) {
    const absl::Duration until = std::min(patience.give_up, request.not_after);
    Secret token;
    auto reply = co_await SendInTurn(request, url, &token, until);
    if (!reply.ok()) co_return reply;
    if (reply->status == 401 && !renewed) {
      renewed = true;
      tokens_.Refused(token);
      continue;
    }
    if (reply->status == 429) observer_.OnThrottled(request.route, reply->throttle.reason());
    if (!IsTransient(reply->status)) co_return reply;
    // Even what is not sent again holds back what comes after it.
    if (!request.read_only || attempt >= options_.max_attempts) {
      if (reply->status == 429) {
        const absl::Duration wait = reply->retry_after.value_or(options_.first_backoff);
        Refused(request.route, request.priority, wait, reply->throttle);
      }
      co_return reply;
    }
    const Status waited = co_await WaitToRetry(request, *reply, patience);
    if (absl::IsCancelled(waited)) co_return waited;
    if (!waited.ok()) co_return reply;
  }
}

asio::awaitable<StatusOr<GraphReply>> GraphClient::SendInTurn(GraphRequest request, std::string url,
                                                              Secret* token, absl::Duration until) {
  const absl::Duration came = scheduler_.clock().Steady();
  auto permit = co_await budget_.Acquire(request.priority, *request.cost, until - came);
  const absl::Duration waited = scheduler_.clock().Steady() - came;
  if (waited > absl::ZeroDuration()) observer_.OnHeld(PriorityText(request.priority), waited);
  if (!permit.ok()) co_return NotSent(permit.status());
  auto valid = co_await tokens_.Token();
  if (!valid.ok()) {
    permit->Unsent();
    co_return NotSent(valid.status());
  }
  *token = *std::move(valid);
  if (scheduler_.clock().Steady() > request.not_after) {
    permit->Unsent();
    co_return NotSent(UnavailableError(Cat(request.route, ": it took too long to get there")));
  }
  const std::string_view route = request.route;
  auto reply = co_await SendOnce(std::move(request), std::move(url), *token);
  if (!reply.ok() && WasUnsent(reply.status())) {
    permit->Unsent();
    co_return reply;
  }
  if (reply.ok() && reply->resource_units) permit->Correct(*reply->resource_units);
  observer_.OnUnits(route, permit->Done());
  if (reply.ok() && reply->throttle_share) budget_.TenantSaid(*reply->throttle_share);
  co_return reply;
}

asio::awaitable<Status> GraphClient::WaitToRetry(const GraphRequest& request,
                                                 const GraphReply& reply, Patience& patience) {
  // Servers exist that answer "0" or "1" for ever: the growing back-off is the least wait.
  const absl::Duration wait =
      std::max(patience.backoff.Next(), reply.retry_after.value_or(absl::ZeroDuration()));
  const bool load = reply.status == 429 || reply.retry_after.has_value();
  if (load) Refused(request.route, request.priority, wait, reply.throttle);
  const absl::Duration until = scheduler_.clock().Steady() + wait;
  if (until > patience.give_up) co_return UnavailableError("out of patience");
  if (load) co_return OkStatus();  // the budget does the waiting, in the order of priorities
  const Status slept = co_await scheduler_.SleepUntil(until);
  co_return slept;
}

asio::awaitable<StatusOr<GraphReply>> GraphClient::SendOnce(GraphRequest request, std::string url,
                                                            Secret token) {
  net::HttpRequest http(request.method, url);
  http.response_limit = options_.response_limit;
  http.AddHeader("Authorization", Cat("Bearer ", token.Reveal()));
  http.AddHeader("Accept", "application/json");
  http.AddHeader("client-request-id", request.client_request_id);
  http.AddHeader("return-client-request-id", "true");
  http.AddHeader("x-ms-throttle-priority", ThrottlePriorityText(request.priority));
  if (!request.body.empty()) {
    http.AddHeader("Content-Type", "application/json");
    http.body = std::move(request.body);
  }
  TimeBounds at;
  at.lo = scheduler_.clock().Wall();
  auto response = co_await http_.Send(std::move(http), options_.timeout);
  at.hi = scheduler_.clock().Wall();
  observer_.OnRequest(request.route, response.ok() ? response->status : 0);
  if (!response.ok()) {
    const Status failed = Annotate(response.status(), request.route);
    co_return WasUnsent(failed) ? NotSent(failed) : failed;
  }
  const Status shape = CheckAnswerShape(*response, url);
  if (!shape.ok()) co_return Annotate(shape, request.route);
  co_return ReadReply(*std::move(response), at);
}

void GraphClient::Refused(std::string_view route, Priority priority, absl::Duration wait,
                          const Throttle& throttle) {
  budget_.Throttled(priority, wait, throttle.what());
  ++refusals_;
  const absl::Duration now = scheduler_.clock().Steady();
  if (options_.log == nullptr || now - refusal_logged_ < kRefusalsLoggedEvery) return;
  refusal_logged_ = now;
  options_.log->Warn("graph_throttled", "the tenant asked for less load",
                     {{"source", options_.name},
                      {"route", route},
                      {"priority", PriorityText(priority)},
                      {"wait", HumanDuration(wait)},
                      {"scope", Printable(throttle.scope, 160)},
                      {"information", Printable(throttle.information, 80)},
                      {"refusals", std::exchange(refusals_, 0)},
                      {"share_percent", std::lround(budget_.Share() * 100)}});
}

void GraphClient::NoteInnerThrottle(std::string_view route, Priority priority, absl::Duration wait,
                                    const Throttle& throttle) {
  observer_.OnThrottled(route, throttle.reason());
  Refused(route, priority, wait, throttle);
}

void GraphClient::NoteInnerCosts(std::string_view route, Priority priority, RequestCost reserved,
                                 const std::vector<BatchItem>& parts) {
  double told = 0;
  double share = 0;
  for (const BatchItem& part : parts) {
    told += ParseLoadNumber(part.resource_unit).value_or(0);
    share = std::max(share, ParseLoadNumber(part.throttle_share).value_or(0));
  }
  if (share > 0) budget_.TenantSaid(share);
  // Less than was reserved is no mistake to mend: the estimate is over in ten seconds.
  const double more = told - reserved.units;
  if (more <= 0) return;
  budget_.Charge(priority, more);
  observer_.OnUnits(route, more);
}

GraphReply GraphClient::ReadReply(net::HttpResponse response, TimeBounds at) {
  GraphReply reply;
  reply.status = response.status;
  reply.at = at;
  if (response.date.has_value()) reply.clock_offset = ClockOffset(*response.date, at);
  if (const std::string* text = response.Find("Retry-After")) {
    reply.retry_after = ParseRetryAfter(*text, response.date.value_or(at.hi));
  }
  const auto text_of = [&response](std::string_view name) {
    const std::string* text = response.Find(name);
    return text == nullptr ? std::string() : *text;
  };
  reply.throttle_share = ParseLoadNumber(text_of("x-ms-throttle-limit-percentage"));
  reply.resource_units = ParseLoadNumber(text_of("x-ms-resource-unit"));
  reply.throttle.scope = text_of("x-ms-throttle-scope");
  reply.throttle.information = text_of("x-ms-throttle-information");
  if (const std::string* id = response.Find("request-id")) reply.request_id = *id;
  reply.body = std::move(response.body);
  if (reply.status >= 400) {
    reply.error = decoder_.DecodeError(reply.body);
    if (reply.request_id.empty()) reply.request_id = reply.error.request_id;
  }
  return reply;
}

}  // namespace driftwarden::graph
