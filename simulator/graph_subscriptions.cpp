// /v1.0/subscriptions: without the validation of the URL, which takes a socket (notifier.h).

#include <boost/json.hpp>

#include "base/strings.h"
#include "simulator/graph_api.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

net::ServerResponse Refusal(const Status& status, absl::Time now) {
  const std::string text(Message(status));
  if (status.code() == StatusCode::kNotFound) {
    return GraphError(404, "ResourceNotFound", text, now);
  }
  return GraphError(400, "InvalidRequest", text, now);
}

json::object Entity(std::string_view base, const Subscription& subscription, bool with_state) {
  json::object body = {{"@odata.context", Cat(base, "/$metadata#subscriptions/$entity")}};
  for (auto& member : SubscriptionJson(subscription, with_state)) {
    body[member.key()] = std::move(member.value());
  }
  return body;
}

}  // namespace

net::ServerResponse GraphApi::SubscriptionCall(const std::vector<std::string>& path,
                                               const net::ServerRequest& request,
                                               const Context& context) {
  const absl::Time now = context.now;
  const size_t tenant = *TenantNumber(context.tenant->id());
  if (context.tenant->faults().forbidden.contains("subscriptions")) {
    return GraphError(403, "ExtensionError",
                      "Operation: Create; Exception: [Status Code: "
                      "Forbidden; Reason: Insufficient privileges]",
                      now);
  }
  json::object body;
  if (!request.body.empty()) {
    boost::system::error_code error;
    json::value parsed = json::parse(request.body, error);
    if (error || !parsed.is_object()) {
      return GraphError(400, "BadRequest", "Unable to read JSON request payload.", now);
    }
    body = std::move(parsed.as_object());
  }
  if (path.size() == 1 && request.method == "GET") {
    json::array value;
    for (const Subscription& one : subscriptions_.List(tenant, now)) {
      value.push_back(SubscriptionJson(one, false));
    }
    return JsonResponse(200, {{"@odata.context", Cat(context.base, "/$metadata#subscriptions")},
                              {"value", std::move(value)}});
  }
  if (path.size() == 1 && request.method == "POST") {
    const auto made = subscriptions_.Create(tenant, body, now);
    if (!made.ok()) return Refusal(made.status(), now);
    return JsonResponse(201, Entity(context.base, *made, true));
  }
  const std::string id = path.size() > 1 ? path[1] : "";
  const auto found = subscriptions_.Find(tenant, id, now);
  if (!found) return Refusal(NotFoundError("The object was not found."), now);
  if (path.size() == 3 && path[2] == "reauthorize" && request.method == "POST") {
    return net::ServerResponse(200);
  }
  if (path.size() == 2 && request.method == "GET") {
    return JsonResponse(200, Entity(context.base, *found, false));
  }
  if (path.size() == 2 && request.method == "PATCH") {
    const auto renewed = subscriptions_.Renew(tenant, id, body, now);
    if (!renewed.ok()) return Refusal(renewed.status(), now);
    return JsonResponse(200, Entity(context.base, *renewed, false));
  }
  if (path.size() == 2 && request.method == "DELETE") {
    subscriptions_.Remove(tenant, id);
    return net::ServerResponse(204);
  }
  return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed.", now);
}

std::optional<net::ServerResponse> GraphApi::AfterValidation(const std::string& id,
                                                             const Status& validated,
                                                             absl::Time now) {
  subscriptions_.Settle(id, validated.ok());
  if (validated.ok()) return std::nullopt;
  return GraphError(400, "ValidationError",
                    Cat("Subscription validation request failed. ", Message(validated)), now);
}

}  // namespace driftwarden::simulator
