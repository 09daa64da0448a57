// GET /auditLogs/...: the tenant's logs as Graph tells them. Late, and if a fault says so out of
// order and twice.

#include <algorithm>
#include <boost/json.hpp>

#include "base/strings.h"
#include "base/time.h"
#include "simulator/graph_api.h"
#include "simulator/graph_json.h"
#include "simulator/guid.h"
#include "simulator/report_query.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

net::ServerResponse Denied(absl::Time now) {
  return GraphError(403, "Authorization_RequestDenied",
                    "Insufficient privileges to complete the operation.", now);
}

std::string RowId(const Tenant& tenant, std::string_view log, uint64_t serial) {
  return tenant.ObjectId(Cat(log, " ", serial));
}

// When a row can be read at last.
absl::Time VisibleFrom(absl::Time at, uint64_t serial, const TenantFaults& faults) {
  if (!faults.report_disorder) return at + faults.report_delay;
  return at + faults.report_delay * (static_cast<double>(HashPair(serial, 0x5eed) % 1000) / 1000.0);
}

const char* NameOf(Activity activity) {
  switch (activity) {
    case Activity::kDisableAccount:
      return "Disable account";
    case Activity::kEnableAccount:
      return "Enable account";
    case Activity::kUpdateEnabled:
    case Activity::kUpdateValidFrom:
      return "Update user";
    case Activity::kTokensValidFrom:
      return "Update StsRefreshTokenValidFrom Timestamp";
    case Activity::kUpdatePassword:
      return "Update PasswordProfile";
    case Activity::kChangePassword:
      return "Change user password";
    case Activity::kResetPassword:
      return "Reset password";
    case Activity::kDeleteUser:
      return "Delete user";
    case Activity::kHardDeleteUser:
      return "Hard Delete user";
    case Activity::kRestoreUser:
      return "Restore user";
  }
  return "";
}

const char* OperationOf(Activity activity) {
  const bool deletes = activity == Activity::kDeleteUser || activity == Activity::kHardDeleteUser;
  return deletes ? "Delete" : "Update";
}

json::object UserActor(const std::string& id, const std::string& name, const std::string& upn) {
  return {
      {"user", {{"id", id}, {"displayName", name}, {"userPrincipalName", upn}, {"ipAddress", ""}}},
      {"app", nullptr}};
}

json::object AppActor(const std::string& id, const std::string& app_id, const std::string& name) {
  return {{"user", nullptr},
          {"app",
           {{"appId", app_id},
            {"displayName", name},
            {"servicePrincipalId", id},
            {"servicePrincipalName", nullptr}}}};
}

json::object ActorJson(const Tenant& tenant, Author author, const std::string& our_app) {
  const std::string domain = Cat("@", tenant.options().name, ".onmicrosoft.example");
  switch (author) {
    case Author::kSyncAccount:
      return UserActor(tenant.ObjectId("connect"),
                       "On-Premises Directory Synchronization Service Account",
                       Cat("Sync_SYNC1_7f3a5b", domain));
    case Author::kSyncApplication:
      return AppActor(tenant.ObjectId("connect"), tenant.ObjectId("connect app"),
                      "ConnectSyncProvisioning_SYNC1_7f3a5b");
    case Author::kCloudSync:
      return AppActor(tenant.ObjectId("cloud sync"), tenant.ObjectId("cloud sync app"),
                      tenant.people().options().domain);
    case Author::kOurApplication:
      return AppActor(tenant.ObjectId("our app"), our_app, "Drift monitor");
    case Author::kAdministrator:
      break;
  }
  return UserActor(tenant.ObjectId("admin"), "Ada Admin", Cat("admin", domain));
}

json::object Property(const char* name, const json::value& old_value, const std::string& value) {
  return {{"displayName", name}, {"oldValue", old_value}, {"newValue", value}};
}

json::array PropertiesJson(const AuditRow& row) {
  json::array out;
  if (row.activity == Activity::kUpdateEnabled || row.activity == Activity::kDisableAccount ||
      row.activity == Activity::kEnableAccount) {
    out.push_back(Property("AccountEnabled", row.enabled ? "[false]" : "[true]",
                           row.enabled ? "[true]" : "[false]"));
    out.push_back(Property("Included Updated Properties", nullptr, "\"AccountEnabled\""));
  }
  if (row.activity == Activity::kUpdateValidFrom) {
    out.push_back(
        Property("StsRefreshTokensValidFrom", nullptr, Cat("[\"", FormatRfc3339(row.at), "\"]")));
    out.push_back(
        Property("Included Updated Properties", nullptr, "\"StsRefreshTokensValidFrom\""));
  }
  if (row.author == Author::kSyncAccount || row.author == Author::kSyncApplication) {
    out.push_back(Property("Action Client Name", nullptr, "\"DirectorySync\""));
  }
  return out;
}

