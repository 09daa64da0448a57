#include "daemon/text_replay.h"

#include <cstdio>
#include <vector>

#include "base/strings.h"
#include "base/time.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"
#include "daemon/text_time.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

// Who is listed under one policy before the JSON has to be asked.
constexpr size_t kPeopleShown = 20;

std::string Fixed(const json::value& number) {
  char text[32];
  const double value = number.is_double() ? number.as_double() : 0.0;
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string TiersText(const json::value& row) {
  const json::value& tiers = Field(row, "paged_by_tier");
  std::string out;
  if (!tiers.is_object()) return out;
  for (const auto& entry : tiers.as_object()) {
    out += Cat(out.empty() ? "" : ", ", std::string(entry.key()), " ", TextOf(entry.value()));
  }
  return out;
}

TextRow RowCells(const json::value& row) {
  return {TextAt(row, "name"),
          TextAt(row, "people_paged"),
          TextAt(row, "people_critical"),
          TextAt(row, "pages"),
          Fixed(Field(row, "pages_per_day")),
          TextAt(row, "people_revoked"),
          TextAt(row, "people_sealed"),
          Cat(TextAt(row, "revocations_most_in_10_min"), " / ",
              TextAt(row, "revocations_most_in_an_hour")),
          TextAt(row, "as_recorded"),
          TiersText(row)};
}

const TextRow kHeader = {"POLICY",  "PAGED",  "CRITICAL",           "PAGES",   "A DAY",
                         "REVOKED", "SEALED", "CALLS 10 MIN / 1 H", "AS THEN", "PAGED BY TIER"};

// Everybody of what was recorded; of a policy only whom it treats in another way.
std::string PeopleText(const json::value& row, bool recorded) {
  std::vector<TextRow> rows;
  size_t all = 0;
  const auto add = [&](const json::value& entry, const char* mark) {
    ++all;
    if (rows.size() >= kPeopleShown) return;
    const json::value& page = Field(entry, "page");
    rows.push_back({mark, TextAt(entry, "upn"), TextAt(entry, "tier"), TextAt(page, "severity"),
                    TextAt(page, "kind"), TextAt(page, "at"), TextAt(page, "until"),
                    TextAt(entry, "revoked_at"), TextAt(entry, "id")});
  };
  for (const json::value& entry : ListAt(row, "people")) {
    if (recorded || !FlagAt(entry, "as_recorded")) add(entry, recorded ? "  " : "  other");
  }
  for (const json::value& entry : ListAt(row, "spared")) add(entry, "  spared");
  std::string out;
  if (!rows.empty()) {
    out += RenderTable({"  ", "USER", "TIER", "SEVERITY", "KIND", "AT", "UNTIL", "REVOKED", "ID"},
                       rows);
  }
  if (all > rows.size()) out += Cat("  and ", all - rows.size(), " more: --format json\n");
  for (const json::value& miss : ListAt(row, "closest")) {
    out += Cat("  not paged: ", TextAt(miss, "upn"), ", live for ", TextAt(miss, "lag"),
               Field(miss, "lag_bounds").is_object()
                   ? Cat(" (", LagLine(Field(miss, "lag_bounds")), " by the sources' times)")
                   : std::string(),
               ", ", TextAt(miss, "short_of_a_warning"), " short of a warning\n");
  }
  return out;
}

// What the rows are to be compared with.
std::string LinksText(const json::value& answer) {
  std::string out;
  for (const json::value& link : ListAt(answer, "links")) {
    out += Cat(TextAt(link, "name"), ": budgets of ", TextAt(link, "budget_10_min"),
               " calls in 10 min and ", TextAt(link, "budget_hour"), " in an hour");
    const std::string since = TextAt(link, "policy_since");
    if (ParseRfc3339(since) > ParseRfc3339(TextAt(answer, "from"))) {
      out += Cat("; the present policy is in force since ", since,
                 ", what was recorded before was judged by another");
    }
    out += "\n";
  }
  return out;
}

// Whether the record bears out what is assumed.
std::string TrustText(const json::value& answer) {
  for (const json::value& row : ListAt(answer, "rows")) {
    if (TextAt(row, "name") != "present policy") continue;
    const int64_t otherwise = NumberAt(answer, "evaluated") - NumberAt(row, "as_recorded");
    if (otherwise == 0) return "the present policy gives what was recorded, for everybody\n";
    return Cat("the present policy gives something else than was recorded for ", otherwise,
               " people: it was another one then, or something assumed was not so\n");
  }
  return "";
}

}  // namespace

std::string ReplayText(const json::value& answer) {
  std::string links;
  for (const json::value& link : ListAt(answer, "links")) {
    links += Cat(links.empty() ? "" : ", ", TextAt(link, "name"));
  }
  std::string out = Cat(TextAt(answer, "from"), " to ", TextAt(answer, "to"), ", link ", links,
                        ": ", TextAt(answer, "evaluated"), " people had something open, ",
                        TextAt(answer, "not_evaluated"), " not evaluated");
  const json::value& reasons = Field(answer, "not_evaluated_because");
  if (reasons.is_object()) {
    for (const auto& entry : reasons.as_object()) {
      out += Cat(", ", TextOf(entry.value()), " ", std::string(entry.key()));
    }
  }
  out += Cat("\nthresholds below are those of tier ", TextAt(answer, "thresholds_of_tier"), "\n",
             LinksText(answer), TrustText(answer), "\n");
  std::vector<TextRow> rows;
  for (const json::value& row : ListAt(answer, "rows")) rows.push_back(RowCells(row));
  out += RenderTable(kHeader, rows);
  for (const json::value& row : ListAt(answer, "rows")) {
    const std::string people = PeopleText(row, TextAt(row, "name") == "recorded");
    if (!people.empty()) out += Cat("\n", TextAt(row, "name"), "\n", people);
  }
  out += "\nassumed:\n";
  for (const json::value& line : ListAt(answer, "assumed")) out += Cat("  ", TextOf(line), "\n");
  return out;
}

std::string ReplayCsv(const json::value& answer) {
  std::vector<TextRow> rows;
  for (const json::value& row : ListAt(answer, "rows")) {
    TextRow cells;
    for (const char* name : {"name", "people_paged", "people_critical", "pages"}) {
      cells.push_back(TextAt(row, name));
    }
    cells.push_back(Fixed(Field(row, "pages_per_day")));
    for (const char* name : {"people_revoked", "people_sealed", "revocations_most_in_10_min",
                             "revocations_most_in_an_hour", "as_recorded"}) {
      cells.push_back(TextAt(row, name));
    }
    rows.push_back(std::move(cells));
  }
  return RenderCsv(
      {"policy", "people_paged", "people_critical", "pages", "pages_per_day", "people_revoked",
       "people_sealed", "most_in_10_min", "most_in_an_hour", "as_recorded"},
      rows);
}

}  // namespace driftwarden::daemon
