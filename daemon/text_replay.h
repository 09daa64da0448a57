#pragma once

// What `policy replay` prints, made from the API's answer.

#include <boost/json.hpp>
#include <string>

namespace driftwarden::daemon {

// The comparison, then who would have been told of under each policy.
std::string ReplayText(const boost::json::value& answer);
// One line a policy.
std::string ReplayCsv(const boost::json::value& answer);

}  // namespace driftwarden::daemon
