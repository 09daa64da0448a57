#pragma once

// Durations and sizes as people write them in the configuration and on the command line.

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/status.h"

namespace driftwarden {

// "200ms", "30s", "5m", "2h", "400d", "0s". Whole numbers only, one unit; a hundred years at most.
StatusOr<absl::Duration> ParseDuration(std::string_view text);
// "256MiB", "64KiB", "1GiB", "512" (bytes).
StatusOr<uint64_t> ParseByteSize(std::string_view text);
// For people: "43 min", "1 h 12 min", "35 s", "800 ms". Negative durations get a minus sign.
std::string HumanDuration(absl::Duration d);
// The shortest text that ParseDuration reads back.
std::string FormatDurationText(absl::Duration d);

}  // namespace driftwarden
