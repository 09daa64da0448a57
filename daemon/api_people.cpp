// users, episodes, actions and evidence: everything that reads records from the store.

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "daemon/api.h"
#include "daemon/api_json.h"
#include "daemon/api_told_json.h"
#include "daemon/api_unmanaged.h"
#include "monitor/unmanaged.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::Action;
using monitor::Episode;
using monitor::EvidenceEntry;
using monitor::Person;
using monitor::PersonOrdinal;
using net::ServerRequest;
using net::ServerResponse;

namespace {

constexpr size_t kTimelineLimit = 1000;
constexpr size_t kActionsOfPerson = 20;

json::object ListObject(json::array items, const std::string& next_cursor) {
  json::object out;
  out["items"] = std::move(items);
  out["next_cursor"] = next_cursor.empty() ? json::value(nullptr) : json::value(next_cursor);
  return out;
}

ServerResponse ListResponse(json::array items, const std::string& next_cursor) {
  return JsonResponse(200, ListObject(std::move(items), next_cursor));
}

StatusOr<store::PeopleFilter> FilterOf(const ServerRequest& request, bool* blind) {
  store::PeopleFilter filter;
  if (const std::string text(request.Query("state")); !text.empty()) {
    filter.state = monitor::ParseState(text);
    if (!filter.state) return InvalidError(Cat("there is no state \"", Printable(text, 60), "\""));
    if (*filter.state == monitor::State::kBlind) {
      // Computed on reading: everybody with an open departure, looked at below.
      *blind = true;
      filter.state.reset();
      filter.with_open_episode = true;
    }
  }
  if (const std::string text(request.Query("kind")); !text.empty()) {
    filter.kind = monitor::ParseDriftKind(text);
    if (!filter.kind) return InvalidError(Cat("there is no kind \"", Printable(text, 60), "\""));
    filter.with_open_episode = true;
  }
  if (const std::string text(request.Query("tier")); !text.empty()) {
    filter.tier = monitor::TierName(text);
  }
  if (request.Query("open") == "true") filter.with_open_episode = true;
  filter.text = std::string(request.Query("q"));
  return filter;
}

// One person with everything that is shown of it, read in one go on the read lane.
struct PersonRecords {
  size_t link = 0;
  monitor::PeopleSet people;  // the person, and whoever it conflicts with
  std::optional<Person> person;
  std::vector<Action> actions;
  std::vector<EvidenceEntry> timeline;
};

Status LoadOne(store::StateStore& store, const monitor::LinkName& link, PersonOrdinal ordinal,
               PersonRecords& records) {
  store::PeopleKeys keys;
  keys.ordinals = {ordinal};
  DW_ASSIGN_OR_RETURN(records.people, store.LoadPeople(link, keys));
  const auto found = records.people.by_ordinal.find(ordinal);
  if (found != records.people.by_ordinal.end()) records.person = found->second;
  return OkStatus();
}

}  // namespace

ServerResponse SeveralPeople(const std::string& text, const std::vector<std::string>& ids) {
  json::object body;
  body["type"] = "about:blank";
  body["title"] = "More than one person";
  body["status"] = 409;
  body["detail"] =
      Cat("\"", Printable(text, 120), "\" stands for ", ids.size(), " people; ask for one by id");
  body["people"] = json::array(ids.begin(), ids.end());
  ServerResponse response = JsonResponse(409, body);
  response.content_type = "application/problem+json";
  return response;
}

template <typename T>
asio::awaitable<ServerResponse> Api::ListLinks(Request request, ReadPage<T> read, AddItems<T> add) {
  const auto list = co_await CollectLinks<T>(std::move(request), std::move(read), std::move(add));
  if (!list.ok()) co_return ErrorResponse(list.status());
  co_return JsonResponse(200, *list);
}

template <typename T>
asio::awaitable<StatusOr<json::object>> Api::CollectLinks(Request request, ReadPage<T> read,
                                                          AddItems<T> add) {
  const auto limit = LimitOf(request);
  const auto place = PlaceOf(request);
  if (!limit.ok()) co_return limit.status();
  if (!place.ok()) co_return place.status();
  const bool one_link = request.HasQuery("link");
  json::array items;
  std::string cursor = place->cursor;
  std::string next;
  for (size_t i = place->link; i < parts_.links.size() && next.empty(); ++i) {
    const LinkPort& link = *parts_.links[i];
    const size_t room = *limit - items.size();
    auto look = [&read, &link, &cursor, room] { return read(link.link(), cursor, room); };
    const auto page = co_await OnLane(parts_.read_lane, std::move(look));
    if (!page.ok()) co_return page.status();
    add(link, page->items, items);
    cursor = page->next_cursor;
    if (!cursor.empty()) {
      next = Cat(link.link().value, ":", cursor);
    } else if (items.size() >= *limit && !one_link && i + 1 < parts_.links.size()) {
      next = Cat(parts_.links[i + 1]->link().value, ":");
    }
    if (one_link) break;
  }
  co_return ListObject(std::move(items), next);
}

