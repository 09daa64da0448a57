#include "daemon/alert_fold.h"

#include <algorithm>
#include <utility>

#include "daemon/alert_text.h"

namespace driftwarden::daemon {

using monitor::CauseKind;
using monitor::LinkCause;

namespace {

void Add(AlertCrowd& crowd, const monitor::Person& person) {
  const monitor::Severity severity =
      WorstSeverity(*person.episode).value_or(monitor::Severity::kInfo);
  ++crowd.people;
  crowd.worst = std::max(crowd.worst, severity);
  std::vector<std::string>& names = crowd.names[severity];
  if (names.size() < kNamedPeople) names.push_back(NameOf(person));
}

}  // namespace

bool AlertFold::MayFold() const {
  const auto& causes = situation_.link.causes.causes;
  return std::any_of(causes.begin(), causes.end(), [](const LinkCause& cause) {
    return !cause.ended_at && monitor::CauseRuleOf(cause.kind).explains != nullptr;
  });
}

void AlertFold::Name(const LinkCause& cause, AlertCrowd crowd) {
  crowds_[cause.number] = std::move(crowd);
}

void AlertFold::Look(const monitor::Incident& incident, const monitor::Person& person) {
  if (incident.ended_at || !person.episode || person.episode->id.value != incident.id.value) return;
  if (const LinkCause* cause = monitor::ExplainedBy(person, situation_)) {
    Add(crowds_[cause->number], person);
    held_.insert(incident.id);
    if (monitor::CauseRuleOf(cause->kind).counted) counted_.insert(incident.id);
    return;
  }
  const LinkCause* cause = monitor::CollapsedInto(person, situation_.link);
  if (cause == nullptr) return;
  Candidates& candidates = candidates_[cause->number];
  Add(candidates.crowd, person);
  candidates.incidents.push_back(incident.id);
}

// Once one alert was sent for many it stays one until they are clearly fewer.
void AlertFold::Decide() {
  for (const LinkCause& cause : situation_.link.causes.causes) {
    const auto found = candidates_.find(cause.number);
    if (found == candidates_.end()) continue;
    const auto most = static_cast<uint64_t>(situation_.policy.collapse_after);
    const uint64_t limit =
        cause.announced.empty() ? most : monitor::CollapseEndsAt(situation_.policy);
    if (found->second.crowd.people <= limit) continue;
    held_.insert(found->second.incidents.begin(), found->second.incidents.end());
    crowds_[cause.number] = std::move(found->second.crowd);
  }
  candidates_.clear();
}

const AlertCrowd& AlertFold::CrowdOf(const LinkCause& cause) const {
  static const AlertCrowd kNobody;
  const auto found = crowds_.find(cause.number);
  return found == crowds_.end() ? kNobody : found->second;
}

bool AlertFold::Fires(const LinkCause& cause) const {
  if (cause.ended_at) return false;
  return cause.kind != CauseKind::kCollapsed || crowds_.contains(cause.number);
}

}  // namespace driftwarden::daemon
