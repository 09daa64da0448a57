#pragma once

// Answers packed with gzip for whoever takes them so.

#include "net/http_server.h"

namespace driftwarden::net {

// Packs the body and says so, when it is worth it, the request's Accept-Encoding lets it and it is
// not packed already. A HEAD's empty body stays as it is.
void PackIfAccepted(const ServerRequest& request, ServerResponse& response);

}  // namespace driftwarden::net
