#pragma once

// GET policy/replay: what its query asks for, and the shape of its answer. Pure.

#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "monitor/replay_report.h"
#include "net/http_server.h"

namespace driftwarden::daemon {

struct ReplayRequest {
  monitor::ReplayWindow window;
  std::string tier;  // only people of it; empty: everybody
  std::vector<monitor::ReplayCandidate> candidates;
  size_t most_listed = 100;
};

// InvalidArgument says what is wrong and what would be right.
StatusOr<ReplayRequest> ParseReplayRequest(const net::ServerRequest& request, absl::Time now);
// "warn 10m, mode auto".
std::string CandidateText(const monitor::ReplayCandidate& candidate);
// What of a link a reader compares the rows with.
struct ReplayedLink {
  monitor::LinkName name;
  // Of the present one; what was recorded before was judged by another. InfinitePast: none was.
  absl::Time policy_since;
  monitor::Budgets budgets;
};
boost::json::object ReplayJson(const ReplayRequest& request, const monitor::ReplayReport& report,
                               const std::vector<ReplayedLink>& links);

}  // namespace driftwarden::daemon
