#include "remediation/verify.h"

namespace driftwarden::remediation {
namespace {
// The offset is the middle of a request; a slow exchange leaves this much doubt.
constexpr absl::Duration kOffsetDoubt = absl::Seconds(2);

absl::Time WholeSecond(absl::Time at) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(at));
}
}  // namespace

bool RevocationShows(const std::optional<monitor::SessionsValidFrom>& value,
                     const std::optional<monitor::SessionsValidFrom>& before, absl::Time begun,
                     absl::Duration tenant_offset) {
  if (!value.has_value() || value->never) return false;
  const absl::Time least = WholeSecond(begun + tenant_offset);
  const bool moved = !before.has_value() || before->never || value->at > before->at;
  return moved ? value->at >= least - kOffsetDoubt : value->at >= least;
}

}  // namespace driftwarden::remediation
