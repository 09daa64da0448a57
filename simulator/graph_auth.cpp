// The token endpoint, the tokens it gives out, and $batch, whose inner requests share one.

#include <boost/json.hpp>
#include <map>

#include "base/hex.h"
#include "base/strings.h"
#include "simulator/graph_api.h"
#include "simulator/graph_json.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

constexpr size_t kMaxBatch = 20;

std::string_view FieldOf(const net::QueryPairs& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return "";
}

net::ServerResponse Refusal(int status, std::string_view error, int code, std::string_view text,
                            absl::Time now) {
  const std::string id = GuidText(GuidFrom(static_cast<uint64_t>(code), 1));
  const json::object body = {
      {"error", error},
      {"error_description", Cat("AADSTS", code, ": ", text, " Trace ID: ", id)},
      {"error_codes", json::array{code}},
      {"timestamp", absl::FormatTime("%Y-%m-%d %H:%M:%SZ", now, absl::UTCTimeZone())},
      {"trace_id", id},
      {"correlation_id", id},
      {"error_uri", Cat("https://login.microsoftonline.com/error?code=", code)}};
  return JsonResponse(status, body);
}

// The end of the token shows that we made it.
std::string Sign(std::string_view body, uint64_t seed) {
  const Sha256Digest digest = Sha256(Cat(body, '|', seed));
  return HexEncode(DigestBytes(digest).substr(0, 16));
}

// A value of a batch's member as text; empty when it is not there.
std::string Text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

StatusOr<net::ServerRequest> InnerRequest(const json::object& item,
                                          const net::ServerRequest& outer) {
  net::ServerRequest inner;
  inner.method = Text(item, "method");
  const std::string url = Text(item, "url");
  if (inner.method.empty() || url.empty() || url[0] != '/') {
    return InvalidError("method and a relative url are needed");
  }
  const size_t question = url.find('?');
  inner.path = url.substr(0, question);
  if (question != std::string::npos) {
    DW_ASSIGN_OR_RETURN(inner.query, net::ParseQuery(url.substr(question + 1)));
  }
  inner.headers = outer.headers;
  if (const json::value* headers = item.if_contains("headers")) {
    if (!headers->is_object()) return InvalidError("headers must be an object");
    for (const auto& header : headers->as_object()) {
      if (!header.value().is_string()) continue;
      inner.headers.emplace(inner.headers.begin(), std::string(header.key()),
                            std::string(header.value().as_string()));
    }
  }
  if (const json::value* body = item.if_contains("body")) inner.body = json::serialize(*body);
  return inner;
}

// Any dependency that failed (or never ran) fails what depends on it.
bool DependenciesHold(const json::object& item, const std::map<std::string, int>& statuses) {
  const json::value* depends = item.if_contains("dependsOn");
  if (depends == nullptr || !depends->is_array()) return true;
  for (const json::value& id : depends->as_array()) {
    const auto it = id.is_string() ? statuses.find(std::string(id.as_string())) : statuses.end();
    if (it == statuses.end() || it->second >= 400) return false;
  }
  return true;
}

json::object InnerResponse(const std::string& id, const net::ServerResponse& response) {
  json::object headers;
  for (const auto& header : response.headers) headers[header.name] = header.value;
  if (!response.content_type.empty()) headers["Content-Type"] = response.content_type;
  json::object out = {{"id", id}, {"status", response.status}, {"headers", std::move(headers)}};
  boost::system::error_code error;
  json::value body = json::parse(response.body, error);
  if (!error) out["body"] = std::move(body);
  return out;
}

}  // namespace

std::optional<size_t> GraphApi::TenantNumber(std::string_view tenant_id) const {
  for (size_t i = 0; i < world_.tenants(); ++i) {
    if (EqualsIgnoreCase(world_.tenant(i).id(), tenant_id)) return i;
  }
  return std::nullopt;
}

