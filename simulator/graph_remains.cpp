// What somebody has beside the account: GET /users/{id}/transitiveMemberOf, ownedObjects,
// licenseDetails, authentication/methods; by a filter on principalId: /oauth2PermissionGrants,
// /roleManagement/directory/roleEligibilitySchedules. Pages of kRemainsPage.

#include <algorithm>
#include <boost/json.hpp>

#include "base/strings.h"
#include "simulator/graph_api.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

constexpr size_t kRemainsPage = 100;

std::string OptionOf(const net::ServerRequest& request, std::string_view wanted) {
  for (const auto& [name, value] : request.query) {
    if (EqualsIgnoreCase(name, wanted)) return value;
  }
  return "";
}

std::optional<Remain> RemainOfUserPath(const std::vector<std::string>& path) {
  if (path.size() == 3 && path[2] == "transitiveMemberOf") return Remain::kMemberOf;
  if (path.size() == 3 && path[2] == "ownedObjects") return Remain::kOwnedObjects;
  if (path.size() == 3 && path[2] == "licenseDetails") return Remain::kLicences;
  const bool methods = path.size() == 4 && path[2] == "authentication" && path[3] == "methods";
  return methods ? std::optional(Remain::kMethods) : std::nullopt;
}

// The id of "principalId eq 'ID'".
std::string PrincipalOf(const std::string& filter) {
  constexpr std::string_view kBegin = "principalId eq '";
  if (!filter.starts_with(kBegin) || !filter.ends_with("'")) return "";
  return filter.substr(kBegin.size(), filter.size() - kBegin.size() - 1);
}

// A page of the list, and the link to the next: the same request with a place in it.
net::ServerResponse RemainsPage(const std::vector<std::string>& objects, const std::string& base,
                                const std::string& path, const std::string& filter,
                                const net::ServerRequest& request) {
  const size_t from =
      std::min<size_t>(ParseUint64(OptionOf(request, "$skiptoken")).value_or(0), objects.size());
  const size_t to = std::min(objects.size(), from + kRemainsPage);
  json::array value;
  for (size_t i = from; i < to; ++i) {
    boost::system::error_code error;
    value.push_back(json::parse(objects[i], error));
  }
  json::object body = {{"@odata.context", Cat(base, "/$metadata#", path)},
                       {"value", std::move(value)}};
  if (to < objects.size()) {
    const std::string same =
        filter.empty() ? "" : Cat("$filter=principalId%20eq%20'", PrincipalOf(filter), "'&");
    body["@odata.nextLink"] = Cat(base, "/", path, "?", same, "$skiptoken=", to);
  }
  return JsonResponse(200, body);
}

net::ServerResponse RemainsDenied(absl::Time now) {
  return GraphError(403, "Authorization_RequestDenied",
                    "Insufficient privileges to complete the operation.", now);
}

}  // namespace

std::optional<net::ServerResponse> GraphApi::RemainsOf(uint64_t person,
                                                       const std::vector<std::string>& path,
                                                       const net::ServerRequest& request,
                                                       const Context& context) {
  const auto part = RemainOfUserPath(path);
  if (!part) return std::nullopt;
  const Tenant& tenant = *context.tenant;
  if (tenant.faults().forbidden.contains(std::string(RemainText(*part)))) {
    return RemainsDenied(context.now);
  }
  return RemainsPage(tenant.remains().Of(person, *part), context.base, JoinStrings(path, "/"), "",
                     request);
}

std::optional<net::ServerResponse> GraphApi::RemainsByFilter(const std::vector<std::string>& path,
                                                             const net::ServerRequest& request,
                                                             const Context& context) {
  const bool grants = path.size() == 1 && path[0] == "oauth2PermissionGrants";
  const bool eligible = path.size() == 3 && path[0] == "roleManagement" && path[1] == "directory" &&
                        path[2] == "roleEligibilitySchedules";
  if (!grants && !eligible) return std::nullopt;
  const Remain part = grants ? Remain::kGrants : Remain::kEligibleRoles;
  const Tenant& tenant = *context.tenant;
  if (tenant.faults().forbidden.contains(std::string(RemainText(part)))) {
    return RemainsDenied(context.now);
  }
  const std::string filter = OptionOf(request, "$filter");
  const std::string principal = PrincipalOf(filter);
  if (principal.empty()) {
    return GraphError(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter.",
                      context.now);
  }
  const auto person = tenant.Find(principal);
  static const std::vector<std::string> kNobody;
  const auto& objects = person ? tenant.remains().Of(*person, part) : kNobody;
  return RemainsPage(objects, context.base, JoinStrings(path, "/"), filter, request);
}

}  // namespace driftwarden::simulator
