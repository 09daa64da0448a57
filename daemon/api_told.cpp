// What people tell about people: dated exemptions, compromised accounts.

#include <utility>

#include "base/strings.h"
#include "daemon/api.h"
#include "daemon/api_json.h"
#include "daemon/api_told_json.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using net::ServerResponse;

asio::awaitable<ServerResponse> Api::AddExemption(Request request, Caller caller) {
  const auto body = BodyObject(request);
  if (!body.ok()) co_return ErrorResponse(body.status());
  const auto user = TextField(*body, "user");
  const auto until = TextField(*body, "until");
  const auto reason = TextField(*body, "reason");
  const auto links = LinksOf(*body);
  for (const Status& status : {user.status(), until.status(), reason.status(), links.status()}) {
    if (!status.ok()) co_return ErrorResponse(status);
  }
  const auto end = ParseRfc3339(*until);
  if (user->empty() || !end) {
    co_return ErrorResponse(
        InvalidError("send {\"user\": \"…\", \"until\": \"2027-01-31T17:00:00Z\", "
                     "\"reason\": \"…\"}; until is RFC 3339"));
  }
  monitor::Exemption exemption{parts_.clock.Wall(), *end, std::string(TrimAscii(*reason)),
                               caller.actor};
  const Status sound = monitor::CheckExemption(exemption, exemption.since);
  if (!sound.ok()) co_return ErrorResponse(sound);
  auto find = [this, &user, &links] { return FindNamed(parts_.store, *links, *user); };
  const auto named = co_await OnLane(parts_.read_lane, std::move(find));
  if (!named.ok()) co_return ErrorResponse(named.status());
  if (named->ambiguous) co_return SeveralPeople(*user, named->ids);
  for (const auto& [link, person] : named->people) {
    monitor::Exemption each = exemption;
    const Status done = co_await link->AddExemption(person, std::move(each));
    if (!done.ok()) co_return ErrorResponse(Annotate(done, link->link().value));
    parts_.log.Info("exemption_added", "somebody is exempt for a while",
                    {{"link", link->link().value},
                     {"person", monitor::PersonIdText(link->link(), person)},
                     {"until", FormatRfc3339(*end)},
                     {"actor", caller.actor}});
  }
  ServerResponse response = co_await ShowNamed(*named, ExemptionJson);
  co_return response;
}

asio::awaitable<ServerResponse> Api::RemoveExemption(Request request, std::string text,
                                                     Caller caller) {
  Removal removal = [](LinkPort* link, monitor::PersonOrdinal person, std::string actor) {
    return link->RemoveExemption(person, std::move(actor));
  };
  ServerResponse response = co_await TakeBack(std::move(request), std::move(text),
                                              std::move(caller), "exemption_removed", removal);
  co_return response;
}

asio::awaitable<ServerResponse> Api::MarkCompromised(Request request, std::string text,
                                                     Caller caller) {
  const auto body = BodyObject(request);
  if (!body.ok()) co_return ErrorResponse(body.status());
  const auto reason = TextField(*body, "reason");
  const auto links = LinksOf(*body);
  for (const Status& status : {reason.status(), links.status()}) {
    if (!status.ok()) co_return ErrorResponse(status);
  }
  const monitor::CompromiseMark mark{parts_.clock.Wall(), std::string(TrimAscii(*reason)),
                                     caller.actor};
  const Status sound = monitor::CheckCompromiseMark(mark);
  if (!sound.ok()) co_return ErrorResponse(sound);
  auto find = [this, &text, &links] { return FindNamed(parts_.store, *links, text); };
  const auto named = co_await OnLane(parts_.read_lane, std::move(find));
  if (!named.ok()) co_return ErrorResponse(named.status());
  if (named->ambiguous) co_return SeveralPeople(text, named->ids);
  for (const auto& [link, person] : named->people) {
    monitor::CompromiseMark each = mark;
    const Status done = co_await link->MarkCompromised(person, std::move(each));
    if (!done.ok()) co_return ErrorResponse(Annotate(done, link->link().value));
    parts_.log.Info("compromise_marked", "an account is marked as compromised",
                    {{"link", link->link().value},
                     {"person", monitor::PersonIdText(link->link(), person)},
                     {"actor", caller.actor}});
  }
  ServerResponse response = co_await ShowNamed(*named, CompromisedPersonJson);
  co_return response;
}

asio::awaitable<ServerResponse> Api::UnmarkCompromised(Request request, std::string text,
                                                       Caller caller) {
  Removal removal = [](LinkPort* link, monitor::PersonOrdinal person, std::string actor) {
    return link->UnmarkCompromised(person, std::move(actor));
  };
  ServerResponse response = co_await TakeBack(std::move(request), std::move(text),
                                              std::move(caller), "compromise_unmarked", removal);
  co_return response;
}

asio::awaitable<ServerResponse> Api::TakeBack(Request request, std::string text, Caller caller,
                                              const char* event, Removal removal) {
  json::object where;
  if (request.HasQuery("link")) where["link"] = std::string(request.Query("link"));
  const auto links = LinksOf(where);
  if (!links.ok()) co_return ErrorResponse(links.status());
  auto find = [this, &text, &links] { return FindNamed(parts_.store, *links, text); };
  const auto named = co_await OnLane(parts_.read_lane, std::move(find));
  if (!named.ok()) co_return ErrorResponse(named.status());
  if (named->ambiguous) co_return SeveralPeople(text, named->ids);
  json::array removed;
  Status refused;
  for (const auto& [link, person] : named->people) {
    std::string actor = caller.actor;
    const Status done = co_await removal(link, person, std::move(actor));
    if (done.code() == StatusCode::kNotFound) {  // told in another link, perhaps
      refused = done;
      continue;
    }
    if (!done.ok()) co_return ErrorResponse(Annotate(done, link->link().value));
    std::string id = monitor::PersonIdText(link->link(), person);
    parts_.log.Info(event, "what was told of somebody is taken back",
                    {{"link", link->link().value}, {"person", id}, {"actor", caller.actor}});
    removed.emplace_back(std::move(id));
  }
  if (removed.empty()) co_return ErrorResponse(refused);
  json::object out;
  out["removed"] = std::move(removed);
  co_return JsonResponse(200, out);
}

asio::awaitable<ServerResponse> Api::ShowNamed(Named named, ItemOf item) {
  auto read = [this, &named, item]() -> StatusOr<json::array> {
    json::array items;
    for (const auto& [link, person] : named.people) {
      store::PeopleKeys keys;
      keys.ordinals = {person};
      DW_ASSIGN_OR_RETURN(const auto people, parts_.store.LoadPeople(link->link(), keys));
      const auto state = link->State();
      const auto policy = link->CurrentPolicy();
      const PersonContext context{*state, *policy, parts_.clock.Wall()};
      for (const auto& [ordinal, each] : people.by_ordinal) items.push_back(item(each, context));
    }
    return items;
  };
  auto items = co_await OnLane(parts_.read_lane, std::move(read));
  if (!items.ok()) co_return ErrorResponse(items.status());
  json::object out;
  out["items"] = std::move(*items);
  out["next_cursor"] = nullptr;
  co_return JsonResponse(200, out);
}

}  // namespace driftwarden::daemon
