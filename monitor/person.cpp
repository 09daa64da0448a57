#include "monitor/person.h"

namespace driftwarden::monitor {

std::string_view ActionStateText(ActionState s) {
  switch (s) {
    case ActionState::kShadow:
      return "shadow";
    case ActionState::kAwaitingApproval:
      return "awaiting_approval";
    case ActionState::kApproved:
      return "approved";
    case ActionState::kDenied:
      return "denied";
    case ActionState::kExpired:
      return "expired";
    case ActionState::kBlocked:
      return "blocked";
    case ActionState::kQueued:
      return "queued";
    case ActionState::kIntent:
    case ActionState::kCleared:
      return "intent";
    case ActionState::kCalled:
      return "called";
    case ActionState::kVerified:
      return "verified";
    case ActionState::kFailed:
      return "failed";
    case ActionState::kDropped:
      return "dropped";
  }
  return "unknown";
}

bool IsLive(ActionState s) {
  switch (s) {
    case ActionState::kAwaitingApproval:
    case ActionState::kApproved:
    case ActionState::kQueued:
    case ActionState::kIntent:
    case ActionState::kCleared:
    case ActionState::kCalled:
      return true;
    default:
      return false;
  }
}

int64_t DriftWithoutDeparture(const LinkState& link) {
  int64_t people = 0;
  for (const auto& [key, count] : link.open) {
    if (IsWithoutDeparture(key.kind) && key.severity > Severity::kInfo) people += count;
  }
  return people;
}

}  // namespace driftwarden::monitor
