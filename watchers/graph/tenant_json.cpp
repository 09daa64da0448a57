#include "watchers/graph/tenant_json.h"

#include "watchers/graph/json_dom.h"

namespace driftwarden::graph {
namespace {

namespace json = boost::json;
using dom::Flag;
using dom::Id;
using dom::Object;
using dom::Parse;
using dom::Text;
using dom::Time;

// Walks "value"; `take(item, out)` is false for an item to be left out.
template <typename T, typename Take>
StatusOr<ListPage<T>> DecodeList(std::string_view body, std::string_view what, Take take) {
  const auto one = [&take](const json::object& item, ListPage<T>& page) {
    T out;
    const bool good = take(item, out);
    if (good) page.items.push_back(std::move(out));
    return good;
  };
  return dom::DecodePage<ListPage<T>>(body, what, std::string_view::npos, one);
}

// The only item of a collection of one.
StatusOr<json::object> OnlyItem(std::string_view body, std::string_view what) {
  DW_ASSIGN_OR_RETURN(json::object document, Parse(body, what));
  const json::value* value = document.if_contains("value");
  // Some resources of one are not wrapped.
  if (value == nullptr && document.contains("id")) return document;
  const json::array* items = value == nullptr ? nullptr : value->if_array();
  if (items == nullptr || items->empty() || !items->front().is_object()) {
    return DataLossError(Cat(what, ": no item"));
  }
  return json::object(items->front().get_object());
}

bool TakePrincipal(const json::object& item, Principal& out) {
  out.id = Id(item, "id");
  out.app_id = Id(item, "appId");
  const std::string type = Text(item, "@odata.type");
  if (type == "#microsoft.graph.user") {
    out.kind = Principal::Kind::kUser;
  } else if (type == "#microsoft.graph.group") {
    out.kind = Principal::Kind::kGroup;
  } else if (type == "#microsoft.graph.servicePrincipal" || !out.app_id.empty()) {
    out.kind = Principal::Kind::kApplication;
  }
  out.name = Text(item, "userPrincipalName");
  if (out.name.empty()) out.name = Text(item, "displayName");
  return !out.id.empty();
}

bool TakeJob(const json::object& item, monitor::SyncJob& out) {
  out.id = Id(item, "id");
  const json::object* status = Object(item, "status");
  if (out.id.empty() || status == nullptr) return false;
  out.code = Text(*status, "code");
  if (const json::object* last = Object(*status, "lastSuccessfulExecution")) {
    out.last_success = Time(*last, "timeEnded").value_or(absl::InfinitePast());
  }
  const json::object* quarantine = Object(*status, "quarantine");
  if (quarantine != nullptr) {
    out.quarantine_reason = Text(*quarantine, "reason");
    out.quarantined_since = Time(*quarantine, "currentBegan").value_or(absl::InfinitePast());
  }
  return true;
}

bool TakeFailedUser(const json::object& item, FailedUser& out) {
  out.first = Id(item, "id");
  const json::value* errors = item.if_contains("onPremisesProvisioningErrors");
  const json::array* list = errors == nullptr ? nullptr : errors->if_array();
  if (out.first.empty() || list == nullptr || list->empty()) return false;
  const json::object* error = list->front().if_object();
  if (error == nullptr) return false;
  out.second.category = Text(*error, "category");
  out.second.property = Text(*error, "propertyCausingError");
  out.second.value = Text(*error, "value");
  out.second.since = Time(*error, "occurredDateTime").value_or(absl::InfinitePast());
  return true;
}

// What a tenant can set at most: of what cannot be read the longest counts.
constexpr absl::Duration kLongestToken = absl::Hours(24);

// "00:30:00", "1.00:00:00" (days).
std::optional<absl::Duration> TimeSpanOf(std::string_view text) {
  uint64_t days = 0;
  const size_t dot = text.find('.');
  if (dot != std::string_view::npos && dot < text.find(':')) {
    const auto read = ParseUint64(text.substr(0, dot));
    if (!read || *read > 1000) return std::nullopt;
    days = *read;
    text.remove_prefix(dot + 1);
  }
  const std::vector<std::string> parts = SplitString(text.substr(0, text.find('.')), ':');
  if (parts.size() != 3) return std::nullopt;
  uint64_t seconds = days * 24 * 3600;
  uint64_t unit = 3600;
  for (const std::string& part : parts) {
    const auto read = ParseUint64(part);
    if (!read || *read > 10'000) return std::nullopt;
    seconds += *read * unit;
    unit /= 60;
  }
  return absl::Seconds(static_cast<int64_t>(seconds));
}

// The definition is a list of one JSON text.
std::optional<absl::Duration> AccessTokensOf(const json::object& item) {
  const json::value* definition = item.if_contains("definition");
  const json::array* list = definition == nullptr ? nullptr : definition->if_array();
  if (list == nullptr || list->empty() || !list->front().is_string()) return kLongestToken;
  const json::string& text = list->front().get_string();
  const auto document = Parse({text.data(), text.size()}, "token lifetime policy");
  const json::object* policy = document.ok() ? Object(*document, "TokenLifetimePolicy") : nullptr;
  if (policy == nullptr) return kLongestToken;
  if (!policy->contains("AccessTokenLifetime")) return std::nullopt;
  const auto lifetime = TimeSpanOf(Text(*policy, "AccessTokenLifetime"));
  return lifetime ? std::min(*lifetime, kLongestToken) : kLongestToken;
}

}  // namespace

StatusOr<monitor::TenantLook::Organization> DecodeOrganization(std::string_view body) {
  DW_ASSIGN_OR_RETURN(const json::object item, OnlyItem(body, "organization"));
  monitor::TenantLook::Organization out;
  out.sync_enabled = Flag(item, "onPremisesSyncEnabled");
  const json::value* enabled = item.if_contains("onPremisesSyncEnabled");
  if (enabled != nullptr && enabled->is_null()) out.sync_enabled = false;  // it never was
  out.last_sync = Time(item, "onPremisesLastSyncDateTime");
  return out;
}

StatusOr<monitor::TenantLook::Synchronization> DecodeSynchronization(std::string_view body) {
  DW_ASSIGN_OR_RETURN(const json::object item, OnlyItem(body, "onPremisesSynchronization"));
  monitor::TenantLook::Synchronization out;
  if (const json::object* features = Object(item, "features")) {
    out.password_sync = Flag(*features, "passwordSyncEnabled");
  }
  const json::object* configuration = Object(item, "configuration");
  const json::object* prevention =
      configuration == nullptr ? nullptr : Object(*configuration, "accidentalDeletionPrevention");
  if (prevention == nullptr) return out;
  monitor::DeletionGuard guard;
  guard.type = Text(*prevention, "synchronizationPreventionType");
  const json::value* threshold = prevention->if_contains("alertThreshold");
  if (threshold != nullptr && threshold->is_int64()) guard.threshold = threshold->get_int64();
  if (!guard.type.empty()) out.deletion_guard = std::move(guard);
  return out;
}

StatusOr<ListPage<Domain>> DecodeDomains(std::string_view body) {
  return DecodeList<Domain>(body, "domains", [](const json::object& item, Domain& out) {
    out.name = Id(item, "id");
    out.federated = EqualsIgnoreCase(Text(item, "authenticationType"), "Federated");
    out.verified = Flag(item, "isVerified").value_or(false);
    return !out.name.empty();
  });
}

StatusOr<ListPage<AccessPolicy>> DecodeAccessPolicies(std::string_view body) {
  return DecodeList<AccessPolicy>(body, "conditionalAccess policies",
                                  [](const json::object& item, AccessPolicy& out) {
                                    out.enabled = EqualsIgnoreCase(Text(item, "state"), "enabled");
                                    return true;
                                  });
}

StatusOr<ListPage<TokenPolicy>> DecodeTokenPolicies(std::string_view body) {
  return DecodeList<TokenPolicy>(
      body, "tokenLifetimePolicies", [](const json::object& item, TokenPolicy& out) {
        out.for_all = Flag(item, "isOrganizationDefault").value_or(false);
        out.access_tokens = AccessTokensOf(item);
        return true;
      });
}

StatusOr<ListPage<Role>> DecodeRoles(std::string_view body) {
  return DecodeList<Role>(body, "directoryRoles", [](const json::object& item, Role& out) {
    out.id = Id(item, "id");
    out.name = Text(item, "displayName");
    out.template_id = Id(item, "roleTemplateId");
    return !out.id.empty();
  });
}

StatusOr<ListPage<Principal>> DecodePrincipals(std::string_view body) {
  return DecodeList<Principal>(body, "list of members", TakePrincipal);
}

StatusOr<ListPage<Principal>> DecodeAssignments(std::string_view body) {
  return DecodeList<Principal>(body, "appRoleAssignedTo",
                               [](const json::object& item, Principal& out) {
                                 out.id = Id(item, "principalId");
                                 out.name = Text(item, "principalDisplayName");
                                 const std::string type = Text(item, "principalType");
                                 if (type == "ServicePrincipal")
                                   out.kind = Principal::Kind::kApplication;
                                 if (type == "User") out.kind = Principal::Kind::kUser;
                                 if (type == "Group") out.kind = Principal::Kind::kGroup;
                                 return !out.id.empty();
                               });
}

StatusOr<ListPage<monitor::SyncJob>> DecodeSyncJobs(std::string_view body) {
  return DecodeList<monitor::SyncJob>(body, "synchronization jobs", TakeJob);
}

StatusOr<ListPage<FailedUser>> DecodeProvisioningErrors(std::string_view body) {
  return DecodeList<FailedUser>(body, "provisioning errors", TakeFailedUser);
}

StatusOr<std::optional<bool>> DecodeSyncBehavior(std::string_view body) {
  DW_ASSIGN_OR_RETURN(const json::object item, Parse(body, "onPremisesSyncBehavior"));
  return Flag(item, "isCloudManaged");
}

}  // namespace driftwarden::graph
