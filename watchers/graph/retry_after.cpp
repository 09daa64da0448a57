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
    // The cap keeps the arithmetic finite; the budget has its own, smaller one.
    return absl::Seconds(std::clamp(seconds, 0.0, 1e6));
  }
  const auto date = net::ParseHttpDate(text);
  if (!date.has_value()) return std::nullopt;
  return std::max(absl::ZeroDuration(), *date - now);
}

}  // namespace driftwarden::graph
