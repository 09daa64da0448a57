#include "daemon/api_replay.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "daemon/api_json.h"
#include "monitor/policy.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::ReplayCandidate;
using monitor::ReplayRow;

namespace {

constexpr absl::Duration kUsual = absl::Hours(24 * 30);
constexpr absl::Duration kLongest = absl::Hours(24 * 400);
constexpr size_t kMostCandidates = 12;

// RFC 3339, or so long ago.
StatusOr<absl::Time> MomentOf(const net::ServerRequest& request, std::string_view name,
                              absl::Time now, absl::Time otherwise) {
  const std::string text(request.Query(name));
  if (text.empty()) return otherwise;
  if (const auto at = ParseRfc3339(text)) return *at;
  const auto ago = ParseDuration(text);
  if (!ago.ok()) {
    return InvalidError(Cat(name,
                            " is neither a time such as 2026-11-01T00:00:00Z nor a duration "
                            "such as 30d: \"",
                            Printable(text, 60), "\""));
  }
  return now - *ago;
}

// A list of durations; one absent one when there is none, so that the rest combines with it.
StatusOr<std::vector<std::optional<absl::Duration>>> ListOf(const net::ServerRequest& request,
                                                            std::string_view name) {
  std::vector<std::optional<absl::Duration>> out;
  const std::string text(request.Query(name));
  if (text.empty()) return std::vector<std::optional<absl::Duration>>{std::nullopt};
  for (const std::string& part : SplitString(text, ',')) {
    const auto duration = ParseDuration(part);
    if (!duration.ok()) return Annotate(duration.status(), name);
    out.emplace_back(*duration);
  }
  return out;
}

StatusOr<std::vector<std::optional<monitor::Mode>>> ModesOf(const net::ServerRequest& request) {
  std::vector<std::optional<monitor::Mode>> out;
  const std::string text(request.Query("mode"));
  if (text.empty()) return std::vector<std::optional<monitor::Mode>>{std::nullopt};
  for (const std::string& part : SplitString(text, ',')) {
    const auto mode = monitor::ParseMode(part);
    if (mode != monitor::Mode::kObserve && mode != monitor::Mode::kAuto) {
      return InvalidError(Cat("mode is observe or auto, not \"", Printable(part, 40), "\""));
    }
    out.push_back(mode);
  }
  return out;
}

json::value PageJson(const std::optional<monitor::ReplayPage>& page) {
  if (!page) return nullptr;
  json::object out;
  out["at"] = TimeJson(page->at);
  out["until"] = TimeJson(page->until);
  out["severity"] = json::string(std::string(monitor::SeverityText(page->severity)));
  out["kind"] = json::string(std::string(monitor::DriftKindText(page->kind)));
  return out;
}

json::array EntriesJson(const std::vector<ReplayRow::Entry>& entries) {
  json::array out;
  for (const ReplayRow::Entry& entry : entries) {
    json::object item;
    item["id"] = entry.id;
    item["upn"] = SafeText(entry.upn);
    item["tier"] = entry.tier.value;
    item["page"] = PageJson(entry.page);
    item["revoked_at"] = entry.revoked ? TimeJson(*entry.revoked) : json::value(nullptr);
    item["as_recorded"] = entry.as_recorded;
    out.push_back(std::move(item));
  }
  return out;
}

json::object RowJson(const ReplayRow& row, absl::Duration length) {
  json::object out;
  out["name"] = row.name;
  out["people_paged"] = row.people_paged;
  out["people_critical"] = row.people_critical;
  out["pages"] = row.pages;
  const double days = absl::FDivDuration(length, absl::Hours(24));
  out["pages_per_day"] = days > 0 ? static_cast<double>(row.pages) / days : 0.0;
  out["people_revoked"] = row.people_revoked;
  out["people_sealed"] = row.people_sealed;
  out["revocations_most_in_10_min"] = row.most_in_10_min;
  out["revocations_most_in_an_hour"] = row.most_in_an_hour;
  out["as_recorded"] = row.as_recorded;
  json::object tiers;
  for (const auto& [tier, count] : row.paged_by_tier) tiers[tier.value] = count;
  out["paged_by_tier"] = std::move(tiers);
  out["people"] = EntriesJson(row.people);
  out["spared"] = EntriesJson(row.spared);
  json::array closest;
  for (const ReplayRow::NearMiss& miss : row.closest) {
    json::object item = {{"id", miss.id},
                         {"upn", SafeText(miss.upn)},
                         {"tier", miss.tier.value},
                         {"lag", HumanDuration(miss.lag)},
                         {"short_of_a_warning", HumanDuration(miss.short_of)}};
    item["lag_bounds"] = nullptr;
    if (miss.bounds) {
      item["lag_bounds"] = {{"lo", SecondsJson(miss.bounds->first)},
                            {"hi", SecondsJson(miss.bounds->second)}};
    }
    closest.push_back(std::move(item));
  }
  out["closest"] = std::move(closest);
  return out;
}

}  // namespace