asio::awaitable<ServerResponse> Api::Users(Request request) {
  bool blind = false;
  const auto filter = FilterOf(request, &blind);
  if (!filter.ok()) co_return ErrorResponse(filter.status());
  const Status tier = CheckTier(request, true);
  if (!tier.ok()) co_return ErrorResponse(tier);
  ReadPage<Person> read = [this, &filter](const monitor::LinkName& link, const std::string& cursor,
                                          size_t limit) {
    return parts_.store.ListPeople(link, *filter, cursor, limit);
  };
  const absl::Time now = parts_.clock.Wall();
  AddItems<Person> add = [blind, now](const LinkPort& link, const std::vector<Person>& people,
                                      json::array& items) {
    const auto state = link.State();
    const auto policy = link.CurrentPolicy();
    const PersonContext context{*state, *policy, now};
    for (const Person& person : people) {
      if (blind && VisibleState(person, context) != monitor::State::kBlind) continue;
      items.push_back(PersonJson(person, {}, context));
    }
  };
  ServerResponse response =
      co_await ListLinks<Person>(std::move(request), std::move(read), std::move(add));
  co_return response;
}

namespace {

// Items of those whom somebody told of.
auto ItemsOf(absl::Time now, json::object (*item)(const Person&, const PersonContext&)) {
  return [now, item](const LinkPort& link, const std::vector<Person>& people, json::array& items) {
    const auto state = link.State();
    const auto policy = link.CurrentPolicy();
    const PersonContext context{*state, *policy, now};
    for (const Person& person : people) items.push_back(item(person, context));
  };
}

}  // namespace

asio::awaitable<ServerResponse> Api::ListTold(Request request, bool store::PeopleFilter::*told,
                                              ItemOf item) {
  ReadPage<Person> read = [this, told](const monitor::LinkName& link, const std::string& cursor,
                                       size_t limit) {
    store::PeopleFilter filter;
    filter.*told = true;
    return parts_.store.ListPeople(link, filter, cursor, limit);
  };
  AddItems<Person> add = ItemsOf(parts_.clock.Wall(), item);
  ServerResponse response =
      co_await ListLinks<Person>(std::move(request), std::move(read), std::move(add));
  co_return response;
}

// Computed from what is stored, a page at a time: nothing of it is kept.
asio::awaitable<ServerResponse> Api::Unmanaged(Request request) {
  std::optional<monitor::UnmanagedKind> kind;
  if (const std::string text(request.Query("kind")); !text.empty()) {
    kind = monitor::ParseUnmanagedKind(text);
    if (!kind) {
      co_return ErrorResponse(
          InvalidError(Cat("the report has no kind \"", Printable(text, 60), "\"")));
    }
  }
  const absl::Time now = parts_.clock.Wall();
  ReadPage<Person> read = [this, kind, now](const monitor::LinkName& name,
                                            const std::string& cursor, size_t limit) {
    const LinkPort& link = *FindLink(name.value);
    store::PeopleFilter filter;
    filter.where = [kind, now, state = link.State(),
                    policy = link.CurrentPolicy()](const Person& person) {
      const auto listed = monitor::UnmanagedAs(person, *state, *policy, now);
      return listed && (!kind || listed->kind == *kind);
    };
    // Of a link that is not read completely nobody is listed, and nobody has to be looked at.
    if (!monitor::BothSidesRead(*link.State(), *link.CurrentPolicy())) {
      return StatusOr<store::Page<Person>>(store::Page<Person>());
    }
    return parts_.store.ListPeople(name, filter, cursor, limit);
  };
  AddItems<Person> add = ItemsOf(now, UnmanagedJson);
  json::array not_evaluated;
  const std::string wanted(request.Query("link"));
  for (const LinkPort* link : parts_.links) {
    if (!wanted.empty() && link->link().value != wanted) continue;
    json::value why = NotEvaluatedJson(*link->State(), *link->CurrentPolicy());
    if (!why.is_null()) not_evaluated.push_back(std::move(why));
  }
  auto list = co_await CollectLinks<Person>(std::move(request), std::move(read), std::move(add));
  if (!list.ok()) co_return ErrorResponse(list.status());
  (*list)["not_evaluated"] = std::move(not_evaluated);
  co_return JsonResponse(200, *list);
}

