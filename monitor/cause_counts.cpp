#include "monitor/cause_counts.h"

#include <algorithm>

namespace driftwarden::monitor {
namespace {

constexpr int kSlicesOfWindow = 15;
constexpr absl::Duration kWaitingGrid = absl::Seconds(1);

absl::Time Floor(absl::Time at, absl::Duration grid) {
  return absl::UnixEpoch() + absl::Floor(at - absl::UnixEpoch(), grid);
}

// The tenant names why this account is not carried: that is no fault of the engine's.
bool HasReasonOfOwn(const Person& person) {
  const auto& entra = person.facts.entra;
  return entra && (entra->provisioning_error || entra->cloud_managed == Tri::kYes);
}

bool IsWaitingPhase(State phase) {
  return phase == State::kPending || phase == State::kLagging || phase == State::kBreached ||
         phase == State::kContained;
}

// The two neighbours that lie closest together become one.
void MergeClosest(std::vector<WaitingSlice>& slices) {
  auto best = slices.begin();
  absl::Duration least = absl::InfiniteDuration();
  for (auto it = slices.begin(); it + 1 != slices.end(); ++it) {
    const absl::Duration span = (it + 1)->upto - it->from;
    if (span < least) {
      least = span;
      best = it;
    }
  }
  (best + 1)->from = best->from;
  (best + 1)->people += best->people;
  slices.erase(best);
}

}  // namespace

void CountRecent(std::vector<RecentSlice>& slices, absl::Time at, absl::Time now,
                 absl::Duration window) {
  const absl::Time from = Floor(at, std::max(window / kSlicesOfWindow, absl::Seconds(1)));
  auto slice = std::lower_bound(slices.begin(), slices.end(), from,
                                [](const RecentSlice& s, absl::Time t) { return s.from < t; });
  if (slice == slices.end() || slice->from != from) slice = slices.insert(slice, {from, 0, now});
  ++slice->count;
  slice->counted = now;
  if (slices.size() > kSlicesKept) slices.erase(slices.begin());
}

void ForgetRecent(std::vector<RecentSlice>& slices, absl::Time now, absl::Duration window) {
  std::erase_if(slices, [&](const RecentSlice& s) { return s.counted <= now - window; });
}

Crowd MostWithin(const std::vector<RecentSlice>& slices, absl::Duration window) {
  Crowd most;
  for (auto first = slices.begin(); first != slices.end(); ++first) {
    Crowd crowd{0, first->from, first->from};
    for (auto it = first; it != slices.end() && it->from < first->from + window; ++it) {
      crowd.count += it->count;
      crowd.until = it->from + window / kSlicesOfWindow;
    }
    if (crowd.count > most.count) most = crowd;
  }
  return most;
}

std::optional<absl::Time> WaitsSince(const Person& person) {
  if (!person.episode || !IsWaitingPhase(person.phase) || HasReasonOfOwn(person)) {
    return std::nullopt;
  }
  const AdHalf* ad = person.facts.DecidingAd();
  if (ad == nullptr || !Departed(*ad)) return std::nullopt;
  const absl::Time seen = DepartureSeen(*ad);
  if (seen == absl::InfinitePast() || seen == absl::InfiniteFuture()) return std::nullopt;
  return seen;
}

void CountWaiting(std::vector<WaitingSlice>& slices, const Person& person, int64_t sign) {
  const auto since = WaitsSince(person);
  if (!since) return;
  auto slice = std::lower_bound(slices.begin(), slices.end(), *since,
                                [](const WaitingSlice& s, absl::Time t) { return s.upto < t; });
  if (slice == slices.end() || slice->from >= *since) {
    absl::Time upto = Floor(*since, kWaitingGrid);
    if (upto < *since) upto += kWaitingGrid;
    absl::Time from = upto - kWaitingGrid;
    if (slice != slices.end()) upto = std::min(upto, slice->from);
    if (slice != slices.begin()) from = std::max(from, (slice - 1)->upto);
    slice = slices.insert(slice, {from, upto, 0});
  }
  slice->people += sign;
  if (slice->people == 0) slices.erase(slice);
  if (slices.size() > kSlicesKept) MergeClosest(slices);
}

int64_t WaitingBetween(const std::vector<WaitingSlice>& slices, absl::Time after, absl::Time upto) {
  int64_t people = 0;
  for (const WaitingSlice& slice : slices) {
    if (slice.from >= after && slice.upto <= upto) people += slice.people;
  }
  return std::max<int64_t>(people, 0);
}

}  // namespace driftwarden::monitor
