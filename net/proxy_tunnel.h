#pragma once

// Internal to net: the CONNECT method of HTTP proxies (RFC 9110 section 9.3.6).

#include <string>

#include "net/byte_stream.h"

namespace driftwarden::net {

// Asks the proxy at the other end of `stream`, which must live until it resumes and has its limit
// set, for a tunnel to `authority` ("host:port"). `credentials` is "user:password" or empty.
// Unavailable with the mend when the proxy refuses, DataLoss when it answers nonsense.
asio::awaitable<Status> OpenTunnel(ByteStream* stream, std::string authority,
                                   std::string credentials);

}  // namespace driftwarden::net
