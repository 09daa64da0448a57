#include "monitor/expiry.h"

namespace driftwarden::monitor {

absl::Time SurelyExpiredFrom(absl::Time account_expires, const LinkState& link,
                             const SourceName& source) {
  constexpr absl::Duration kPrecision = absl::Seconds(1);
  const auto found = link.sources.find(source);
  const absl::Duration offset =
      found == link.sources.end() ? absl::ZeroDuration() : found->second.clock_offset;
  return account_expires + absl::AbsDuration(offset) + kPrecision;
}

bool SurelyExpired(absl::Time account_expires, absl::Time at, const LinkState& link,
                   const SourceName& source) {
  return at >= SurelyExpiredFrom(account_expires, link, source);
}

}  // namespace driftwarden::monitor
