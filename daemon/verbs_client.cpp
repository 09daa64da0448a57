// Verbs that ask a running daemon: status, baseline, actions; and what others share.

#include <cstdio>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_activity.h"
#include "daemon/text_table.h"
#include "daemon/verbs.h"
#include "monitor/verdict.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string Short(const std::string& text, std::string_view instead) {
  return text.empty() ? std::string(instead) : text;
}

bool Blind(const json::value& status) {
  for (const json::value& source : ListAt(status, "sources")) {
    if (!FlagAt(source, "fresh")) return true;
  }
  return false;
}

std::string EngineLine(const json::value& engine) {
  const std::string last = TextAt(engine, "last_sync");
  std::string line = Cat("  last sync ", last.empty() ? "not known" : last);
  if (FlagAt(engine, "stalled")) line += ", STALLED";
  line += Cat("; a cycle takes ", TextAt(engine, "cycle"),
              FlagAt(engine, "cycle_learned") ? " (learned)" : " (by default)", "\n");
  for (const json::value& job : ListAt(engine, "jobs")) {
    if (TextAt(job, "code") == "Active") continue;
    const std::string reason = TextAt(job, "quarantine_reason");
    line += Cat("  job ", TextAt(job, "id"), ": ", TextAt(job, "code"), reason.empty() ? "" : ", ",
                reason, "\n");
  }
  return line;
}

// What ails many people at once, before anything else.
void PrintCauses(const json::value& status) {
  bool any = false;
  for (const json::value& link : ListAt(status, "links")) {
    for (const json::value& cause : ListAt(link, "causes")) {
      const std::string subject = TextAt(cause, "subject");
      Print(Cat("CAUSE: ", TextAt(cause, "kind"), subject.empty() ? "" : " ", subject, " on ",
                TextAt(link, "name"), " since ", TextAt(cause, "since"), ", ",
                TextAt(cause, "people"), " people: ", TextAt(cause, "detail"), "\n"));
      any = true;
    }
  }
  if (any) Print("\n");
}

void PrintStatus(const json::value& status) {
  Print(Cat(TextAt(status, "summary"), "\n\n"));
  PrintCauses(status);
  Print(Cat("driftwarden ", TextAt(status, "version"), ", mode ", TextAt(status, "mode"),
            FlagAt(status, "paused") ? ", PAUSED" : "",
            FlagAt(status, "ready") ? "" : ", not ready", "\n\n"));
  std::vector<TextRow> rows;
  for (const json::value& source : ListAt(status, "sources")) {
    rows.push_back({TextAt(source, "name"), TextAt(source, "kind"),
                    FlagAt(source, "fresh") ? "fresh" : "STALE",
                    Short(TextAt(source, "last_success"), "never"),
                    Short(TextAt(source, "last_change"), "never"),
                    Short(TextAt(source, "error"), "")});
  }
  Print(RenderTable({"SOURCE", "KIND", "READ", "LAST SUCCESS", "LAST CHANGE", "ERROR"}, rows));
  for (const json::value& source : ListAt(status, "sources")) {
    for (const json::value& finding : ListAt(source, "findings")) {
      Print(Cat("\n", TextAt(source, "name"), ": ", TextAt(finding, "finding"), ": ",
                TextAt(finding, "text"), "\n"));
    }
  }
  for (const json::value& link : ListAt(Field(status, "leavers_file"), "waits_for")) {
    Print(Cat("\nexpected leavers: not looked up in ", TextOf(link),
              " before both sides were read completely\n"));
  }
  for (const json::value& fault : ListAt(Field(status, "leavers_file"), "faults")) {
    Print(Cat("\nexpected leavers: ", TextOf(fault), "\n"));
  }
  for (const json::value& link : ListAt(status, "links")) {
    Print(Cat("\nlink ", TextAt(link, "name"), "\n", EngineLine(Field(link, "engine"))));
    std::vector<TextRow> counts;
    for (const auto& part : {std::string("users"), std::string("open")}) {
      for (const auto& entry :
           Field(link, part).is_object() ? Field(link, part).as_object() : json::object()) {
        if (TextOf(entry.value()) == "0") continue;
        counts.push_back({Cat("  ", part == "users" ? "state" : "open "), std::string(entry.key()),
                          TextOf(entry.value())});
      }
    }
    Print(RenderTable({"", "", ""}, counts));
    Print(LimitsText(link));
    const json::value policy = Field(link, "policy");
    if (policy.is_object() && !FlagAt(policy, "complete")) {
      Print(Cat("  judging everybody by policy ", TextAt(policy, "epoch"), ", in force since ",
                TextAt(policy, "since"), ": ", TextAt(policy, "judged"), " of ",
                TextAt(policy, "of"), "\n"));
    }
  }
  for (const json::value& guard : ListAt(status, "guards")) {
    if (!FlagAt(guard, "tripped")) continue;
    Print(Cat("\nGUARD TRIPPED: ", TextAt(guard, "name"), " on ", TextAt(guard, "link"), " since ",
              TextAt(guard, "since"), ": ", TextAt(guard, "detail"),
              "\n  mend the cause, then: driftwarden guard reset ", TextAt(guard, "name"),
              " --reason …\n"));
  }
}

