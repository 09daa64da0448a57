#pragma once

// HTTP/1.1 server for the daemon's API and the simulator. Over a limit it answers 4xx or closes,
// it never grows. One executor: construct, Listen and Stop on it; handlers run on it.

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/http.h"
#include "net/tls.h"
#include "net/url.h"

namespace driftwarden::net {

struct ServerRequest {
  std::string method;
  std::string path;  // as sent, still percent-encoded; see SplitPath
  QueryPairs query;  // decoded
  std::vector<HttpHeader> headers;
  std::string body;
  std::string peer;               // for logs
  std::optional<uid_t> peer_uid;  // of the process at the other end of a unix socket
  bool over_unix = false;

  ServerRequest() = default;

  const std::string* Find(std::string_view name) const { return FindHeader(headers, name); }
  // The first value of a query parameter; empty when it is not there.
  std::string_view Query(std::string_view name) const;
  bool HasQuery(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  std::string content_type;  // empty: no header
  std::string body;
  std::vector<HttpHeader> headers;

  ServerResponse() = default;
  explicit ServerResponse(int code) : status(code) {}
  ServerResponse(int code, std::string type, std::string content)
      : status(code), content_type(std::move(type)), body(std::move(content)) {}
};

// Must not throw. Cancelled through its coroutine when the server stops.
using Handler = std::function<asio::awaitable<ServerResponse>(ServerRequest)>;

struct ServerOptions {
  std::string address = "127.0.0.1";  // an IP address
  uint16_t port = 0;                  // 0: the system chooses
  std::optional<TlsServerConfig> tls;
  std::string unix_path;         // when not empty, a unix socket (mode 0600) instead of TCP
  size_t max_connections = 256;  // further ones are closed at once
  size_t header_limit = size_t{16} << 10;
  size_t body_limit = size_t{1} << 20;
  absl::Duration read_timeout = absl::Seconds(10);   // handshake; first to last byte of a request
  absl::Duration write_timeout = absl::Seconds(30);  // one response
  absl::Duration idle_timeout = absl::Seconds(60);   // between requests
  const Clock* clock = nullptr;  // for the Date header; null: none. Must outlive the server.
};

class HttpServer {
 public:
  HttpServer(asio::any_io_executor executor, Handler handler);
  ~HttpServer();  // Stop() must have been awaited if Listen() succeeded
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Starts serving; may be called several times, all listeners share the handler. Returns the
  // port (0 for unix).
  StatusOr<uint16_t> Listen(ServerOptions options);
  // Stops accepting, cancels what runs, closes the connections and waits for all of it.
  asio::awaitable<void> Stop();

  size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwarden::net