// What clients learn of the endpoints before they ask for a token (OpenID Connect Discovery 1.0).
net::ServerResponse GraphApi::Discovery(std::string_view tenant_id,
                                        const net::ServerRequest& request, absl::Time now) {
  const auto number = TenantNumber(tenant_id);
  if (!number) return Refusal(400, "invalid_tenant", 90002, "Tenant not found.", now);
  const std::string* host = request.Find("Host");
  const std::string base = Cat("https://", host == nullptr ? "login" : *host, "/", tenant_id);
  const json::object document = {
      {"token_endpoint", Cat(base, "/oauth2/v2.0/token")},
      {"token_endpoint_auth_methods_supported",
       json::array{"client_secret_post", "private_key_jwt", "client_secret_basic"}},
      {"jwks_uri", Cat(base, "/discovery/v2.0/keys")},
      {"response_modes_supported", json::array{"query", "fragment", "form_post"}},
      {"subject_types_supported", json::array{"pairwise"}},
      {"id_token_signing_alg_values_supported", json::array{"RS256"}},
      {"response_types_supported", json::array{"code", "id_token"}},
      {"scopes_supported", json::array{"openid", "profile", "email", "offline_access"}},
      {"issuer", Cat(base, "/v2.0")},
      {"authorization_endpoint", Cat(base, "/oauth2/v2.0/authorize")},
      {"end_session_endpoint", Cat(base, "/oauth2/v2.0/logout")}};
  return JsonResponse(200, document);
}

std::string GraphApi::NewToken(size_t tenant, absl::Time now) const {
  const std::string body =
      Cat("sim.", tenant, '.', absl::ToUnixSeconds(now + options_.token_lifetime));
  return Cat(body, '.', Sign(body, world_.options().seed));
}

net::ServerResponse GraphApi::Token(std::string_view tenant_id, const net::ServerRequest& request,
                                    absl::Time now) {
  const auto number = TenantNumber(tenant_id);
  if (!number) return Refusal(400, "invalid_request", 90002, "Tenant not found.", now);
  const auto form = net::ParseQuery(request.body);
  if (request.method != "POST" || !form.ok()) {
    return Refusal(400, "invalid_request", 900144, "The request body must be a form.", now);
  }
  if (FieldOf(*form, "grant_type") != "client_credentials") {
    return Refusal(400, "unsupported_grant_type", 70003, "The grant type is not supported.", now);
  }
  const TenantFaults& faults = world_.tenant(*number).faults();
  const std::string* host = request.Find("Host");
  const std::string base = Cat("https://", host == nullptr ? "login" : *host, "/", tenant_id);
  auto refusal =
      options_.app.Judge(*form, {Cat(base, "/oauth2/v2.0/token"), Cat(base, "/v2.0")}, now);
  if (faults.token_error != 0) refusal = AppRegistration::RefusalOf(faults.token_error);
  if (faults.refuse_token) refusal = AppRegistration::RefusalOf(7000215);
  if (refusal) {
    return Refusal(refusal->http_status, refusal->error, refusal->code, refusal->text, now);
  }
  if (!FieldOf(*form, "scope").ends_with("/.default")) {
    return Refusal(400, "invalid_scope", 70011, "The provided scope is not valid.", now);
  }
  const json::object answer = {{"token_type", "Bearer"},
                               {"expires_in", absl::ToInt64Seconds(options_.token_lifetime)},
                               {"ext_expires_in", absl::ToInt64Seconds(options_.token_lifetime)},
                               {"access_token", NewToken(*number, now)}};
  return JsonResponse(200, answer);
}

