// drift list, show and explain.

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "base/units.h"
#include "daemon/json_text.h"
#include "daemon/text_activity.h"
#include "daemon/text_explain.h"
#include "daemon/text_table.h"
#include "daemon/text_time.h"
#include "daemon/verbs.h"
#include "net/url.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int SeverityRank(const std::string& severity) {
  if (severity == "critical") return 3;
  if (severity == "warning") return 2;
  return severity == "info" ? 1 : 0;
}

// The worst open drift of a person, as the list shows it.
const json::value& WorstDrift(const json::value& person) {
  static const json::value kNone;
  const json::value* worst = &kNone;
  for (const json::value& drift : ListAt(person, "drift")) {
    const int rank = SeverityRank(TextAt(drift, "severity"));
    if (worst->is_null() || rank > SeverityRank(TextAt(*worst, "severity"))) worst = &drift;
  }
  return *worst;
}

// Everybody with an open departure, or in the state that is asked for; the daemon pages, the list
// is sorted here: worst first, then longest.
StatusOr<std::vector<json::value>> FetchOpen(const Client& client,
                                             const DriftListOptions& options) {
  std::vector<json::value> people;
  std::string cursor;
  do {
    std::string path = DriftListPath(options);
    if (!cursor.empty()) path += Cat("&cursor=", net::PercentEncode(cursor));
    DW_ASSIGN_OR_RETURN(const json::value page, client.Get(path));
    for (const json::value& person : ListAt(page, "items")) people.push_back(person);
    cursor = TextAt(page, "next_cursor");
  } while (!cursor.empty());
  std::stable_sort(people.begin(), people.end(), [](const json::value& a, const json::value& b) {
    const json::value& x = WorstDrift(a);
    const json::value& y = WorstDrift(b);
    const int rank_a = SeverityRank(TextAt(x, "severity"));
    const int rank_b = SeverityRank(TextAt(y, "severity"));
    if (rank_a != rank_b) return rank_a > rank_b;
    return TextAt(x, "since") < TextAt(y, "since");
  });
  return people;
}

TextRow PersonRow(const json::value& person, absl::Time now) {
  const json::value& drift = WorstDrift(person);
  const auto since = ParseRfc3339(TextAt(drift, "since"));
  return {TextAt(drift, "severity"),
          TextAt(person, "state"),
          TextAt(drift, "kind"),
          TextAt(person, "upn"),
          TextAt(person, "tier"),
          TextAt(person, "link"),
          since ? HumanDuration(now - *since) : "",
          TextAt(Field(person, "next"), "what"),
          TextAt(person, "id")};
}

std::string BoundsText(const json::value& bounds) {
  std::string lo = TextAt(bounds, "lo");
  const std::string hi = TextAt(bounds, "hi");
  if (lo.empty() && hi.empty()) return "unknown";
  if (lo == hi) return lo;
  return Cat(lo.empty() ? "?" : lo, " … ", hi.empty() ? "?" : hi);
}

std::string YesNo(const json::value& value) {
  if (!value.is_bool()) return "unknown";
  return value.as_bool() ? "yes" : "no";
}

