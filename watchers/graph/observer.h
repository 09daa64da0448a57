#pragma once

// Told of every request to a tenant, so that metrics can count them without this module knowing
// what a metric is.

#include <string_view>

#include "absl/time/time.h"

namespace driftwarden::graph {

// Called on the client's executor.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  // `route` is one of a fixed few ("token", "users_delta", "user", "deleted_user", "batch",
  // "revoke"). `code` is the HTTP status, or 0 when there was no answer.
  virtual void OnRequest(std::string_view route, int code) = 0;
  // The tenant refused for load: an HTTP 429, or one inside a batch. `reason` is one of
  // kThrottleReasons.
  virtual void OnThrottled(std::string_view route, std::string_view reason) = 0;
  // What requests cost, by the tenant's word or else by our estimate.
  virtual void OnUnits(std::string_view route, double units) = 0;
  // So long a request of this priority ("act", ...) waited for its turn.
  virtual void OnHeld(std::string_view priority, absl::Duration waited) = 0;
};

// By x-ms-throttle-information; "unknown" when the tenant does not say.
inline constexpr std::string_view kThrottleReasons[] = {"cpu", "other", "resource_units", "unknown",
                                                        "writes"};

// For callers that do not count.
class NullObserver final : public RequestObserver {
 public:
  void OnRequest(std::string_view, int) override {}
  void OnThrottled(std::string_view, std::string_view) override {}
  void OnUnits(std::string_view, double) override {}
  void OnHeld(std::string_view, absl::Duration) override {}
};

}  // namespace driftwarden::graph
