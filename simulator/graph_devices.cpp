// GET /users/{id}/registeredDevices and ownedDevices, GET /devices/{id}/registeredUsers.

#include <boost/json.hpp>

#include "base/strings.h"
#include "simulator/graph_api.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

constexpr char kDeviceCast[] = "microsoft.graph.device";

net::ServerResponse Denied(absl::Time now) {
  return GraphError(403, "Authorization_RequestDenied",
                    "Insufficient privileges to complete the operation.", now);
}

json::object DeviceJson(const SimulatedDevice& device) {
  json::object out = {{"@odata.type", "#microsoft.graph.device"},
                      {"id", device.id},
                      {"deviceId", device.device_id},
                      {"displayName", device.name},
                      {"operatingSystem", device.operating_system},
                      {"operatingSystemVersion", "10.0"},
                      {"trustType", nullptr},
                      {"accountEnabled", device.enabled},
                      {"onPremisesSyncEnabled", nullptr},
                      {"isManaged", true}};
  if (!device.trust.empty()) out["trustType"] = device.trust;
  if (device.trust == "ServerAd") out["onPremisesSyncEnabled"] = true;
  return out;
}

// What is selected of it, and what Graph tells all the same.
json::object Selected(const json::object& whole, const std::vector<std::string>& names) {
  if (names.empty()) return whole;
  json::object out = {{"@odata.type", whole.at("@odata.type")}, {"id", whole.at("id")}};
  for (const std::string& name : names) {
    if (whole.contains(name)) out[name] = whole.at(name);
  }
  return out;
}

std::vector<std::string> SelectOf(const net::ServerRequest& request) {
  for (const auto& [name, value] : request.query) {
    if (EqualsIgnoreCase(name, "$select")) return SplitString(value, ',');
  }
  return {};
}

}  // namespace

net::ServerResponse GraphApi::DevicesOf(uint64_t person, const std::vector<std::string>& path,
                                        const net::ServerRequest& request, const Context& context) {
  const TenantFaults& faults = context.tenant->faults();
  if (faults.forbidden.contains("devices")) return Denied(context.now);
  const bool cast = path.size() == 4 && path[3] == kDeviceCast;
  if (path.size() > 3 && (!cast || faults.refused_queries.contains("device_cast"))) {
    return GraphError(400, "BadRequest", "Resource not found for the segment.", context.now);
  }
  const bool owned = path[2] == "ownedDevices";
  json::array value;
  for (const SimulatedDevice& device : context.tenant->devices().Of(person)) {
    if (!(owned ? device.owned : device.registered)) continue;
    value.push_back(Selected(DeviceJson(device), SelectOf(request)));
  }
  return JsonResponse(200, {{"@odata.context", Cat(context.base, "/$metadata#directoryObjects")},
                            {"value", std::move(value)}});
}

net::ServerResponse GraphApi::UsersOfDevice(const std::string& device, const Context& context) {
  const Tenant& tenant = *context.tenant;
  if (tenant.faults().forbidden.contains("devices")) return Denied(context.now);
  const auto users = tenant.devices().UsersOf(device);
  if (!users) {
    return GraphError(404, "Request_ResourceNotFound",
                      Cat("Resource '", Printable(device, 80), "' does not exist."), context.now);
  }
  json::array value;
  for (const uint64_t user : *users) {
    if (tenant.View(user, context.now).presence != Presence::kLive) continue;
    value.push_back({{"@odata.type", "#microsoft.graph.user"}, {"id", tenant.EntraId(user)}});
  }
  return JsonResponse(200, {{"@odata.context", Cat(context.base, "/$metadata#directoryObjects")},
                            {"value", std::move(value)}});
}

}  // namespace driftwarden::simulator
