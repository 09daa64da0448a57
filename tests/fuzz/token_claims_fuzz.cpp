#include "base/hex.h"
#include "base/strings.h"
#include "tests/fuzz/target.h"
#include "watchers/graph/arc_challenge.h"
#include "watchers/graph/token_claims.h"

namespace driftwarden::graph {

// Texts that hold credentials: an access token, bare or made of claims, and the agent's challenge.
DW_FUZZ_TARGET(token_claims) {
  const auto bare = PermissionsIn(Secret(std::string(input)));
  if (bare) {
    for (const std::string& one : *bare) DW_HOLDS(one.size() <= input.size());
  }
  const std::string token = Cat("eyJhbGciOiJub25lIn0.", Base64UrlEncode(input), ".x");
  const auto made = PermissionsIn(Secret(token));
  DW_HOLDS(!made || made->size() <= input.size());
  // Whatever is named, nothing but a file of that directory is read.
  DW_HOLDS(!ReadArcChallenge(input, "/nonexistent/tokens").ok());
  DW_HOLDS(!ReadArcChallenge(Cat("Basic realm=", input), "/nonexistent/tokens").ok());
}

}  // namespace driftwarden::graph
