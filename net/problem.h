#pragma once

// RFC 9457 error bodies.

#include <string>

#include "net/http_server.h"

namespace driftwarden::net {

// application/problem+json with type "about:blank". `detail` says what to do about it.
ServerResponse Problem(int status, std::string title, std::string detail);

}  // namespace driftwarden::net
