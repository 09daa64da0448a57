#pragma once

// Connections with the socket hidden: TCP, TLS over TCP and unix, from both ends. HTTP and the
// simulator's LDAP server are written on top.
//
// Everything here belongs to one executor (a strand or a one-thread context) and is used on it.
// At most one read and one write are awaited at a time. A cancelled coroutine gets Cancelled.

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "net/tls.h"

namespace driftwarden::net {

namespace asio = boost::asio;

class ByteStream {
 public:
  virtual ~ByteStream() = default;  // closes

  // Reads 1..size bytes; 0 when the other side ended in order. Unavailable when the connection
  // broke (over TLS also when it was cut without a close), DeadlineExceeded after ExpiresAfter.
  // `data` must live until it resumes.
  virtual asio::awaitable<StatusOr<size_t>> ReadSome(char* data, size_t size) = 0;
  virtual asio::awaitable<Status> WriteAll(std::string bytes) = 0;

  // Server side: the TLS handshake, right after Accept (HTTPS, LDAPS) or later (StartTLS).
  // FailedPrecondition when the listener has no certificate, or TLS already stands.
  virtual asio::awaitable<Status> StartTlsServer() = 0;

  // Closes the connection once `d` passed, replacing the earlier limit; InfiniteDuration lifts it.
  virtual void ExpiresAfter(absl::Duration d) = 0;
  // True while the connection is open and has nothing to read: a kept connection may be used.
  virtual bool IsQuiet() const = 0;
  // Tells the other side that nothing more will be written, where plain sockets can; reading goes
  // on.
  virtual void FinishWriting() = 0;
  // Ends in order: tells the other side (TLS), waits briefly for it, closes.
  virtual asio::awaitable<void> Shutdown() = 0;
  // At once; what is awaited resumes with an error.
  virtual void Close() = 0;

  virtual bool secure() const = 0;                    // TLS stands
  virtual const std::string& peer() const = 0;        // "127.0.0.1:41234", "unix"
  virtual std::optional<uid_t> peer_uid() const = 0;  // unix sockets only
};

struct ListenOptions {
  std::string address = "127.0.0.1";  // an IP address
  uint16_t port = 0;                  // 0: the system chooses
  // When not empty, a unix socket with mode 0600 instead; a stale file is replaced, one that
  // somebody answers on is refused. Removed on Close.
  std::string unix_path;
  std::optional<TlsServerConfig> tls;  // lets streams StartTlsServer
};

class StreamListener {
 public:
  virtual ~StreamListener() = default;  // closes
  // Cancelled once closed. Other errors (no descriptors left) pass; try again later.
  virtual asio::awaitable<StatusOr<std::unique_ptr<ByteStream>>> Accept() = 0;
  virtual uint16_t port() const = 0;  // 0 for unix
  virtual void Close() = 0;
};

// Unavailable or FailedPrecondition names the address; InvalidArgument a bad address or PEM.
StatusOr<std::unique_ptr<StreamListener>> NewStreamListener(asio::any_io_executor executor,
                                                            ListenOptions options);

struct DialerOptions {
  std::string ca_pem;       // trusted beside the system's roots
  PemPair client_identity;  // empty: none
  // "http://host:port" or "https://host:port": TCP goes through a tunnel that this proxy opens
  // (RFC 9110 section 9.3.6, CONNECT), and names are looked up there. Empty: none. Its own
  // certificate is verified as any other.
  std::string proxy;
  std::string proxy_credentials;  // "user:password", for Basic; empty: none
};

struct DialTarget {
  std::string host;  // a name, an IP address, or with `unix_socket` the socket's path
  uint16_t port = 0;
  bool tls = false;
  bool unix_socket = false;

  DialTarget() = default;
  DialTarget(std::string h, uint16_t p, bool with_tls)
      : host(std::move(h)), port(p), tls(with_tls) {}
};

class Dialer {
 public:
  virtual ~Dialer() = default;
  // Resolves, connects to one address after the other and, for TLS, verifies chain and name. The
  // text of an error names host, port and reason, and the proxy where it is the proxy's. The dialer
  // must outlive the call.
  virtual asio::awaitable<StatusOr<std::unique_ptr<ByteStream>>> Dial(DialTarget target,
                                                                      absl::Duration timeout) = 0;
};

StatusOr<std::unique_ptr<Dialer>> NewDialer(asio::any_io_executor executor, DialerOptions options);

}  // namespace driftwarden::net
