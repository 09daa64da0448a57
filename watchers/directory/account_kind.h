#pragma once

// What kind of account an entry is, by what the directory says it is and never by its name alone.
// Pure and total.

#include <cstdint>

#include "base/status.h"
#include "monitor/ids.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

// False for what no person signs in with: computers, (group, delegated) managed service accounts,
// trusts, krbtgt of the domain and of read-only controllers, and everything that a domain is born
// with (Administrator, Guest, DefaultAccount and whatever is critical to the system): no sync
// engine exports these. DataLoss: objectClass is missing, or a value makes no sense.
StatusOr<bool> IsPersonalAccount(const Entry& entry);

// The last part of a SID, which tells accounts and groups of one domain apart; 0 for an empty one.
uint32_t RidOf(const monitor::Sid& sid);

}  // namespace driftwarden::directory
