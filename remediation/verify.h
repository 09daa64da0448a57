#pragma once

// When a value of signInSessionsValidFromDateTime proves a revocation of ours.

#include <optional>

#include "absl/time/time.h"
#include "monitor/observation.h"

namespace driftwarden::remediation {

// `value` as read back after a call that began at `begun` (our clock); `before` as read before it;
// `tenant_offset` is the tenant's clock minus ours. The tenant may cut its times to whole seconds.
// A value that lies before the call proves nothing: the read may have been answered by a replica
// that does not know yet. One that did not move counts only in the call's own second.
bool RevocationShows(const std::optional<monitor::SessionsValidFrom>& value,
                     const std::optional<monitor::SessionsValidFrom>& before, absl::Time begun,
                     absl::Duration tenant_offset);

}  // namespace driftwarden::remediation
