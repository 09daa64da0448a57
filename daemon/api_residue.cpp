// reports/residue: what people who left still have in the tenant. Told, never judged; what was not
// read is "not evaluated" and never clean.

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "daemon/api.h"
#include "daemon/api_json.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::Episode;
using monitor::Person;
using monitor::PersonOrdinal;
using monitor::Residue;
using monitor::ResidueArea;
using monitor::ResidueFindings;
using monitor::ResidueItem;
using monitor::ResidueOutcome;
using net::ServerResponse;

namespace {

constexpr absl::Duration kResidueWindow = absl::Hours(24 * 30);
constexpr size_t kEpisodesALook = 200;
constexpr size_t kLooksAPage = 10;

// Nothing in a tenant tells of these.
constexpr std::pair<const char*, const char*> kNeverEvaluated[] = {
    {"saas_accounts", "accounts of their own in other services are not seen from the tenant"},
    {"application_sessions", "sessions that applications keep are not seen from the tenant"}};

StatusOr<absl::Time> ResidueMoment(const net::ServerRequest& request, std::string_view name,
                                   absl::Time now, absl::Time otherwise) {
  const std::string text(request.Query(name));
  if (text.empty()) return otherwise;
  if (const auto at = ParseRfc3339(text)) return *at;
  const auto ago = ParseDuration(text);
  if (ago.ok()) return now - *ago;
  return InvalidError(Cat(name, " is neither a time such as 2026-11-01T00:00:00Z nor so long ago, ",
                          "such as 30d: \"", Printable(text, 60), "\""));
}

// One departure with what is known of what it left.
struct ResidueRow {
  Episode episode;
  std::optional<Person> person;
  std::optional<Residue> residue;
};

struct ResidueAsked {
  absl::Time from;
  absl::Time to;
  bool Wants(const Episode& episode) const {
    return episode.OfDeparture() && episode.opened <= to &&
           (!episode.closed || *episode.closed >= from);
  }
};

// Blocks: for the read lane. A person's last departure stands for the ones before it.
StatusOr<std::vector<ResidueRow>> LoadResidueRows(store::StateStore& store,
                                                  const monitor::LinkName& link,
                                                  std::vector<Episode> episodes,
                                                  const ResidueAsked& asked) {
  std::vector<ResidueRow> rows;
  store::PeopleKeys keys;
  for (Episode& episode : episodes) {
    if (!asked.Wants(episode)) continue;
    DW_ASSIGN_OR_RETURN(const auto own, store.PersonEpisodes(link, episode.person, 10));
    const auto last =
        std::find_if(own.begin(), own.end(), [](const Episode& e) { return e.OfDeparture(); });
    if (last != own.end() && last->id != episode.id) continue;
    keys.ordinals.push_back(episode.person);
    rows.push_back({std::move(episode), std::nullopt, std::nullopt});
  }
  if (rows.empty()) return rows;
  DW_ASSIGN_OR_RETURN(const auto people, store.LoadPeople(link, keys));
  DW_ASSIGN_OR_RETURN(const auto read, store.LoadResidue(link, keys.ordinals));
  for (ResidueRow& row : rows) {
    const auto person = people.by_ordinal.find(row.episode.person);
    if (person != people.by_ordinal.end()) row.person = person->second;
    const auto residue = read.find(row.episode.person);
    if (residue != read.end()) row.residue = residue->second;
  }
  return rows;
}

// A page, short of `limit` at most by what one look at the list brings; it ends early rather than
// look at everybody who ever left.
StatusOr<store::Page<ResidueRow>> ReadResiduePage(store::StateStore& store,
                                                  const monitor::LinkName& link,
                                                  const ResidueAsked& asked, std::string cursor,
                                                  size_t limit) {
  store::Page<ResidueRow> page;
  page.next_cursor = std::move(cursor);
  for (size_t look = 0; look < kLooksAPage && page.items.size() < limit; ++look) {
    const size_t room = std::min(kEpisodesALook, limit - page.items.size());
    DW_ASSIGN_OR_RETURN(auto episodes, store.ListEpisodes(link, false, page.next_cursor, room));
    DW_ASSIGN_OR_RETURN(auto rows, LoadResidueRows(store, link, std::move(episodes.items), asked));
    std::move(rows.begin(), rows.end(), std::back_inserter(page.items));
    page.next_cursor = episodes.next_cursor;
    if (page.next_cursor.empty()) break;
  }
  return page;
}

// Whether something came after the departure; null where that cannot be told.
json::value AfterDeparture(const std::optional<absl::Time>& at, const TimeBounds& departed) {
  if (!at) return nullptr;
  if (*at >= departed.hi) return true;
  return *at < departed.lo ? json::value(false) : json::value(nullptr);
}

json::object ResidueItemJson(const ResidueItem& item) {
  json::object out;
  out["id"] = SafeText(item.id);
  out["name"] = item.name.empty() ? json::value(nullptr) : json::value(SafeText(item.name));
  out["kind"] = SafeText(item.kind);
  out["detail"] = item.detail.empty() ? json::value(nullptr) : json::value(SafeText(item.detail));
  out["at"] = item.at ? TimeJson(*item.at) : json::value(nullptr);
  return out;
}

json::array ResidueItemsJson(ResidueArea area, const ResidueFindings& findings,
                             const TimeBounds& departed) {
  json::array items;
  for (const ResidueItem& item : findings.items) {
    json::object out = ResidueItemJson(item);
    if (area == ResidueArea::kMethods) {
      const json::value after = AfterDeparture(item.at, departed);
      if (after.is_bool() && !after.get_bool()) continue;  // had before, as everybody has
      out["after_departure"] = after;
    }
    items.push_back(std::move(out));
  }
  return items;
}

json::object NotEvaluatedJson(std::string_view area, std::string_view why,
                              std::string_view detail) {
  json::object out;
  out["area"] = std::string(area);
  out["evaluated"] = false;
  out["reason"] = std::string(why);
  out["at"] = nullptr;
  out["detail"] = detail.empty() ? json::value(nullptr) : json::value(SafeText(detail));
  out["items"] = json::array();
  out["complete"] = false;
  return out;
}

json::object AreaJson(ResidueArea area, const ResidueRow& row) {
  const std::string_view name = ResidueAreaText(area);
  if (!row.person || !row.person->facts.entra) {
    return NotEvaluatedJson(name, "no_account", "no account in the tenant is known");
  }
  // What was read of an account that is not theirs any more says nothing.
  const bool theirs = row.residue && row.residue->entra_id == row.person->facts.entra->id;
  const auto known =
      theirs ? row.residue->areas.find(area) : monitor::ResidueAreas::const_iterator();
  if (!theirs || known == row.residue->areas.end()) {
    return NotEvaluatedJson(name, ResidueOutcomeText(ResidueOutcome::kNotRead), "");
  }
  const ResidueFindings& findings = known->second;
  json::object out = NotEvaluatedJson(name, ResidueOutcomeText(findings.outcome), findings.detail);
  out["at"] = TimeJson(findings.at);
  if (findings.outcome != ResidueOutcome::kEvaluated) return out;
  out["evaluated"] = true;
  out["reason"] = nullptr;
  out["items"] = ResidueItemsJson(area, findings, row.episode.departed);
  out["complete"] = findings.complete;
  return out;
}

json::object ResidueRowJson(const ResidueRow& row, const monitor::LinkName& link) {
  json::object out;
  out["id"] = monitor::PersonIdText(link, row.episode.person);
  out["link"] = link.value;
  out["upn"] = row.person ? SafeText(UpnOf(*row.person)) : json::string();
  out["tier"] = row.episode.tier.value;
  out["episode"] = row.episode.id.value;
  out["departed"] = BoundsJson(row.episode.departed);
  out["opened"] = TimeJson(row.episode.opened);
  out["closed"] = row.episode.closed ? TimeJson(*row.episode.closed) : json::value(nullptr);
  json::array areas;
  for (const ResidueArea area : monitor::kAllResidueAreas) areas.push_back(AreaJson(area, row));
  for (const auto& [area, why] : kNeverEvaluated) {
    areas.push_back(NotEvaluatedJson(area, "not_covered", why));
  }
  out["areas"] = std::move(areas);
  return out;
}

}  // namespace

