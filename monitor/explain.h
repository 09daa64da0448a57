#pragma once

// Why a verdict is what it is and what happens next, as data and in words. Internal to the core;
// the results are in Verdict.

#include <string>

#include "monitor/situation.h"
#include "monitor/verdict.h"

namespace driftwarden::monitor {

struct NextReview {
  absl::Time at = absl::InfiniteFuture();
  std::string what;
};

// The earliest moment at which the verdict can change although no fact does, and what then happens.
// Always later than `now`: what waits for evidence is looked at again soon.
NextReview NextReviewOf(const Situation& s, const Verdict& verdict);

Because BecauseOf(const Situation& s, const Verdict& verdict);

}  // namespace driftwarden::monitor
