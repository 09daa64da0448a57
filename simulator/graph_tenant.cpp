// What a tenant says of itself: GET only, as Graph v1.0 answers.

#include <boost/json.hpp>

#include "base/strings.h"
#include "simulator/graph_api.h"
#include "simulator/graph_json.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

// Of the vendor, the same in every tenant.
constexpr char kSyncServiceAppId[] = "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016";
constexpr char kCloudSyncTemplateId[] = "1a4721b3-e57f-4451-ae87-ef078703ec94";
constexpr char kSyncRolePermission[] = "ab43b826-2c7a-4aff-9ecd-d0629d0ca6a9";
struct KnownRole {
  const char* name;
  const char* template_id;
};
constexpr KnownRole kRoles[] = {
    {"Global Administrator", "62e90394-69f5-4237-9190-012177145e10"},
    {"Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814"},
    {"User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1"},
    {kSyncAccountsRole, "d29b2b05-8046-44ba-8758-1e26182fcf32"},
};

std::string Id(const Tenant& tenant, std::string_view what) {
  return tenant.ObjectId(what);
}

std::string Seconds(absl::Time at) {
  return FormatRfc3339(absl::FromUnixSeconds(absl::ToUnixSeconds(at)));
}

net::ServerResponse Collection(std::string_view base, std::string_view type, json::array value) {
  return JsonResponse(
      200, {{"@odata.context", Cat(base, "/$metadata#", type)}, {"value", std::move(value)}});
}

net::ServerResponse Denied(absl::Time now) {
  return GraphError(403, "Authorization_RequestDenied",
                    "Insufficient privileges to complete the operation.", now);
}

std::string TemplateOf(const std::string& role) {
  for (const KnownRole& known : kRoles) {
    if (role == known.name) return known.template_id;
  }
  return "";
}

json::object UserMember(const Tenant& tenant, uint64_t person) {
  return {{"@odata.type", "#microsoft.graph.user"}, {"id", tenant.EntraId(person)}};
}

// Who feeds the tenant: an account of Connect, or its application.
json::array SyncAccounts(const Tenant& tenant) {
  json::array members;
  if (tenant.settings().cloud_sync) return members;
  const bool application = tenant.settings().connect_application;
  const std::string name = application ? "ConnectSyncProvisioning_SYNC1_7f3a5b"
                                       : "On-Premises Directory Synchronization Service Account";
  json::object member = {
      {"@odata.type", application ? "#microsoft.graph.servicePrincipal" : "#microsoft.graph.user"},
      {"id", Id(tenant, "connect")},
      {"displayName", name}};
  if (application) {
    member["appId"] = Id(tenant, "connect app");
  } else {
    member["userPrincipalName"] =
        Cat("Sync_SYNC1_7f3a5b@", tenant.options().name, ".onmicrosoft.example");
  }
  members.push_back(std::move(member));
  return members;
}

json::object PrincipalJson(const Tenant& tenant, std::string_view which) {
  if (which == "service") {
    return {{"id", Id(tenant, "sync service")},
            {"appId", kSyncServiceAppId},
            {"displayName", "Microsoft Entra AD Synchronization Service"}};
  }
  return {{"id", Id(tenant, "cloud sync")},
          {"appId", Id(tenant, "cloud sync app")},
          {"applicationTemplateId", kCloudSyncTemplateId},
          {"displayName", tenant.people().options().domain}};
}

}  // namespace

