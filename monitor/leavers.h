#pragma once

// Expected leavers: what becomes of what somebody tells about a departure to come. Pure.

#include <optional>
#include <string_view>
#include <vector>

#include "monitor/person.h"
#include "monitor/transaction.h"

namespace driftwarden::monitor {

// Ends the expectation of somebody who departed and whose departure is over.
void EndPassedLeave(Transaction& tx, Person& person, const Verdict& verdict);

// Of two records of one person: what is still expected, else what is remembered.
std::optional<ExpectedLeave> StrongerOf(const std::optional<ExpectedLeave>& a,
                                        const std::optional<ExpectedLeave>& b);

}  // namespace driftwarden::monitor
