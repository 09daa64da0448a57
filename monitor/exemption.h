#pragma once

// Whom nobody is told about and nothing is done to: accounts of a class, and people with a dated
// exemption.

#include <optional>

#include "monitor/person.h"
#include "monitor/policy.h"
#include "monitor/transaction.h"

namespace driftwarden::monitor {

// The gate that an action passes when neither holds.
GateResult NotExempt(const Person& person, const Policy& policy, absl::Time now);

// Takes the exemption away when its time is over; while our own clock is suspect nothing ends.
void EndPassedExemption(Transaction& tx, Person& person);

// Of two records of one person: the exemption that ends later.
std::optional<Exemption> LaterOf(const std::optional<Exemption>& a,
                                 const std::optional<Exemption>& b);

}  // namespace driftwarden::monitor
