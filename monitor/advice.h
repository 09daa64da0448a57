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

// `pending`, and open all the same for a pass that ends: live in Entra past `warn_after`, which
// only a second look has yet to confirm, or out of AD since before the first look, though the
// baseline was accepted a moment ago.
bool IsOpenForOnePass(const Person& person, const LinkState& link, const Policy& policy,
                      absl::Time now);

}  // namespace driftwarden::monitor
