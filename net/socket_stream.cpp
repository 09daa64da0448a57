#include "net/socket_stream.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "base/strings.h"

namespace driftwarden::net {
namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr absl::Duration kShutdownTimeout = absl::Seconds(1);

using TlsStream = asio::ssl::stream<StreamSocket&>;
using InnerTlsStream = asio::ssl::stream<TlsStream&>;  // inside the one with a proxy

bool IsCancelled(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

struct SocketStream::State {
  StreamSocket socket;
  std::unique_ptr<TlsStream> tls;
  std::unique_ptr<InnerTlsStream> inner;  // null unless both the proxy and the target have TLS
  asio::steady_timer timer;
  uint64_t timer_serial = 0;  // a handler that was already queued sees that it is outdated
  bool expired = false;

  explicit State(StreamSocket s) : socket(std::move(s)), timer(socket.get_executor()) {}

  void Close() {
    ++timer_serial;
    timer.cancel();
    boost::system::error_code ignored;
    socket.close(ignored);
  }
};

SocketStream::SocketStream(StreamSocket socket, TlsContext server_tls, std::string peer,
                           std::optional<uid_t> peer_uid)
    : state_(std::make_shared<State>(std::move(socket))),
      tls_context_(std::move(server_tls)),
      peer_(std::move(peer)),
      peer_uid_(peer_uid) {}

SocketStream::~SocketStream() {
  state_->Close();
}

void SocketStream::Close() {
  state_->Close();
}

Status SocketStream::Explain(const boost::system::error_code& error, bool cancelled) const {
  if (cancelled) return CancelledError("stopping");
  if (state_->expired) return DeadlineError(Cat(peer_, " timed out"));
  if (error == asio::ssl::error::stream_truncated) {
    return UnavailableError(Cat(peer_, " cut the connection without a TLS close"));
  }
  return UnavailableError(Cat("connection to ", peer_, " broke: ", error.message()));
}

asio::awaitable<StatusOr<size_t>> SocketStream::ReadSome(char* data, size_t size) {
  const auto before = co_await asio::this_coro::cancellation_state;
  if (IsCancelled(before)) co_return CancelledError("stopping");
  const auto buffer = asio::buffer(data, size);
  boost::system::error_code error;
  size_t count = 0;
  if (state_->inner != nullptr) {
    const auto [read_error, read] = co_await state_->inner->async_read_some(buffer, kAsTuple);
    error = read_error;
    count = read;
  } else if (state_->tls != nullptr) {
    const auto [read_error, read] = co_await state_->tls->async_read_some(buffer, kAsTuple);
    error = read_error;
    count = read;
  } else {
    const auto [read_error, read] = co_await state_->socket.async_read_some(buffer, kAsTuple);
    error = read_error;
    count = read;
  }
  if (!error) co_return count;
  const auto after = co_await asio::this_coro::cancellation_state;
  if (error == asio::error::eof && !IsCancelled(after)) co_return size_t{0};
  co_return Explain(error, IsCancelled(after));
}

asio::awaitable<Status> SocketStream::WriteAll(std::string bytes) {
  const auto before = co_await asio::this_coro::cancellation_state;
  if (IsCancelled(before)) co_return CancelledError("stopping");
  const auto buffer = asio::buffer(bytes);
  boost::system::error_code error;
  if (state_->inner != nullptr) {
    const auto [write_error, written] =
        co_await asio::async_write(*state_->inner, buffer, kAsTuple);
    error = write_error;
  } else if (state_->tls != nullptr) {
    const auto [write_error, written] = co_await asio::async_write(*state_->tls, buffer, kAsTuple);
    error = write_error;
  } else {
    const auto [write_error, written] =
        co_await asio::async_write(state_->socket, buffer, kAsTuple);
    error = write_error;
  }
  if (!error) co_return OkStatus();
  const auto after = co_await asio::this_coro::cancellation_state;
  co_return Explain(error, IsCancelled(after));
}

asio::awaitable<Status> SocketStream::Connect(StreamEndpoint endpoint) {
  const auto before = co_await asio::this_coro::cancellation_state;
  if (IsCancelled(before)) co_return CancelledError("stopping");
  boost::system::error_code error;
  state_->socket.open(endpoint.protocol(), error);
  if (!error) {
    const auto [connect_error] = co_await state_->socket.async_connect(endpoint, kAsTuple);
    error = connect_error;
  }
  const auto after = co_await asio::this_coro::cancellation_state;
  if (IsCancelled(after)) co_return CancelledError("stopping");
  if (state_->expired) co_return DeadlineError(Cat("connect to ", peer_, " timed out"));
  if (error == asio::error::connection_refused) {
    co_return UnavailableError(Cat("connect to ", peer_, " refused"));
  }
  if (error) co_return UnavailableError(Cat("connect to ", peer_, " failed: ", error.message()));
  // Fails on unix sockets, where there is nothing to delay.
  state_->socket.set_option(asio::ip::tcp::no_delay(true), error);
  co_return OkStatus();
}

asio::awaitable<Status> SocketStream::StartTlsServer() {
  const auto before = co_await asio::this_coro::cancellation_state;
  if (IsCancelled(before)) co_return CancelledError("stopping");
  if (tls_context_ == nullptr) co_return PreconditionError("this listener has no certificate");
  if (state_->tls != nullptr) co_return PreconditionError("TLS already stands");
  state_->tls = std::make_unique<TlsStream>(state_->socket, *tls_context_);
  const auto [error] =
      co_await state_->tls->async_handshake(asio::ssl::stream_base::server, kAsTuple);
  const auto after = co_await asio::this_coro::cancellation_state;
  if (error) co_return Annotate(Explain(error, IsCancelled(after)), "TLS handshake");
  secure_ = true;
  co_return OkStatus();
}

asio::awaitable<Status> SocketStream::StartTlsClient(TlsContext context, std::string host) {
  const auto before = co_await asio::this_coro::cancellation_state;
  if (IsCancelled(before)) co_return CancelledError("stopping");
  tls_context_ = std::move(context);
  SSL* ssl = nullptr;
  if (outer_secure_) {
    state_->inner = std::make_unique<InnerTlsStream>(*state_->tls, *tls_context_);
    ssl = state_->inner->native_handle();
  } else {
    state_->tls = std::make_unique<TlsStream>(state_->socket, *tls_context_);
    ssl = state_->tls->native_handle();
  }
  DW_CO_RETURN_IF_ERROR(ExpectHost(ssl, host));
  boost::system::error_code error;
  if (outer_secure_) {
    const auto [inner_error] =
        co_await state_->inner->async_handshake(asio::ssl::stream_base::client, kAsTuple);
    error = inner_error;
  } else {
    const auto [tls_error] =
        co_await state_->tls->async_handshake(asio::ssl::stream_base::client, kAsTuple);
    error = tls_error;
  }
  const auto after = co_await asio::this_coro::cancellation_state;
  if (error) {
    const std::string refused = VerifyFailure(ssl, host, peer_);
    const bool ours = IsCancelled(after) || state_->expired;
    if (!ours && !refused.empty()) co_return UnavailableError(refused);
    co_return Annotate(Explain(error, IsCancelled(after)), "TLS handshake");
  }
  secure_ = true;
  co_return OkStatus();
}

void SocketStream::EnterTunnel(std::string peer) {
  peer_ = std::move(peer);
  outer_secure_ = secure_;
  secure_ = false;
}

void SocketStream::ExpiresAfter(absl::Duration d) {
  const uint64_t serial = ++state_->timer_serial;
  if (d == absl::InfiniteDuration()) {
    state_->timer.cancel();
    return;
  }
  state_->timer.expires_after(absl::ToChronoNanoseconds(d));
  auto expire = [weak = std::weak_ptr<State>(state_), serial](boost::system::error_code error) {
    const std::shared_ptr<State> state = weak.lock();
    if (error || state == nullptr || state->timer_serial != serial) return;
    state->expired = true;
    state->Close();
  };
  state_->timer.async_wait(std::move(expire));
}

bool SocketStream::IsQuiet() const {
  if (!state_->socket.is_open()) return false;
  if (state_->tls != nullptr && SSL_pending(state_->tls->native_handle()) > 0) return false;
  if (state_->inner != nullptr && SSL_pending(state_->inner->native_handle()) > 0) return false;
  char byte = 0;
  const ssize_t count = recv(state_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void SocketStream::FinishWriting() {
  if (state_->tls != nullptr) return;
  boost::system::error_code ignored;
  state_->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

asio::awaitable<void> SocketStream::Shutdown() {
  if (state_->inner != nullptr && state_->socket.is_open()) {
    ExpiresAfter(kShutdownTimeout);
    const auto [error] = co_await state_->inner->async_shutdown(kAsTuple);
    static_cast<void>(error);
  } else if (secure_ && state_->socket.is_open()) {
    ExpiresAfter(kShutdownTimeout);
    const auto [error] = co_await state_->tls->async_shutdown(kAsTuple);
    static_cast<void>(error);  // closing anyway
  }
  Close();
}

}  // namespace driftwarden::net
