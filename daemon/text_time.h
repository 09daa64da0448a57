#pragma once

// The parts of `drift show` and its kin that tell how long things took and what is not reached.

#include <boost/json.hpp>
#include <string>

namespace driftwarden::daemon {

// "between 12 min 3 s and 12 min 33 s, still running", of {lo, hi} in seconds.
std::string LagLine(const boost::json::value& lag);
// A person's lags, one a line; empty when nobody departed.
std::string LagsText(const boost::json::value& person);
// What no revocation reaches, one a line.
std::string ResidualText(const boost::json::value& person);

}  // namespace driftwarden::daemon
