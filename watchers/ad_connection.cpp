#include "watchers/ad_connection.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

// No other controller would answer differently, or we are to stop.
bool IsFinal(const Status& status) {
  return status.code() == StatusCode::kUnauthenticated || status.code() == StatusCode::kCancelled;
}

}  // namespace

bool AdSourceOptions::UsesConsistencyGuid() const {
  return !source_anchor.empty() && EqualsIgnoreCase(source_anchor.front(), "mS-DS-ConsistencyGuid");
}

AdConnection::AdConnection(AdSourceOptions options, directory::SessionFactory& sessions,
                           const Clock& clock, Logger& log)
    : options_(std::move(options)), sessions_(sessions), clock_(clock), log_(log) {}

void AdConnection::Prefer(const std::string& server) {
  const auto& servers = options_.servers;
  if (!server_.empty() || std::find(servers.begin(), servers.end(), server) == servers.end())
    return;
  server_ = server;
}

asio::awaitable<StatusOr<directory::ServerState>> AdConnection::Refresh() {
  if (session_ != nullptr && session_->RenewalDue()) co_await Renew();
  if (session_ != nullptr) {
    StatusOr<directory::ServerState> state = co_await directory::ReadServerState(*session_, clock_);
    if (state.ok() && state->synchronized) {
      state_ = *std::move(state);
      co_return state_;
    }
    // Lost, or restarted: a new session says what there is to say.
    session_.reset();
    if (!state.ok() && IsFinal(state.status())) co_return state.status();
  }
  const Status connected = co_await Connect();
  if (!connected.ok()) co_return connected;
  co_return state_;
}

asio::awaitable<Status> AdConnection::Ensure() {
  if (session_ != nullptr && session_->RenewalDue()) co_await Renew();
  if (session_ != nullptr) co_return OkStatus();
  const Status connected = co_await Connect();
  co_return connected;
}

asio::awaitable<void> AdConnection::Renew() {
  std::string server = server_;
  const Status renewed = co_await TryServer(std::move(server));
  if (renewed.ok() || renewed.code() == StatusCode::kCancelled) co_return;
  session_->RenewalFailed(renewed);
  log_.Warn("ad_renewal_failed",
            Cat(Message(renewed), "; the session that stands is used until the controller ends it"),
            {{"source", options_.name.value}, {"server", server_}});
}

asio::awaitable<Status> AdConnection::Connect() {
  std::vector<std::string> order = options_.servers;
  std::stable_partition(order.begin(), order.end(),
                        [this](const std::string& server) { return server == server_; });
  if (order.empty()) {
    co_return InvalidError(Cat(options_.name.value, ": no server is configured; set servers"));
  }
  Status failed;
  for (const std::string& server : order) {
    std::string next = server;
    const Status tried = co_await TryServer(std::move(next));
    if (tried.ok() || IsFinal(tried)) co_return tried;
    failed =
        failed.ok() ? tried : MakeStatus(failed.code(), Cat(Message(failed), "; ", Message(tried)));
  }
  co_return failed;
}

asio::awaitable<Status> AdConnection::TryServer(std::string server) {
  directory::SessionOptions options;
  options.source = options_.name.value;
  options.server = server;
  options.start_tls = options_.start_tls;
  options.ca_file = options_.ca_file;
  options.bind = options_.bind;
  options.network_timeout = options_.network_timeout;
  options.search_timeout = options_.search_timeout;
  auto session = co_await sessions_.Open(std::move(options));
  if (!session.ok()) co_return session.status();
  auto state = co_await directory::ReadServerState(**session, clock_);
  if (!state.ok()) co_return Annotate(state.status(), Cat(options_.name.value, ": ", server));
  if (!state->synchronized) {
    co_return UnavailableError(Cat(options_.name.value, ": ", server,
                                   " has not finished synchronising with its partners yet"));
  }
  session_ = *std::move(session);
  state_ = *std::move(state);
  server_ = server;
  log_.Info("ad_connected", "reading this domain controller",
            {{"source", options_.name.value},
             {"server", server},
             {"host", Printable(state_.host_name)},
             {"protection", session_->Protection()},
             {"highest_usn", state_.highest_usn}});
  co_return OkStatus();
}

}  // namespace driftwarden::watchers
