#include "watchers/graph/residue_json.h"

#include <algorithm>
#include <utility>

#include "watchers/graph/json_dom.h"

namespace driftwarden::graph {
namespace {

namespace json = boost::json;
using monitor::ResidueItem;
using ItemsPage = ListPage<ResidueItem>;

constexpr size_t kScopeLimit = 1000;
constexpr std::string_view kTypePrefix = "#microsoft.graph.";

// "group" of "#microsoft.graph.group".
std::string GraphTypeOf(const json::object& item) {
  std::string type = dom::Text(item, "@odata.type");
  if (type.starts_with(kTypePrefix)) type.erase(0, kTypePrefix.size());
  return type;
}

bool NamesType(const json::object& group, std::string_view wanted) {
  const json::array* types = dom::Array(group, "groupTypes");
  if (types == nullptr) return false;
  return std::any_of(types->begin(), types->end(), [wanted](const json::value& type) {
    const json::string* text = type.if_string();
    return text != nullptr && std::string_view(text->data(), text->size()) == wanted;
  });
}

ResidueItem GroupItem(const json::object& group, std::string id) {
  ResidueItem item;
  item.id = std::move(id);
  item.name = dom::Text(group, "displayName");
  const bool mail = dom::Flag(group, "mailEnabled").value_or(false);
  const auto security = dom::Flag(group, "securityEnabled");
  if (NamesType(group, "Unified")) {
    item.kind = "microsoft365";
  } else if (security.value_or(false)) {
    item.kind = mail ? "mail_security" : "security";
  } else {
    item.kind = mail ? "distribution" : "group";
  }
  // Null is how Graph tells of a group that was never synced.
  const bool told = security.has_value();
  if (dom::Flag(group, "onPremisesSyncEnabled").value_or(false)) {
    item.detail = "synced from AD";
  } else if (told) {
    item.detail = NamesType(group, "DynamicMembership") ? "cloud, dynamic" : "cloud";
  }
  if (dom::Flag(group, "isAssignableToRole").value_or(false)) {
    item.detail += item.detail.empty() ? "may carry roles" : ", may carry roles";
  }
  return item;
}

bool TakeMembership(const json::object& item, MembershipsPage& page) {
  const std::string type = GraphTypeOf(item);
  if (type != "group" && type != "directoryRole") return true;  // administrative units
  std::string id = dom::Id(item, "id");
  if (id.empty()) return false;
  if (type == "group") {
    page.items.push_back(GroupItem(item, std::move(id)));
    return true;
  }
  ResidueItem role;
  const std::string from = dom::Id(item, "roleTemplateId");
  role.id = from.empty() ? std::move(id) : from;
  role.name = dom::Text(item, "displayName");
  role.kind = "directory_role";
  page.roles.push_back(std::move(role));
  return true;
}

bool TakeEligibility(const json::object& schedule, ItemsPage& page) {
  ResidueItem item;
  item.id = dom::Id(schedule, "roleDefinitionId");
  if (item.id.empty()) return false;
  if (const json::object* role = dom::Object(schedule, "roleDefinition")) {
    item.name = dom::Text(*role, "displayName");
  }
  item.kind = "eligible_role";
  const std::string scope = dom::Text(schedule, "directoryScopeId");
  if (!scope.empty() && scope != "/") item.detail = scope;
  const json::object* info = dom::Object(schedule, "scheduleInfo");
  const json::object* expiration = info == nullptr ? nullptr : dom::Object(*info, "expiration");
  if (expiration != nullptr) item.at = dom::Time(*expiration, "endDateTime");
  page.items.push_back(std::move(item));
  return true;
}

// How many credentials of one kind are good, and when the last of them ends.
size_t CountLive(const json::object& application, const char* key, absl::Time now,
                 std::optional<absl::Time>* last) {
  const json::array* list = dom::Array(application, key);
  size_t live = 0;
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const json::object* credential = (*list)[i].if_object();
    if (credential == nullptr) continue;
    // Without an end that can be read it is taken for a good one.
    const absl::Time end = dom::Time(*credential, "endDateTime").value_or(absl::InfiniteFuture());
    if (end <= now) continue;
    ++live;
    if (end != absl::InfiniteFuture() && (!*last || **last < end)) *last = end;
  }
  return live;
}

bool TakeOwned(const json::object& owned, absl::Time now, ItemsPage& page) {
  const std::string type = GraphTypeOf(owned);
  if (type != "application" && type != "servicePrincipal") return true;
  ResidueItem item;
  item.id = dom::Id(owned, "appId");
  if (item.id.empty()) item.id = dom::Id(owned, "id");
  if (item.id.empty()) return false;
  const size_t secrets = CountLive(owned, "passwordCredentials", now, &item.at);
  const size_t keys = CountLive(owned, "keyCredentials", now, &item.at);
  if (secrets + keys == 0) return true;
  item.name = dom::Text(owned, "displayName");
  item.kind = type == "application" ? "application" : "service_principal";
  item.detail = Cat(secrets, secrets == 1 ? " secret, " : " secrets, ", keys,
                    keys == 1 ? " certificate" : " certificates");
  page.items.push_back(std::move(item));
  return true;
}

bool TakeGrant(const json::object& grant, ItemsPage& page) {
  ResidueItem item;
  item.id = dom::Id(grant, "clientId");
  if (item.id.empty()) return false;
  item.kind = "oauth_grant";
  item.detail = std::string(TrimAscii(dom::Text(grant, "scope", kScopeLimit)));
  page.items.push_back(std::move(item));
  return true;
}

bool TakeLicence(const json::object& licence, ItemsPage& page) {
  ResidueItem item;
  item.id = dom::Id(licence, "skuId");
  if (item.id.empty()) return false;
  item.name = dom::Text(licence, "skuPartNumber");
  item.kind = "licence";
  page.items.push_back(std::move(item));
  return true;
}

bool TakeMethod(const json::object& method, ItemsPage& page) {
  std::string type = GraphTypeOf(method);
  constexpr std::string_view kSuffix = "AuthenticationMethod";
  if (type.ends_with(kSuffix)) type.erase(type.size() - kSuffix.size());
  if (type == "password") return true;
  ResidueItem item;
  item.id = dom::Id(method, "id");
  if (item.id.empty() || type.empty()) return false;
  item.kind = type;
  // What these call so is a device or a key; of others it may be a telephone number or an address.
  if (type == "fido2" || type == "microsoftAuthenticator" || type == "windowsHelloForBusiness") {
    item.name = dom::Text(method, "displayName");
  }
  item.at = dom::Time(method, "createdDateTime");
  page.items.push_back(std::move(item));
  return true;
}

}  // namespace

