#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace driftwarden::graph {

// More is not believed: a wrong date must not stop the monitor for a day.
inline constexpr absl::Duration kLongestRetryAfter = absl::Minutes(10);

// Retry-After in every form that was seen: whole seconds, decimal seconds, an HTTP date (against
// `now`, the server's clock if it is known). Never negative and never
// longer than the above. Nothing for an absent value or junk.
std::optional<absl::Duration> ParseRetryAfter(std::string_view text, absl::Time now);

}  // namespace driftwarden::graph
