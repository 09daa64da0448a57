// Verbs that tell a running daemon about people: exempt, drift mark.

#include <cstdio>

#include "base/strings.h"
#include "base/time.h"
#include "base/units.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"
#include "daemon/verbs.h"
#include "net/url.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void ShowExemptions(const json::array& items) {
  std::vector<TextRow> rows;
  for (const json::value& item : items) {
    const json::value& exemption = Field(item, "exemption");
    rows.push_back({TextAt(exemption, "until"), TextAt(item, "upn"), TextAt(item, "tier"),
                    TextAt(item, "phase"), TextAt(item, "link"), TextAt(exemption, "by"),
                    TextAt(item, "id"), TextAt(exemption, "reason")});
  }
  if (rows.empty()) {
    Print("nobody is exempt by a date\n");
    return;
  }
  Print(RenderTable({"UNTIL", "USER", "TIER", "PHASE", "LINK", "BY", "ID", "REASON"}, rows));
  for (const json::value& item : items) {
    const std::string warning = TextAt(item, "warning");
    if (!warning.empty()) Print(Cat("warning: ", TextAt(item, "id"), ": ", warning, "\n"));
  }
}

std::string MarkPath(const std::string& user) {
  return Cat("/api/v1/users/", net::PercentEncode(user), "/compromised");
}

}  // namespace

StatusOr<json::array> FetchAll(const Client& client, const std::string& path,
                               const std::string& link) {
  json::array items;
  std::string cursor;
  do {
    std::string page_path = Cat(path, "?limit=1000");
    if (!link.empty()) page_path += Cat("&link=", net::PercentEncode(link));
    if (!cursor.empty()) page_path += Cat("&cursor=", net::PercentEncode(cursor));
    DW_ASSIGN_OR_RETURN(const json::value page, client.Get(page_path));
    for (const json::value& item : ListAt(page, "items")) items.push_back(item);
    cursor = TextAt(page, "next_cursor");
  } while (!cursor.empty());
  return items;
}

json::object ListOf(json::array items) {
  json::object out;
  out["items"] = std::move(items);
  out["next_cursor"] = nullptr;
  return out;
}

std::string UnexemptText(const json::value& person) {
  const std::string who = Cat(TextAt(person, "upn"), " (", TextAt(person, "id"), ")");
  const std::string of_class = TextAt(person, "class");
  if (of_class.empty()) return Cat(who, " is judged like anybody else again\n");
  return Cat(who, " has no exemption by a date any more, and is still exempt by class: ", of_class,
             "\n");
}

StatusOr<absl::Time> MomentOf(const std::string& text, const char* option) {
  if (const auto at = ParseRfc3339(text)) return *at;
  const auto from_now = ParseDuration(text);
  if (from_now.ok()) return SystemClock().Wall() + *from_now;
  return InvalidError(Cat(option,
                          " takes a moment like 2027-01-31T17:00:00Z or a time from now like 14d: ",
                          Message(from_now.status())));
}

int VerbExemptAdd(const ClientOptions& options, const ExemptOptions& exempt) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto until = MomentOf(exempt.until, "--until");
  if (!until.ok()) return Complain(until.status());
  json::object body;
  body["user"] = exempt.user;
  body["until"] = FormatRfc3339(*until);
  body["reason"] = exempt.reason;
  if (!exempt.link.empty()) body["link"] = exempt.link;
  const auto answer = client->Post("/api/v1/exemptions", body);
  if (!answer.ok()) return Complain(answer.status());
  ShowExemptions(ListAt(*answer, "items"));
  return kExitOk;
}

int VerbExemptList(const ClientOptions& options, const std::string& link, bool as_json) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  auto items = FetchAll(*client, "/api/v1/exemptions", link);
  if (!items.ok()) return Complain(items.status());
  if (as_json) {
    Print(PrettyJson(ListOf(std::move(*items))));
  } else {
    ShowExemptions(*items);
  }
  return kExitOk;
}

int VerbExemptRemove(const ClientOptions& options, const ExemptOptions& exempt) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  std::string path = Cat("/api/v1/exemptions/", net::PercentEncode(exempt.user));
  if (!exempt.link.empty()) path += Cat("?link=", net::PercentEncode(exempt.link));
  const auto answer = client->Delete(path);
  if (!answer.ok()) return Complain(answer.status());
  for (const json::value& id : ListAt(*answer, "removed")) {
    const auto person = client->Get(Cat("/api/v1/users/", net::PercentEncode(TextOf(id))));
    if (!person.ok()) return Complain(person.status());
    Print(UnexemptText(*person));
  }
  return kExitOk;
}

int VerbDriftMark(const ClientOptions& options, const MarkOptions& mark) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  json::object body;
  body["reason"] = mark.reason;
  if (!mark.link.empty()) body["link"] = mark.link;
  const auto answer = client->Post(MarkPath(mark.user), body);
  if (!answer.ok()) return Complain(answer.status());
  for (const json::value& item : ListAt(*answer, "items")) {
    Print(Cat(TextAt(item, "upn"), " (", TextAt(item, "id"),
              ") is marked as compromised until the sessions are revoked\n"));
  }
  return kExitOk;
}

int VerbDriftUnmark(const ClientOptions& options, const MarkOptions& mark) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  std::string path = MarkPath(mark.user);
  if (!mark.link.empty()) path += Cat("?link=", net::PercentEncode(mark.link));
  const auto answer = client->Delete(path);
  if (!answer.ok()) return Complain(answer.status());
  for (const json::value& id : ListAt(*answer, "removed")) {
    Print(Cat(TextOf(id), " is no longer marked as compromised\n"));
  }
  return kExitOk;
}

}  // namespace driftwarden::daemon
