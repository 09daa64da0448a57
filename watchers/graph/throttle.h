#pragma once

// What a tenant says of load, in headers of an answer or of a part of a batch.

#include <optional>
#include <string>
#include <string_view>

#include "watchers/graph/budget.h"

namespace driftwarden::graph {

// Of a refusal; texts as they were sent, for people.
struct Throttle {
  std::string scope;        // x-ms-throttle-scope, "Tenant_Application/ReadWrite/<app>/<tenant>"
  std::string information;  // x-ms-throttle-information, "ResourceUnitLimitExceeded"

  // Which requests are refused: everything, unless it says otherwise.
  Throttles what() const;
  // One of kThrottleReasons.
  std::string_view reason() const;
};

// A positive number of a plausible size, as x-ms-resource-unit and
// x-ms-throttle-limit-percentage are. Nothing for an absent value or junk.
std::optional<double> ParseLoadNumber(std::string_view text);

}  // namespace driftwarden::graph