// The metadata service of a virtual machine whose identity is known to the first tenant.
net::ServerResponse GraphApi::MetadataService(const net::ServerRequest& request, absl::Time now) {
  const std::string* metadata = request.Find("Metadata");
  const std::string resource(request.Query("resource"));
  const bool asked = request.method == "GET" && request.path == "/metadata/identity/oauth2/token" &&
                     metadata != nullptr && *metadata == "true" && !resource.empty() &&
                     request.Query("api-version") == "2018-02-01";
  if (!asked) {
    return JsonResponse(400, {{"error", "invalid_request"},
                              {"error_description", "Required metadata header not specified"}});
  }
  const std::string client(request.Query("client_id"));
  if (!client.empty() && client != options_.app.client_id) {
    return JsonResponse(
        400, {{"error", "invalid_request"}, {"error_description", "Identity not found"}});
  }
  const int64_t life = absl::ToInt64Seconds(options_.token_lifetime);
  // Numbers are texts here, unlike the token endpoint's.
  const json::object answer = {{"access_token", NewToken(0, now)},
                               {"client_id", options_.app.client_id},
                               {"expires_in", Cat(life)},
                               {"expires_on", Cat(absl::ToUnixSeconds(now) + life)},
                               {"ext_expires_in", Cat(life)},
                               {"not_before", Cat(absl::ToUnixSeconds(now))},
                               {"resource", resource},
                               {"token_type", "Bearer"}};
  return JsonResponse(200, answer);
}

Tenant* GraphApi::TenantOf(const net::ServerRequest& request, absl::Time now) {
  const std::string* header = request.Find("Authorization");
  if (header == nullptr || !header->starts_with("Bearer ")) return nullptr;
  const std::string token = header->substr(7);
  const size_t dot = token.rfind('.');
  if (dot == std::string::npos) return nullptr;
  const std::string body = token.substr(0, dot);
  if (token.substr(dot + 1) != Sign(body, world_.options().seed)) return nullptr;
  const auto parts = SplitString(body, '.');
  if (parts.size() != 3) return nullptr;
  const auto number = ParseUint64(parts[1]);
  const auto expiry = ParseInt64(parts[2]);
  if (!number || !expiry || *number >= world_.tenants()) return nullptr;
  if (absl::FromUnixSeconds(*expiry) <= now) return nullptr;
  Tenant& tenant = world_.tenant(*number);
  return tenant.faults().reject_bearer ? nullptr : &tenant;
}

net::ServerResponse GraphApi::Batch(const net::ServerRequest& request, Context& context) {
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  const json::value* requests =
      error || !body.is_object() ? nullptr : body.as_object().if_contains("requests");
  if (requests == nullptr || !requests->is_array() || requests->as_array().size() > kMaxBatch) {
    return GraphError(400, "BadRequest", "A batch holds 1 to 20 requests.", context.now);
  }
  std::map<std::string, int> statuses;
  json::array responses;
  for (const json::value& value : requests->as_array()) {
    if (!value.is_object()) {
      return GraphError(400, "BadRequest", "A request must be an object.", context.now);
    }
    const json::object& item = value.as_object();
    const std::string id = Text(item, "id");
    const auto inner = InnerRequest(item, request);
    if (id.empty() || statuses.contains(id) || !inner.ok()) {
      return GraphError(400, "BadRequest", Cat("Request '", Printable(id, 40), "' is malformed."),
                        context.now);
    }
    Context own = context;
    const std::string* own_id = inner->Find("client-request-id");
    if (own_id != nullptr) own.client_request_id = *own_id;
    net::ServerResponse response;
    const auto path = net::SplitPath(inner->path);
    if (!DependenciesHold(item, statuses)) {
      response = GraphError(424, "FailedDependency", "A dependency failed.", context.now);
    } else if (!path.ok() || path->empty()) {
      response = GraphError(400, "BadRequest", "malformed url", context.now);
    } else {
      response = Dispatch(*path, *inner, own);
    }
    Stamp(response, own);
    statuses[id] = response.status;
    // Answers stand in no promised order.
    responses.insert(responses.begin(), InnerResponse(id, response));
  }
  return JsonResponse(200, {{"responses", std::move(responses)}});
}

}  // namespace driftwarden::simulator