json::object AuditJson(const Tenant& tenant, const AuditRow& row, const std::string& our_app) {
  const EntraUser user = tenant.Now(row.person);
  const json::object target = {{"id", user.id},        {"displayName", nullptr},
                               {"type", "User"},       {"userPrincipalName", user.person.upn},
                               {"groupType", nullptr}, {"modifiedProperties", PropertiesJson(row)}};
  return {{"id", Cat("Directory_", RowId(tenant, "audit", row.serial), "_", row.serial)},
          {"category", "UserManagement"},
          {"correlationId", RowId(tenant, "operation", row.correlation)},
          {"result", row.success ? "success" : "failure"},
          {"resultReason", row.success ? "" : "Insufficient privileges"},
          {"activityDisplayName", NameOf(row.activity)},
          {"activityDateTime", FormatRfc3339(row.at)},
          {"loggedByService", "Core Directory"},
          {"operationType", OperationOf(row.activity)},
          {"initiatedBy", ActorJson(tenant, row.author, our_app)},
          {"targetResources", json::array{target}},
          {"additionalDetails", json::array()}};
}

json::object SignInJson(const Tenant& tenant, const SignInRow& row, bool beta) {
  const EntraUser user = tenant.Now(row.person);
  json::object status = {{"errorCode", row.error_code},
                         {"failureReason", row.error_code == 0 ? "Other." : "Refused."},
                         {"additionalDetails", nullptr}};
  // v1.0 tells whole seconds.
  const absl::Time at = beta ? row.at : absl::FromUnixSeconds(absl::ToUnixSeconds(row.at));
  json::object out = {{"id", RowId(tenant, "sign-in", row.serial)},
                      {"createdDateTime", FormatRfc3339(at)},
                      {"userDisplayName", user.person.display_name},
                      {"userPrincipalName", user.person.upn},
                      {"userId", user.id},
                      {"appId", tenant.ObjectId("portal app")},
                      {"appDisplayName", "Office 365 Exchange Online"},
                      {"ipAddress", "192.0.2.7"},
                      {"isInteractive", row.interactive},
                      {"correlationId", RowId(tenant, "sign-in of", row.serial)},
                      {"status", std::move(status)}};
  if (!beta) return out;
  out["signInEventTypes"] =
      json::array{json::value(row.interactive ? "interactiveUser" : "nonInteractiveUser")};
  if (row.count > 1) {
    out["firstSignInDateTime"] = FormatRfc3339(row.at);
    out["lastSignInDateTime"] = FormatRfc3339(row.last);
    out["signInCount"] = row.count;
  }
  return out;
}

json::object ProvisioningJson(const Tenant& tenant, const ProvisioningRow& row) {
  const EntraUser user = tenant.Now(row.person);
  const bool deleted = row.action == Provisioned::kDeleted;
  json::array properties;
  if (!deleted) {
    const bool enabled = row.action == Provisioned::kEnabled;
    properties.push_back(
        Property("AccountEnabled", enabled ? "False" : "True", enabled ? "True" : "False"));
  }
  const char* action = deleted                                ? "delete"
                       : row.action == Provisioned::kDisabled ? "disable"
                                                              : "update";
  return {
      {"id", RowId(tenant, "provisioning", row.serial)},
      {"activityDateTime", FormatRfc3339(row.at)},
      {"tenantId", tenant.id()},
      {"jobId", Cat("AD2AADProvisioning.", tenant.id(), ".", tenant.ObjectId("job"))},
      {"cycleId", RowId(tenant, "cycle", row.serial)},
      {"changeId", RowId(tenant, "change", row.serial)},
      {"provisioningAction", action},
      {"durationInMilliseconds", 310},
      {"provisioningStatusInfo", {{"status", "success"}, {"errorInformation", nullptr}}},
      {"initiatedBy",
       {{"id", ""}, {"displayName", "Azure AD Provisioning Service"}, {"initiatorType", "system"}}},
      {"servicePrincipal",
       {{"id", tenant.ObjectId("cloud sync")}, {"displayName", tenant.people().options().domain}}},
      {"sourceSystem", {{"displayName", "Active Directory"}}},
      {"targetSystem", {{"displayName", "Azure Active Directory"}}},
      {"sourceIdentity", {{"id", GuidText(user.person.object_guid)}, {"identityType", "user"}}},
      {"targetIdentity",
       {{"id", user.id}, {"displayName", user.person.display_name}, {"identityType", "User"}}},
      {"modifiedProperties", std::move(properties)}};
}

// One page, in the order that is wanted.
template <typename Row, typename Match, typename Tell>
net::ServerResponse Page(const std::deque<Row>& rows, const ReportQuery& query,
                         const net::ServerRequest& request, const Tenant& tenant, absl::Time now,
                         std::string_view link, Match match, Tell tell) {
  const TenantFaults& faults = tenant.faults();
  const size_t most = std::min(query.top, static_cast<size_t>(std::max(1, faults.report_page)));
  std::vector<const Row*> page;
  bool more = false;
  const auto take = [&](const Row& row) {
    const bool wanted = query.Holds(row.at) && query.IsBehind(row.at, row.serial) &&
                        VisibleFrom(row.at, row.serial, faults) <= now && match(row);
    if (!wanted) return true;
    more = page.size() >= most;
    if (!more) page.push_back(&row);
    return !more;
  };
  if (query.ascending) {
    for (auto row = rows.begin(); row != rows.end() && take(*row);) ++row;
  } else {
    for (auto row = rows.rbegin(); row != rows.rend() && row->at >= query.from && take(*row);) {
      ++row;
    }
  }
  json::object body = {
      {"@odata.context", Cat(link.substr(0, link.find("/auditLogs")), "/$metadata#auditLogs")}};
  if (more) {
    body["@odata.nextLink"] =
        Cat(link, "?", NextReportQuery(request, page.back()->at, page.back()->serial));
  }
  if (faults.report_disorder) std::reverse(page.begin(), page.end());
  json::array value;
  for (const Row* row : page) {
    value.push_back(tell(*row));
    if (faults.report_duplicates) value.push_back(tell(*row));
  }
  body["value"] = std::move(value);
  return JsonResponse(200, body);
}

}  // namespace

