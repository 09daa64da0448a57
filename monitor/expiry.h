#pragma once

// Whether AD refuses an account whose accountExpires has passed. The controller compares with its
// own clock, which is only known to some precision.

#include "monitor/person.h"

namespace driftwarden::monitor {

// Expired whichever of the two clocks is asked, the controller's or ours: by more than they differ,
// which is measured in whole seconds.
bool SurelyExpired(absl::Time account_expires, absl::Time at, const LinkState& link,
                   const SourceName& source);

// When that is so.
absl::Time SurelyExpiredFrom(absl::Time account_expires, const LinkState& link,
                             const SourceName& source);

}  // namespace driftwarden::monitor
