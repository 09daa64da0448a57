#pragma once

// Several reads of the lowest priority as one $batch.

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "watchers/graph/client.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

// The answers to GET of `paths` (at most twenty, below the version, fit for JSON as they are), in
// their order. Throttled when any of them was: Graph's word of how long to wait is passed on. The
// errors of the batch itself; DataLoss when an answer is missing. `what` for messages, a literal.
asio::awaitable<StatusOr<std::vector<graph::GraphReply>>> GetBatch(graph::GraphClient* client,
                                                                   std::vector<std::string> paths,
                                                                   const char* what,
                                                                   std::string request_id);

}  // namespace driftwarden::watchers
