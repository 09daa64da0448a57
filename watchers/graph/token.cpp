#include "watchers/graph/token.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "base/async/event.h"

namespace driftwarden::graph {
namespace {

constexpr absl::Duration kMargin = absl::Minutes(5);
constexpr absl::Duration kJitter = absl::Minutes(1);
constexpr int64_t kLongestLife = int64_t{7} * 86400;

bool IsHeaderSafe(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

StatusOr<IssuedToken> GrantOf(TokenReply reply) {
  if (reply.access_token.empty() || !IsHeaderSafe(reply.access_token.Reveal()) ||
      reply.expires_in.value_or(0) <= 0) {
    return DataLossError("token answer: no usable access_token and expires_in");
  }
  return IssuedToken(std::move(reply.access_token),
                     absl::Seconds(std::min(*reply.expires_in, kLongestLife)));
}

struct CachedTokenSource::Flight {
  AsyncEvent done;
  Status result;
  explicit Flight(const asio::any_io_executor& executor) : done(executor) {}
};

CachedTokenSource::CachedTokenSource(std::unique_ptr<TokenIssuer> issuer, std::string tenant_id,
                                     Scheduler& scheduler, Rng& rng, Logger& log)
    : issuer_(std::move(issuer)),
      tenant_id_(std::move(tenant_id)),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      renew_at_(-absl::InfiniteDuration()),
      expires_at_(-absl::InfiniteDuration()),
      refused_until_(-absl::InfiniteDuration()) {}

CachedTokenSource::~CachedTokenSource() = default;

void CachedTokenSource::Refused(const Secret& token) {
  if (token.Reveal() != token_.Reveal()) return;
  token_ = Secret();
  renew_at_ = expires_at_ = -absl::InfiniteDuration();
}

asio::awaitable<StatusOr<Secret>> CachedTokenSource::Token() {
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
  log_.Warn("token_renewal_failed", Message(fetched), {{"tenant", tenant_id_}});
  renew_at_ = std::min(expires_at_, Now() + kRenewPause);
  co_return token_;
}

asio::awaitable<Status> CachedTokenSource::Fetch() {
  auto issued = co_await issuer_->Issue();
  if (!issued.ok()) {
    if (absl::IsUnauthenticated(issued.status())) {
      refused_ = issued.status();
      refused_until_ = Now() + kRefusedHold;
    }
    co_return issued.status();
  }
  const absl::Duration lifetime = issued->lifetime;
  const absl::Duration margin = std::min(kMargin, lifetime / 2);
  const absl::Duration jitter = std::min(kJitter, lifetime / 10) * rng_.Unit();
  token_ = std::move(issued->token);
  expires_at_ = Now() + lifetime;
  renew_at_ = expires_at_ - margin - jitter;
  refused_ = OkStatus();
  co_return OkStatus();
}

}  // namespace driftwarden::graph
