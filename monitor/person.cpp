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

bool IsLeftBehind(const Incident& incident, const Person& person) {
  if (incident.ended_at || incident.person != person.ordinal) return false;
  return !person.episode || person.episode->id.value != incident.id.value;
}

bool IsInDrift(const Person& person) {
  return person.episode && WorstSeverity(*person.episode) >= Severity::kWarning;
}

void CountDrift(DriftCounts& counts, const Person& person, int64_t sign) {
  if (!IsInDrift(person)) return;
  uint64_t& count = person.episode->OfDeparture() ? counts.departures : counts.others;
  count += static_cast<uint64_t>(sign);  // modulo arithmetic: adding -1 subtracts one
}

}  // namespace driftwarden::monitor
