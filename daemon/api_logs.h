#pragma once

// What the tenant's logs said, as JSON: how far each was read and what keeps it from being read, of
// the link and of one person. Pure.

#include <boost/json.hpp>

#include "daemon/api_json.h"

namespace driftwarden::daemon {

// One entry a log, and one for devices: {log, read_to, limit, limit_since, detail}. A limit is
// stated, it is no error.
boost::json::array LogsJson(const monitor::LinkState& link);

// {changes: [{at, change, by, actor, ...}], sign_ins: {interactive: {read, not_read},
// non_interactive: ..., successes, refused}}; null without an Entra account.
boost::json::value ActivityJson(const monitor::Person& person, const PersonContext& context);

// {read, not_read, complete, items: [{id, name, trust, operating_system, enabled, ...}]}.
boost::json::value DevicesJson(const monitor::Person& person, const PersonContext& context);

}  // namespace driftwarden::daemon
