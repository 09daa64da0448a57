#pragma once

// The two ways to bind a connected handle. Blocking; for handle_openldap.cpp only. Wire: RFC 4513
// (simple), RFC 4752 (SASL GSSAPI, by cyrus-sasl).

#include <string>

#include "base/secret.h"
#include "watchers/directory/kerberos.h"
#include "watchers/directory/ldap_result.h"

struct ldap;

namespace driftwarden::directory {

// Only inside TLS: the password crosses the wire.
Status BindSimple(struct ldap* handle, const Secret& password, const Peer& peer);

// Without TLS the connection is signed and encrypted by Kerberos itself; a server that would only
// sign is refused. Inside TLS, which Active Directory forbids to be doubled, it only proves who we
// are, bound to the channel by the server's certificate (RFC 5929, tls-server-end-point) where the
// SASL library knows how. Gives the strength of Kerberos' own encryption in bits, 0 inside TLS.
StatusOr<int> BindGssapi(struct ldap* handle, const Tickets& tickets, bool tls, const Peer& peer);

}  // namespace driftwarden::directory
