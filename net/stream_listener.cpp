#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/strings.h"
#include "net/byte_stream.h"
#include "net/socket_stream.h"
#include "net/url.h"

namespace driftwarden::net {
namespace {

using asio::ip::tcp;
using UnixProtocol = asio::local::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

tcp::endpoint ToTcp(const StreamEndpoint& endpoint) {
  tcp::endpoint out;
  if (endpoint.size() <= out.capacity()) {
    std::memcpy(out.data(), endpoint.data(), endpoint.size());
    out.resize(endpoint.size());
  }
  return out;
}

std::string Text(const tcp::endpoint& endpoint) {
  Url url;
  url.host = endpoint.address().to_string();
  url.port = endpoint.port();
  return url.Authority();
}

// Removes a socket file that nobody answers on.
Status RemoveStaleSocket(const std::string& path, const UnixProtocol::endpoint& endpoint) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return OkStatus();
    return PreconditionError(Cat(path, ": ", SystemErrorText(errno)));
  }
  if (!S_ISSOCK(info.st_mode)) return PreconditionError(Cat(path, " exists and is no socket"));
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return UnavailableError(Cat(path, ": ", SystemErrorText(errno)));
  const int connected = connect(probe, endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  const int error = errno;
  close(probe);
  if (connected == 0 || error == EAGAIN) {
    return PreconditionError(Cat(path, " is served by another process"));
  }
  if (error == ECONNREFUSED && unlink(path.c_str()) == 0) return OkStatus();
  return PreconditionError(Cat(path, ": ", SystemErrorText(error)));
}

class SocketListener final : public StreamListener {
 public:
  SocketListener(const asio::any_io_executor& executor, TlsContext context)
      : acceptor_(executor), context_(std::move(context)) {}
  ~SocketListener() override { Close(); }

  Status OpenTcp(const std::string& address, uint16_t port);
  Status OpenUnix(const std::string& path);

  asio::awaitable<StatusOr<std::unique_ptr<ByteStream>>> Accept() override;
  uint16_t port() const override { return port_; }
  void Close() override;

 private:
  std::unique_ptr<ByteStream> Wrap(StreamSocket socket);

  Acceptor acceptor_;
  TlsContext context_;
  uint16_t port_ = 0;
  std::string unix_path_;
  struct stat unix_file_ {};
};

Status SocketListener::OpenTcp(const std::string& address, uint16_t port) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  if (error) return InvalidError(Cat("\"", Printable(address), "\" is not an IP address"));
  const tcp::endpoint endpoint(ip, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    return PreconditionError(Cat("cannot listen on ", Text(endpoint), ": the port is taken"));
  }
  if (error) return UnavailableError(Cat("listen on ", Text(endpoint), ": ", error.message()));
  port_ = ToTcp(acceptor_.local_endpoint(error)).port();
  return OkStatus();
}

Status SocketListener::OpenUnix(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return InvalidError(
        Cat("socket path longer than ", sizeof(sockaddr_un::sun_path) - 1, " bytes: ", path));
  }
  const UnixProtocol::endpoint endpoint(path);
  DW_RETURN_IF_ERROR(RemoveStaleSocket(path, endpoint));
  boost::system::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (error) return UnavailableError(Cat("listen on ", path, ": ", error.message()));
  // Before bind: the file then never exists with a wider mode.
  if (fchmod(acceptor_.native_handle(), 0600) != 0) {
    return UnavailableError(Cat("listen on ", path, ": ", SystemErrorText(errno)));
  }
  acceptor_.bind(endpoint, error);
  if (!error && chmod(path.c_str(), 0600) != 0) {
    error.assign(errno, boost::system::system_category());
  }
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return UnavailableError(Cat("listen on ", path, ": ", error.message()));
  if (stat(path.c_str(), &unix_file_) == 0) unix_path_ = path;
  return OkStatus();
}

void SocketListener::Close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (unix_path_.empty()) return;
  struct stat now {};
  // Only our own file: another process may have taken the path over.
  if (stat(unix_path_.c_str(), &now) == 0 && now.st_ino == unix_file_.st_ino &&
      now.st_dev == unix_file_.st_dev) {
    unlink(unix_path_.c_str());
  }
  unix_path_.clear();
}

std::unique_ptr<ByteStream> SocketListener::Wrap(StreamSocket socket) {
  boost::system::error_code error;
  const StreamEndpoint remote = socket.remote_endpoint(error);
  std::string peer = "unix";
  std::optional<uid_t> uid;
  if (unix_path_.empty()) {
    peer = error ? "unknown" : Text(ToTcp(remote));
    socket.set_option(tcp::no_delay(true), error);
  } else {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
      uid = credentials.uid;
      peer = Cat("unix uid ", credentials.uid, " pid ", credentials.pid);
    }
  }
  return std::make_unique<SocketStream>(std::move(socket), context_, std::move(peer), uid);
}

asio::awaitable<StatusOr<std::unique_ptr<ByteStream>>> SocketListener::Accept() {
  const auto before = co_await asio::this_coro::cancellation_state;
  const bool stopping = before.cancelled() != asio::cancellation_type::none;
  if (stopping || !acceptor_.is_open()) co_return CancelledError("the listener is closed");
  StreamSocket socket(acceptor_.get_executor());
  const auto [error] = co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
  if (error == asio::error::operation_aborted || !acceptor_.is_open()) {
    co_return CancelledError("the listener is closed");
  }
  if (error) co_return UnavailableError(Cat("accept: ", error.message()));
  co_return Wrap(std::move(socket));
}

}  // namespace

StatusOr<std::unique_ptr<StreamListener>> NewStreamListener(asio::any_io_executor executor,
                                                            ListenOptions options) {
  TlsContext context;
  if (options.tls.has_value()) {
    DW_ASSIGN_OR_RETURN(context, MakeServerContext(*options.tls));
  }
  auto listener = std::make_unique<SocketListener>(executor, std::move(context));
  if (options.unix_path.empty()) {
    DW_RETURN_IF_ERROR(listener->OpenTcp(options.address, options.port));
  } else {
    DW_RETURN_IF_ERROR(listener->OpenUnix(options.unix_path));
  }
  return std::unique_ptr<StreamListener>(std::move(listener));
}

}  // namespace driftwarden::net
