#include "simulator/graph_api.h"

#include <boost/json.hpp>

#include "base/strings.h"
#include "simulator/graph_json.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

// The $select of a request, and the first name in it that `allowed` does not know.
struct Select {
  std::vector<std::string> names;
  std::string unknown;
};

Select ReadSelect(const net::ServerRequest& request, bool (*allowed)(std::string_view)) {
  Select select;
  for (const auto& [key, value] : request.query) {
    if (!EqualsIgnoreCase(key, "$select")) continue;
    for (const std::string& part : SplitString(value, ',')) {
      const std::string name(TrimAscii(part));
      if (name.empty()) continue;
      if (!allowed(name) && select.unknown.empty()) select.unknown = name;
      select.names.push_back(name);
    }
  }
  return select;
}

net::ServerResponse NotFound(std::string_view id, absl::Time now) {
  return GraphError(404, "Request_ResourceNotFound",
                    Cat("Resource '", Printable(id, 80),
                        "' does not exist or one of its queried "
                        "reference-property objects are not present."),
                    now);
}

net::ServerResponse UnknownProperty(std::string_view name, absl::Time now) {
  return GraphError(
      400, "BadRequest",
      Cat("Could not find a property named '", name, "' on type 'microsoft.graph.user'."), now);
}

net::ServerResponse Denied(absl::Time now) {
  return GraphError(403, "Authorization_RequestDenied",
                    "Insufficient privileges to complete the operation.", now);
}

bool IsDeltaName(std::string_view name) {
  return name == "delta" || name == "delta()" || name == "microsoft.graph.delta" ||
         name == "microsoft.graph.delta()";
}

}  // namespace

net::ServerResponse GraphApi::Handle(const net::ServerRequest& request, absl::Time now) {
  world_.AdvanceTo(now);
  const auto path = net::SplitPath(request.path);
  if (!path.ok()) return GraphError(400, "BadRequest", "malformed path", now);
  if (path->size() == 4 && (*path)[1] == "oauth2" && (*path)[3] == "token") {
    return Token((*path)[0], request, now);
  }
  if (path->size() == 4 && (*path)[2] == ".well-known" && (*path)[3] == "openid-configuration") {
    return Discovery((*path)[0], request, now);
  }
  Context context;
  context.now = now;
  const std::string* host = request.Find("Host");
  // Of the newer version there are the logs, and nothing else.
  context.beta = path->size() > 1 && (*path)[0] == "beta" && (*path)[1] == "auditLogs";
  context.base = Cat("https://", host == nullptr ? "graph.microsoft.com" : *host,
                     context.beta ? "/beta" : "/v1.0");
  const std::string* id = request.Find("client-request-id");
  if (id != nullptr) context.client_request_id = *id;
  world_.NoteAsked(context.client_request_id, now);
  net::ServerResponse response;
  context.tenant = TenantOf(request, now);
  if (context.tenant == nullptr) {
    response =
        GraphError(401, "InvalidAuthenticationToken", "Access token is empty or invalid.", now);
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"\", error=\"invalid_token\"");
  } else if (path->size() < 2 || ((*path)[0] != "v1.0" && !context.beta)) {
    response = GraphError(404, "ResourceNotFound", "Invalid version or resource.", now);
  } else if ((*path)[1] == "$batch") {
    response = request.method == "POST" ? Batch(request, context)
                                        : GraphError(405, "BadRequest", "$batch takes POST", now);
  } else {
    const std::vector<std::string> below(path->begin() + 1, path->end());
    response = Dispatch(below, request, context);
  }
  Stamp(response, context);
  return response;
}

void GraphApi::Stamp(net::ServerResponse& response, const Context& context) {
  const std::string id = GuidText(GuidFrom(world_.options().seed ^ 0x1d, next_request_id_++));
  const std::string& client = context.client_request_id.empty() ? id : context.client_request_id;
  response.headers.emplace_back("request-id", id);
  if (net::IsSafeHeader({"client-request-id", client})) {
    response.headers.emplace_back("client-request-id", client);
  }
  if (response.status < 400) return;
  boost::system::error_code error;
  json::value body = json::parse(response.body, error);
  if (error || !body.is_object()) return;
  json::object& inner = body.as_object()["error"].as_object()["innerError"].as_object();
  inner["request-id"] = id;
  inner["client-request-id"] = client;
  response.body = json::serialize(body);
}

