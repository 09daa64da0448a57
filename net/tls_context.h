#pragma once

// Internal to net: OpenSSL contexts with our policy (TLS 1.2 and later, peers always verified).

#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/tls.h"

namespace boost::asio::ssl {
class context;
}
struct ssl_st;  // OpenSSL's SSL

namespace driftwarden::net {

using TlsContext = std::shared_ptr<asio::ssl::context>;

// InvalidArgument when PEM text cannot be used.
StatusOr<TlsContext> MakeServerContext(const TlsServerConfig& config);
StatusOr<TlsContext> MakeClientContext(const DialerOptions& options);

// Makes the handshake of `ssl` demand a certificate for `host` (a name or an IP address) and sends
// SNI for names.
Status ExpectHost(ssl_st* ssl, const std::string& host);

// Why the peer's certificate was refused; empty when it was not. `authority` is "host:port".
std::string VerifyFailure(ssl_st* ssl, const std::string& host, const std::string& authority);

}  // namespace driftwarden::net