void ShowBaseline(const json::value& answer) {
  std::vector<TextRow> rows;
  for (const json::value& item : ListAt(answer, "items")) {
    rows.push_back({TextAt(item, "link"), Short(TextAt(item, "established_at"), "not yet"),
                    TextAt(item, "inherited"), TextAt(item, "inherited_live"),
                    Short(TextAt(item, "accepted_at"), "no"), TextAt(item, "accepted_by")});
  }
  Print(RenderTable({"LINK", "ESTABLISHED", "INHERITED", "LIVE IN ENTRA", "ACCEPTED", "BY"}, rows));
}

void ShowActions(const json::value& answer) {
  std::vector<TextRow> rows;
  for (const json::value& item : ListAt(answer, "items")) {
    rows.push_back({TextAt(item, "requested_at"), TextAt(item, "user_name"), TextAt(item, "user"),
                    TextAt(item, "action"), TextAt(item, "reason"), TextAt(item, "state"),
                    TextAt(item, "id"), TextAt(item, "outcome")});
  }
  Print(RenderTable({"REQUESTED", "USER", "PERSON", "ACTION", "REASON", "STATE", "ID", "OUTCOME"},
                    rows));
}

}  // namespace

int64_t OpenDrift(const json::value& status) {
  int64_t people = 0;
  for (const json::value& link : ListAt(status, "links")) people += NumberAt(link, "in_drift");
  return people;
}

int VerbStatus(const ClientOptions& options, bool as_json) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto status = client->Get("/api/v1/status");
  if (!status.ok()) return Complain(status.status());
  if (as_json) {
    Print(PrettyJson(*status));
  } else {
    PrintStatus(*status);
  }
  if (Blind(*status)) return kExitBlind;
  return OpenDrift(*status) > 0 ? kExitDrift : kExitOk;
}

int VerbBaselineShow(const ClientOptions& options, bool as_json) {
  return Fetch(options, "/api/v1/baseline", as_json, ShowBaseline);
}

int VerbActionList(const ClientOptions& options, bool as_json) {
  return Fetch(options, "/api/v1/actions", as_json, ShowActions);
}

int VerbBaselineAccept(const ClientOptions& options, const std::string& link) {
  json::object body;
  if (!link.empty()) body["link"] = link;
  return Send(options, "/api/v1/baseline/accept", body, ShowBaseline);
}

int Fetch(const ClientOptions& options, const std::string& path, bool as_json, ShowAnswer show) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto answer = client->Get(path);
  if (!answer.ok()) return Complain(answer.status());
  if (as_json) {
    Print(PrettyJson(*answer));
  } else {
    show(*answer);
  }
  return kExitOk;
}

int Send(const ClientOptions& options, const std::string& path, const json::object& body,
         ShowAnswer show) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto answer = client->Post(path, body);
  if (!answer.ok()) return Complain(answer.status());
  show(*answer);
  return kExitOk;
}

int Complain(const Status& status) {
  std::fprintf(stderr, "driftwarden: %s\n", std::string(Message(status)).c_str());
  if (status.code() == StatusCode::kUnavailable) return kExitUnreachable;
  return status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitRuntime;
}

}  // namespace driftwarden::daemon
