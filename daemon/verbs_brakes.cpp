// Verbs about what a running daemon does by itself: automation show, pause, resume.

#include <cstdio>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"
#include "daemon/verbs.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

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
  const std::string text = Cat(RenderTable({"LINK", "AUTOMATION", "SINCE", "DETAIL"}, pauses), "\n",
                               RenderTable({"LINK", "TIER", "ACTION", "MODE"}, rules));
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

int VerbAutomationShow(const ClientOptions& options, bool as_json) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  const auto answer = client->Get("/api/v1/automation");
  if (!answer.ok()) return Complain(answer.status());
  if (as_json) {
    const std::string text = PrettyJson(*answer);
    std::fwrite(text.data(), 1, text.size(), stdout);
  } else {
    ShowAutomation(*answer);
  }
  return kExitOk;
}

int VerbAutomationPause(const ClientOptions& options, bool paused, const std::string& link,
                        const std::string& reason) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  json::object body;
  body["paused"] = paused;
  if (!reason.empty()) body["reason"] = reason;
  if (!link.empty()) body["link"] = link;
  const auto answer = client->Post("/api/v1/automation", body);
  if (!answer.ok()) return Complain(answer.status());
  ShowAutomation(*answer);
  return kExitOk;
}

}  // namespace driftwarden::daemon
