#pragma once

// What a configuration without faults may still get wrong.

#include <string>
#include <vector>

#include "daemon/config.h"

namespace driftwarden::daemon {

// Not faults: what a careful person would want to be told, each with its mend.
std::vector<std::string> AdviceAbout(const Config& config);

}  // namespace driftwarden::daemon
