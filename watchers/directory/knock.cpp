#include "watchers/directory/knock.h"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace driftwarden::directory {
namespace {

using Tcp = asio::ip::tcp;
using std::string_view_literals::operator""sv;

constexpr size_t kMostEndpoints = 4;

// A search of the root DSE for no attribute.
constexpr std::string_view kRootDseSearch =
    "\x30\x2a\x02\x01\x01\x63\x25\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01"
    "\x00\x87\x0bobjectClass\x30\x05\x04\x03"
    "1.1"sv;

// A greeting that servers of TLS 1.2 and 1.3 answer alike; no key is offered, as none is wanted.
constexpr std::string_view kClientHello =
    "\x16\x03\x01\x00\x7c"                                          // record
    "\x01\x00\x00\x78\x03\x03"                                      // ClientHello
    "driftwarden: is anybody at home?"                              // 32 bytes
    "\x00"                                                          // no session
    "\x00\x18\x13\x01\x13\x02\xc0\x2b\xc0\x2c\xc0\x2f\xc0\x30"      // cipher suites
    "\x00\x9e\x00\x9f\x00\x9c\x00\x9d\x00\x2f\x00\xff"              //
    "\x01\x00"                                                      // no compression
    "\x00\x37"                                                      // extensions
    "\x00\x0a\x00\x08\x00\x06\x00\x1d\x00\x17\x00\x18"              // groups
    "\x00\x0b\x00\x02\x01\x00"                                      // point formats
    "\x00\x0d\x00\x12\x00\x10\x04\x03\x05\x03\x06\x03\x08\x04\x08"  // signatures
    "\x05\x08\x06\x04\x01\x05\x01"                                  //
    "\x00\x2b\x00\x05\x04\x03\x04\x03\x03"                          // versions
    "\x00\x33\x00\x02\x00\x00"sv;                                   // no key share

// One connection and its time.
struct Attempt {
  explicit Attempt(const asio::any_io_executor& executor) : socket(executor), timer(executor) {}
  Tcp::socket socket;
  asio::steady_timer timer;
  bool expired = false;
  bool done = false;
};

void Limit(const std::shared_ptr<Attempt>& attempt, absl::Duration patience) {
  attempt->timer.expires_after(absl::ToChronoNanoseconds(patience));
  attempt->timer.async_wait([attempt](const boost::system::error_code& error) {
    if (error || attempt->done) return;
    attempt->expired = true;
    boost::system::error_code ignored;
    attempt->socket.close(ignored);
  });
}

asio::awaitable<Knocked> Talk(std::shared_ptr<Attempt> attempt, Tcp::endpoint at, bool tls) {
  const auto [unconnected] =
      co_await attempt->socket.async_connect(at, asio::as_tuple(asio::use_awaitable));
  if (unconnected || attempt->expired) {
    const bool out_of_time = attempt->expired || unconnected == boost::system::errc::timed_out;
    co_return out_of_time ? Knocked::kUnreachable : Knocked::kTurnedAway;
  }
  const std::string_view words = tls ? kClientHello : kRootDseSearch;
  const auto [unsent, sent] =
      co_await asio::async_write(attempt->socket, asio::buffer(words.data(), words.size()),
                                 asio::as_tuple(asio::use_awaitable));
  char answer = 0;
  if (!unsent && sent == words.size()) {
    const auto [unheard, heard] = co_await attempt->socket.async_read_some(
        asio::buffer(&answer, 1), asio::as_tuple(asio::use_awaitable));
    if (!unheard && heard == 1) co_return Knocked::kAnswered;
  }
  co_return attempt->expired ? Knocked::kSilent : Knocked::kTurnedAway;
}

}  // namespace

StatusOr<std::vector<Tcp::endpoint>> ResolveBlocking(const ServerAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(address.host.c_str(), nullptr, &hints, &list);
  if (code != 0) {
    return UnavailableError(
        Cat("the name ", address.host, " cannot be resolved (", ::gai_strerror(code), ")"));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
  std::vector<Tcp::endpoint> endpoints;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    Tcp::endpoint endpoint;
    if (at->ai_addrlen > endpoint.capacity()) continue;
    endpoint.resize(at->ai_addrlen);
    std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
    endpoint.port(address.port);
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

std::vector<Tcp::endpoint> NumericEndpoints(const ServerAddress& address) {
  boost::system::error_code error;
  const auto numeric = asio::ip::make_address(address.host, error);
  if (error) return {};
  return {Tcp::endpoint(numeric, address.port)};
}

asio::awaitable<StatusOr<Knocked>> Knock(std::vector<Tcp::endpoint> endpoints, bool tls,
                                         absl::Duration patience) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto executor = co_await asio::this_coro::executor;
  Knocked worst = Knocked::kTurnedAway;
  for (size_t i = 0; i < std::min(endpoints.size(), kMostEndpoints); ++i) {
    auto attempt = std::make_shared<Attempt>(executor);
    Limit(attempt, patience);
    const Knocked met = co_await Talk(attempt, endpoints[i], tls);
    attempt->done = true;
    attempt->timer.cancel();
    boost::system::error_code ignored;
    attempt->socket.close(ignored);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return CancelledError("stopping");
    if (met == Knocked::kAnswered) co_return met;
    worst = std::max(worst, met);
  }
  co_return worst;
}

}  // namespace driftwarden::directory
