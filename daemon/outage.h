#pragma once

#include "base/status.h"

namespace driftwarden::daemon {

// What keeps us out of a source altogether. The source's poll meets it too and tells it once, with
// the mend; whoever else reads the source had better not repeat it as loudly.
inline bool IsOutage(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kUnauthenticated ||
         status.code() == StatusCode::kDeadlineExceeded;
}

}  // namespace driftwarden::daemon
