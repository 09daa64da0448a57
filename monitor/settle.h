#pragma once

// Judging a person after its facts or the time changed: memory, verdict, episode, incident and
// actions, in that order. Internal to the core.

#include "monitor/transaction.h"
#include "monitor/verdict.h"

namespace driftwarden::monitor {

// `in_baseline`: the look that brought the person here is part of a first complete read; what it
// shows was there before us.
void SettlePerson(Transaction& tx, PersonOrdinal person, bool in_baseline);

// Creates, retries and drops actions as the verdict wants them. Returns when to look again.
absl::Time UpdateActions(Transaction& tx, Person& person, const Verdict& verdict);

// How long an action that was blocked or failed `times` times waits before it is tried again.
absl::Duration BackOff(uint32_t times);

// Gates failed, and by our own sight alone: nothing is wrong with the person, nothing is recorded.
bool OnlyPassing(const std::vector<GateResult>& gates);

}  // namespace driftwarden::monitor
