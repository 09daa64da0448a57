#pragma once

// Internal to net: how messages are written. Reading them is Beast's work, in the two .cpp files
// that include it.

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/http_server.h"
#include "net/url.h"

namespace driftwarden::net {

// InvalidArgument for a method or header that would change the message's shape.
Status CheckRequest(const HttpRequest& request);
std::string WriteRequest(const HttpRequest& request, const Url& url, std::string_view user_agent);

// Undoes gzip, which WriteRequest asks for: then the body is as if it had never been packed, and
// the headers that told of it are gone. DataLoss for another encoding, for what is not gzip, and
// for more than `limit` bytes.
Status Unpack(HttpResponse& response, size_t limit);

// What the connection does to a response.
struct ResponseFrame {
  std::string_view reason;
  bool keep_alive = true;
  bool head = false;  // the request was HEAD: no body
  std::optional<absl::Time> date;
};
std::string WriteResponse(const ServerResponse& response, const ResponseFrame& frame);

}  // namespace driftwarden::net
