#pragma once

// What a running daemon can take from a configuration that was edited under it.

#include <string>
#include <vector>

#include "daemon/config.h"

namespace driftwarden::daemon {

// Keys whose change needs a restart, as they are written in the file ("active_directory[corp]",
// "http.listen"), in the file's order; empty: everything that differs can be taken over while
// running. What can be is all that a link's policy holds but its sources: policy, remediation,
// links[].policy, links[].sync_engine, links[].auth_mode.
std::vector<std::string> KeysThatNeedARestart(const Config& running, const Config& edited);

// Links whose policy differs; only when no key needs a restart.
// The AD attributes that classes name, of every link that reads the source: in lower case, sorted.
std::vector<std::string> KeptAttributesOf(const Config& config, const monitor::SourceName& source);
// The groups that tiers name, likewise.
std::vector<std::string> TierGroupsOf(const Config& config, const monitor::SourceName& source);
std::vector<monitor::Policy> ChangedPolicies(const Config& running, const Config& edited);

}  // namespace driftwarden::daemon
