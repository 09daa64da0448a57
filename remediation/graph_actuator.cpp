#include "remediation/graph_actuator.h"

#include <utility>

#include "base/strings.h"
#include "base/unsent.h"

namespace driftwarden::remediation {

asio::awaitable<CallResult> GraphActuator::RevokeSessions(std::string entra_id,
                                                          monitor::ActionId action,
                                                          absl::Duration not_after) {
  CallResult result;
  if (entra_id.empty()) {
    result.status = InvalidError("no Entra id");
    result.sent = false;
    co_return result;
  }
  // An empty body: the HTTP client sends Content-Length: 0, without which a 411 is possible.
  graph::GraphRequest request(Cat("/users/", graph::PathSegment(entra_id), "/revokeSignInSessions"),
                              "revoke", graph::Priority::kAct);
  request.method = "POST";
  request.read_only = false;
  request.not_after = not_after;
  request.client_request_id = std::move(action.value);
  const auto reply = co_await client_.Send(std::move(request));
  if (reply.ok()) {
    result.status = graph::ToStatus(*reply, "revokeSignInSessions");
    result.request_id = reply->request_id;
    // A gateway's word says nothing about what is behind it: the call may have arrived.
    if (reply->status == 502 || reply->status == 504) {
      result.status = DeadlineError(Message(result.status));
    }
  } else {
    result.status = reply.status();
    result.sent = !WasUnsent(result.status);
  }
  co_return result;
}

}  // namespace driftwarden::remediation