asio::awaitable<ServerResponse> Api::Exemptions(Request request) {
  return ListTold(std::move(request), &store::PeopleFilter::exempted, ExemptionJson);
}

asio::awaitable<ServerResponse> Api::ExpectedLeavers(Request request) {
  return ListTold(std::move(request), &store::PeopleFilter::expected, LeaverJson);
}

// Everything written of one person, oldest first, a page at a time.
asio::awaitable<ServerResponse> Api::Timeline(Request request, size_t link_index,
                                              PersonOrdinal person) {
  const auto limit = LimitOf(request);
  if (!limit.ok()) co_return ErrorResponse(limit.status());
  const monitor::LinkName& link = parts_.links[link_index]->link();
  uint64_t after = 0;
  if (request.HasQuery("cursor")) {
    const auto place = PlaceOf(request);
    if (!place.ok()) co_return ErrorResponse(place.status());
    const std::optional<uint64_t> seq = ParseUint64(place->cursor);
    if (!seq || place->link != link_index) {
      co_return ErrorResponse(InvalidError("the cursor is not one that this list gave out"));
    }
    after = *seq;
  }
  auto read = [this, &link, person, after, count = *limit] {
    return parts_.store.PersonEvidenceAfter(link, person, after, count);
  };
  const auto entries = co_await OnLane(parts_.read_lane, std::move(read));
  if (!entries.ok()) co_return ErrorResponse(entries.status());
  std::string next;
  if (entries->size() == *limit) next = Cat(link.value, ":", entries->back().seq);
  co_return ListResponse(TimelineJson(*entries), next);
}

asio::awaitable<ServerResponse> Api::User(Request request, std::string text, std::string part) {
  auto read = [this, &text, &part]() -> StatusOr<std::vector<PersonRecords>> {
    DW_ASSIGN_OR_RETURN(const auto found, parts_.store.Find(text));
    std::vector<PersonRecords> out;
    for (const auto& [link, ordinal] : found) {
      PersonRecords records;
      while (records.link < parts_.links.size() && parts_.links[records.link]->link() != link) {
        ++records.link;
      }
      if (records.link == parts_.links.size()) continue;  // a link that is no longer configured
      DW_RETURN_IF_ERROR(LoadOne(parts_.store, link, ordinal, records));
      if (!records.person.has_value()) continue;
      DW_ASSIGN_OR_RETURN(records.actions,
                          parts_.store.PersonActions(link, ordinal, kActionsOfPerson));
      if (part.empty()) {
        DW_ASSIGN_OR_RETURN(records.timeline,
                            parts_.store.PersonEvidence(link, ordinal, kTimelineLimit));
      }
      out.push_back(std::move(records));
    }
    return out;
  };
  const auto found = co_await OnLane(parts_.read_lane, std::move(read));
  if (!found.ok()) co_return ErrorResponse(found.status());
  if (found->empty()) {
    co_return ErrorResponse(NobodyIs(text));
  }
  if (found->size() > 1) {
    std::vector<std::string> ids;
    for (const PersonRecords& records : *found) {
      ids.push_back(
          monitor::PersonIdText(parts_.links[records.link]->link(), records.person->ordinal));
    }
    co_return SeveralPeople(text, ids);
  }
  const PersonRecords& records = found->front();
  if (part == "timeline") {
    ServerResponse response =
        co_await Timeline(std::move(request), records.link, records.person->ordinal);
    co_return response;
  }
  const auto state = parts_.links[records.link]->State();
  const auto policy = parts_.links[records.link]->CurrentPolicy();
  const PersonContext context{*state, *policy, parts_.clock.Wall()};
  if (part == "explain") {
    co_return JsonResponse(200, ExplainJson(records.people, records.person->ordinal, context));
  }
  if (!part.empty()) {
    co_return ErrorResponse(NotFoundError("users/{id} has timeline and explain below it"));
  }
  json::object out = PersonJson(*records.person, records.actions, context);
  out["timeline"] = TimelineJson(records.timeline);
  co_return JsonResponse(200, out);
}

