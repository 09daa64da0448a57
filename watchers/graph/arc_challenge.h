#pragma once

// Azure Arc's agent gives tokens to whoever can read a file that it names: its answer's
// WWW-Authenticate header is "Basic realm=/var/opt/azcmagent/tokens/….key".

#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/status.h"

namespace driftwarden::graph {

// Reads the file that `header` names. Whoever answers in the agent's place must not be told the
// content of any other file: PermissionDenied, with the reason, unless it is a regular file, no
// link, directly in `directory`, ends in .key, holds at most 4096 bytes, belongs to root or to the
// directory's owner and can be written by nobody else. NotFound or Unauthenticated with the mend
// when it cannot be read.
StatusOr<Secret> ReadArcChallenge(std::string_view header, const std::string& directory);

}  // namespace driftwarden::graph
