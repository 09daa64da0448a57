#pragma once

// How long things took, as two bounds: what is known of a begin and of an end are intervals, and
// the clocks that stamped them differ. Pure.

#include <optional>
#include <string>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

struct LagBounds {
  absl::Duration lo;
  absl::Duration hi;     // InfiniteDuration: nothing bounds the begin from below
  bool running = false;  // the end has not come: until now
  // The end is recorded as before the whole of the begin: clocks differ, or it happened in that
  // order. Both bounds are raised to zero, and the metrics count it.
  bool clamped = false;
  // What a histogram observes: `hi`, so that an objective counts as met only when it surely was.
  // Where the begin is known to more than two polls only, from its late bound to the end's, as the
  // timers count: `hi` would tell how long nobody looked.
  absl::Duration observed;
  friend bool operator==(const LagBounds&, const LagBounds&) = default;
};

// When somebody left, and how sure that is.
struct DepartureTime {
  TimeBounds at;
  absl::Duration skew;  // of the source's clock
  bool uncertain = false;
};
// Of the open episode, else as the account shows it. Nothing: nobody departed.
std::optional<DepartureTime> DepartureTimeOf(const Person& person, const LinkState& link,
                                             const Policy& policy);
// `to` is by our clock, or widened by its own clock's skew already.
LagBounds LagSince(const DepartureTime& from, const TimeBounds& to);

struct Lags {
  // AD disable or deletion to the Entra one. Not of who was out of Entra before and is back: that
  // is no second departure.
  std::optional<LagBounds> disable;
  // ... to the first attributed revocation that is still known.
  std::optional<LagBounds> revocation;
  // The originating time of the AD disable to our first look that showed it. Only where the
  // directory stamped it and the account was seen enabled before.
  std::optional<LagBounds> replication;
};
Lags LagsOf(const Person& person, const LinkState& link, const Policy& policy, absl::Time now);

// "12 min 3 s", "1 h 0 min 4 s", "350 ms".
std::string PreciseText(absl::Duration d);
// "between 12 min 3 s and 12 min 33 s", "at least 12 min 3 s, still running".
std::string LagText(const LagBounds& lag);

}  // namespace driftwarden::monitor
