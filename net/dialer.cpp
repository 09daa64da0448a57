#include <sys/un.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "base/strings.h"
#include "base/time.h"
#include "net/byte_stream.h"
#include "net/proxy_tunnel.h"
#include "net/socket_stream.h"
#include "net/url.h"

namespace driftwarden::net {
namespace {

using asio::ip::tcp;

constexpr size_t kAddressesMax = 8;  // tried for one name
constexpr absl::Duration kAddressMin = absl::Milliseconds(250);

// A look-up cannot be interrupted in the C library; the waiting for it can. The handler shares
// this, so a late answer finds it alive and is dropped.
struct Lookup {
  tcp::resolver resolver;
  asio::steady_timer done;
  boost::system::error_code error;
  std::vector<StreamEndpoint> endpoints;
  bool finished = false;

  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
};

asio::awaitable<StatusOr<std::vector<StreamEndpoint>>> Resolve(std::string host, uint16_t port,
                                                               absl::Duration timeout) {
  boost::system::error_code not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    std::vector<StreamEndpoint> only;
    only.emplace_back(tcp::endpoint(address, port));
    co_return only;
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto lookup = std::make_shared<Lookup>(executor);
  lookup->done.expires_after(absl::ToChronoNanoseconds(timeout));
  auto finish = [lookup](boost::system::error_code error, tcp::resolver::results_type results) {
    lookup->finished = true;
    lookup->error = error;
    for (const auto& entry : results) {
      if (lookup->endpoints.size() < kAddressesMax)
        lookup->endpoints.emplace_back(entry.endpoint());
    }
    lookup->done.cancel();
  };
  lookup->resolver.async_resolve(host, std::to_string(port), std::move(finish));
  const auto [ignored] = co_await lookup->done.async_wait(asio::as_tuple(asio::use_awaitable));
  static_cast<void>(ignored);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return CancelledError("stopping");
  if (!lookup->finished) co_return DeadlineError(Cat("looking up ", host, " timed out"));
  if (lookup->error) {
    co_return UnavailableError(Cat("cannot look up ", host, ": ", lookup->error.message()));
  }
  co_return lookup->endpoints;
}

class SocketDialer final : public Dialer {
 public:
  SocketDialer(asio::any_io_executor executor, TlsContext context, std::optional<Url> proxy,
               std::string proxy_credentials)
      : executor_(std::move(executor)),
        context_(std::move(context)),
        proxy_(std::move(proxy)),
        proxy_credentials_(std::move(proxy_credentials)) {}

  asio::awaitable<StatusOr<std::unique_ptr<ByteStream>>> Dial(DialTarget target,
                                                              absl::Duration timeout) override;

 private:
  asio::awaitable<StatusOr<std::unique_ptr<SocketStream>>> ConnectUnix(DialTarget target,
                                                                       absl::Duration timeout);
  asio::awaitable<StatusOr<std::unique_ptr<SocketStream>>> ConnectTcp(DialTarget target,
                                                                      absl::Duration deadline);
  // To the proxy, and through it to the target.
  asio::awaitable<StatusOr<std::unique_ptr<SocketStream>>> ConnectTunnel(DialTarget target,
                                                                         absl::Duration deadline);

