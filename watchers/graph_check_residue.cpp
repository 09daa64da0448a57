// check: what remains of people who left, each part by reading somebody's.

#include <utility>

#include "base/strings.h"
#include "watchers/graph_check.h"
#include "watchers/graph_tenant_residue.h"

namespace driftwarden::watchers {

asio::awaitable<void> GraphCheck::CheckResidue() {
  struct Part {
    ResidueQuery query;
    const char* lost;
    bool last;  // of its permission
  };
  constexpr Part kParts[] = {
      {ResidueQuery::kMemberships, "roles and groups that people keep are not evaluated", false},
      {ResidueQuery::kOwned, "applications that people own are not evaluated", false},
      {ResidueQuery::kGrants, "OAuth grants that people gave are not evaluated", true},
      {ResidueQuery::kEligible, "roles that people may activate are not evaluated", true},
      {ResidueQuery::kMethods, "methods registered after a disable are not evaluated", true},
  };
  if (!options_.residue) {
    Find(Level::kOk, "what remains", "not tried: switched off by the configuration");
    co_return;
  }
  for (const Part& part : kParts) {
    Probe probe;
    probe.permission = ResiduePermission(part.query);
    probe.lost = part.lost;
    if (person_.empty()) {
      if (part.last) {
        Find(Level::kWarn, probe.permission, "not proven: nobody is visible to try it with");
      }
      continue;
    }
    probe.url = ResiduePath(part.query, person_);
    co_await Try(std::move(probe), part.last);
  }
}

}  // namespace driftwarden::watchers
