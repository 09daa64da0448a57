#pragma once

#include <string>

#include "base/status.h"

namespace driftwarden::bench {

// A store with `people` in `path`, all tables at rest; an earlier run's is taken as it is, unless
// people or links are made or stored in another way since.
Status PrepareStore(const std::string& path, int people);

}  // namespace driftwarden::bench
