// POST /sim/people/{sam}/VERB: what happens to one person.
//   disable, enable, delete, expire {"at":TIME}     in AD
//   signin                                          as they would: a refresh, else the password
//          {"interactive":false}                    one of the two alone
//          {"interactive":false,"error_code":0}     with that outcome, whatever the account says
//   password                                        changed in AD and carried by the sync engine
//   cloud  {"do":"disable"|"enable"|"revoke"|"delete"|"purge"|"restore"|"password"}
//                                                   by an administrator of the tenant
//   restore                                         cloud, {"do":"restore"}
//   devices {"devices":[{"name":,"os":,"trust":,"enabled":,"owned":,"registered":,
//            "shared_with":[sam...]}]}              theirs from now on; every key may be left out
//   remains {"member_of":[...],"eligible_roles":[...],"owned_objects":[...],"oauth_grants":[...],
//            "licences":[...],"authentication_methods":[...]}   objects as Graph tells them, each
//            list theirs from now on
//   adopt  {"immutable_id":,"sid":,"sam":,"upn":,"dn":}   the account is of another directory

#include <boost/json.hpp>

#include "base/hex.h"
#include "base/strings.h"
#include "base/time.h"
#include "simulator/control_api.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

std::string TextAt(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

bool FlagAt(const json::object& in, const char* key, bool fallback) {
  const json::value* value = in.if_contains(key);
  return value != nullptr && value->is_bool() ? value->as_bool() : fallback;
}

StatusOr<SimulatedDevice> ReadDevice(const json::value& value, const People& people) {
  if (!value.is_object()) return InvalidError("devices: a list of objects is needed");
  const json::object& in = value.as_object();
  SimulatedDevice device;
  device.name = in.contains("name") ? TextAt(in, "name") : "device";
  if (in.contains("os")) device.operating_system = TextAt(in, "os");
  if (in.contains("trust")) device.trust = TextAt(in, "trust");
  device.enabled = FlagAt(in, "enabled", true);
  device.owned = FlagAt(in, "owned", true);
  device.registered = FlagAt(in, "registered", true);
  const json::value* shared = in.if_contains("shared_with");
  if (shared == nullptr) return device;
  if (!shared->is_array()) return InvalidError("shared_with: a list of names is needed");
  for (const json::value& name : shared->as_array()) {
    const auto person =
        name.is_string() ? people.BySam(std::string(name.as_string())) : std::nullopt;
    if (!person) return NotFoundError(Cat("nobody is called ", json::serialize(name)));
    device.shared_with.push_back(*person);
  }
  return device;
}

Status SetDevices(Tenant& tenant, uint64_t person, const json::object& body) {
  const json::value* list = body.if_contains("devices");
  if (list == nullptr || !list->is_array()) return InvalidError("devices: a list is needed");
  std::vector<SimulatedDevice> devices;
  for (const json::value& item : list->as_array()) {
    DW_ASSIGN_OR_RETURN(SimulatedDevice device, ReadDevice(item, tenant.people()));
    devices.push_back(std::move(device));
  }
  tenant.devices().Set(person, std::move(devices));
  return OkStatus();
}

Status SetRemains(Tenant& tenant, uint64_t person, const json::object& body) {
  for (const auto& member : body) {
    const std::string name(member.key());
    if (name == "tenants" || name == "tenant" || name == "forest") continue;
    const auto part = RemainFromText(name);
    if (!part) return InvalidError(Cat("remains: there is no \"", Printable(name, 40), "\""));
    if (!member.value().is_array()) return InvalidError(Cat(name, ": a list is needed"));
    std::vector<std::string> objects;
    for (const json::value& item : member.value().as_array()) {
      if (!item.is_object()) return InvalidError(Cat(name, ": a list of objects is needed"));
      objects.push_back(json::serialize(item));
    }
    tenant.remains().Set(person, *part, std::move(objects));
  }
  return OkStatus();
}

Status ChangeInCloud(Tenant& tenant, uint64_t person, std::string_view what, absl::Time now) {
  if (what == "disable") {
    tenant.SetEnabled(person, false, Actor::kOperator, now);
  } else if (what == "enable") {
    tenant.SetEnabled(person, true, Actor::kOperator, now);
  } else if (what == "revoke") {
    tenant.MoveSessions(person, Actor::kOperator, now);
  } else if (what == "delete") {
    tenant.SoftDelete(person, Actor::kOperator, now);
  } else if (what == "purge") {
    tenant.Purge(person, Actor::kOperator, now);
  } else if (what == "restore") {
    tenant.Restore(person, Actor::kOperator, now);
  } else if (what == "password") {
    tenant.ChangePassword(person, Actor::kOperator, now);
  } else {
    return InvalidError("do: disable, enable, revoke, delete, purge, restore or password");
  }
  return OkStatus();
}

// The person's Entra account belongs to somebody of another, real directory from now on.
Status Adopt(Tenant& tenant, uint64_t person, const json::object& body, absl::Time now) {
  Adoption adoption;
  std::string sid;
  for (const auto& [key, out] : {std::pair("immutable_id", &adoption.immutable_id),
                                 std::pair("sid", &sid), std::pair("sam", &adoption.sam),
                                 std::pair("upn", &adoption.upn), std::pair("dn", &adoption.dn)}) {
    *out = TextAt(body, key);
    if (out->empty()) return InvalidError("immutable_id, sid, sam, upn and dn are needed");
  }
  const auto raw = SidFromText(sid);
  if (!raw || !Base64Decode(adoption.immutable_id)) {
    return InvalidError("sid must be S-1-5-…, immutable_id base64");
  }
  adoption.object_sid = *raw;
  tenant.Adopt(person, std::move(adoption), now);
  return OkStatus();
}

}  // namespace

