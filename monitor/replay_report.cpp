#include "monitor/replay_report.h"

#include <algorithm>
#include <utility>

namespace driftwarden::monitor {
namespace {

constexpr size_t kClosest = 5;

bool IsAnything(const ReplayOutcome& outcome) {
  return !outcome.pages.empty() || !outcome.revoked.empty();
}

// To whoever is paged the same: whether, how badly, and whether somebody was revoked.
bool IsAlike(const ReplayOutcome& a, const ReplayOutcome& b) {
  return a.Worst() == b.Worst() && a.pages.size() == b.pages.size() &&
         a.revoked.empty() == b.revoked.empty();
}

ReplayRow::Entry EntryOf(const ReplayedPerson& person, const ReplayOutcome& outcome) {
  ReplayRow::Entry entry;
  entry.id = person.id;
  entry.upn = person.upn;
  entry.tier = person.tier;
  if (!outcome.pages.empty()) entry.page = outcome.pages.front();
  if (entry.page) entry.page->severity = *outcome.Worst();
  if (!outcome.revoked.empty()) entry.revoked = outcome.revoked.front();
  entry.as_recorded = IsAlike(outcome, person.recorded);
  return entry;
}

uint64_t MostWithin(const std::vector<absl::Time>& sorted, absl::Duration window) {
  size_t most = 0;
  for (size_t first = 0, last = 0; last < sorted.size(); ++last) {
    while (sorted[last] - sorted[first] >= window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

void KeepClosest(std::vector<ReplayRow::NearMiss>& closest, ReplayRow::NearMiss miss) {
  closest.push_back(std::move(miss));
  std::stable_sort(closest.begin(), closest.end(),
                   [](const auto& a, const auto& b) { return a.short_of < b.short_of; });
  if (closest.size() > kClosest) closest.pop_back();
}

}  // namespace

ReplayReport::ReplayReport(const std::vector<std::string>& names, size_t most_listed)
    : most_listed_(most_listed), sums_(names.size() + 1) {
  sums_[0].row.name = "recorded";
  for (size_t i = 0; i < names.size(); ++i) sums_[i + 1].row.name = names[i];
}

void ReplayReport::Count(Sums& sums, const ReplayedPerson& person, const ReplayOutcome& outcome) {
  ReplayRow& row = sums.row;
  row.pages += outcome.pages.size();
  row.alerts_sent += outcome.alerts_sent;
  row.people_paged += outcome.pages.empty() ? 0 : 1;
  row.people_critical += outcome.Worst() == Severity::kCritical ? 1 : 0;
  row.people_revoked += outcome.revoked.empty() ? 0 : 1;
  row.people_sealed += outcome.sealed.empty() ? 0 : 1;
  row.as_recorded += IsAlike(outcome, person.recorded) ? 1 : 0;
  if (!outcome.pages.empty()) ++row.paged_by_tier[person.tier];
  sums.calls.insert(sums.calls.end(), outcome.revoked.begin(), outcome.revoked.end());
  sums.calls.insert(sums.calls.end(), outcome.sealed.begin(), outcome.sealed.end());
  if (IsAnything(outcome)) {
    if (row.people.size() < most_listed_) row.people.push_back(EntryOf(person, outcome));
  } else if (IsAnything(person.recorded) && row.spared.size() < most_listed_) {
    row.spared.push_back(EntryOf(person, person.recorded));
  }
}

void ReplayReport::Add(const ReplayedPerson& person) {
  ++evaluated_;
  Count(sums_[0], person, person.recorded);
  for (size_t i = 0; i < person.outcomes.size(); ++i) {
    const ReplayOutcome& outcome = person.outcomes[i];
    Count(sums_[i + 1], person, outcome);
    if (!outcome.pages.empty() || !outcome.longest_lag) continue;
    const absl::Duration lag = *outcome.longest_lag;
    KeepClosest(sums_[i + 1].row.closest, {person.id, person.upn, person.tier, lag,
                                           person.warn_after[i] - lag, outcome.longest_lag_bounds});
  }
}

std::vector<ReplayRow> ReplayReport::Rows() const {
  std::vector<ReplayRow> rows;
  for (const Sums& sums : sums_) {
    rows.push_back(sums.row);
    std::vector<absl::Time> calls = sums.calls;
    std::sort(calls.begin(), calls.end());
    rows.back().most_in_10_min = MostWithin(calls, absl::Minutes(10));
    rows.back().most_in_an_hour = MostWithin(calls, absl::Hours(1));
  }
  return rows;
}

}  // namespace driftwarden::monitor
