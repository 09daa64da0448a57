// POST /sim/tenant: what a tenant says of itself.
//   {"sync_enabled":false} {"password_sync":false}
//   {"deletion_prevention":"disabled"|"enabledForCount"|"enabledForPercentage"}
//   {"deletion_threshold":10}
//   {"domains":{"contoso.example":"Federated"|"Managed"|"Unverified"|null}}
//   {"roles":{"Global Administrator":[sam...]}} {"role_by_group":{...}}   each replaces one role's
//   {"cloud_sync":true} {"job_code":"Paused"} {"quarantine":"EncounteredEscrowProportionThreshold"}
//   {"connect_application":true} {"premium":false}
//   {"conditional_access":0}   policies that are switched on
//   {"token_lifetime":{"organization":"08:00:00","applications":"1.00:00:00"}}   null: none
//   {"provisioning_errors":{sam:"value in conflict"|null}} {"cloud_managed":{sam:true}}

#include <boost/json.hpp>

#include "base/strings.h"
#include "net/problem.h"
#include "simulator/control_api.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

StatusOr<uint64_t> PersonOf(const People& people, std::string_view sam) {
  const auto person = people.BySam(sam);
  if (!person) return NotFoundError(Cat("nobody is called ", Printable(sam, 64)));
  return *person;
}

std::string_view View(const json::string_view& text) {
  return {text.data(), text.size()};
}

Status SetDomains(const json::object& value, TenantSettings& settings) {
  for (const auto& member : value) {
    const std::string name(member.key());
    if (member.value().is_null()) {
      settings.domains.erase(name);
      continue;
    }
    const std::string type =
        member.value().is_string() ? std::string(member.value().as_string()) : std::string();
    if (type != "Federated" && type != "Managed" && type != "Unverified") {
      return InvalidError("Federated, Managed, Unverified or null");
    }
    settings.domains[name] = {type == "Federated", type != "Unverified"};
  }
  return OkStatus();
}

Status SetRoles(const json::object& value, const People& people,
                std::map<std::string, std::set<uint64_t>>& roles) {
  for (const auto& member : value) {
    if (!member.value().is_array()) return InvalidError("a list of people is needed");
    std::set<uint64_t> holders;
    for (const json::value& name : member.value().as_array()) {
      if (!name.is_string()) return InvalidError("a list of people is needed");
      DW_ASSIGN_OR_RETURN(const uint64_t person, PersonOf(people, View(name.as_string())));
      holders.insert(person);
    }
    roles[std::string(member.key())] = std::move(holders);
  }
  return OkStatus();
}

Status SetErrors(const json::object& value, const People& people, absl::Time now,
                 TenantSettings& settings) {
  for (const auto& member : value) {
    DW_ASSIGN_OR_RETURN(const uint64_t person, PersonOf(people, View(member.key())));
    if (member.value().is_null()) {
      settings.provisioning_errors.erase(person);
    } else if (member.value().is_string()) {
      ProvisioningError error;
      error.value = std::string(member.value().as_string());
      error.at = now;
      settings.provisioning_errors[person] = std::move(error);
    } else {
      return InvalidError("the value in conflict, or null");
    }
  }
  return OkStatus();
}

Status SetCloudManaged(const json::object& value, const People& people, TenantSettings& settings) {
  for (const auto& member : value) {
    DW_ASSIGN_OR_RETURN(const uint64_t person, PersonOf(people, View(member.key())));
    if (!member.value().is_bool()) return InvalidError("true or false");
    settings.cloud_managed.erase(person);
    if (member.value().as_bool()) settings.cloud_managed.insert(person);
  }
  return OkStatus();
}

// The organization's default, and one of some applications.
Status SetTokenLifetime(const json::object& value, TenantSettings& settings) {
  settings.token_policies.clear();
  for (const auto& member : value) {
    const bool all = member.key() == "organization";
    if (!all && member.key() != "applications") {
      return InvalidError("organization and applications");
    }
    if (member.value().is_null()) continue;
    if (!member.value().is_string()) return InvalidError("a lifetime, such as 08:00:00, or null");
    settings.token_policies.push_back({std::string(member.value().as_string()), all});
  }
  return OkStatus();
}

