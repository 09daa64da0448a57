#pragma once

// What is to be done now about somebody, or what is at stake: what an alert says besides the
// plight, and what one pass that ends says of whom it did not look at twice.

#include <string>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

// For people; empty: nothing but what the state says.
std::string AdviceOf(const Person& person, const LinkState& link, const Policy& policy,
                     absl::Time now);

// Live in Entra past `warn_after`, and `pending` only because no second look has agreed yet: who
// looks but once is told all the same.
bool IsLateByOneLook(const Person& person, const LinkState& link, const Policy& policy,
                     absl::Time now);

}  // namespace driftwarden::monitor
