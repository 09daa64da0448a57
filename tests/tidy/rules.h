#pragma once

// The rules the whole tree is held to. Each takes one source file and returns what is wrong in it.

#include <vector>

#include "tests/tidy/source.h"

namespace driftwarden::tidy {

// Which module may include which, and where heavy libraries may be seen (docs/architecture.md).
std::vector<Finding> CheckIncludes(const Source& source);

// Clocks, randomness and sleeping come in by injection; process-wide surprises stay out.
std::vector<Finding> CheckBannedCalls(const Source& source);

// Length, #pragma once, leftovers.
std::vector<Finding> CheckShape(const Source& source);

// The forms that GCC 12 miscompiles, and coroutine lifetimes (docs/architecture.md).
std::vector<Finding> CheckCoroutines(const Source& source);

// All of the above.
std::vector<Finding> CheckAll(const Source& source);

}  // namespace driftwarden::tidy
