#pragma once

// A domain controller as configured: ldaps://host[:port] or ldap://host[:port].

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace driftwarden::directory {

struct ServerAddress {
  bool ldaps = false;
  std::string host;  // without the brackets of an IPv6 address
  uint16_t port = 0;

  std::string Url() const;       // as libldap takes it
  std::string HostPort() const;  // "dc1.corp.example:636", for people
};

// InvalidArgument names the text and what is wrong. No path, user or query is accepted.
StatusOr<ServerAddress> ParseServerAddress(std::string_view url);

}  // namespace driftwarden::directory