  asio::any_io_executor executor_;
  TlsContext context_;
  const std::optional<Url> proxy_;
  const std::string proxy_credentials_;
  SystemClock clock_;  // sockets live in real time, also in a simulation
};

asio::awaitable<StatusOr<std::unique_ptr<SocketStream>>> SocketDialer::ConnectUnix(
    DialTarget target, absl::Duration timeout) {
  if (target.host.size() >= sizeof(sockaddr_un::sun_path)) {
    co_return InvalidError(Cat("socket path too long: ", target.host));
  }
  auto stream =
      std::make_unique<SocketStream>(StreamSocket(executor_), nullptr, target.host, std::nullopt);
  stream->ExpiresAfter(timeout);
  const asio::local::stream_protocol::endpoint endpoint(target.host);
  StreamEndpoint generic(endpoint);
  const Status connected = co_await stream->Connect(std::move(generic));
  if (!connected.ok()) co_return connected;
  co_return std::move(stream);
}

asio::awaitable<StatusOr<std::unique_ptr<SocketStream>>> SocketDialer::ConnectTcp(
    DialTarget target, absl::Duration deadline) {
  const absl::Duration lookup_time = deadline - clock_.Steady();
  const auto endpoints = co_await Resolve(target.host, target.port, lookup_time);
  if (!endpoints.ok()) co_return endpoints.status();
  Url url;
  url.host = target.host;
  url.port = target.port;
  Status last = UnavailableError(Cat("cannot look up ", target.host, ": no address"));
  for (size_t i = 0; i < endpoints->size(); ++i) {
    // An address that swallows packets must leave time for those after it.
    const absl::Duration left = deadline - clock_.Steady();
    const auto others = static_cast<int64_t>(endpoints->size() - i);
    auto stream = std::make_unique<SocketStream>(StreamSocket(executor_), nullptr, url.Authority(),
                                                 std::nullopt);
    stream->ExpiresAfter(std::max(left / others, kAddressMin));
    StreamEndpoint endpoint = (*endpoints)[i];
    last = co_await stream->Connect(std::move(endpoint));
    if (last.ok()) co_return std::move(stream);
    if (absl::IsCancelled(last)) break;
  }
  co_return last;
}

asio::awaitable<StatusOr<std::unique_ptr<SocketStream>>> SocketDialer::ConnectTunnel(
    DialTarget target, absl::Duration deadline) {
  Url url;
  url.host = target.host;
  url.port = target.port;
  const std::string authority = url.Authority();
  const std::string proxy = Cat("proxy ", proxy_->Authority());
  DialTarget first(proxy_->host, proxy_->port, proxy_->tls());
  auto connected = co_await ConnectTcp(std::move(first), deadline);
  if (!connected.ok()) co_return Annotate(connected.status(), proxy);
  std::unique_ptr<SocketStream> stream = *std::move(connected);
  stream->ExpiresAfter(deadline - clock_.Steady());
  if (proxy_->tls()) {
    const Status secured = co_await stream->StartTlsClient(context_, proxy_->host);
    if (!secured.ok()) co_return Annotate(secured, proxy);
  }
  const Status opened = co_await OpenTunnel(stream.get(), authority, proxy_credentials_);
  if (!opened.ok()) co_return Annotate(opened, proxy);
  stream->EnterTunnel(authority);
  co_return std::move(stream);
}

asio::awaitable<StatusOr<std::unique_ptr<ByteStream>>> SocketDialer::Dial(DialTarget target,
                                                                          absl::Duration timeout) {
  const absl::Duration deadline = clock_.Steady() + timeout;
  StatusOr<std::unique_ptr<SocketStream>> connected = InternalError("not connected");
  if (target.unix_socket) {
    connected = co_await ConnectUnix(target, timeout);
  } else if (proxy_) {
    connected = co_await ConnectTunnel(target, deadline);
  } else {
    connected = co_await ConnectTcp(target, deadline);
  }
  if (!connected.ok()) co_return connected.status();
  std::unique_ptr<SocketStream> stream = *std::move(connected);
  if (target.tls) {
    stream->ExpiresAfter(deadline - clock_.Steady());
    const Status secured = co_await stream->StartTlsClient(context_, target.host);
    if (!secured.ok()) co_return secured;
  }
  stream->ExpiresAfter(absl::InfiniteDuration());
  co_return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace

StatusOr<std::unique_ptr<Dialer>> NewDialer(asio::any_io_executor executor, DialerOptions options) {
  DW_ASSIGN_OR_RETURN(TlsContext context, MakeClientContext(options));
  std::optional<Url> proxy;
  if (!options.proxy.empty()) {
    DW_ASSIGN_OR_RETURN(proxy, ParseUrl(options.proxy));
    if (proxy->unix_socket()) return InvalidError("a proxy is http://host:port or https://");
  }
  return std::unique_ptr<Dialer>(
      std::make_unique<SocketDialer>(std::move(executor), std::move(context), std::move(proxy),
                                     std::move(options.proxy_credentials)));
}

}  // namespace driftwarden::net
