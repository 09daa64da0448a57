#pragma once

// check: the certificates that the configuration names, as files: readable, with their own key, and
// valid for a while yet. Asks nobody.

#include <vector>

#include "daemon/config.h"
#include "watchers/check_finding.h"

namespace driftwarden::daemon {

// One finding for each certificate that is used; none where none is.
std::vector<watchers::CheckFinding> CheckCertificates(const Config& config, absl::Time now);

}  // namespace driftwarden::daemon
