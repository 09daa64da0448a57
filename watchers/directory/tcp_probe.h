#pragma once

// libldap gives one text, "Can't contact LDAP server", for a refused connection and for a
// certificate that is not trusted. A probe of the port after such a failure tells them apart.

#include "absl/time/time.h"
#include "base/status.h"
#include "watchers/directory/server_address.h"

namespace driftwarden::directory {

// Blocks (name resolution, then at most `timeout` an address): call it on a lane. Ok: something
// accepts connections there. Unavailable says why not.
Status ProbeTcpBlocking(const ServerAddress& address, absl::Duration timeout);

}  // namespace driftwarden::directory
