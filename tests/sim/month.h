#pragma once

// A month of an ordinary tenant, watched by the production engine over a store in memory, on
// virtual time: who was told about, and what was done.

#include <map>
#include <string>
#include <vector>

#include "tests/sim/month_tenant.h"

namespace driftwarden::sim {

struct MonthResult {
  // All of the month: one is counted once, however long it fires.
  int at_risk = 0;          // people who were, by the truth
  int pages_people = 0;     // critical, of a person alone
  int pages_causes = 0;     // critical, of what ails many
  int pages_announced = 0;  // of those causes, within an announced maintenance: silenced
  int pages_outage = 0;     // of those causes, begun within the outage
  int warnings = 0;         // of people and causes
  int warnings_most = 0;    // on one day
  int actions = 0;          // calls
  int actions_most = 0;     // on one day
  // What must not be: paged about somebody who was not at risk, somebody at risk of whom nobody was
  // told, a call for somebody who was not out of the directory.
  std::vector<std::string> faults;
  std::vector<std::string> told;  // every page and warning, in order
};

MonthResult PlayMonth(const MonthOptions& options);

}  // namespace driftwarden::sim
