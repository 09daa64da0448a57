#pragma once

// The API's JSON of what people told about people. Pure.

#include <boost/json.hpp>

#include "daemon/api_json.h"
#include "daemon/leaver_file.h"

namespace driftwarden::daemon {

// The part of a person; null where there is none.
boost::json::value ExemptedJson(const monitor::Person& person);
boost::json::value LeavesJson(const monitor::Person& person, const PersonContext& context);
// Null: not marked as compromised.
boost::json::value CompromisedJson(const monitor::Person& person);
// Of somebody who was marked just now.
boost::json::object CompromisedPersonJson(const monitor::Person& person,
                                          const PersonContext& context);
// Of somebody with a dated exemption: an item of the list of them.
boost::json::object ExemptionJson(const monitor::Person& person, const PersonContext& context);
// Of somebody who is expected to leave: an item of the list of them.
boost::json::object LeaverJson(const monitor::Person& person, const PersonContext& context);
// Null without a file.
boost::json::value LeaverFileJson(const LeaverFileReport& report);

}  // namespace driftwarden::daemon
