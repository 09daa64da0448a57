#pragma once

// The decision: what a person's state is, which drift is open, what is wanted, and when to look
// again. Pure and total; every figure it compares is in `because`.

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

// What an evaluation may not do, beyond what the records say.
struct EvaluateOptions {
  bool clock_suspect = false;  // our own clock: no verdict that only time brings about
  bool explain = true;         // fill `next` and `because`
};

Verdict Evaluate(const Person& person, const LinkState& link, const Policy& policy, absl::Time now,
                 const EvaluateOptions& options = {});

// Kinds without a departure whose cause is there now, whether or not they would open yet; sorted.
std::vector<DriftKind> HoldingKinds(const Person& person, const LinkState& link,
                                    const Policy& policy, absl::Time now);

// How soon people may be judged by what a source last said.
bool SourceIsStale(const SourceState& source, absl::Duration stale_after, absl::Time now);

}  // namespace driftwarden::monitor