// Throttling and outages hit any request; each inner one of a batch by itself.
std::optional<net::ServerResponse> GraphApi::Fault(Context& context) {
  TenantFaults& faults = context.tenant->faults();
  if (faults.throttle > 0) {
    --faults.throttle;
    auto response =
        GraphError(429, "TooManyRequests", "Too many requests, try again later.", context.now);
    if (!faults.retry_after.empty()) {
      response.headers.emplace_back("Retry-After", faults.retry_after);
    }
    return response;
  }
  if (faults.server_errors > 0) {
    --faults.server_errors;
    return GraphError(faults.server_error_status, "ServiceUnavailable",
                      "The service is temporarily unavailable.", context.now);
  }
  return std::nullopt;
}

net::ServerResponse GraphApi::Dispatch(const std::vector<std::string>& path,
                                       const net::ServerRequest& request, Context& context) {
  ++requests_;
  Tenant& tenant = *context.tenant;
  auto refused =
      tenant.throttle().Take(tenant.faults().limits, path, request, tenant.id(), context.now);
  if (!refused) refused = Fault(context);
  net::ServerResponse response = refused ? *std::move(refused) : Route(path, request, context);
  if (tenant.faults().limits.units > 0) tenant.throttle().Stamp(response);
  return response;
}

net::ServerResponse GraphApi::Route(const std::vector<std::string>& path,
                                    const net::ServerRequest& request, Context& context) {
  if (path[0] == "users" && path.size() >= 2) return UserCall(path, request, context);
  if (path[0] == "subscriptions") return SubscriptionCall(path, request, context);
  const bool get = request.method == "GET";
  if (get) {
    if (auto answer = TenantCall(path, request, context)) return *std::move(answer);
    if (auto answer = RemainsByFilter(path, request, context)) return *std::move(answer);
  }
  if (get && path[0] == "auditLogs") return Report(path, request, context);
  if (get && path.size() == 3 && path[0] == "devices" && path[2] == "registeredUsers") {
    return UsersOfDevice(path[1], context);
  }
  if (get && path.size() >= 3 && path[0] == "directory" && path[1] == "deletedItems") {
    return DeletedItem(path.back(), request, context);
  }
  return GraphError(400, "BadRequest", "Resource not found for the segment.", context.now);
}

net::ServerResponse GraphApi::UserCall(const std::vector<std::string>& path,
                                       const net::ServerRequest& request, Context& context) {
  const bool get = request.method == "GET";
  if (get && path.size() == 2 && IsDeltaName(path[1])) return Delta(request, context);
  const auto person = context.tenant->Find(path[1]);
  const bool live =
      person && context.tenant->View(*person, context.now).presence == Presence::kLive;
  if (!live) return NotFound(path[1], context.now);
  if (path.size() == 2 && get) return GetUser(*person, request, context);
  if (path.size() == 2 && request.method == "PATCH") return PatchUser(*person, request, context);
  if (path.size() == 3 && get && path[2] == "onPremisesSyncBehavior") {
    return SyncBehavior(*person, context);
  }
  if (get && path.size() >= 3 && (path[2] == "registeredDevices" || path[2] == "ownedDevices")) {
    return DevicesOf(*person, path, request, context);
  }
  if (get) {
    if (auto answer = RemainsOf(*person, path, request, context)) return *std::move(answer);
  }
  const bool revoke = path.size() == 3 && (path[2] == "revokeSignInSessions" ||
                                           path[2] == "microsoft.graph.revokeSignInSessions");
  if (revoke && request.method == "POST") return Revoke(*person, context);
  return GraphError(400, "BadRequest", "Resource not found for the segment.", context.now);
}

net::ServerResponse GraphApi::GetUser(uint64_t person, const net::ServerRequest& request,
                                      const Context& context) {
  const Select select = ReadSelect(request, IsUserProperty);
  if (!select.unknown.empty()) return UnknownProperty(select.unknown, context.now);
  json::object body = {{"@odata.context", Cat(context.base, "/$metadata#users/$entity")}};
  const EntraUser user = context.tenant->View(person, context.now);
  for (auto& member : UserJson(user, select.names, /*nulls=*/true)) {
    body[member.key()] = std::move(member.value());
  }
  return JsonResponse(200, body);
}

net::ServerResponse GraphApi::DeletedItem(std::string_view id, const net::ServerRequest& request,
                                          const Context& context) {
  const auto person = context.tenant->Find(id);
  if (!person) return NotFound(id, context.now);
  const EntraUser user = context.tenant->View(*person, context.now);
  if (user.presence != Presence::kSoftDeleted) return NotFound(id, context.now);
  Select select = ReadSelect(request, IsUserProperty);
  if (!select.unknown.empty()) return UnknownProperty(select.unknown, context.now);
  if (select.names.empty()) {
    select.names = {"displayName", "userPrincipalName", "mail", "deletedDateTime"};
  }
  return JsonResponse(200, UserJson(user, select.names, /*nulls=*/true));
}

