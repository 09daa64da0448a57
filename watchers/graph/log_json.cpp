#include "watchers/graph/log_json.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "watchers/graph/json_dom.h"

namespace driftwarden::graph {
namespace {

namespace json = boost::json;
using dom::Array;
using dom::Flag;
using dom::Id;
using dom::Object;
using dom::Text;
using dom::Time;
using monitor::AccountChange;
using monitor::AuditRecord;

constexpr size_t kTargets = 100;  // of one record that are looked at
constexpr size_t kProperties = 200;

// An activity that means a change of an account. `aside`: another record of the same operation may
// be named after the change itself.
struct Known {
  std::string_view name;
  AccountChange change;
  bool aside;
};
constexpr std::array<Known, 13> kActivities = {{
    {"disable account", AccountChange::kDisabled, false},
    {"enable account", AccountChange::kEnabled, false},
    {"update stsrefreshtokenvalidfrom timestamp", AccountChange::kSessionsRevoked, false},
    {"delete user", AccountChange::kDeleted, false},
    {"hard delete user", AccountChange::kPurged, false},
    {"restore user", AccountChange::kRestored, false},
    {"change user password", AccountChange::kPasswordChanged, false},
    {"reset password", AccountChange::kPasswordChanged, false},
    {"reset user password", AccountChange::kPasswordChanged, false},
    {"change password (self-service)", AccountChange::kPasswordChanged, true},
    {"reset password (self-service)", AccountChange::kPasswordChanged, true},
    {"reset password (by admin)", AccountChange::kPasswordChanged, true},
    {"update passwordprofile", AccountChange::kPasswordChanged, true},
}};
constexpr std::string_view kUpdateUser = "update user";

// Feeds of other services end the names with a dot.
std::string ActivityOf(const json::object& record) {
  std::string name = ToLowerAscii(Text(record, "activityDisplayName"));
  while (!name.empty() && (name.back() == '.' || name.back() == ' ')) name.pop_back();
  return name;
}

// Values are JSON in a text: "[false]", "[\"False\"]", "false", "\"DirectorySync\"".
std::string Bare(const json::object& property, const char* key) {
  std::string bare;
  for (const char c : Text(property, key)) {
    if (c != '[' && c != ']' && c != '"' && c != ' ' && c != '\\') bare += c;
  }
  return ToLowerAscii(bare);
}

std::optional<bool> EnabledIn(const json::object& property) {
  const std::string value = Bare(property, "newValue");
  if (value == "true") return true;
  if (value == "false") return false;
  return std::nullopt;
}

// What the properties of a target say.
struct Properties {
  std::optional<bool> enabled;
  bool valid_from = false;
  bool by_sync = false;
};

Properties ReadProperties(const json::object& target) {
  Properties out;
  const json::array* list = Array(target, "modifiedProperties");
  if (list == nullptr) return out;
  size_t left = kProperties;
  for (const json::value& item : *list) {
    if (left-- == 0) break;
    const json::object* property = item.if_object();
    if (property == nullptr) continue;
    const std::string name = ToLowerAscii(Text(*property, "displayName"));
    if (name == "accountenabled") {
      out.enabled = EnabledIn(*property);
    } else if (name == "stsrefreshtokensvalidfrom") {
      out.valid_from = true;
    } else if (name == "action client name") {
      out.by_sync = Bare(*property, "newValue") == "directorysync";
    }
  }
  return out;
}

void ReadActor(const json::object& record, AuditRecord* out) {
  const json::object* by = Object(record, "initiatedBy");
  if (by == nullptr) return;
  if (const json::object* user = Object(*by, "user")) {
    out->actor_id = Id(*user, "id");
    out->actor_name = Text(*user, "userPrincipalName");
    if (out->actor_name.empty()) out->actor_name = Text(*user, "displayName");
  }
  const json::object* app = Object(*by, "app");
  if (app == nullptr || !out->actor_id.empty()) return;
  out->actor_id = Id(*app, "servicePrincipalId");
  out->actor_app_id = Id(*app, "appId");
  out->actor_name = Text(*app, "displayName");
}

struct RawChanges : ChangesPage {
  std::vector<bool> aside;  // of each item

