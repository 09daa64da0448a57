#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace driftwarden {

void CheckFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "driftwarden: impossible state: %s (%s:%d)\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace driftwarden
