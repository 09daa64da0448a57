// Names the target for libFuzzer, whose own main() calls this first: the program's arguments are
// libFuzzer's, so the name comes in the environment.

#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* const name = std::getenv("DRIFTWARDEN_FUZZ_TARGET");
  if (name != nullptr && driftwarden::fuzz::SelectTarget(name)) return 0;
  std::fprintf(stderr, "fuzz: DRIFTWARDEN_FUZZ_TARGET must name one of");
  for (const auto& [known, target] : driftwarden::fuzz::Targets()) {
    std::fprintf(stderr, " %.*s", static_cast<int>(known.size()), known.data());
  }
  std::fprintf(stderr, "\n");
  std::exit(2);
}