Status ControlApi::ChangeInDirectory(uint64_t person, const std::string& verb,
                                     const json::object& body, size_t forest, absl::Time now) {
  Directory& directory = world_.directory(forest);
  const std::string sam = world_.people(forest).SamOf(person);
  if (verb == "disable") return directory.Disable(sam, now);
  if (verb == "enable") return directory.Enable(sam, now);
  if (verb == "delete") return directory.Delete(sam, now);
  const std::string at = TextAt(body, "at");
  const auto time = at.empty() ? std::optional<absl::Time>(now) : ParseRfc3339(at);
  return time ? directory.Expire(sam, *time, now) : InvalidError("at: RFC 3339 is needed");
}

Status ControlApi::ChangeInTenant(size_t tenant, uint64_t person, const std::string& verb,
                                  const json::object& body, absl::Time now) {
  Tenant& account = world_.tenant(tenant);
  if (verb == "restore") return ChangeInCloud(account, person, "restore", now);
  if (verb == "cloud") return ChangeInCloud(account, person, TextAt(body, "do"), now);
  if (verb == "devices") return SetDevices(account, person, body);
  if (verb == "remains") return SetRemains(account, person, body);
  if (verb == "adopt") return Adopt(account, person, body, now);
  if (verb != "password") {
    return NotFoundError(
        "disable, enable, delete, expire, signin, password, cloud, restore, devices, remains or "
        "adopt");
  }
  account.ChangePassword(person, Actor::kSync, now);
  return OkStatus();
}

Status ControlApi::SignIn(const std::vector<size_t>& tenants, uint64_t person,
                          const json::object& body, absl::Time now, bool* in) {
  Actors& actors = world_.actors();
  const json::value* code = body.if_contains("error_code");
  if (code != nullptr &&
      (!code->is_int64() || code->as_int64() < 0 || code->as_int64() > 99'999'999)) {
    return InvalidError("error_code: a number is needed");
  }
  const bool interactive = FlagAt(body, "interactive", true);
  for (const size_t i : tenants) {
    if (code != nullptr) {
      actors.Note(i, person, interactive, static_cast<int>(code->as_int64()), now);
      *in = *in || code->as_int64() == 0;
    } else if (body.contains("interactive")) {
      *in = actors.Try(i, person, interactive, now) || *in;
    } else {
      *in = actors.SignIn(i, person, now) || *in;
    }
  }
  return OkStatus();
}

StatusOr<json::object> ControlApi::ChangePerson(const std::string& sam, const std::string& verb,
                                                const json::object& body, absl::Time now) {
  DW_ASSIGN_OR_RETURN(const size_t forest, ForestOf(body));
  DW_ASSIGN_OR_RETURN(const std::vector<size_t> tenants, TenantsOf(body));
  const auto person = world_.people(forest).BySam(sam);
  if (!person) return NotFoundError(Cat("nobody is called ", Printable(sam, 64)));
  json::object answer = {{"sam", sam}, {"at", FormatRfc3339(now)}};
  if (verb == "disable" || verb == "enable" || verb == "delete" || verb == "expire") {
    DW_RETURN_IF_ERROR(ChangeInDirectory(*person, verb, body, forest, now));
  } else if (verb == "signin") {
    bool in = false;
    DW_RETURN_IF_ERROR(SignIn(tenants, *person, body, now, &in));
    answer["success"] = in;
  } else {
    for (const size_t i : tenants) {
      DW_RETURN_IF_ERROR(ChangeInTenant(i, *person, verb, body, now));
    }
  }
  answer["usn"] = world_.directory(forest).Read(*person).usn_changed;
  return answer;
}

}  // namespace driftwarden::simulator