std::optional<net::ServerResponse> GraphApi::TenantCall(const std::vector<std::string>& path,
                                                        const net::ServerRequest& request,
                                                        const Context& context) {
  const std::set<std::string>& forbidden = context.tenant->faults().forbidden;
  const auto guard = [&](const char* name, auto answer) {
    return forbidden.contains(name) ? Denied(context.now) : answer();
  };
  const std::string& root = path[0];
  const size_t parts = path.size();
  if (root == "organization" && parts == 1) {
    return guard("organization", [&] { return Organization(context); });
  }
  if (root == "directory" && parts == 2 && path[1] == "onPremisesSynchronization") {
    return guard("sync_configuration", [&] { return SyncConfiguration(context); });
  }
  if (root == "domains" && parts == 1) return guard("domains", [&] { return Domains(context); });
  if (root == "policies" && parts == 2 && path[1] == "tokenLifetimePolicies") {
    return guard("token_policies", [&] { return TokenPolicies(context); });
  }
  if (root == "identity" && parts == 3 && path[1] == "conditionalAccess" && path[2] == "policies") {
    return guard("conditional_access", [&] { return AccessPolicies(context); });
  }
  if (root == "directoryRoles") return guard("roles", [&] { return Roles(path, context); });
  if (root == "groups" && parts == 1) return guard("groups", [&] { return Groups(context); });
  if (root == "groups" && parts >= 3 && path[2] == "transitiveMembers") {
    return guard("groups", [&] { return GroupMembers(path[1], context); });
  }
  if (parts == 4 && path[2] == "synchronization" && path[3] == "jobs") {
    return guard("sync_jobs", [&] { return SyncJobs(context); });
  }
  if (root.starts_with("servicePrincipals")) {
    return guard("service_principals", [&] { return ServicePrincipals(path, request, context); });
  }
  if (root == "users" && parts == 1) {
    return guard("provisioning_errors", [&] { return ListUsers(request, context); });
  }
  return std::nullopt;
}

net::ServerResponse GraphApi::Organization(const Context& context) {
  const Tenant& tenant = *context.tenant;
  json::object organization = {{"id", tenant.id()},
                               {"displayName", tenant.options().name},
                               {"onPremisesSyncEnabled", tenant.settings().sync_enabled},
                               {"onPremisesLastSyncDateTime", Seconds(tenant.last_sync())}};
  if (tenant.faults().no_last_sync) organization["onPremisesLastSyncDateTime"] = nullptr;
  return Collection(context.base, "organization", json::array{organization});
}

net::ServerResponse GraphApi::SyncConfiguration(const Context& context) {
  const TenantSettings& settings = context.tenant->settings();
  const json::object prevention = {{"synchronizationPreventionType", settings.deletion_prevention},
                                   {"alertThreshold", settings.deletion_threshold}};
  const json::object features = {{"passwordSyncEnabled", settings.password_sync},
                                 {"passwordWritebackEnabled", false},
                                 {"bypassDirSyncOverridesEnabled", false},
                                 {"blockCloudObjectTakeoverThroughHardMatchEnabled", true}};
  const json::object synchronization = {
      {"id", context.tenant->id()},
      {"configuration", {{"accidentalDeletionPrevention", prevention}}},
      {"features", features}};
  return Collection(context.base, "directory/onPremisesSynchronization",
                    json::array{synchronization});
}

net::ServerResponse GraphApi::Domains(const Context& context) {
  std::map<std::string, TenantDomain> domains = context.tenant->settings().domains;
  domains.try_emplace(context.tenant->people().options().domain);
  domains.try_emplace(Cat(context.tenant->options().name, ".onmicrosoft.example"));
  json::array value;
  for (const auto& [name, domain] : domains) {
    value.push_back({{"id", name},
                     {"authenticationType", domain.federated ? "Federated" : "Managed"},
                     {"isVerified", domain.verified},
                     {"isDefault", name == context.tenant->people().options().domain},
                     {"isInitial", name.ends_with(".onmicrosoft.example")}});
  }
  return Collection(context.base, "domains", std::move(value));
}

net::ServerResponse GraphApi::TokenPolicies(const Context& context) {
  const Tenant& tenant = *context.tenant;
  json::array value;
  for (const TokenLifetimePolicy& policy : tenant.settings().token_policies) {
    json::object definition = {{"Version", 1}};
    if (!policy.access_tokens.empty()) definition["AccessTokenLifetime"] = policy.access_tokens;
    const json::object whole = {{"TokenLifetimePolicy", std::move(definition)}};
    json::array texts = {json::serialize(whole)};
    value.push_back({{"id", Id(tenant, Cat("token policy ", value.size()))},
                     {"displayName", "Access tokens"},
                     {"definition", std::move(texts)},
                     {"isOrganizationDefault", policy.organization_default}});
  }
  return Collection(context.base, "policies/tokenLifetimePolicies", std::move(value));
}