asio::awaitable<ServerResponse> Api::ResidueReport(Request request) {
  const absl::Time now = parts_.clock.Wall();
  const auto limit = LimitOf(request);
  const auto place = PlaceOf(request);
  const auto to = ResidueMoment(request, "to", now, now);
  const auto from = ResidueMoment(request, "from", now, to.ok() ? *to - kResidueWindow : now);
  Status wrong = limit.status();
  wrong.Update(place.status());
  wrong.Update(to.status());
  wrong.Update(from.status());
  if (!wrong.ok()) co_return ErrorResponse(wrong);
  if (*from > *to) co_return ErrorResponse(InvalidError("from must not be later than to"));
  const ResidueAsked asked{*from, *to};
  const bool one_link = request.HasQuery("link");
  json::array items;
  std::string cursor = place->cursor;
  json::value next;
  for (size_t i = place->link; i < parts_.links.size() && next.is_null(); ++i) {
    const monitor::LinkName& link = parts_.links[i]->link();
    const size_t room = *limit - items.size();
    auto read = [this, &link, &asked, &cursor, room] {
      return ReadResiduePage(parts_.store, link, asked, cursor, room);
    };
    const auto page = co_await OnLane(parts_.read_lane, std::move(read));
    if (!page.ok()) co_return ErrorResponse(page.status());
    for (const ResidueRow& row : page->items) items.push_back(ResidueRowJson(row, link));
    cursor = page->next_cursor;
    const bool more_links = !one_link && i + 1 < parts_.links.size();
    if (!cursor.empty()) {
      next = Cat(link.value, ":", cursor);
    } else if (items.size() >= *limit && more_links) {
      next = Cat(parts_.links[i + 1]->link().value, ":");
    }
    if (one_link) break;
  }
  json::object out;
  out["items"] = std::move(items);
  out["next_cursor"] = std::move(next);
  co_return JsonResponse(200, out);
}

}  // namespace driftwarden::daemon
