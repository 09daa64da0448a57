#include "watchers/directory/connect_gate.h"

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::directory {
namespace {

constexpr absl::Duration kSlow = absl::Seconds(2);
constexpr size_t kMostRemembered = 4096;

Status Unmet(const SessionOptions& options, const ServerAddress& address, Knocked met) {
  const std::string limit = HumanDuration(options.network_timeout);
  if (met == Knocked::kUnreachable) {
    return UnavailableError(Cat(options.source, ": ", address.HostPort(),
                                " is unreachable: no connection within ", limit));
  }
  return UnavailableError(Cat(options.source, ": ", address.HostPort(),
                              " accepted the connection and then said nothing for ", limit));
}

Status NoTurn(const Status& why, const SessionOptions& options) {
  if (why.code() != StatusCode::kDeadlineExceeded) return Annotate(why, options.source);
  return UnavailableError(Cat(options.source, ": no thread came free to connect to ",
                              options.server, " within ", HumanDuration(options.network_timeout),
                              ": other servers are slow to answer; tried again"));
}

}  // namespace

ConnectGate::Pass::Pass(Attempt attempt, LaneTurns::Turn turn)
    : attempt_(std::make_unique<Attempt>(std::move(attempt))), turn_(std::move(turn)) {}

ConnectGate::Pass::~Pass() {
  if (attempt_ == nullptr) return;
  ConnectGate& gate = *attempt_->gate;
  gate.Learn(attempt_->server, gate.clock_.Steady() - attempt_->begun);
}

ConnectGate::ConnectGate(LaneTurns& turns, const Clock& clock) : turns_(turns), clock_(clock) {}

asio::awaitable<StatusOr<ConnectGate::Pass>> ConnectGate::Enter(SessionOptions options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!slow_.contains(options.server)) {
    auto free = turns_.TakeFree();
    if (free) co_return Admit(options.server, *std::move(free));
  }
  auto address = ParseServerAddress(options.server);
  if (!address.ok()) co_return Annotate(address.status(), options.source);
  ServerAddress to = *std::move(address);
  auto pass = co_await EnterAfterKnock(std::move(options), std::move(to));
  co_return pass;
}

asio::awaitable<StatusOr<ConnectGate::Pass>> ConnectGate::EnterAfterKnock(SessionOptions options,
                                                                          ServerAddress address) {
  ServerAddress host = address;
  auto endpoints = co_await Resolve(std::move(host), options.network_timeout);
  if (!endpoints.ok()) co_return NoTurn(endpoints.status(), options);
  auto where = *std::move(endpoints);
  const auto met = co_await Knock(std::move(where), address.ldaps, options.network_timeout);
  if (!met.ok()) co_return Annotate(met.status(), options.source);
  if (*met == Knocked::kUnreachable || *met == Knocked::kSilent) {
    co_return Unmet(options, address, *met);
  }
  // One that answers a knock may still keep a bind waiting: then it has used up our trust.
  const auto claim =
      slow_.contains(options.server) ? LaneTurns::Claim::kUnproven : LaneTurns::Claim::kProven;
  auto turn = co_await turns_.Take(claim, options.network_timeout);
  if (!turn.ok()) co_return NoTurn(turn.status(), options);
  co_return Admit(options.server, *std::move(turn));
}

asio::awaitable<StatusOr<std::vector<asio::ip::tcp::endpoint>>> ConnectGate::Resolve(
    ServerAddress address, absl::Duration at_most) {
  auto numeric = NumericEndpoints(address);
  if (!numeric.empty()) co_return numeric;
  const auto turn = co_await turns_.Take(LaneTurns::Claim::kUnproven, at_most);
  if (!turn.ok()) co_return turn.status();
  auto resolve = [&address] { return ResolveBlocking(address); };
  auto endpoints = co_await OnLane(turns_.lane(), std::move(resolve));
  co_return endpoints;
}

ConnectGate::Pass ConnectGate::Admit(const std::string& server, LaneTurns::Turn turn) {
  return Pass(Pass::Attempt{this, server, clock_.Steady()}, std::move(turn));
}

void ConnectGate::Learn(const std::string& server, absl::Duration took) {
  if (took < kSlow) {
    slow_.erase(server);
    return;
  }
  // Names may come from DNS; forgetting costs a thread its patience once more.
  if (slow_.size() >= kMostRemembered) slow_.clear();
  slow_.insert(server);
}

}  // namespace driftwarden::directory
