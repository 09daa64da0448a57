// left_not_disabled opens when somebody who was announced as a leaver should be gone, AD was read
// completely after that, and the account is enabled there. It clears when the account is disabled
// or deleted in AD, or when the announcement is withdrawn or put off.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kLeftSentence[] =
    "left_not_disabled opens when the time of an expected leaver and `settle` have passed, AD was "
    "read completely after that, and the account is enabled there. It clears when the account is "
    "disabled or deleted in AD, or when the announcement is withdrawn or put off. Critical for "
    "tier 0 and for the urgency compromise.";

std::optional<OpenDrift> OpenLeft(const Situation& s) {
  if (s.leave == nullptr || !s.AdEnabled() || s.now < s.leave->effective) return std::nullopt;
  const bool already = s.OpenSeverity(DriftKind::kLeftNotDisabled).has_value();
  const absl::Time due = s.LeftDue();
  if (!already && (s.clock_suspect || s.now < due || s.LastRead() < due)) return std::nullopt;
  const bool worst = s.leave->urgency == LeaveUrgency::kCompromise;
  return OpenDrift{DriftKind::kLeftNotDisabled, worst ? Severity::kCritical : s.WarnOrCritical(),
                   s.leave->effective};
}

}  // namespace

const Rule kLeftNotDisabledRule = {DriftKind::kLeftNotDisabled, kLeftSentence,
                                   "warning / critical; compromise: critical", OpenLeft};

}  // namespace driftwarden::monitor
