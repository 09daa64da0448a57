#pragma once

// Parts of records that hold what a tenant's logs said.

#include "base/bytes.h"
#include "monitor/person.h"

namespace driftwarden::store {

void PutAccountLogs(ByteWriter& out, const monitor::AccountLogs& logs);
monitor::AccountLogs GetAccountLogs(ByteReader& in);
void PutLogStates(ByteWriter& out, const monitor::LinkState& link);
void GetLogStates(ByteReader& in, monitor::LinkState& link);

}  // namespace driftwarden::store
