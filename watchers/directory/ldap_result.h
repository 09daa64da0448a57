#pragma once

// LDAP result codes (RFC 4511, 4.1.9) as our status codes and as text that says what to do. Pure.

#include <string>
#include <string_view>

#include "base/status.h"

namespace driftwarden::directory {

struct LdapResult {
  int code = 0;
  std::string diagnostic;  // the server's own words
};

// What an operation was refused for; the parts of every error text.
struct Peer {
  std::string source;  // as configured
  std::string server;  // host:port
  std::string user;
  std::string credentials;  // the settings to check when a bind is refused
};

// "invalidCredentials"; "result code 77" for one without a name.
std::string LdapCodeName(int code);

// The sub-code of a refused bind in Active Directory's diagnostic text ("… data 52e, v4563"), and
// what it means: "data 52e: wrong user or password". Empty when there is none.
std::string BindReason(std::string_view diagnostic);

// The secret itself was refused, or may have been: tried often it would lock the account. Not so
// where the account is disabled, expired or locked.
bool IsWrongSecret(const Status& status);
// Marks a status as such.
Status WrongSecret(Status status);

// `result.code` is not 0.
Status BindRefused(const Peer& peer, const LdapResult& result);
Status SearchRefused(const Peer& peer, std::string_view base, const LdapResult& result);

}  // namespace driftwarden::directory
