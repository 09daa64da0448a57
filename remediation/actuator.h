#pragma once

// The calls that change something in a tenant. Never retried here: the runner reads first.

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/status.h"
#include "monitor/person.h"

namespace driftwarden::remediation {

namespace asio = boost::asio;

struct CallResult {
  Status status;           // Ok: accepted. PermissionDenied: refused for privilege, never retried.
  bool sent = true;        // false: nothing left this machine, so the call was not made
  std::string request_id;  // the tenant's own id of the request, if it gave one
};

class Actuator {
 public:
  virtual ~Actuator() = default;
  // POST revokeSignInSessions; `action` goes along as client-request-id. `not_after`: on the steady
  // clock, when what the gates saw is too old to act on; Unavailable when it could not be sent by
  // then. DeadlineExceeded: sent, and the answer is unknown.
  virtual asio::awaitable<CallResult> RevokeSessions(std::string entra_id, monitor::ActionId action,
                                                     absl::Duration not_after) = 0;
};

}  // namespace driftwarden::remediation
