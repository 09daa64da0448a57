#pragma once

// Merging observations into the people of a command. Internal to the core.

#include <vector>

#include "monitor/transaction.h"

namespace driftwarden::monitor {

// Merges each look, joins halves, records what changed as evidence, and judges everybody touched.
// True when something watched changed.
bool MergeObservations(Transaction& tx, const std::vector<Observation>& observations,
                       bool in_baseline);

}  // namespace driftwarden::monitor