net::ServerResponse GraphApi::AccessPolicies(const Context& context) {
  const Tenant& tenant = *context.tenant;
  json::array value;
  for (int i = 0; i <= tenant.settings().conditional_access; ++i) {
    value.push_back({{"id", Id(tenant, Cat("access policy ", i))},
                     {"state", i == 0 ? "enabledForReportingButNotEnforced" : "enabled"}});
  }
  return Collection(context.base, "identity/conditionalAccess/policies", std::move(value));
}

net::ServerResponse GraphApi::Roles(const std::vector<std::string>& path, const Context& context) {
  const Tenant& tenant = *context.tenant;
  json::array value;
  std::set<std::string> names = {kSyncAccountsRole};
  for (const auto& [name, people] : tenant.settings().roles) names.insert(name);
  for (const auto& [name, people] : tenant.settings().role_by_group) names.insert(name);
  if (path.size() == 1) {
    for (const std::string& name : names) {
      value.push_back({{"id", Id(tenant, Cat("role ", name))},
                       {"displayName", name},
                       {"roleTemplateId", TemplateOf(name)}});
    }
    return Collection(context.base, "directoryRoles", std::move(value));
  }
  for (const std::string& name : names) {
    if (path[1] != Id(tenant, Cat("role ", name))) continue;
    if (name == kSyncAccountsRole) value = SyncAccounts(tenant);
    const auto direct = tenant.settings().roles.find(name);
    if (direct != tenant.settings().roles.end()) {
      for (const uint64_t person : direct->second) value.push_back(UserMember(tenant, person));
    }
    if (tenant.settings().role_by_group.contains(name)) {
      value.push_back(
          {{"@odata.type", "#microsoft.graph.group"}, {"id", Id(tenant, Cat("group ", name))}});
    }
    return Collection(context.base, "directoryObjects", std::move(value));
  }
  return GraphError(404, "Request_ResourceNotFound", "There is no such role.", context.now);
}

net::ServerResponse GraphApi::Groups(const Context& context) {
  const Tenant& tenant = *context.tenant;
  json::array value;
  for (const auto& [name, people] : tenant.settings().role_by_group) {
    const json::object group = {{"id", Id(tenant, Cat("group ", name))}};
    value.push_back(group);
  }
  return Collection(context.base, "groups", std::move(value));
}

net::ServerResponse GraphApi::GroupMembers(const std::string& group, const Context& context) {
  const Tenant& tenant = *context.tenant;
  for (const auto& [name, people] : tenant.settings().role_by_group) {
    if (group != Id(tenant, Cat("group ", name))) continue;
    json::array value;
    for (const uint64_t person : people) value.push_back(UserMember(tenant, person));
    return Collection(context.base, "users", std::move(value));
  }
  return GraphError(404, "Request_ResourceNotFound", "There is no such group.", context.now);
}

net::ServerResponse GraphApi::ServicePrincipals(const std::vector<std::string>& path,
                                                const net::ServerRequest& request,
                                                const Context& context) {
  const Tenant& tenant = *context.tenant;
  std::string filter;
  for (const auto& [name, value] : request.query) {
    if (EqualsIgnoreCase(name, "$filter")) filter = value;
  }
  json::array value;
  const std::string keyed = Cat("servicePrincipals(appId='", kSyncServiceAppId, "')");
  if (path[0] == keyed) {
    if (path.size() == 1) return JsonResponse(200, PrincipalJson(tenant, "service"));
    if (path.size() == 2 && path[1] == "appRoleAssignedTo") {
      if (tenant.settings().connect_application) {
        value.push_back({{"principalId", Id(tenant, "connect")},
                         {"principalType", "ServicePrincipal"},
                         {"principalDisplayName", "ConnectSyncProvisioning_SYNC1_7f3a5b"},
                         {"appRoleId", kSyncRolePermission},
                         {"resourceId", Id(tenant, "sync service")}});
      }
      return Collection(context.base, "appRoleAssignments", std::move(value));
    }
  }
  if (path.size() == 1 && path[0] == "servicePrincipals") {
    const bool cloud = tenant.settings().cloud_sync.has_value();
    if (filter == Cat("appId eq '", kSyncServiceAppId, "'")) {
      value.push_back(PrincipalJson(tenant, "service"));
    } else if (filter == Cat("applicationTemplateId eq '", kCloudSyncTemplateId, "'")) {
      if (cloud) value.push_back(PrincipalJson(tenant, "cloud"));
    } else {
      return GraphError(400, "Request_UnsupportedQuery", "The filter is not known here.",
                        context.now);
    }
    return Collection(context.base, "servicePrincipals", std::move(value));
  }
  return GraphError(404, "Request_ResourceNotFound", "There is no such service principal.",
                    context.now);
}