StatusOr<ReplayRequest> ParseReplayRequest(const net::ServerRequest& request, absl::Time now) {
  ReplayRequest out;
  DW_ASSIGN_OR_RETURN(out.window.to, MomentOf(request, "to", now, now));
  out.window.to = std::min(out.window.to, now);
  DW_ASSIGN_OR_RETURN(out.window.from, MomentOf(request, "from", now, out.window.to - kUsual));
  if (out.window.from >= out.window.to) {
    return InvalidError(Cat("from, ", FormatRfc3339(out.window.from), ", must be earlier than ",
                            out.window.to == now ? "now, " : "to, ", FormatRfc3339(out.window.to)));
  }
  if (out.window.to - out.window.from > kLongest) {
    return InvalidError("from and to may lie 400 days apart at the most");
  }
  out.tier = std::string(request.Query("tier"));
  if (request.HasQuery("limit")) {
    const auto limit = ParseUint64(request.Query("limit"));
    if (!limit || *limit == 0 || *limit > 10'000) {
      return InvalidError("limit must be a whole number from 1 to 10000");
    }
    out.most_listed = static_cast<size_t>(*limit);
  }
  DW_ASSIGN_OR_RETURN(const auto warn, ListOf(request, "warn"));
  DW_ASSIGN_OR_RETURN(const auto revoke, ListOf(request, "revoke"));
  DW_ASSIGN_OR_RETURN(const auto breach, ListOf(request, "breach"));
  DW_ASSIGN_OR_RETURN(const auto settle, ListOf(request, "settle"));
  DW_ASSIGN_OR_RETURN(const auto modes, ModesOf(request));
  const size_t rows = warn.size() * revoke.size() * breach.size() * settle.size() * modes.size();
  if (rows > kMostCandidates) {
    return InvalidError(Cat("that makes ", rows, " rows, at most ", kMostCandidates,
                            " are compared in one go; name fewer values"));
  }
  ReplayCandidate candidate;
  if (!out.tier.empty()) candidate.tier = monitor::TierName(out.tier);
  for (const auto& w : warn) {
    for (const auto& r : revoke) {
      for (const auto& b : breach) {
        for (const auto& s : settle) {
          for (const auto& m : modes) {
            candidate.warn_after = w;
            candidate.revoke_after = r;
            candidate.breach_after = b;
            candidate.settle = s;
            candidate.mode = m;
            if (!candidate.Empty()) out.candidates.push_back(candidate);
          }
        }
      }
    }
  }
  return out;
}

std::string CandidateText(const ReplayCandidate& candidate) {
  std::vector<std::string> parts;
  const auto add = [&](const char* name, const std::optional<absl::Duration>& value) {
    if (value) parts.push_back(Cat(name, " ", FormatDurationText(*value)));
  };
  add("warn", candidate.warn_after);
  add("revoke", candidate.revoke_after);
  add("breach", candidate.breach_after);
  add("settle", candidate.settle);
  if (candidate.mode) parts.push_back(Cat("mode ", monitor::ModeText(*candidate.mode)));
  return parts.empty() ? "present policy" : JoinStrings(parts, ", ");
}

json::object ReplayJson(const ReplayRequest& request, const monitor::ReplayReport& report,
                        const std::vector<ReplayedLink>& links) {
  const absl::Duration length = request.window.to - request.window.from;
  json::object out;
  out["from"] = TimeJson(request.window.from);
  out["to"] = TimeJson(request.window.to);
  json::array about;
  for (const ReplayedLink& link : links) {
    about.push_back({{"name", link.name.value},
                     {"policy_since", TimeJson(link.policy_since)},
                     {"budget_10_min", link.budgets.per_10m},
                     {"budget_hour", link.budgets.per_hour}});
  }
  out["links"] = std::move(about);
  out["tier"] = request.tier.empty() ? json::value(nullptr) : json::value(request.tier);
  out["thresholds_of_tier"] = request.tier.empty() ? monitor::kStandard : request.tier;
  out["evaluated"] = report.evaluated();
  json::object reasons;
  uint64_t missing = 0;
  for (const auto& [reason, count] : report.not_evaluated()) {
    reasons[reason] = count;
    missing += count;
  }
  out["not_evaluated"] = missing;
  out["not_evaluated_because"] = std::move(reasons);
  out["assumed"] = json::array{
      "both sides were read all the time and agreed, logs of sign-ins too where they can be read",
      "every revocation succeeded at once; budgets and breakers held none back",
      "everybody has an alert of their own, also where one cause would be one alert",
      "people are of the tier they are of now, and the sync cycle is the one learned now",
      "drift whose facts are not in the evidence was told as it was recorded"};
  json::array rows;
  for (const ReplayRow& row : report.Rows()) {
    json::object item = RowJson(row, length);
    if (rows.empty()) item["alerts_sent"] = row.alerts_sent;
    rows.push_back(std::move(item));
  }
  out["rows"] = std::move(rows);
  return out;
}

}  // namespace driftwarden::daemon
