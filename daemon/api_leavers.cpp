// Expected leavers: what HR, or whoever decides it, tells of departures to come.

#include <utility>

#include "base/strings.h"
#include "daemon/api.h"
#include "daemon/api_json.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::LeaveWord;
using net::ServerResponse;

namespace {

constexpr size_t kMostItems = 1000;  // a request

// One person that a request tells of, and what came of it.
struct Told {
  std::string identifier;
  monitor::ExpectedLeave leave;
  std::string status;  // empty: not decided yet
  std::string detail;
  std::vector<std::string> ids;
};

StatusOr<monitor::ExpectedLeave> ReadLeave(const json::object& item, const std::string& actor,
                                           absl::Time now) {
  DW_ASSIGN_OR_RETURN(const std::string identifier, TextField(item, "identifier"));
  DW_ASSIGN_OR_RETURN(const std::string effective, TextField(item, "effective"));
  DW_ASSIGN_OR_RETURN(const std::string urgency, TextField(item, "urgency"));
  DW_ASSIGN_OR_RETURN(const std::string reference, TextField(item, "reference"));
  monitor::ExpectedLeave leave;
  leave.identifier = std::string(TrimAscii(identifier));
  const auto at = ParseRfc3339(effective);
  if (!at) return InvalidError("effective is no moment; write it like 2027-01-31T17:00:00Z");
  leave.effective = *at;
  const auto parsed = monitor::ParseLeaveUrgency(urgency);
  if (!parsed) return InvalidError("urgency is planned, immediate or compromise");
  leave.urgency = *parsed;
  leave.reference = std::string(TrimAscii(reference));
  leave.actor = actor;
  leave.told = now;
  DW_RETURN_IF_ERROR(monitor::CheckLeave(leave, now));
  return leave;
}

Told ReadItem(const json::value& item, const std::string& actor, absl::Time now) {
  Told told;
  if (!item.is_object()) {
    told.status = "invalid";
    told.detail = "an item is an object with identifier, effective and urgency";
    return told;
  }
  const auto identifier = TextField(item.as_object(), "identifier");
  if (identifier.ok()) told.identifier = *identifier;
  auto leave = ReadLeave(item.as_object(), actor, now);
  if (!leave.ok()) {
    told.status = "invalid";
    told.detail = std::string(Message(leave.status()));
    return told;
  }
  told.leave = std::move(*leave);
  return told;
}

json::object ToldJson(const Told& told) {
  json::object out;
  out["identifier"] = IsUtf8(told.identifier) ? told.identifier : Printable(told.identifier, 400);
  out["status"] = told.status;
  out["detail"] = told.detail.empty() ? json::value(nullptr) : json::value(told.detail);
  out["people"] = json::array(told.ids.begin(), told.ids.end());
  return out;
}

// Which item a word is of.
struct Asked {
  std::vector<LeaveWord> words;
  std::vector<size_t> items;
};

// Blocks: for the read lane.
StatusOr<std::vector<Asked>> FindAll(store::StateStore& store, const std::vector<LinkPort*>& links,
                                     std::vector<Told>& all) {
  std::vector<Asked> asked(links.size());
  for (size_t i = 0; i < all.size(); ++i) {
    Told& told = all[i];
    if (!told.status.empty()) continue;
    const auto named = FindNamed(store, links, told.leave.identifier);
    if (!named.ok() && named.status().code() != StatusCode::kNotFound) return named.status();
    if (!named.ok()) {
      told.status = "unknown";
      told.detail = std::string(Message(named.status()));
      continue;
    }
    told.ids = named->ids;
    if (named->ambiguous) {
      told.status = "ambiguous";
      told.detail = Cat(named->ids.size(), " people are known by it; name one by id");
      continue;
    }
    for (const auto& [port, person] : named->people) {
      for (size_t link = 0; link < links.size(); ++link) {
        if (links[link] != port) continue;
        asked[link].words.push_back({person, told.leave});
        asked[link].items.push_back(i);
      }
    }
  }
  return asked;
}

// Of several links: what was done in any of them.
void Note(Told& told, monitor::LeaveOutcome outcome) {
  const std::string text(monitor::LeaveOutcomeText(outcome));
  const bool nothing = told.status.empty() || told.status == "unchanged" || told.status == "gone";
  if (nothing) told.status = text;
}

}  // namespace

asio::awaitable<ServerResponse> Api::ExpectLeavers(Request request, Caller caller) {
  const auto body = BodyObject(request);
  if (!body.ok()) co_return ErrorResponse(body.status());
  const auto links = LinksOf(*body);
  if (!links.ok()) co_return ErrorResponse(links.status());
  const json::value* list = body->if_contains("items");
  const bool single = list == nullptr;
  if ((!single && !list->is_array()) || (single && !body->contains("identifier"))) {
    co_return ErrorResponse(
        InvalidError("send {\"items\": [{\"identifier\": \"…\", \"effective\": "
                     "\"2027-01-31T17:00:00Z\", \"urgency\": \"planned\"}]}, or one such item"));
  }
  const size_t count = single ? 1 : list->as_array().size();
  if (count > kMostItems) {
    co_return ErrorResponse(
        InvalidError(Cat("at most ", kMostItems, " items a request; send the others after it")));
  }
  const absl::Time now = parts_.clock.Wall();
  std::vector<Told> all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back(ReadItem(single ? json::value(*body) : list->as_array()[i], caller.actor, now));
  }
  auto find = [this, &links, &all] { return FindAll(parts_.store, *links, all); };
  auto asked = co_await OnLane(parts_.read_lane, std::move(find));
  if (!asked.ok()) co_return ErrorResponse(asked.status());
  size_t taken = 0;
  for (size_t i = 0; i < links->size(); ++i) {
    if ((*asked)[i].words.empty()) continue;
    std::vector<LeaveWord> words = std::move((*asked)[i].words);
    LinkPort* const link = (*links)[i];
    const auto outcomes = co_await link->ExpectLeavers(std::move(words));
    if (!outcomes.ok()) co_return ErrorResponse(Annotate(outcomes.status(), link->link().value));
    for (size_t k = 0; k < outcomes->size(); ++k) {
      Note(all[(*asked)[i].items[k]], (*outcomes)[k]);
      ++taken;
    }
  }
  parts_.log.Info("leavers_expected", "departures to come were told",
                  {{"items", count}, {"taken", taken}, {"actor", caller.actor}});
  json::array items;
  for (const Told& told : all) items.push_back(ToldJson(told));
  json::object out;
  out["items"] = std::move(items);
  out["next_cursor"] = nullptr;
  co_return JsonResponse(200, out);
}

asio::awaitable<ServerResponse> Api::WithdrawLeaver(Request request, std::string text,
                                                    Caller caller) {
  Removal removal = [](LinkPort* link, monitor::PersonOrdinal person, std::string actor) {
    return link->WithdrawLeaver(person, std::move(actor), false);
  };
  ServerResponse response = co_await TakeBack(std::move(request), std::move(text),
                                              std::move(caller), "leaver_withdrawn", removal);
  co_return response;
}

}  // namespace driftwarden::daemon