net::ServerResponse GraphApi::SyncJobs(const Context& context) {
  const Tenant& tenant = *context.tenant;
  if (!tenant.settings().cloud_sync) {
    return GraphError(404, "Request_ResourceNotFound", "There is no such service principal.",
                      context.now);
  }
  const SyncJob& job = *tenant.settings().cloud_sync;
  json::object status = {{"code", job.code},
                         {"countSuccessiveCompleteFailures", 0},
                         {"lastSuccessfulExecution",
                          {{"activityIdentifier", Id(tenant, "execution")},
                           {"state", "Succeeded"},
                           {"timeEnded", Seconds(tenant.last_sync())}}},
                         {"quarantine", nullptr}};
  if (!job.quarantine_reason.empty()) {
    status["code"] = "Quarantine";
    status["quarantine"] = {{"reason", job.quarantine_reason},
                            {"currentBegan", Seconds(job.quarantined_at)},
                            {"seriesBegan", Seconds(job.quarantined_at)},
                            {"nextAttempt", Seconds(job.quarantined_at + absl::Hours(1))}};
  }
  const json::object answer = {
      {"id", Cat("AD2AADProvisioning.", tenant.id(), ".", Id(tenant, "job"))},
      {"templateId", "AD2AADProvisioning"},
      {"schedule", {{"state", "Active"}, {"interval", job.interval}, {"expiration", nullptr}}},
      {"status", std::move(status)}};
  return Collection(context.base, "servicePrincipals/synchronization/jobs", json::array{answer});
}

// Only the one list that is asked for: whose provisioning failed.
net::ServerResponse GraphApi::ListUsers(const net::ServerRequest& request, const Context& context) {
  const Tenant& tenant = *context.tenant;
  bool filtered = false;
  for (const auto& [name, value] : request.query) {
    filtered = filtered || (EqualsIgnoreCase(name, "$filter") &&
                            value.starts_with("onPremisesProvisioningErrors/any("));
  }
  if (!filtered) {
    return GraphError(400, "Request_UnsupportedQuery", "The filter is not known here.",
                      context.now);
  }
  json::array value;
  for (const auto& [person, error] : tenant.settings().provisioning_errors) {
    if (tenant.View(person, context.now).presence != Presence::kLive) continue;
    const json::object entry = {{"category", "PropertyConflict"},
                                {"occurredDateTime", Seconds(error.at)},
                                {"propertyCausingError", error.property},
                                {"value", error.value}};
    value.push_back(
        {{"id", tenant.EntraId(person)}, {"onPremisesProvisioningErrors", json::array{entry}}});
  }
  return Collection(context.base, "users(id,onPremisesProvisioningErrors)", std::move(value));
}

net::ServerResponse GraphApi::SyncBehavior(uint64_t person, const Context& context) {
  if (context.tenant->faults().forbidden.contains("sync_behavior")) return Denied(context.now);
  return JsonResponse(
      200, {{"@odata.context", Cat(context.base, "/$metadata#users/onPremisesSyncBehavior")},
            {"id", context.tenant->EntraId(person)},
            {"isCloudManaged", context.tenant->settings().cloud_managed.contains(person)}});
}

}  // namespace driftwarden::simulator
