#pragma once

// HTTP as the rest of the program sees it: plain values and one port, HttpClient. Light to include;
// the sockets are behind net/http_client.h (real) and the tests' fakes.

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"

namespace driftwarden::net {

namespace asio = boost::asio;

// Bytes of spare capacity behind every response body, so that simdjson parses it in place.
inline constexpr size_t kJsonPadding = 64;
inline constexpr size_t kDefaultResponseLimit = size_t{16} << 20;

struct HttpHeader {
  std::string name;
  std::string value;

  HttpHeader() = default;
  HttpHeader(std::string n, std::string v) : name(std::move(n)), value(std::move(v)) {}
};

// The first header of that name (ASCII case ignored), or null. Valid as long as `headers`.
const std::string* FindHeader(const std::vector<HttpHeader>& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  // Absolute: https://host[:port]/path?query, http://..., or unix:/path/to.sock:/target.
  std::string url;
  std::vector<HttpHeader> headers;  // Host, Content-Length and Connection are added by the client
  std::string body;
  size_t response_limit = kDefaultResponseLimit;  // bytes of body; a larger one is DataLoss

  HttpRequest() = default;
  explicit HttpRequest(std::string request_url) : url(std::move(request_url)) {}
  HttpRequest(std::string request_method, std::string request_url)
      : method(std::move(request_method)), url(std::move(request_url)) {}
  HttpRequest(std::string request_method, std::string request_url, std::string content_type,
              std::string content)
      : method(std::move(request_method)), url(std::move(request_url)), body(std::move(content)) {
    AddHeader("Content-Type", std::move(content_type));
  }

  void AddHeader(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
  }
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;                // capacity is at least size + kJsonPadding
  std::optional<absl::Time> date;  // the server's clock, from its Date header

  HttpResponse() = default;
  HttpResponse(int code, std::string content) : status(code), body(std::move(content)) {}

  const std::string* Find(std::string_view name) const { return FindHeader(headers, name); }
};

// Any HTTP status is a response. Only the transport fails: Unavailable (refused, DNS, TLS, cut
// connection; the text names host and reason), DeadlineExceeded, Cancelled (the awaiting coroutine
// was), DataLoss (malformed or larger than response_limit), InvalidArgument (the request itself).
// Redirects are answers, never followed. What failed before anything was sent, a time-out included,
// is marked (base/unsent.h); without the mark the request may have arrived.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // `timeout` bounds the whole exchange, waiting for a connection included. Await it on the
  // client's executor; the client must outlive the call.
  virtual asio::awaitable<StatusOr<HttpResponse>> Send(HttpRequest request,
                                                       absl::Duration timeout) = 0;
};

// RFC 9110 IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT", both ways.
std::optional<absl::Time> ParseHttpDate(std::string_view text);
std::string FormatHttpDate(absl::Time at);

// False when a header could not be written without changing the message (bad name, CR, LF, NUL).
bool IsSafeHeader(const HttpHeader& header);

}  // namespace driftwarden::net