Status SetNumber(std::string_view key, int64_t number, TenantSettings& settings) {
  if (key == "deletion_threshold") {
    settings.deletion_threshold = static_cast<int>(number);
  } else if (key == "conditional_access" && number >= 0 && number <= 100) {
    settings.conditional_access = static_cast<int>(number);
  } else {
    return InvalidError("no such key, or not of that type; see simulator/control_tenant.cpp");
  }
  return OkStatus();
}

Status SetFlag(std::string_view key, bool on, TenantSettings& settings) {
  if (key == "sync_enabled") {
    settings.sync_enabled = on;
  } else if (key == "password_sync") {
    settings.password_sync = on;
  } else if (key == "premium") {
    settings.premium = on;
  } else if (key == "connect_application") {
    settings.connect_application = on;
  } else if (key == "cloud_sync") {
    settings.cloud_sync.reset();
    if (on) settings.cloud_sync.emplace();
  } else {
    return InvalidError("no such key, or not of that type; see simulator/control_tenant.cpp");
  }
  return OkStatus();
}

Status SetText(std::string_view key, const std::string& text, absl::Time now,
               TenantSettings& settings) {
  if (key == "deletion_prevention") {
    settings.deletion_prevention = text;
    return OkStatus();
  }
  if (key != "job_code" && key != "quarantine") {
    return InvalidError("no such key, or not of that type; see simulator/control_tenant.cpp");
  }
  if (!settings.cloud_sync) return InvalidError("only with cloud_sync");
  if (key == "job_code") settings.cloud_sync->code = text;
  if (key == "quarantine") {
    settings.cloud_sync->quarantine_reason = text;  // empty: out of it
    settings.cloud_sync->quarantined_at = now;
  }
  return OkStatus();
}

Status SetObject(std::string_view key, const json::object& value, Tenant& tenant, absl::Time now) {
  TenantSettings& settings = tenant.settings();
  const People& people = tenant.people();
  if (key == "domains") return SetDomains(value, settings);
  if (key == "token_lifetime") return SetTokenLifetime(value, settings);
  if (key == "roles") return SetRoles(value, people, settings.roles);
  if (key == "role_by_group") return SetRoles(value, people, settings.role_by_group);
  if (key == "provisioning_errors") return SetErrors(value, people, now, settings);
  if (key == "cloud_managed") return SetCloudManaged(value, people, settings);
  return InvalidError("no such key, or not of that type; see simulator/control_tenant.cpp");
}

}  // namespace

net::ServerResponse ControlApi::ChangeTenant(const json::object& body, absl::Time now) {
  const auto tenants = TenantsOf(body);
  if (!tenants.ok()) return net::Problem(400, "Bad request", "there is no such tenant");
  for (const auto& member : body) {
    const std::string_view key(member.key().data(), member.key().size());
    if (key == "tenant") continue;
    const json::value& value = member.value();
    for (const size_t i : *tenants) {
      Tenant& tenant = world_.tenant(i);
      Status status = InvalidError("no such key, or not of that type");
      if (value.is_bool()) status = SetFlag(key, value.as_bool(), tenant.settings());
      if (value.is_object()) status = SetObject(key, value.as_object(), tenant, now);
      if (value.is_string()) {
        status = SetText(key, std::string(value.as_string()), now, tenant.settings());
      }
      if (value.is_int64()) status = SetNumber(key, value.as_int64(), tenant.settings());
      if (!status.ok()) {
        return net::Problem(400, "Bad request", Cat(Printable(key, 40), ": ", Message(status)));
      }
    }
  }
  return JsonResponse(200, {{"at", FormatRfc3339(now)}});
}

}  // namespace driftwarden::simulator
