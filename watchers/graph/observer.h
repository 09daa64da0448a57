#pragma once

// Told of every request to a tenant, so that metrics can count them without this module knowing
// what a metric is.

#include <string_view>

namespace driftwarden::graph {

// Called on the client's executor.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  // `route` is one of a fixed few ("token", "users_delta", "user", "deleted_user", "batch",
  // "revoke"). `code` is the HTTP status, or 0 when there was no answer.
  virtual void OnRequest(std::string_view route, int code) = 0;
  // The tenant refused for load: an HTTP 429, or one inside a batch.
  virtual void OnThrottled(std::string_view route) = 0;
};

// For callers that do not count.
class NullObserver final : public RequestObserver {
 public:
  void OnRequest(std::string_view, int) override {}
  void OnThrottled(std::string_view) override {}
};

}  // namespace driftwarden::graph
