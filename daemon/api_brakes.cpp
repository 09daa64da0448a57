// guards and automation: what is done by itself, and what holds it back.

#include "daemon/api_brakes.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "daemon/api.h"
#include "daemon/api_json.h"
#include "monitor/guards.h"
#include "net/problem.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::LinkState;
using net::ServerResponse;

namespace {

json::object PauseOf(const LinkState& link) {
  json::object out;
  out["link"] = link.name.value;
  const bool paused = monitor::IsTripped(link, monitor::kPaused);
  out["paused"] = paused;
  const auto found = link.guards.find(monitor::kPaused);
  out["since"] = paused ? TimeJson(found->second.since) : json::value(nullptr);
  out["detail"] = paused ? json::value(found->second.detail) : json::value(nullptr);
  return out;
}

// `paused` of a write; the mode is the configuration's.
StatusOr<bool> PausedField(const json::object& body) {
  if (body.if_contains("mode") != nullptr) {
    return InvalidError(
        "the mode is set in the configuration: change remediation.mode there and reload; "
        "{\"paused\": true} stops everything at once");
  }
  const json::value* const paused = body.if_contains("paused");
  if (paused == nullptr || !paused->is_bool()) {
    return InvalidError("send {\"paused\": true} or {\"paused\": false}");
  }
  return paused->as_bool();
}

}  // namespace

json::array GuardsOf(const std::vector<LinkPort*>& links) {
  json::array out;
  for (const LinkPort* port : links) {
    const auto state = port->State();
    for (const std::string name : monitor::kAllGuards) {
      const auto found = state->guards.find(name);
      const bool tripped = found != state->guards.end() && found->second.tripped;
      json::object item;
      item["link"] = state->name.value;
      item["name"] = name;
      item["tripped"] = tripped;
      item["since"] = tripped ? TimeJson(found->second.since) : json::value(nullptr);
      item["detail"] = tripped ? json::value(found->second.detail) : json::value(nullptr);
      out.push_back(std::move(item));
    }
  }
  return out;
}

bool AnyPaused(const std::vector<LinkPort*>& links) {
  return std::any_of(links.begin(), links.end(), [](const LinkPort* port) {
    return monitor::IsTripped(*port->State(), monitor::kPaused);
  });
}

ServerResponse Api::Guards() const {
  json::object out;
  out["items"] = GuardsOf(parts_.links);
  out["next_cursor"] = nullptr;
  return JsonResponse(200, out);
}

ServerResponse Api::Automation() const {
  json::object out;
  out["mode"] = ModeText();
  out["paused"] = AnyPaused(parts_.links);
  json::array links;
  for (const LinkPort* port : parts_.links) links.push_back(PauseOf(*port->State()));
  out["links"] = std::move(links);
  json::array rules;
  for (const LinkPort* port : parts_.links) {
    const auto policy = port->CurrentPolicy();
    for (const monitor::TierPolicy& tier : policy->tiers) {
      for (const monitor::ActionKind action : policy->remediation.actions) {
        json::object item;
        item["link"] = port->link().value;
        item["tier"] = tier.name.value;
        item["action"] = std::string(monitor::ActionKindText(action));
        const monitor::Mode mode = monitor::ModeFor(*policy, tier.name, action);
        item["mode"] = std::string(monitor::ModeText(mode));
        rules.push_back(std::move(item));
      }
    }
  }
  out["effective"] = std::move(rules);
  return JsonResponse(200, out);
}

asio::awaitable<ServerResponse> Api::ResetGuard(Request request, std::string guard, Caller caller) {
  const auto body = BodyObject(request);
  if (!body.ok()) co_return ErrorResponse(body.status());
  const auto reason = TextField(*body, "reason");
  if (!reason.ok()) co_return ErrorResponse(reason.status());
  if (TrimAscii(*reason).empty()) {
    co_return ErrorResponse(
        InvalidError("a guard is reset for a reason; send {\"reason\": \"…\"}"));
  }
  const auto links = LinksOf(*body);
  if (!links.ok()) co_return ErrorResponse(links.status());
  for (LinkPort* link : *links) {
    std::string actor = caller.actor;
    std::string why = *reason;
    const Status done = co_await link->ResetGuard(guard, std::move(actor), std::move(why));
    if (!done.ok()) co_return ErrorResponse(Annotate(done, link->link().value));
    parts_.log.Warn("guard_reset", *reason,
                    {{"link", link->link().value}, {"guard", guard}, {"actor", caller.actor}});
  }
  co_return Guards();
}

asio::awaitable<ServerResponse> Api::SetPaused(Request request, Caller caller) {
  const auto body = BodyObject(request);
  if (!body.ok()) co_return ErrorResponse(body.status());
  const auto paused = PausedField(*body);
  if (!paused.ok()) co_return ErrorResponse(paused.status());
  // Stopping is anybody's who operates; handing the power back takes more.
  const Status allowed = auth_.Require(caller, *paused ? Role::kOperator : Role::kApprover);
  if (!allowed.ok()) co_return ErrorResponse(allowed);
  const auto reason = TextField(*body, "reason");
  if (!reason.ok()) co_return ErrorResponse(reason.status());
  const auto links = LinksOf(*body);
  if (!links.ok()) co_return ErrorResponse(links.status());
  for (LinkPort* link : *links) {
    std::string actor = caller.actor;
    std::string why(TrimAscii(*reason));
    Status done;
    if (*paused) {
      done = co_await link->Pause(std::move(actor), std::move(why));
    } else {
      std::string brake = monitor::kPaused;
      done = co_await link->ResetGuard(std::move(brake), std::move(actor), std::move(why));
    }
    if (!done.ok()) co_return ErrorResponse(Annotate(done, link->link().value));
    parts_.log.Warn(*paused ? "automation_paused" : "automation_resumed", *reason,
                    {{"link", link->link().value}, {"actor", caller.actor}});
  }
  co_return Automation();
}

}  // namespace driftwarden::daemon