  void Add(AuditRecord record, bool is_aside) {
    items.push_back(std::move(record));
    aside.push_back(is_aside);
  }
};

// False: a change of an account that cannot be read.
bool TakeTarget(const json::object& target, const std::string& activity, const AuditRecord& base,
                RawChanges& page) {
  const Properties properties = ReadProperties(target);
  AuditRecord record = base;
  record.entra_id = Id(target, "id");
  record.by_sync = properties.by_sync;
  const auto add = [&](AccountChange change, bool aside) {
    record.change = change;
    page.Add(record, aside);
  };
  const bool usable = !record.entra_id.empty() && !record.id.empty();
  if (activity == kUpdateUser) {
    if (!usable) return !properties.enabled && !properties.valid_from;
    if (properties.enabled) {
      add(*properties.enabled ? AccountChange::kEnabled : AccountChange::kDisabled, true);
    }
    // Two changes in one record: an id is of one.
    if (properties.valid_from && properties.enabled) record.id += "/sessions";
    if (properties.valid_from) add(AccountChange::kSessionsRevoked, true);
    return true;
  }
  for (const Known& known : kActivities) {
    if (activity != known.name) continue;
    if (!usable) return false;
    AccountChange change = known.change;
    const bool switches = change == AccountChange::kDisabled || change == AccountChange::kEnabled;
    // The value outranks the name.
    if (switches && properties.enabled) {
      change = *properties.enabled ? AccountChange::kEnabled : AccountChange::kDisabled;
    }
    add(change, known.aside);
    return true;
  }
  return true;
}

bool TakeAudit(const json::object& item, RawChanges& page) {
  const auto at = Time(item, "activityDateTime");
  if (at) page.oldest = std::min(page.oldest, *at);
  if (!EqualsIgnoreCase(Text(item, "result"), "success")) return item.contains("result");
  AuditRecord base;
  base.id = Id(item, "id");
  base.correlation_id = Id(item, "correlationId");
  const std::string activity = ActivityOf(item);
  const json::array* targets = Array(item, "targetResources");
  if (activity.empty() || targets == nullptr) return false;
  ReadActor(item, &base);
  bool whole = true;
  size_t left = kTargets;
  for (const json::value& value : *targets) {
    if (left-- == 0) break;
    const json::object* target = value.if_object();
    if (target == nullptr || !EqualsIgnoreCase(Text(*target, "type"), "User")) continue;
    const size_t before = page.items.size();
    whole = TakeTarget(*target, activity, base, page) && whole;
    if (page.items.size() == before) continue;
    if (!at) {  // a change without a moment is no evidence
      page.items.resize(before);
      page.aside.resize(before);
      whole = false;
      continue;
    }
    for (size_t i = before; i < page.items.size(); ++i) page.items[i].at = *at;
  }
  return whole;
}

using Told = std::tuple<std::string_view, std::string_view, AccountChange>;

Told ToldBy(const AuditRecord& record) {
  return {record.correlation_id, record.entra_id, record.change};
}

// Of an operation's records those that only mention a change another one is named after.
ChangesPage WithoutAsides(RawChanges raw) {
  std::vector<Told> named;
  for (size_t i = 0; i < raw.items.size(); ++i) {
    if (!raw.aside[i]) named.push_back(ToldBy(raw.items[i]));
  }
  std::sort(named.begin(), named.end());
  std::vector<bool> kept(raw.items.size(), true);
  for (size_t i = 0; i < raw.items.size(); ++i) {
    if (!raw.aside[i] || raw.items[i].correlation_id.empty()) continue;
    kept[i] = !std::binary_search(named.begin(), named.end(), ToldBy(raw.items[i]));
  }
  ChangesPage page;
  page.next_link = std::move(raw.next_link);
  page.left_out = raw.left_out;
  page.oldest = raw.oldest;
  for (size_t i = 0; i < raw.items.size(); ++i) {
    if (kept[i]) page.items.push_back(std::move(raw.items[i]));
  }
  return page;
}

// What a record of Cloud Sync says happened to the account; nothing: something else.
std::optional<AccountChange> Carried(const json::object& item) {
  const std::string action = ToLowerAscii(Text(item, "provisioningAction"));
  if (action == "disable") return AccountChange::kDisabled;
  if (action == "delete" || action == "stageddelete") return AccountChange::kDeleted;
  const Properties properties = ReadProperties(item);
  if (!properties.enabled) return std::nullopt;
  return *properties.enabled ? AccountChange::kEnabled : AccountChange::kDisabled;
}

bool TakeProvisioning(const json::object& item, ChangesPage& page) {
  const auto at = Time(item, "activityDateTime");
  if (at) page.oldest = std::min(page.oldest, *at);
  const json::object* status = Object(item, "provisioningStatusInfo");
  if (status == nullptr) return false;
  if (!EqualsIgnoreCase(Text(*status, "status"), "success")) return true;
  // Jobs that feed other systems from the tenant have other names, and their targets are none of
  // ours.
  if (!Id(item, "jobId").starts_with("ad2aad")) return true;
  const auto change = Carried(item);
  const json::object* target = Object(item, "targetIdentity");
  if (!change || target == nullptr) return true;
  AuditRecord record;
  record.id = Id(item, "id");
  record.entra_id = Id(*target, "id");
  if (record.id.empty() || record.entra_id.empty() || !at) return false;
  record.change = *change;
  record.at = *at;
  record.by_sync = true;
  record.correlation_id = Id(item, "changeId");
  if (const json::object* principal = Object(item, "servicePrincipal")) {
    record.actor_id = Id(*principal, "id");
    record.actor_name = Text(*principal, "displayName");
  }
  page.items.push_back(std::move(record));
  return true;
}

// A time without a fraction was cut to its second.
TimeBounds Within(std::string_view text, absl::Time at) {
  const bool cut = text.find('.') == std::string_view::npos;
  return {at, cut ? at + absl::Seconds(1) : at};
}

// Whether the record is of the log that was asked for.
bool IsOf(const json::object& item, bool interactive) {
  if (const json::array* types = Array(item, "signInEventTypes")) {
    bool background = false;
    for (const json::value& type : *types) {
      const json::string* text = type.if_string();
      background = background || (text != nullptr && *text == "nonInteractiveUser");
    }
    return background != interactive;
  }
  return Flag(item, "isInteractive").value_or(interactive) == interactive;
}

bool TakeSignIn(const json::object& item, bool interactive, ListPage<UserSignIn>& page) {
  if (!IsOf(item, interactive)) return true;
  UserSignIn out;
  out.entra_id = Id(item, "userId");
  out.sign_in.id = Id(item, "id");
  out.sign_in.interactive = interactive;
  out.sign_in.app_name = Text(item, "appDisplayName");
  const json::object* status = Object(item, "status");
  const json::value* code = status == nullptr ? nullptr : status->if_contains("errorCode");
  const std::string text = Text(item, "createdDateTime");
  const auto at = ParseRfc3339(text);
  if (out.entra_id.empty() || out.sign_in.id.empty() || !at || code == nullptr ||
      !code->is_int64()) {
    return false;
  }
  out.sign_in.error_code = code->get_int64();
  out.sign_in.at = Within(text, *at);
  // Several in one row: the first and the last of them.
  if (const auto first = Time(item, "firstSignInDateTime")) {
    out.sign_in.at.lo = std::min(out.sign_in.at.lo, *first);
  }
  if (const auto last = Time(item, "lastSignInDateTime")) {
    out.sign_in.at.hi = std::max(out.sign_in.at.hi, *last);
  }
  page.items.push_back(std::move(out));
  return true;
}

monitor::DeviceTrust TrustOf(std::string_view type) {
  if (EqualsIgnoreCase(type, "Workplace")) return monitor::DeviceTrust::kRegistered;
  if (EqualsIgnoreCase(type, "AzureAd")) return monitor::DeviceTrust::kEntraJoined;
  if (EqualsIgnoreCase(type, "ServerAd")) return monitor::DeviceTrust::kHybrid;
  return monitor::DeviceTrust::kUnknown;
}

bool TakeDevice(const json::object& item, ListPage<monitor::Device>& page) {
  const std::string type = Text(item, "@odata.type");
  if (!type.empty() && type != "#microsoft.graph.device") return true;
  monitor::Device device;
  device.id = Id(item, "id");
  if (device.id.empty()) return false;
  device.device_id = Id(item, "deviceId");
  device.name = Text(item, "displayName");
  device.operating_system = Text(item, "operatingSystem");
  device.trust = TrustOf(Text(item, "trustType"));
  device.enabled = Flag(item, "accountEnabled");
  page.items.push_back(std::move(device));
  return true;
}

}  // namespace

StatusOr<ChangesPage> DecodeDirectoryAudits(std::string_view body) {
  DW_ASSIGN_OR_RETURN(RawChanges raw, dom::DecodePage<RawChanges>(body, "list of directory audits",
                                                                  kLogPageItems, TakeAudit));
  return WithoutAsides(std::move(raw));
}

StatusOr<ChangesPage> DecodeProvisioning(std::string_view body) {
  return dom::DecodePage<ChangesPage>(body, "provisioning log", kLogPageItems, TakeProvisioning);
}

StatusOr<ListPage<UserSignIn>> DecodeSignIns(std::string_view body, bool interactive) {
  return dom::DecodePage<ListPage<UserSignIn>>(
      body, "list of sign-ins", kLogPageItems,
      [interactive](const json::object& item, ListPage<UserSignIn>& page) {
        return TakeSignIn(item, interactive, page);
      });
}

StatusOr<ListPage<monitor::Device>> DecodeDevices(std::string_view body) {
  return dom::DecodePage<ListPage<monitor::Device>>(body, "list of devices", kLogPageItems,
                                                    TakeDevice);
}

}  // namespace driftwarden::graph
