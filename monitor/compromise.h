#pragma once

// Accounts that somebody says are in other hands, until their sessions are revoked.

#include <optional>

#include "monitor/person.h"
#include "monitor/transaction.h"

namespace driftwarden::monitor {

// FailedPrecondition: not somebody who is enabled in AD and live in Entra. Nothing would be drift.
Status CheckMarkable(const Person& person);

// Takes the mark away when what it asks for was done, or is no longer to be asked for: sessions
// revoked since, out of AD, out of Entra.
void EndAnsweredMark(Transaction& tx, Person& person);

// Of two records of one person: the mark that was set later.
std::optional<CompromiseMark> LaterOf(const std::optional<CompromiseMark>& a,
                                      const std::optional<CompromiseMark>& b);

}  // namespace driftwarden::monitor