StatusOr<MembershipsPage> DecodeMemberships(std::string_view body) {
  return dom::DecodePage<MembershipsPage>(body, "memberships", kResiduePageItems, TakeMembership);
}

StatusOr<ItemsPage> DecodeEligibilities(std::string_view body) {
  return dom::DecodePage<ItemsPage>(body, "eligible roles", kResiduePageItems, TakeEligibility);
}

StatusOr<ItemsPage> DecodeOwnedCredentials(std::string_view body, absl::Time now) {
  const auto take = [now](const json::object& item, ItemsPage& page) {
    return TakeOwned(item, now, page);
  };
  return dom::DecodePage<ItemsPage>(body, "owned objects", kResiduePageItems, take);
}

StatusOr<ItemsPage> DecodeGrants(std::string_view body) {
  return dom::DecodePage<ItemsPage>(body, "OAuth grants", kResiduePageItems, TakeGrant);
}

StatusOr<ItemsPage> DecodeLicences(std::string_view body) {
  return dom::DecodePage<ItemsPage>(body, "licences", kResiduePageItems, TakeLicence);
}

StatusOr<ItemsPage> DecodeMethods(std::string_view body) {
  return dom::DecodePage<ItemsPage>(body, "authentication methods", kResiduePageItems, TakeMethod);
}

}  // namespace driftwarden::graph
