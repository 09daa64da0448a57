#pragma once

// Items of `report unmanaged`.

#include <boost/json.hpp>

#include "daemon/api_json.h"
#include "monitor/person.h"

namespace driftwarden::daemon {

// Somebody whom the report lists.
boost::json::object UnmanagedJson(const monitor::Person& person, const PersonContext& context);
// {link, why} of a link that cannot be reported on; null of any other.
boost::json::value NotEvaluatedJson(const monitor::LinkState& link, const monitor::Policy& policy);

}  // namespace driftwarden::daemon
