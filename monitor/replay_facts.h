#pragma once

// Internal to the replay: what a person was before anything was recorded, and what each recorded
// fact made of it.

#include <vector>

#include "monitor/log_facts.h"
#include "monitor/replay.h"

namespace driftwarden::monitor {

// The entry tells of a fact that TakeFact or LogOf understands.
bool IsFact(const EvidenceEntry& entry);

// The person as it was at `start`, before the first of `entries`: each account in the state that
// its first recorded change left, else in the one it still has.
Person PersonBefore(const Person& now, const std::vector<EvidenceEntry>& entries, absl::Time start);

// Makes the recorded fact true. `poll`: the interval of the AD account's source.
void TakeFact(const EvidenceEntry& entry, const Policy& policy, Person& person, LinkState& link);

// The page of a log that the entry was made from; nothing for other entries.
std::optional<LogLook> LogOf(const EvidenceEntry& entry, const Person& person);

}  // namespace driftwarden::monitor
