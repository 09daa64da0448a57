#pragma once

// Whom a text stands for, over links.

#include <string>
#include <utility>
#include <vector>

#include "daemon/link_port.h"
#include "store/state_store.h"

namespace driftwarden::daemon {

struct Named {
  std::vector<std::pair<LinkPort*, monitor::PersonOrdinal>> people;
  std::vector<std::string> ids;
  bool ambiguous = false;  // they are not all the same person
};

// Nobody is known by that: what else to look up by.
Status NobodyIs(const std::string& text);

// One AD account that feeds several tenants stands in several links: all of them are meant.
// NotFound: nobody. Blocks: for a store lane.
StatusOr<Named> FindNamed(store::StateStore& store, const std::vector<LinkPort*>& among,
                          const std::string& text);

}  // namespace driftwarden::daemon
