#pragma once

// The real HttpClient: HTTP/1.1 over TCP, TLS (1.2 and later, chain and name always verified) and
// unix sockets, with a small pool of kept connections per host.
//
// A GET or HEAD that meets a stale kept connection is sent once more on a fresh one; any other
// method is never sent again once bytes were written. Answers may come packed with gzip; their
// bodies are handed out unpacked, and a response_limit counts both forms.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "net/http.h"

namespace driftwarden::net {

struct HttpClientOptions {
  std::string ca_file;  // PEM, trusted beside the system's roots; read anew for new connections
  // PEM, shown to servers that ask for a client certificate; both or none.
  std::string client_certificate_file;
  std::string client_key_file;
  // "http://host:port" or "https://host:port": everything but unix sockets goes through a tunnel of
  // this proxy. The variables HTTPS_PROXY and the like are not read. Empty: none.
  std::string proxy;
  std::string proxy_credentials_file;  // holds "user:password"; read anew for new connections
  absl::Duration connect_timeout = absl::Seconds(10);  // DNS, TCP, proxy and TLS together
  absl::Duration idle_timeout = absl::Seconds(60);     // then a kept connection is closed
  size_t max_connections_per_host = 4;                 // further requests wait for one
  std::string user_agent = "driftwarden";
};

// InvalidArgument or NotFound when a file cannot be used. The client lives on `executor` (a strand
// or a one-thread context).
StatusOr<std::unique_ptr<HttpClient>> NewHttpClient(asio::any_io_executor executor,
                                                    HttpClientOptions options);

}  // namespace driftwarden::net
