#pragma once

// Time is passed in. Only base/time.cpp reads a real clock; everything else takes a Clock or a
// `now`. Facts carry an interval, because what we know of a moment is usually two bounds.

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace driftwarden {

// Thread-safe. Wall is for facts and stored deadlines, Steady (since an arbitrary start) for
// measuring and for waiting.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Wall() const = 0;
  virtual absl::Duration Steady() const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  absl::Time Wall() const override;
  absl::Duration Steady() const override;
};

// The closed interval of wall time in which something became true. lo may be InfinitePast.
struct TimeBounds {
  absl::Time lo = absl::InfinitePast();
  absl::Time hi = absl::InfinitePast();

  static TimeBounds Exactly(absl::Time at) { return {at, at}; }
  absl::Duration Width() const { return hi - lo; }
  friend bool operator==(const TimeBounds&, const TimeBounds&) = default;
};

// RFC 3339 UTC with up to microseconds, trailing zeros dropped ("2026-11-21T02:00:00Z"). Infinite
// times give "infinite-past" and "infinite-future".
std::string FormatRfc3339(absl::Time at);
// Accepts RFC 3339 with Z or an offset and any number of fraction digits.
std::optional<absl::Time> ParseRfc3339(std::string_view text);

}  // namespace driftwarden
