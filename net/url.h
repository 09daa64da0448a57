#pragma once

// The part of RFC 3986 that a client of configured servers needs. Strict: what it does not
// understand it refuses.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace driftwarden::net {

struct Url {
  std::string scheme;  // "http", "https" or "unix"
  std::string host;    // lower case, IPv6 without brackets; for unix the socket's path
  uint16_t port = 0;   // 0 for unix
  std::string target;  // "/path?query", as written; never empty

  bool tls() const { return scheme == "https"; }
  bool unix_socket() const { return scheme == "unix"; }
  // "host:port", "[::1]:443" or the socket's path: for messages.
  std::string Authority() const;
  // The Host header: without the port when it is the scheme's own.
  std::string HostHeader() const;
};

// InvalidArgument with the reason. User names, fragments, spaces and control bytes are refused.
StatusOr<Url> ParseUrl(std::string_view text);

// Same scheme, host and port. Texts that are no URL have no origin and are never the same.
bool SameOrigin(const Url& a, const Url& b);
bool SameOrigin(std::string_view a, std::string_view b);

// Everything but RFC 3986's unreserved characters becomes %XX.
std::string PercentEncode(std::string_view text);
// InvalidArgument on a broken %XX. '+' stays '+'.
StatusOr<std::string> PercentDecode(std::string_view text);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

// application/x-www-form-urlencoded, both ways. Decoding splits at '&' and '=', turns '+' into a
// space and refuses broken %XX.
std::string FormEncode(const QueryPairs& pairs);
StatusOr<QueryPairs> ParseQuery(std::string_view query);

// "/api/v1/users/a%2Fb" gives {"api", "v1", "users", "a/b"}. A trailing slash adds nothing.
StatusOr<std::vector<std::string>> SplitPath(std::string_view path);

}  // namespace driftwarden::net
