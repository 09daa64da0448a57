#pragma once

// Whether anybody at an address speaks, found out without a thread: connects, says the first words
// of the protocol (RFC 8446 4.1.2 ClientHello, or RFC 4511 4.5 a search for the root DSE, which
// needs no bind) and waits for the first byte of an answer, whatever it is.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "watchers/directory/server_address.h"

namespace driftwarden::directory {

namespace asio = boost::asio;

enum class Knocked {
  kAnswered,
  kTurnedAway,   // refused or hung up: whoever tries learns it at once
  kUnreachable,  // no connection within the time
  kSilent,       // a connection, and not a word
};

// The addresses of a host. Blocks: name resolution. Unavailable: it has none.
StatusOr<std::vector<asio::ip::tcp::endpoint>> ResolveBlocking(const ServerAddress& address);
// The same for a host that is written as a number; empty when it is a name.
std::vector<asio::ip::tcp::endpoint> NumericEndpoints(const ServerAddress& address);

// Tries one after the other, each for at most `patience`, until one answers; else the worst that
// was met. Cancelled when the caller is.
asio::awaitable<StatusOr<Knocked>> Knock(std::vector<asio::ip::tcp::endpoint> endpoints, bool tls,
                                         absl::Duration patience);

}  // namespace driftwarden::directory
