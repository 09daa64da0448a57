#include "monitor/told.h"

#include "base/strings.h"
#include "base/time.h"

namespace driftwarden::monitor {

Status CheckExemption(const Exemption& exemption, absl::Time now) {
  if (exemption.until <= now) {
    return InvalidError(Cat("until must be in the future; it is now ", FormatRfc3339(now)));
  }
  if (exemption.until > now + kLongestExemption) {
    return InvalidError(Cat("until may be at most ", absl::ToInt64Hours(kLongestExemption) / 24,
                            " days ahead; an account of nobody belongs to policy.classes"));
  }
  const std::string_view reason = TrimAscii(exemption.reason);
  if (reason.empty()) return InvalidError("an exemption is given for a reason; say which");
  if (reason.size() > kLongestReason || !IsUtf8(reason)) {
    return InvalidError(Cat("reason must be a text of at most ", kLongestReason, " bytes"));
  }
  return OkStatus();
}

Status CheckCompromiseMark(const CompromiseMark& mark) {
  if (TrimAscii(mark.reason).empty()) {
    return InvalidError("an account is marked as compromised for a reason; say which");
  }
  if (mark.reason.size() > kLongestReason || !IsUtf8(mark.reason)) {
    return InvalidError(Cat("reason must be a text of at most ", kLongestReason, " bytes"));
  }
  return OkStatus();
}

std::string_view LeaveUrgencyText(LeaveUrgency u) {
  switch (u) {
    case LeaveUrgency::kPlanned:
      return "planned";
    case LeaveUrgency::kImmediate:
      return "immediate";
    case LeaveUrgency::kCompromise:
      return "compromise";
  }
  return "unknown";
}

std::optional<LeaveUrgency> ParseLeaveUrgency(std::string_view text) {
  for (const LeaveUrgency urgency : kAllLeaveUrgencies) {
    if (EqualsIgnoreCase(text, LeaveUrgencyText(urgency))) return urgency;
  }
  return std::nullopt;
}

std::string_view LeaveOutcomeText(LeaveOutcome o) {
  switch (o) {
    case LeaveOutcome::kAccepted:
      return "accepted";
    case LeaveOutcome::kUpdated:
      return "updated";
    case LeaveOutcome::kUnchanged:
      return "unchanged";
    case LeaveOutcome::kGone:
      return "gone";
    case LeaveOutcome::kUnknown:
      return "unknown";
  }
  return "unknown";
}

Status CheckLeave(const ExpectedLeave& leave, absl::Time now) {
  const std::string& identifier = leave.identifier;
  if (identifier.empty() || identifier.size() > kLongestIdentifier || !IsUtf8(identifier)) {
    return InvalidError(Cat("identifier must be a text of 1 to ", kLongestIdentifier,
                            " bytes that names a person"));
  }
  if (leave.reference.size() > kLongestReference || !IsUtf8(leave.reference)) {
    return InvalidError(Cat("reference must be a text of at most ", kLongestReference, " bytes"));
  }
  if (leave.effective < now - kLongestPastLeave) {
    return InvalidError(Cat("effective is more than ", absl::ToInt64Hours(kLongestPastLeave) / 24,
                            " days ago; leave out what is long over"));
  }
  if (leave.effective > now + kFarthestLeave) {
    return InvalidError("effective is more than five years ahead");
  }
  return OkStatus();
}

}  // namespace driftwarden::monitor
