#include "daemon/api_logs.h"

#include <utility>

#include "base/strings.h"
#include "monitor/attribution.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::AccountLogs;
using monitor::LogLimit;
using monitor::LogState;
using monitor::Person;
using monitor::SignIn;
using monitor::TenantLog;

namespace {

// What the tenant sends may be any bytes; JSON must be UTF-8.
json::value SafeOrNull(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::value(IsUtf8(text) ? text : Printable(text, 4000));
}

json::value LimitJson(LogLimit limit) {
  if (limit == LogLimit::kNone) return nullptr;
  return json::value(std::string(monitor::LogLimitText(limit)));
}

json::object LogJson(std::string_view name, const LogState& state) {
  const bool limited = state.limit != LogLimit::kNone;
  json::object out;
  out["log"] = std::string(name);
  out["read_to"] = TimeJson(state.read.hi);
  out["limit"] = LimitJson(state.limit);
  out["limit_since"] = limited ? TimeJson(state.limit_since) : json::value(nullptr);
  out["detail"] = limited ? SafeOrNull(state.limit_detail) : json::value(nullptr);
  return out;
}

const LogState& StateOf(const monitor::LinkState& link, TenantLog log) {
  static const LogState kNothing;
  const auto found = link.logs.find(log);
  return found == link.logs.end() ? kNothing : found->second;
}

// How far somebody's part of a log was read; where it was not, why.
json::object ReadJson(const AccountLogs& logs, const monitor::LinkState& link, TenantLog log) {
  const TimeBounds& read = logs.ReadOf(log);
  const bool any = read.hi != absl::InfinitePast();
  const LogLimit limit = StateOf(link, log).limit;
  json::object out;
  out["read"] = any ? BoundsJson(read) : json::value(nullptr);
  out["not_read"] = limit != LogLimit::kNone ? LimitJson(limit)
                    : any                    ? json::value(nullptr)
                                             : json::value("not yet");
  return out;
}

json::array ChangesJson(const AccountLogs& logs, const PersonContext& context) {
  json::array out;
  for (const monitor::AuditRecord& record : logs.audits) {
    json::object item;
    item["at"] = TimeJson(record.at);
    item["change"] = std::string(monitor::AccountChangeText(record.change));
    const auto by = monitor::ActorOf(record, context.policy, context.link);
    item["by"] = std::string(monitor::ActorKindText(by));
    item["actor"] = SafeOrNull(record.actor_name);
    item["actor_id"] = SafeOrNull(record.actor_id);
    item["actor_app_id"] = SafeOrNull(record.actor_app_id);
    item["record"] = SafeOrNull(record.id);
    out.push_back(std::move(item));
  }
  return out;
}

json::array SignInsJson(const std::vector<SignIn>& sign_ins) {
  json::array out;
  for (const SignIn& sign_in : sign_ins) {
    out.push_back({{"at", BoundsJson(sign_in.at)},
                   {"interactive", sign_in.interactive},
                   {"application", SafeOrNull(sign_in.app_name)},
                   {"error_code", sign_in.error_code},
                   {"record", SafeOrNull(sign_in.id)}});
  }
  return out;
}

json::object DeviceJson(const monitor::Device& device) {
  json::object out;
  out["id"] = SafeOrNull(device.id);
  out["device_id"] = SafeOrNull(device.device_id);
  out["name"] = SafeOrNull(device.name);
  out["operating_system"] = SafeOrNull(device.operating_system);
  out["trust"] = std::string(monitor::DeviceTrustText(device.trust));
  out["enabled"] = device.enabled ? json::value(*device.enabled) : json::value(nullptr);
  out["owned"] = device.owned;
  out["registered"] = device.registered;
  out["users"] = device.users ? json::value(*device.users) : json::value(nullptr);
  return out;
}

}  // namespace

json::array LogsJson(const monitor::LinkState& link) {
  json::array out;
  for (const TenantLog log : monitor::kAllTenantLogs) {
    out.push_back(LogJson(monitor::TenantLogText(log), StateOf(link, log)));
  }
  out.push_back(LogJson("devices", link.devices));
  return out;
}

json::value ActivityJson(const Person& person, const PersonContext& context) {
  if (!person.facts.entra) return nullptr;
  const AccountLogs& logs = person.facts.entra->logs;
  json::object sign_ins;
  sign_ins["interactive"] = ReadJson(logs, context.link, TenantLog::kInteractiveSignIns);
  sign_ins["non_interactive"] = ReadJson(logs, context.link, TenantLog::kNonInteractiveSignIns);
  sign_ins["successes"] = SignInsJson(logs.successes);
  sign_ins["refused"] = SignInsJson(logs.refused);
  json::object out;
  out["changes"] = ChangesJson(logs, context);
  out["sign_ins"] = std::move(sign_ins);
  return out;
}

json::value DevicesJson(const Person& person, const PersonContext& context) {
  json::object out;
  json::array items;
  out["read"] = nullptr;
  out["complete"] = false;
  const LogLimit limit = context.link.devices.limit;
  out["not_read"] = limit != LogLimit::kNone ? LimitJson(limit) : json::value("not yet");
  if (person.facts.entra && person.facts.entra->logs.devices) {
    const monitor::KnownDevices& known = *person.facts.entra->logs.devices;
    out["read"] = TimeJson(known.at.hi);
    out["complete"] = known.complete;
    if (limit == LogLimit::kNone) out["not_read"] = nullptr;
    for (const monitor::Device& device : known.devices) items.push_back(DeviceJson(device));
  }
  out["items"] = std::move(items);
  return out;
}

}  // namespace driftwarden::daemon
