#pragma once

// Sessions over OpenLDAP's libldap, the only user of it. Connecting, TLS and binding block and run
// on `lane` under the network timeout; a bound session is driven on its own strand by message id,
// on readiness of its descriptor. Wire: RFC 4511, RFC 2696 (paging), MS-ADTS 3.1.1.3.4.1.14 (show
// deleted).

#include <memory>

#include "base/async/lane.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

// `clock` (steady time, for limits) and `lane` must outlive the factory and every call of Open.
// Sessions are used, and destroyed, on the executor of the coroutine that opened them.
std::unique_ptr<SessionFactory> MakeOpenLdapSessionFactory(Lane& lane, const Clock& clock);

}  // namespace driftwarden::directory
