#pragma once

// The part of `drift show` that tells what a tenant's logs and device lists say of a person.

#include <boost/json.hpp>
#include <string>

namespace driftwarden::daemon {

// "audit: disabled by sync" for a timeline's entry; its type where there is nothing to add.
std::string EventText(const boost::json::value& entry);
// Who changed the account, and who signed in; empty when nothing is known.
std::string ActivityText(const boost::json::value& person);
// How far sign-ins and devices are known, and the devices: what no revocation reaches.
std::string UnreachedText(const boost::json::value& person);
// Logs that cannot be read, one a line, for `status`; empty when there are none.
std::string LimitsText(const boost::json::value& link);

}  // namespace driftwarden::daemon
