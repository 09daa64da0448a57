// Verbs about what a running daemon does by itself, and what holds it back: automation, guard.

#include <cstdio>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"
#include "daemon/verbs.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void ShowGuards(const json::value& answer) {
  std::vector<TextRow> rows;
  for (const json::value& item : ListAt(answer, "items")) {
    rows.push_back({TextAt(item, "link"), TextAt(item, "name"),
                    FlagAt(item, "tripped") ? "TRIPPED" : "ok", TextAt(item, "since"),
                    TextAt(item, "detail")});
  }
  Print(RenderTable({"LINK", "GUARD", "STATE", "SINCE", "DETAIL"}, rows));
}

void ShowAutomation(const json::value& answer) {
  std::vector<TextRow> pauses;
  for (const json::value& link : ListAt(answer, "links")) {
    pauses.push_back({TextAt(link, "link"), FlagAt(link, "paused") ? "PAUSED" : "running",
                      TextAt(link, "since"), TextAt(link, "detail")});
  }
  std::vector<TextRow> rules;
  for (const json::value& rule : ListAt(answer, "effective")) {
    rules.push_back(
        {TextAt(rule, "link"), TextAt(rule, "tier"), TextAt(rule, "action"), TextAt(rule, "mode")});
  }
  Print(Cat(RenderTable({"LINK", "AUTOMATION", "SINCE", "DETAIL"}, pauses), "\n",
            RenderTable({"LINK", "TIER", "ACTION", "MODE"}, rules)));
}

}  // namespace

int VerbAutomationShow(const ClientOptions& options, bool as_json) {
  return Fetch(options, "/api/v1/automation", as_json, ShowAutomation);
}

int VerbAutomationPause(const ClientOptions& options, bool paused, const std::string& link,
                        const std::string& reason) {
  json::object body;
  body["paused"] = paused;
  if (!reason.empty()) body["reason"] = reason;
  if (!link.empty()) body["link"] = link;
  return Send(options, "/api/v1/automation", body, ShowAutomation);
}

int VerbGuardList(const ClientOptions& options, bool as_json) {
  return Fetch(options, "/api/v1/guards", as_json, ShowGuards);
}

int VerbGuardReset(const ClientOptions& options, const std::string& name, const std::string& link,
                   const std::string& reason) {
  json::object body;
  body["reason"] = reason;
  if (!link.empty()) body["link"] = link;
  return Send(options, Cat("/api/v1/guards/", name, "/reset"), body, ShowGuards);
}

}  // namespace driftwarden::daemon