void PrintHalves(const json::value& person) {
  const json::value& ad = Field(person, "ad");
  const json::value& entra = Field(person, "entra");
  std::vector<TextRow> rows;
  const auto cell = [](const json::value& half, std::string text) {
    return half.is_null() ? std::string("-") : std::move(text);
  };
  rows.push_back({"source", cell(ad, TextAt(ad, "source")), cell(entra, TextAt(entra, "source"))});
  rows.push_back({"id", cell(ad, TextAt(ad, "object_guid")), cell(entra, TextAt(entra, "id"))});
  rows.push_back(
      {"name", cell(ad, TextAt(ad, "sam_account_name")), cell(entra, TextAt(entra, "upn"))});
  rows.push_back({"enabled", cell(ad, YesNo(Field(ad, "enabled"))),
                  cell(entra, YesNo(Field(entra, "enabled")))});
  rows.push_back({"deleted", cell(ad, YesNo(Field(ad, "deleted"))),
                  cell(entra, YesNo(Field(entra, "deleted")))});
  rows.push_back({"disabled since", cell(ad, BoundsText(Field(ad, "disabled_since"))),
                  cell(entra, BoundsText(Field(entra, "disabled_since")))});
  const std::string valid = TextAt(entra, "sessions_valid_from");
  const bool known = FlagAt(entra, "sessions_valid_from_known");
  rows.push_back({"sessions valid from", "",
                  cell(entra, !valid.empty() ? valid
                              : known        ? "never revoked"
                                             : "not read")});
  std::string roles;
  for (const json::value& role : ListAt(entra, "roles")) {
    roles += Cat(roles.empty() ? "" : ", ", TextOf(role));
  }
  if (!roles.empty()) rows.push_back({"roles", "", roles});
  if (FlagAt(entra, "cloud_managed")) {
    rows.push_back({"managed by", "", "the cloud: a disable in AD never reaches this account"});
  }
  const json::value& error = Field(entra, "provisioning_error");
  if (error.is_object()) {
    rows.push_back({"not carried", "",
                    Cat(TextAt(error, "category"), ", ", TextAt(error, "property"), " ",
                        TextAt(error, "value"), ", since ", TextAt(error, "since"))});
  }
  rows.push_back({"sid / dn", cell(ad, TextAt(ad, "sid")), ""});
  Print(RenderTable({"", "ACTIVE DIRECTORY", "ENTRA"}, rows));
  if (!ad.is_null()) Print(Cat("dn  ", TextAt(ad, "dn"), "\n"));
}

std::string CauseText(const json::value& person) {
  const json::value& cause = Field(person, "cause");
  if (!cause.is_object()) return "";
  const std::string subject = TextAt(cause, "subject");
  return Cat("\nexplained by ", TextAt(cause, "kind"), subject.empty() ? "" : " ", subject,
             ", told in its alert: ", TextAt(cause, "detail"), "\n");
}

// What somebody told of them.
std::string ToldText(const json::value& person) {
  std::string text;
  const json::value& exemption = Field(person, "exemption");
  if (exemption.is_object()) {
    text += Cat("exempt until ", TextAt(exemption, "until"), " by ", TextAt(exemption, "by"), ": ",
                TextAt(exemption, "reason"), "\n");
  }
  const json::value& mark = Field(person, "compromised");
  if (mark.is_object()) {
    text += Cat("marked as compromised at ", TextAt(mark, "at"), " by ", TextAt(mark, "by"), ": ",
                TextAt(mark, "reason"), "\n");
  }
  const json::value& leaves = Field(person, "leaves");
  if (leaves.is_object()) {
    text += Cat("leaves at ", TextAt(leaves, "effective"), " (", TextAt(leaves, "urgency"), ", ",
                TextAt(leaves, "state"), ") by ", TextAt(leaves, "by"), " ",
                TextAt(leaves, "reference"), "\n");
  }
  return text;
}