net::ServerResponse GraphApi::PatchUser(uint64_t person, const net::ServerRequest& request,
                                        const Context& context) {
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  const json::value* enabled =
      error || !body.is_object() ? nullptr : body.as_object().if_contains("accountEnabled");
  if (enabled == nullptr || !enabled->is_bool()) {
    return GraphError(400, "Request_BadRequest", "A value for accountEnabled is needed.",
                      context.now);
  }
  const int status = context.tenant->SetEnabledByCall(person, enabled->as_bool(), context.now,
                                                      context.client_request_id);
  if (status == 403) return Denied(context.now);
  return WriteDone(net::ServerResponse(status), context);
}

net::ServerResponse GraphApi::Revoke(uint64_t person, const Context& context) {
  const int status = context.tenant->Revoke(person, context.now, context.client_request_id);
  if (status == 403) return Denied(context.now);
  const json::object body = {{"@odata.context", Cat(context.base, "/$metadata#Edm.Boolean")},
                             {"value", true}};
  return WriteDone(JsonResponse(status, body), context);
}

// A write that happened, whose answer may be lost on the way.
net::ServerResponse GraphApi::WriteDone(net::ServerResponse response, const Context& context) {
  TenantFaults& faults = context.tenant->faults();
  if (faults.lost_replies <= 0) return response;
  --faults.lost_replies;
  return GraphError(504, "UnknownError", "The gateway timed out.", context.now);
}

net::ServerResponse GraphApi::Delta(const net::ServerRequest& request, const Context& context) {
  DeltaRequest ask;
  for (const auto& [name, value] : request.query) {
    const std::string lower = ToLowerAscii(name);
    if (lower == "$skiptoken") ask.skip_token = true;
    if (lower == "$skiptoken" || lower == "$deltatoken") ask.token = value;
  }
  if (!ask.skip_token && EqualsIgnoreCase(ask.token, "latest")) {
    ask.latest = true;
    ask.token.clear();
  }
  if (ask.token.empty()) {
    Select select = ReadSelect(request, IsDeltaProperty);
    if (!select.unknown.empty()) {
      return GraphError(400, "BadRequest",
                        Cat("Invalid request for delta query: select is not supported for the "
                            "following properties: ",
                            select.unknown),
                        context.now);
    }
    ask.select = std::move(select.names);
  }
  const DeltaPage page = context.tenant->Delta(ask, context.now);
  if (page.dead) return DeadToken(*page.dead, context);
  if (page.malformed) {
    return GraphError(400, "BadRequest", "Badly formed token.", context.now);
  }
  if (!page.refused_property.empty()) return UnknownProperty(page.refused_property, context.now);
  json::array value;
  for (const DeltaRecord& record : page.records) {
    value.push_back(DeltaRecordJson(record, page.select, context.tenant->faults().omitted));
  }
  json::object body = {{"@odata.context", Cat(context.base, "/$metadata#users(",
                                              JoinStrings(page.select, ","), ")")}};
  const std::string link = Cat(context.base, "/users/delta?");
  if (!page.next_token.empty()) {
    body["@odata.nextLink"] = Cat(link, "$skiptoken=", page.next_token);
  } else {
    body["@odata.deltaLink"] = Cat(link, "$deltatoken=", page.delta_token);
  }
  body["value"] = std::move(value);
  return JsonResponse(200, body);
}

net::ServerResponse GraphApi::DeadToken(DeadTokenShape shape, const Context& context) {
  switch (shape) {
    case DeadTokenShape::kGone: {
      auto response = GraphError(410, "resyncRequired", "Resync is required.", context.now);
      response.headers.emplace_back("Location", Cat(context.base, "/users/delta?$deltatoken="));
      return response;
    }
    case DeadTokenShape::kSyncStateNotFound:
      return GraphError(404, "syncStateNotFound", "The sync state generation is not found.",
                        context.now);
    case DeadTokenShape::kUnsupportedQuery:
      return GraphError(400, "Request_UnsupportedQuery",
                        "DeltaLink older than 30 days is not supported.", context.now);
    case DeadTokenShape::kExpiredPageToken:
      break;
  }
  return GraphError(400, "Directory_ExpiredPageToken",
                    "The specified page token value has expired and can no longer be included in "
                    "your request.",
                    context.now);
}

}  // namespace driftwarden::simulator
