#include "watchers/ad_connection.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/dc_locator.h"

namespace driftwarden::watchers {
namespace {

constexpr absl::Duration kLookEvery = absl::Minutes(1);
constexpr absl::Duration kLookTimeout = absl::Seconds(2);  // a look holds up a poll
constexpr absl::Duration kFollowAgain = absl::Seconds(30);
// Found controllers that are tried in one go; the next one asks DNS anew.
constexpr size_t kMaxFound = 8;

// No other controller would answer differently, or we are to stop.
bool IsFinal(const Status& status) {
  return status.code() == StatusCode::kUnauthenticated || status.code() == StatusCode::kCancelled;
}

}  // namespace

std::vector<std::string> AddressesOf(const std::vector<directory::DcRecord>& records,
                                     const AdSourceOptions& options) {
  const bool plain =
      options.start_tls || options.bind.method == directory::BindOptions::Method::kGssapi;
  std::vector<std::string> addresses;
  for (const directory::DcRecord& record : records) {
    addresses.push_back(plain ? Cat("ldap://", record.host, ':', record.port)
                              : Cat("ldaps://", record.host));
  }
  return addresses;
}

AdConnection::AdConnection(AdSourceOptions options, directory::SessionFactory& sessions,
                           const Clock& clock, Logger& log)
    : options_(std::move(options)), sessions_(sessions), clock_(clock), log_(log) {}

void AdConnection::Prefer(const std::string& server) {
  const auto& servers = options_.servers;
  const bool known =
      servers.empty() || std::find(servers.begin(), servers.end(), server) != servers.end();
  if (server_.empty() && known) server_ = server;
}

absl::Time AdConnection::OneCopySince() const {
  if (options_.pin == nullptr) return absl::InfinitePast();
  const AdPin& pin = *options_.pin;
  const bool same = pin.dsa == state_.dsa && pin.invocation_id == state_.invocation_id;
  return same ? pin.since : absl::InfiniteFuture();
}

void AdConnection::Follow() {
  if (options_.avoids_pin && session_ != nullptr && state_.dsa == options_.pin->dsa) {
    server_.clear();
    session_.reset();
  }
  if (!options_.follows_pin || options_.pin == nullptr) return;
  const std::string& pinned = options_.pin->server;
  if (pinned.empty() || pinned == server_) return;
  if (clock_.Steady() - followed_ < kFollowAgain) return;
  followed_ = clock_.Steady();
  server_ = pinned;
  session_.reset();
}

asio::awaitable<StatusOr<directory::ServerState>> AdConnection::Reread() {
  StatusOr<directory::ServerState> state = co_await directory::ReadServerState(*session_, clock_);
  if (state.ok()) state_ = *state;
  co_return state;
}

asio::awaitable<StatusOr<directory::ServerState>> AdConnection::Refresh() {
  Follow();
  if (session_ != nullptr && session_->RenewalDue()) co_await Renew();
  if (session_ != nullptr) {
    const StatusOr<directory::ServerState> state = co_await Reread();
    if (state.ok() && state->synchronized) {
      if (clock_.Steady() >= look_at_) co_await LookForPreferred();
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
  Follow();
  if (session_ != nullptr && session_->RenewalDue()) co_await Renew();
  if (session_ != nullptr) co_return OkStatus();
  const Status connected = co_await Connect();
  co_return connected;
}

asio::awaitable<void> AdConnection::Renew() {
  std::string server = server_;
  StatusOr<Opened> opened = co_await Open(std::move(server), options_.network_timeout);
  if (opened.ok()) {
    Take(*std::move(opened));
    co_return;
  }
  if (opened.status().code() == StatusCode::kCancelled) co_return;
  session_->RenewalFailed(opened.status());
  log_.Warn("ad_renewal_failed",
            Cat(Message(opened.status()),
                "; the session that stands is used until the controller ends it"),
            {{"source", options_.name.value}, {"server", server_}});
}

asio::awaitable<Status> AdConnection::Connect() {
  const auto candidates = co_await Candidates();
  if (!candidates.ok()) co_return candidates.status();
  Status failed;
  for (const std::string& server : *candidates) {
    std::string next = server;
    StatusOr<Opened> opened = co_await Open(std::move(next), options_.network_timeout);
    if (opened.ok()) {
      Take(*std::move(opened));
      co_return OkStatus();
    }
    const Status tried = opened.status();
    if (IsFinal(tried)) co_return tried;
    failed =
        failed.ok() ? tried : MakeStatus(failed.code(), Cat(Message(failed), "; ", Message(tried)));
  }
  co_return failed;
}

asio::awaitable<StatusOr<std::vector<std::string>>> AdConnection::Candidates() {
  std::vector<std::string> order = options_.servers;
  if (order.empty()) {
    StatusOr<std::vector<std::string>> found = co_await FindServers();
    if (!found.ok()) co_return found.status();
    order = *std::move(found);
  }
  std::stable_partition(order.begin(), order.end(),
                        [this](const std::string& server) { return server == server_; });
  if (options_.avoids_pin) {
    std::erase(order, options_.pin->server);
    if (order.empty()) {
      co_return UnavailableError(Cat(options_.name.value, ": there is no domain controller beside ",
                                     options_.pin->server));
    }
  }
  if (options_.servers.empty() && order.size() > kMaxFound) order.resize(kMaxFound);
  co_return order;
}

asio::awaitable<StatusOr<std::vector<std::string>>> AdConnection::FindServers() {
  if (options_.locator == nullptr) {
    co_return InvalidError(Cat(options_.name.value, ": no server is configured; set servers"));
  }
  std::string domain = options_.domain;
  const auto records = co_await options_.locator->Locate(std::move(domain));
  if (!records.ok()) {
    if (records.status().code() == StatusCode::kCancelled || found_.empty()) {
      co_return Annotate(records.status(), options_.name.value);
    }
    log_.Warn("ad_discovery_failed", Message(records.status()),
              {{"source", options_.name.value}, {"known", found_.size()}});
    co_return found_;
  }
  found_ = AddressesOf(*records, options_);
  co_return found_;
}

asio::awaitable<StatusOr<AdConnection::Opened>> AdConnection::Open(std::string server,
                                                                   absl::Duration network_timeout) {
  directory::SessionOptions options;
  options.source = options_.name.value;
  options.server = server;
  options.start_tls = options_.start_tls;
  options.ca_file = options_.ca_file;
  options.bind = options_.bind;
  options.network_timeout = network_timeout;
  options.search_timeout = options_.search_timeout;
  auto session = co_await sessions_.Open(std::move(options));
  if (!session.ok()) co_return session.status();
  auto state = co_await directory::ReadServerState(**session, clock_);
  if (!state.ok()) co_return Annotate(state.status(), Cat(options_.name.value, ": ", server));
  if (!state->synchronized) {
    co_return UnavailableError(Cat(options_.name.value, ": ", server,
                                   " has not finished synchronising with its partners yet"));
  }
  if (options_.avoids_pin && (state->read_only || state->dsa == options_.pin->dsa)) {
    co_return UnavailableError(Cat(options_.name.value, ": ", server,
                                   state->read_only ? " is read-only" : " is the same controller"));
  }
  Opened opened;
  opened.server = std::move(server);
  opened.session = *std::move(session);
  opened.state = *std::move(state);
  co_return opened;
}

void AdConnection::Take(Opened opened) {
  if (opened.server != server_ || sessions_opened_ == 0) {
    const bool away = !options_.servers.empty() && opened.server != options_.servers.front();
    look_at_ =
        away && !options_.follows_pin ? clock_.Steady() + kLookEvery : absl::InfiniteDuration();
    answers_since_.reset();
  }
  session_ = std::move(opened.session);
  state_ = std::move(opened.state);
  server_ = std::move(opened.server);
  ++sessions_opened_;
  if (options_.pin != nullptr && !options_.follows_pin && !options_.avoids_pin) {
    options_.pin->server = server_;
  }
  log_.Info("ad_connected", "reading this domain controller",
            {{"source", options_.name.value},
             {"server", server_},
             {"host", Printable(state_.host_name)},
             {"protection", session_->Protection()},
             {"highest_usn", state_.highest_usn}});
}

asio::awaitable<void> AdConnection::LookForPreferred() {
  look_at_ = clock_.Steady() + kLookEvery;
  std::string preferred = options_.servers.front();
  StatusOr<Opened> opened = co_await Open(std::move(preferred), kLookTimeout);
  if (!opened.ok()) {
    answers_since_.reset();
    // The same password refused every minute would lock the account.
    if (IsFinal(opened.status())) look_at_ = absl::InfiniteDuration();
    co_return;
  }
  if (!answers_since_) answers_since_ = clock_.Steady();
  if (clock_.Steady() - *answers_since_ < options_.return_after) co_return;
  Take(*std::move(opened));
}

}  // namespace driftwarden::watchers
