#include "daemon/text_activity.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

constexpr int64_t kSignInsShown = 8;

std::string Spaced(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string ActorText(const json::value& change) {
  std::string name = TextAt(change, "actor");
  if (!name.empty()) return name;
  const std::string id = TextAt(change, "actor_id");
  return id.empty() ? TextAt(change, "actor_app_id") : id;
}

std::string ReadText(const json::value& log) {
  const std::string not_read = TextAt(log, "not_read");
  const std::string to = TextAt(Field(log, "read"), "hi");
  if (to.empty()) return Cat("not read: ", not_read);
  const std::string since = Cat("read from ", TextAt(Field(log, "read"), "lo"), " to ", to);
  return not_read.empty() ? since : Cat(since, "; not read any more: ", not_read);
}

std::string EnabledText(const json::value& device) {
  const json::value& enabled = Field(device, "enabled");
  if (!enabled.is_bool()) return "unknown";
  return enabled.as_bool() ? "enabled" : "disabled";
}

std::string DevicesText(const json::value& devices) {
  const json::array& items = ListAt(devices, "items");
  const std::string read = TextAt(devices, "read");
  const std::string not_read = TextAt(devices, "not_read");
  if (read.empty()) return Cat("  devices: not read: ", not_read, "\n");
  if (items.empty()) return Cat("  devices: none, read at ", read, "\n");
  std::vector<TextRow> rows;
  for (const json::value& device : items) {
    rows.push_back({"", TextAt(device, "name"), TextAt(device, "operating_system"),
                    TextAt(device, "trust"), EnabledText(device), TextAt(device, "id")});
  }
  return Cat("  devices, read at ", read, FlagAt(devices, "complete") ? "" : " (there are more)",
             ":\n", RenderTable({"  ", "NAME", "SYSTEM", "TRUST", "ACCOUNT", "ID"}, rows));
}

}  // namespace

std::string EventText(const json::value& entry) {
  const std::string type = TextAt(entry, "type");
  const json::value& evidence = Field(entry, "evidence");
  if (type == "audit_record") {
    return Cat("audit: ", Spaced(TextAt(evidence, "change")), " by ", TextAt(evidence, "by"));
  }
  if (type == "sign_in") {
    const bool interactive = TextAt(evidence, "interactive") == "yes";
    return Cat("sign_in, ", interactive ? "interactive" : "non-interactive");
  }
  const std::string by = TextAt(evidence, "by");
  return type == "sessions_revoked" && !by.empty() ? Cat(type, " by ", by) : type;
}

std::string ActivityText(const json::value& person) {
  const json::value& activity = Field(person, "activity");
  std::string out;
  std::vector<TextRow> changes;
  for (const json::value& change : ListAt(activity, "changes")) {
    changes.push_back({TextAt(change, "at"), Spaced(TextAt(change, "change")), TextAt(change, "by"),
                       ActorText(change)});
  }
  if (!changes.empty()) {
    out += Cat("\n", RenderTable({"CHANGED IN ENTRA", "WHAT", "BY", "WHO"}, changes));
  }
  std::vector<TextRow> sign_ins;
  const json::value& log = Field(activity, "sign_ins");
  for (const char* const list : {"successes", "refused"}) {
    const json::array& rows = ListAt(log, list);
    const auto all = static_cast<int64_t>(rows.size());
    for (int64_t i = std::max<int64_t>(0, all - kSignInsShown); i < all; ++i) {
      const json::value& row = rows[static_cast<size_t>(i)];
      const bool success = TextAt(row, "error_code") == "0";
      sign_ins.push_back({TextAt(Field(row, "at"), "hi"),
                          FlagAt(row, "interactive") ? "interactive" : "non-interactive",
                          success ? "success" : Cat("refused ", TextAt(row, "error_code")),
                          TextAt(row, "application"), TextAt(row, "record")});
    }
  }
  if (!sign_ins.empty()) {
    out +=
        Cat("\n", RenderTable({"SIGNED IN", "HOW", "RESULT", "APPLICATION", "RECORD"}, sign_ins));
  }
  return out;
}

std::string UnreachedText(const json::value& person) {
  const json::value& sign_ins = Field(Field(person, "activity"), "sign_ins");
  std::string out;
  if (sign_ins.is_object()) {
    out += Cat("  interactive sign-ins: ", ReadText(Field(sign_ins, "interactive")), "\n");
    out += Cat("  other sign-ins: ", ReadText(Field(sign_ins, "non_interactive")), "\n");
  }
  const json::value& devices = Field(Field(person, "residual"), "devices");
  if (devices.is_object()) out += DevicesText(devices);
  return out;
}

std::string LimitsText(const json::value& link) {
  std::string out;
  for (const json::value& log : ListAt(link, "logs")) {
    const std::string limit = TextAt(log, "limit");
    if (limit.empty()) continue;
    const std::string detail = TextAt(log, "detail");
    out += Cat("  not read: ", Spaced(TextAt(log, "log")), " (", Spaced(limit),
               detail.empty() ? "" : ": ", detail, "), since ", TextAt(log, "limit_since"), "\n");
  }
  return out;
}

}  // namespace driftwarden::daemon
