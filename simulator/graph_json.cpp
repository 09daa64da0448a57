#include "simulator/graph_json.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/strings.h"
#include "base/time.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 24> kProperties = {"id",
                                                          "userPrincipalName",
                                                          "displayName",
                                                          "givenName",
                                                          "surname",
                                                          "mail",
                                                          "jobTitle",
                                                          "accountEnabled",
                                                          "userType",
                                                          "createdDateTime",
                                                          "deletedDateTime",
                                                          "onPremisesSyncEnabled",
                                                          "onPremisesImmutableId",
                                                          "onPremisesSecurityIdentifier",
                                                          "onPremisesDistinguishedName",
                                                          "onPremisesDomainName",
                                                          "onPremisesSamAccountName",
                                                          "onPremisesUserPrincipalName",
                                                          "onPremisesLastSyncDateTime",
                                                          "onPremisesProvisioningErrors",
                                                          "serviceProvisioningErrors",
                                                          "lastPasswordChangeDateTime",
                                                          "signInSessionsValidFromDateTime",
                                                          "signInActivity"};
const std::vector<std::string>& DefaultSelect() {
  static const auto* names = new std::vector<std::string>{
      "id", "displayName", "givenName", "surname", "userPrincipalName", "mail", "jobTitle"};
  return *names;
}

std::string Seconds(absl::Time at) {
  return FormatRfc3339(absl::FromUnixSeconds(absl::ToUnixSeconds(at)));
}

// Null: has no value.
json::value Property(const EntraUser& user, std::string_view name) {
  const Person& p = user.person;
  if (name == "id") return json::value(user.id);
  if (name == "userPrincipalName" || name == "mail") return json::value(p.upn);
  if (name == "onPremisesUserPrincipalName") return json::value(p.upn);
  if (name == "displayName") return json::value(p.display_name);
  if (name == "givenName") return json::value(p.given_name);
  if (name == "surname") return json::value(p.surname);
  if (name == "accountEnabled") return json::value(user.enabled);
  if (name == "userType") return "Member";
  if (name == "createdDateTime") return json::value(Seconds(user.created));
  if (name == "lastPasswordChangeDateTime") return json::value(Seconds(user.created));
  if (name == "deletedDateTime") {
    return user.deleted_at ? json::value(Seconds(*user.deleted_at)) : json::value();
  }
  if (name == "onPremisesSyncEnabled") return json::value(true);
  if (name == "onPremisesImmutableId") return json::value(p.immutable_id);
  if (name == "onPremisesSecurityIdentifier") return json::value(SidText(p.object_sid));
  if (name == "onPremisesDistinguishedName") return json::value(p.dn);
  if (name == "onPremisesDomainName") return json::value(p.upn.substr(p.upn.find('@') + 1));
  if (name == "onPremisesSamAccountName") return json::value(p.sam);
  if (name == "onPremisesLastSyncDateTime") return json::value(Seconds(user.last_sync));
  if (name == "onPremisesProvisioningErrors" || name == "serviceProvisioningErrors") {
    return json::array();
  }
  if (name == "signInSessionsValidFromDateTime" && user.sessions_valid_from) {
    return json::value(FormatRfc3339(*user.sessions_valid_from));
  }
  return {};
}

}  // namespace

bool IsUserProperty(std::string_view name) {
  return std::find(kProperties.begin(), kProperties.end(), name) != kProperties.end();
}

bool IsDeltaProperty(std::string_view name) {
  return IsUserProperty(name) && name != "signInActivity";
}

json::object UserJson(const EntraUser& user, const std::vector<std::string>& select, bool nulls) {
  json::object out;
  out["id"] = user.id;
  for (const std::string& name : select.empty() ? DefaultSelect() : select) {
    json::value value = Property(user, name);
    if (!value.is_null() || nulls) out[name] = std::move(value);
  }
  return out;
}

json::object DeltaRecordJson(const DeltaRecord& record, const std::vector<std::string>& select,
                             const std::set<std::string>& omitted) {
  if (record.removed != Removed::kNo) {
    const bool soft = record.removed == Removed::kChanged;
    return {{"id", record.user.id}, {"@removed", {{"reason", soft ? "changed" : "deleted"}}}};
  }
  json::object out = UserJson(record.user, select, /*nulls=*/false);
  for (const std::string& name : omitted) out.erase(name);
  return out;
}

net::ServerResponse JsonResponse(int status, const json::object& body) {
  return net::ServerResponse(status, "application/json", json::serialize(body));
}

net::ServerResponse GraphError(int status, std::string_view code, std::string_view message,
                               absl::Time now) {
  // The date in errors has neither fraction nor zone.
  std::string date = Seconds(now);
  date.pop_back();
  const json::object body = {
      {"error",
       {{"code", code}, {"message", message}, {"innerError", {{"date", std::move(date)}}}}}};
  return JsonResponse(status, body);
}

}  // namespace driftwarden::simulator
