#pragma once

// What `drift explain` prints, made from the API's answer. Five lines that suffice at night, then
// everything behind them.

#include <boost/json.hpp>
#include <string>

namespace driftwarden::daemon {

std::string ExplainText(const boost::json::value& answer);

}  // namespace driftwarden::daemon
