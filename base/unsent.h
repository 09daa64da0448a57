#pragma once

// Whether a request that failed was ever on its way. Only who sends can tell; everybody else must
// take it that the request may have arrived.

#include "base/status.h"

namespace driftwarden {

// The same status with the mark that nothing of the request was sent; the mark survives Annotate.
Status Unsent(Status status);
bool WasUnsent(const Status& status);

}  // namespace driftwarden
