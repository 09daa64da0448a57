#pragma once

// Growing waits with jitter: the n-th wait is uniform in [d/2, d], d = initial * 2^n, capped.

#include <algorithm>

#include "absl/time/time.h"
#include "base/rng.h"

namespace driftwarden {

class Backoff {
 public:
  // `rng` must outlive it. initial > 0, cap >= initial.
  Backoff(absl::Duration initial, absl::Duration cap, Rng& rng)
      : initial_(initial), cap_(cap), next_(initial), rng_(rng) {}

  absl::Duration Next() {
    const absl::Duration wait = next_ * (0.5 + rng_.Unit() / 2);
    next_ = std::min(next_ * 2, cap_);
    ++failures_;
    return wait;
  }
  void Reset() {
    next_ = initial_;
    failures_ = 0;
  }
  int failures() const { return failures_; }

 private:
  const absl::Duration initial_;
  const absl::Duration cap_;
  absl::Duration next_;
  int failures_ = 0;
  Rng& rng_;
};

}  // namespace driftwarden