asio::awaitable<ServerResponse> Api::Episodes(Request request) {
  const bool open_only = request.Query("open") == "true";
  ReadPage<Episode> read = [this, open_only](const monitor::LinkName& link,
                                             const std::string& cursor, size_t limit) {
    return parts_.store.ListEpisodes(link, open_only, cursor, limit);
  };
  AddItems<Episode> add = [](const LinkPort&, const std::vector<Episode>& episodes,
                             json::array& items) {
    for (const Episode& episode : episodes) items.push_back(EpisodeJson(episode));
  };
  ServerResponse response =
      co_await ListLinks<Episode>(std::move(request), std::move(read), std::move(add));
  co_return response;
}

asio::awaitable<ServerResponse> Api::OneEpisode(std::string id) {
  auto read = [this, &id] { return parts_.store.LoadEpisode(monitor::EpisodeId(id)); };
  const auto episode = co_await OnLane(parts_.read_lane, std::move(read));
  if (!episode.ok()) co_return ErrorResponse(episode.status());
  if (!episode->has_value()) {
    co_return ErrorResponse(NotFoundError(Cat("there is no episode \"", Printable(id, 80), "\"")));
  }
  co_return JsonResponse(200, EpisodeJson(**episode));
}

namespace {

// With the name of whom it is on, for people to read: an id says nothing to them.
struct NamedAction {
  Action action;
  std::string name;  // empty: that person is no longer known
};

std::string NameOf(const Person& person) {
  if (!UpnOf(person).empty() || person.facts.ad.empty()) return UpnOf(person);
  return person.facts.ad.front().sam_account_name;
}

StatusOr<store::Page<NamedAction>> ListNamedActions(store::StateStore& store,
                                                    const monitor::LinkName& link,
                                                    const std::string& cursor, size_t limit) {
  DW_ASSIGN_OR_RETURN(auto page, store.ListActions(link, cursor, limit));
  store::PeopleKeys keys;
  for (const Action& action : page.items) keys.ordinals.push_back(action.person);
  DW_ASSIGN_OR_RETURN(const auto people, store.LoadPeople(link, keys));
  store::Page<NamedAction> out;
  out.next_cursor = page.next_cursor;
  for (Action& action : page.items) {
    const auto person = people.by_ordinal.find(action.person);
    std::string name = person == people.by_ordinal.end() ? "" : NameOf(person->second);
    out.items.push_back({std::move(action), std::move(name)});
  }
  return out;
}

}  // namespace

asio::awaitable<ServerResponse> Api::Actions(Request request) {
  ReadPage<NamedAction> read = [this](const monitor::LinkName& link, const std::string& cursor,
                                      size_t limit) {
    return ListNamedActions(parts_.store, link, cursor, limit);
  };
  AddItems<NamedAction> add = [](const LinkPort& link, const std::vector<NamedAction>& actions,
                                 json::array& items) {
    for (const NamedAction& named : actions) {
      json::object item = ActionJson(named.action, link.link());
      item["user_name"] =
          named.name.empty() ? json::value(nullptr) : json::value(SafeText(named.name));
      items.push_back(std::move(item));
    }
  };
  ServerResponse response =
      co_await ListLinks<NamedAction>(std::move(request), std::move(read), std::move(add));
  co_return response;
}

asio::awaitable<ServerResponse> Api::Evidence(Request request) {
  const auto limit = LimitOf(request);
  const auto place = PlaceOf(request);
  if (!limit.ok()) co_return ErrorResponse(limit.status());
  if (!place.ok()) co_return ErrorResponse(place.status());
  if (parts_.links.empty()) co_return ListResponse(json::array(), "");
  if (!request.HasQuery("link") && parts_.links.size() > 1 && place->cursor.empty()) {
    co_return ErrorResponse(InvalidError("a chain belongs to one link; add ?link=NAME"));
  }
  LinkPort* link = parts_.links[place->link];
  const std::optional<uint64_t> from = place->cursor.empty() ? 1 : ParseUint64(place->cursor);
  if (!from) {
    co_return ErrorResponse(InvalidError("the cursor is not one that this list gave out"));
  }
  const size_t count = *limit;
  auto read = [this, link, first = *from, count] {
    return parts_.store.Evidence(link->link(), first, count);
  };
  const auto entries = co_await OnLane(parts_.read_lane, std::move(read));
  if (!entries.ok()) co_return ErrorResponse(entries.status());
  json::array items;
  for (const EvidenceEntry& entry : *entries) items.push_back(EvidenceJson(entry));
  std::string next;
  if (entries->size() == count) next = Cat(link->link().value, ":", entries->back().seq + 1);
  co_return ListResponse(std::move(items), next);
}

}  // namespace driftwarden::daemon
