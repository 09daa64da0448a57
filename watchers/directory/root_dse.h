#pragma once

// What a domain controller says of itself: rootDSE and its own NTDS Settings object. Its USNs mean
// something only together with the DSA's GUID (which controller) and the invocation id (which
// incarnation of its database).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "monitor/ids.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

struct ServerState {
  monitor::Guid dsa;            // objectGUID of NTDS Settings: stays
  monitor::Guid invocation_id;  // changes when the database was restored
  uint64_t highest_usn = 0;     // every change up to it is visible
  std::string naming_context;   // of the controller's domain
  std::string host_name;
  bool synchronized = false;    // has finished replicating after its start
  bool read_only = false;       // an RODC: no change begins there, and its attributes are filtered
  absl::Duration clock_offset;  // the controller's clock minus ours; currentTime has whole seconds
};

// Reads both, highest_usn first. `clock` and `session` must outlive the call.
asio::awaitable<StatusOr<ServerState>> ReadServerState(Session& session, const Clock& clock);

// GeneralizedTime as the directory writes it: "20261121020215.0Z".
std::optional<absl::Time> ParseGeneralizedTime(std::string_view text);

}  // namespace driftwarden::directory
