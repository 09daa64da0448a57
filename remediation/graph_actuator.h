#pragma once

// The calls of the acting half over Microsoft Graph. Wire source: user: revokeSignInSessions.

#include <string>

#include "remediation/actuator.h"
#include "watchers/graph/client.h"

namespace driftwarden::remediation {

// Never sends a call twice (but for a 401, where it was not made): each revocation moves the
// tenant's timestamp, so a second one would hide when the first took effect.
class GraphActuator final : public Actuator {
 public:
  // `client` must outlive it.
  explicit GraphActuator(graph::GraphClient& client) : client_(client) {}

  // status: Ok for any 2xx. PermissionDenied (403): refused for privilege. NotFound: no such
  // account. ResourceExhausted and Unavailable: not made, or not known to be made; read first.
  asio::awaitable<CallResult> RevokeSessions(std::string entra_id, monitor::ActionId action,
                                             absl::Duration not_after) override;

 private:
  graph::GraphClient& client_;
};

}  // namespace driftwarden::remediation
