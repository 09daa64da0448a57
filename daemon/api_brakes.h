#pragma once

// What holds the automation back, as the API shows it. Internal to the API.

#include <boost/json.hpp>
#include <vector>

#include "daemon/link_port.h"

namespace driftwarden::daemon {

// Every guard of every link, tripped or not.
boost::json::array GuardsOf(const std::vector<LinkPort*>& links);
bool AnyPaused(const std::vector<LinkPort*>& links);

}  // namespace driftwarden::daemon
