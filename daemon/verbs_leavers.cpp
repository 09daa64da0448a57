// Verbs of expected leavers: leaver import, add, list, rm.

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "base/time.h"
#include "daemon/json_text.h"
#include "daemon/leaver_file.h"
#include "daemon/text_table.h"
#include "daemon/verbs.h"
#include "net/url.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

constexpr size_t kItemsARequest = 500;

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

bool IsTaken(const std::string& status) {
  return status != "invalid" && status != "unknown" && status != "ambiguous";
}

json::object ItemOf(const std::string& identifier, absl::Time effective, const std::string& urgency,
                    const std::string& reference) {
  json::object item;
  item["identifier"] = identifier;
  item["effective"] = FormatRfc3339(effective);
  item["urgency"] = urgency;
  if (!reference.empty()) item["reference"] = reference;
  return item;
}

// "FILE:LINE: what" for each that was not taken; how many were, by status.
void Tally(const json::value& answer, const std::string& path, const LeaverRow* rows,
           std::map<std::string, size_t>& counts, bool* all_taken) {
  const json::array& items = ListAt(answer, "items");
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string status = TextAt(items[i], "status");
    ++counts[status];
    if (IsTaken(status)) continue;
    *all_taken = false;
    std::fprintf(stderr, "%s:%zu: %s: %s\n", path.c_str(), rows[i].line, status.c_str(),
                 TextAt(items[i], "detail").c_str());
  }
}

}  // namespace

int VerbLeaverImport(const ClientOptions& options, const std::string& path,
                     const std::string& link) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto text = ReadFile(path, kMostLeaverBytes);
  if (!text.ok()) return Complain(InvalidError(Message(text.status())));
  const LeaverFile file = ParseLeavers(*text, SystemClock().Wall());
  for (const std::string& fault : file.faults) {
    std::fprintf(stderr, "%s:%s\n", path.c_str(), fault.c_str());
  }
  if (file.unusable) return kExitUsage;
  bool all_taken = file.bad == 0;
  std::map<std::string, size_t> counts;
  for (size_t at = 0; at < file.rows.size(); at += kItemsARequest) {
    json::array items;
    for (size_t i = at; i < std::min(at + kItemsARequest, file.rows.size()); ++i) {
      const LeaverRow& row = file.rows[i];
      items.push_back(ItemOf(row.identifier, row.effective,
                             std::string(monitor::LeaveUrgencyText(row.urgency)), row.reference));
    }
    json::object body;
    body["items"] = std::move(items);
    if (!link.empty()) body["link"] = link;
    const auto answer = client->Post("/api/v1/expected-leavers", body);
    if (!answer.ok()) return Complain(answer.status());
    Tally(*answer, path, &file.rows[at], counts, &all_taken);
  }
  std::string said = Cat(file.rows.size(), " rows");
  for (const auto& [status, count] : counts) said += Cat(", ", count, " ", status);
  if (file.past > 0) said += Cat(", ", file.past, " too long ago and left out");
  Print(said + "\n");
  return all_taken ? kExitOk : kExitRuntime;
}

int VerbLeaverAdd(const ClientOptions& options, const LeaverOptions& leaver) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto effective = MomentOf(leaver.effective, "--effective");
  if (!effective.ok()) return Complain(effective.status());
  json::object body = ItemOf(leaver.user, *effective, leaver.urgency, leaver.reference);
  if (!leaver.link.empty()) body["link"] = leaver.link;
  const auto answer = client->Post("/api/v1/expected-leavers", body);
  if (!answer.ok()) return Complain(answer.status());
  for (const json::value& item : ListAt(*answer, "items")) {
    const std::string status = TextAt(item, "status");
    if (!IsTaken(status)) {
      std::string text = Cat(status, ": ", TextAt(item, "detail"));
      for (const json::value& id : ListAt(item, "people")) text += Cat("\n  ", TextOf(id));
      return Complain(status == "invalid" ? InvalidError(text) : PreconditionError(text));
    }
    std::string said = status;
    for (const json::value& id : ListAt(item, "people")) said += Cat(" ", TextOf(id));
    Print(said + "\n");
  }
  return kExitOk;
}

int VerbLeaverList(const ClientOptions& options, const std::string& link, bool as_json) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  auto items = FetchAll(*client, "/api/v1/expected-leavers", link);
  if (!items.ok()) return Complain(items.status());
  if (as_json) {
    Print(PrettyJson(ListOf(std::move(*items))));
    return kExitOk;
  }
  std::vector<TextRow> rows;
  for (const json::value& item : *items) {
    rows.push_back({TextAt(item, "effective"), TextAt(item, "state"), TextAt(item, "urgency"),
                    TextAt(item, "upn"), TextAt(item, "tier"), TextAt(item, "link"),
                    FlagAt(item, "from_file") ? "file" : TextAt(item, "by"), TextAt(item, "id"),
                    TextAt(item, "reference")});
  }
  Print(rows.empty() ? std::string("nobody is expected to leave\n")
                     : RenderTable({"EFFECTIVE", "STATE", "URGENCY", "USER", "TIER", "LINK", "BY",
                                    "ID", "REFERENCE"},
                                   rows));
  return kExitOk;
}

int VerbLeaverRemove(const ClientOptions& options, const LeaverOptions& leaver) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  std::string path = Cat("/api/v1/expected-leavers/", net::PercentEncode(leaver.user));
  if (!leaver.link.empty()) path += Cat("?link=", net::PercentEncode(leaver.link));
  const auto answer = client->Delete(path);
  if (!answer.ok()) return Complain(answer.status());
  for (const json::value& id : ListAt(*answer, "removed")) {
    Print(Cat(TextOf(id), " is not expected to leave any more\n"));
  }
  return kExitOk;
}

}  // namespace driftwarden::daemon
