#include "tests/fuzz/target.h"

#include <cstdio>
#include <cstdlib>

namespace driftwarden::fuzz {
namespace {
Target selected = nullptr;
}

std::map<std::string_view, Target, std::less<>>& Targets() {
  static std::map<std::string_view, Target, std::less<>> targets;
  return targets;
}

bool SelectTarget(std::string_view name) {
  const auto found = Targets().find(name);
  if (found == Targets().end()) return false;
  selected = found->second;
  return true;
}

void BrokenPromise(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "fuzz: does not hold: %s (%s:%d)\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace driftwarden::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  driftwarden::fuzz::selected({reinterpret_cast<const char*>(data), size});
  return 0;
}
