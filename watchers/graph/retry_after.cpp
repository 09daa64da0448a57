#include "watchers/graph/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "net/http.h"

namespace driftwarden::graph {

std::optional<absl::Duration> ParseRetryAfter(std::string_view text, absl::Time now) {
  text = TrimAscii(text);
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (!std::isfinite(seconds)) return std::nullopt;
    return absl::Seconds(std::clamp(seconds, 0.0, absl::ToDoubleSeconds(kLongestRetryAfter)));
  }
  const auto date = net::ParseHttpDate(text);
  if (!date.has_value()) return std::nullopt;
  return std::clamp(*date - now, absl::ZeroDuration(), kLongestRetryAfter);
}

}  // namespace driftwarden::graph