net::ServerResponse GraphApi::Report(const std::vector<std::string>& path,
                                     const net::ServerRequest& request, const Context& context) {
  const TenantFaults& faults = context.tenant->faults();
  const bool sign_ins = path.size() == 2 && path[1] == "signIns";
  const std::string name = path.size() == 2 ? path[1] : "";
  const char* permission = name == "directoryAudits" ? "directory_audits"
                           : name == "signIns"       ? "sign_ins"
                           : name == "provisioning"  ? "provisioning_logs"
                                                     : nullptr;
  const bool no_beta = context.beta && (!sign_ins || faults.refused_queries.contains("beta"));
  if (permission == nullptr || no_beta) {
    return GraphError(400, "BadRequest", "Resource not found for the segment 'auditLogs'.",
                      context.now);
  }
  absl::Duration wait;
  if (!context.tenant->reports().MayAsk(faults.report_limit, context.now, &wait)) {
    auto response = GraphError(429, "UnknownError", "Too many requests.", context.now);
    response.headers.emplace_back("Retry-After",
                                  Cat(absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)))));
    return response;
  }
  if (faults.forbidden.contains(permission)) return Denied(context.now);
  if (sign_ins && !context.tenant->settings().premium) {
    return GraphError(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                      "Neither tenant is B2C or tenant doesn't have premium license", context.now);
  }
  if (sign_ins) return SignIns(request, context);
  return name == "provisioning" ? ProvisioningLog(request, context)
                                : DirectoryAudits(request, context);
}

net::ServerResponse GraphApi::DirectoryAudits(const net::ServerRequest& request,
                                              const Context& context) {
  const Tenant& tenant = *context.tenant;
  const auto query = ReadReportQuery(
      request, "activityDateTime", {"loggedByService", "category", "activityDisplayName", "target"},
      tenant.faults().refused_queries);
  if (!query.ok()) return GraphError(400, "BadRequest", Message(query.status()), context.now);
  const auto match = [&](const AuditRow& row) {
    return query->category.value_or("UserManagement") == "UserManagement" &&
           query->service.value_or("Core Directory") == "Core Directory" &&
           query->activity.value_or(NameOf(row.activity)) == NameOf(row.activity) &&
           (!query->target || *query->target == tenant.EntraId(row.person));
  };
  const auto tell = [&](const AuditRow& row) {
    return AuditJson(tenant, row, options_.app.client_id);
  };
  return Page(tenant.reports().audits(), *query, request, tenant, context.now,
              Cat(context.base, "/auditLogs/directoryAudits"), match, tell);
}

net::ServerResponse GraphApi::SignIns(const net::ServerRequest& request, const Context& context) {
  const Tenant& tenant = *context.tenant;
  std::set<std::string> fields = {"userId"};
  if (context.beta) fields.insert("signInEventTypes");
  const auto query =
      ReadReportQuery(request, "createdDateTime", fields, tenant.faults().refused_queries);
  if (!query.ok()) return GraphError(400, "BadRequest", Message(query.status()), context.now);
  // Without a filter on the types beta answers with the interactive ones too.
  const bool interactive = query->event_type.value_or("interactiveUser") == "interactiveUser";
  const auto match = [&](const SignInRow& row) {
    return row.interactive == interactive &&
           (!query->user_id || *query->user_id == tenant.EntraId(row.person));
  };
  const auto tell = [&](const SignInRow& row) { return SignInJson(tenant, row, context.beta); };
  return Page(tenant.reports().sign_ins(), *query, request, tenant, context.now,
              Cat(context.base, "/auditLogs/signIns"), match, tell);
}

net::ServerResponse GraphApi::ProvisioningLog(const net::ServerRequest& request,
                                              const Context& context) {
  const Tenant& tenant = *context.tenant;
  const auto query =
      ReadReportQuery(request, "activityDateTime", {}, tenant.faults().refused_queries);
  if (!query.ok()) return GraphError(400, "BadRequest", Message(query.status()), context.now);
  const auto tell = [&](const ProvisioningRow& row) { return ProvisioningJson(tenant, row); };
  return Page(
      tenant.reports().provisioning(), *query, request, tenant, context.now,
      Cat(context.base, "/auditLogs/provisioning"), [](const ProvisioningRow&) { return true; },
      tell);
}

}  // namespace driftwarden::simulator
