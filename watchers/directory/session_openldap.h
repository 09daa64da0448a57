#pragma once

// Sessions over OpenLDAP's libldap, the only user of it. Connecting, TLS and binding block and run
// on a lane under the network timeout, when it is their turn (connect_gate.h); a bound session is
// driven on its own strand by message id, on readiness of its descriptor. Wire: RFC 4511, RFC 2696
// (paging), MS-ADTS 3.1.1.3.4.1.14 (show deleted).

#include <memory>

#include "base/async/lane_turns.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

// `clock` (steady time, for limits) and `turns` must outlive the factory and every call of Open.
// Open is called, and sessions are used and destroyed, on the one executor of `turns`.
std::unique_ptr<SessionFactory> MakeOpenLdapSessionFactory(LaneTurns& turns, const Clock& clock);

}  // namespace driftwarden::directory