void PrintPerson(const json::value& person) {
  Print(Cat(TextAt(person, "upn"), "  ", TextAt(person, "id"), "\n", TextAt(person, "state"),
            TextAt(person, "state") == TextAt(person, "phase")
                ? std::string()
                : Cat(" (phase ", TextAt(person, "phase"), ")"),
            ", tier ", TextAt(person, "tier"), ", link ", TextAt(person, "link"), ", identity ",
            TextAt(person, "grade"), "\n", ToldText(person), "\n"));
  PrintHalves(person);
  std::vector<TextRow> drift;
  for (const json::value& item : ListAt(person, "drift")) {
    drift.push_back({TextAt(item, "severity"), TextAt(item, "kind"), TextAt(item, "since"),
                     TextAt(item, "episode")});
  }
  if (!drift.empty()) {
    Print(Cat("\n", RenderTable({"SEVERITY", "OPEN DRIFT", "SINCE", "EPISODE"}, drift)));
  }
  Print(CauseText(person));
  std::vector<TextRow> timeline;
  for (const json::value& item : ListAt(person, "timeline")) {
    timeline.push_back({TextAt(item, "seen"), EventText(item), BoundsText(Field(item, "at")),
                        TextAt(item, "source"), Cat("#", TextAt(Field(item, "evidence"), "seq"))});
  }
  if (!timeline.empty()) {
    Print(Cat("\n", RenderTable({"SEEN", "EVENT", "HAPPENED", "SOURCE", "EVIDENCE"}, timeline)));
  }
  Print(ActivityText(person));
  std::vector<TextRow> actions;
  for (const json::value& item : ListAt(person, "actions")) {
    actions.push_back({TextAt(item, "requested_at"), TextAt(item, "action"), TextAt(item, "reason"),
                       TextAt(item, "state"), TextAt(item, "id"), TextAt(item, "outcome")});
  }
  if (!actions.empty()) {
    Print(Cat("\n",
              RenderTable({"REQUESTED", "ACTION", "REASON", "STATE", "ID", "OUTCOME"}, actions)));
  }
  Print(LagsText(person));
  Print(ResidualText(person));
  const json::value& next = Field(person, "next");
  if (!TextAt(next, "what").empty()) {
    Print(Cat("\nnext: ", TextAt(next, "what"),
              TextAt(next, "at").empty() ? std::string() : Cat(" at ", TextAt(next, "at")), "\n"));
  }
}

}  // namespace

std::string DriftListPath(const DriftListOptions& options) {
  std::string out = "/api/v1/users?limit=1000";
  if (options.state.empty()) out += "&open=true";
  for (const auto& [key, value] :
       {std::pair("kind", &options.kind), std::pair("state", &options.state),
        std::pair("tier", &options.tier), std::pair("link", &options.link)}) {
    if (!value->empty()) out += Cat("&", key, "=", net::PercentEncode(*value));
  }
  return out;
}

int VerbDriftList(const ClientOptions& options, const DriftListOptions& list) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  absl::Duration older_than;
  if (!list.older_than.empty()) {
    const auto parsed = ParseDuration(list.older_than);
    if (!parsed.ok()) return Complain(Annotate(parsed.status(), "--older-than"));
    older_than = *parsed;
  }
  auto people = FetchOpen(*client, list);
  if (!people.ok()) return Complain(people.status());
  const absl::Time now = SystemClock().Wall();
  std::vector<TextRow> rows;
  json::array items;
  for (const json::value& person : *people) {
    const auto since = ParseRfc3339(TextAt(WorstDrift(person), "since"));
    if (!list.older_than.empty() && (!since || now - *since < older_than)) continue;
    if (rows.size() >= list.limit) break;
    rows.push_back(PersonRow(person, now));
    items.push_back(person);
  }
  const TextRow header = {"SEVERITY", "STATE", "KIND", "USER", "TIER", "LINK", "FOR", "NEXT", "ID"};
  if (list.format == "json") {
    json::object out;
    out["items"] = std::move(items);
    out["next_cursor"] = nullptr;
    Print(PrettyJson(out));
  } else if (list.format == "csv") {
    Print(RenderCsv(header, rows));
  } else if (rows.empty()) {
    Print(list.state.empty() ? std::string("no open drift\n")
                             : Cat("nobody of that choice is ", list.state, "\n"));
  } else {
    Print(RenderTable(header, rows));
  }
  return kExitOk;
}

int VerbDriftShow(const ClientOptions& options, const std::string& user, bool as_json) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto person = client->Get(Cat("/api/v1/users/", net::PercentEncode(user)));
  if (!person.ok()) return Complain(person.status());
  if (as_json) {
    Print(PrettyJson(*person));
  } else {
    PrintPerson(*person);
  }
  return kExitOk;
}

int VerbDriftExplain(const ClientOptions& options, const std::string& user, bool as_json) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto answer = client->Get(Cat("/api/v1/users/", net::PercentEncode(user), "/explain"));
  if (!answer.ok()) return Complain(answer.status());
  if (as_json) {
    Print(PrettyJson(*answer));
    return kExitOk;
  }
  Print(ExplainText(*answer));
  Print(CauseText(*answer));
  return kExitOk;
}

}  // namespace driftwarden::daemon
