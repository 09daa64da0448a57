#pragma once

// Calls in our own application's name that no intent of ours stands behind: somebody else holds its
// credential, or a second monitor acts on the same tenant. Nothing more is done until a human has
// looked.

#include "monitor/transaction.h"

namespace driftwarden::monitor {

// Trips kGuardOwnCalls when this record, not seen before, is a revocation or a disable by our own
// application (policy.own_app_id) after the link's baseline and the guard's last reset, and no
// action of ours can have made it. `owner`: whose account it is; null when we know nobody by it.
void WatchOwnCalls(Transaction& tx, const AuditRecord& record, const Person* owner);

}  // namespace driftwarden::monitor
