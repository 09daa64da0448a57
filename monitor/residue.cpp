#include "monitor/residue.h"

#include <utility>

namespace driftwarden::monitor {

std::string_view ResidueAreaText(ResidueArea area) {
  switch (area) {
    case ResidueArea::kDirectoryRoles:
      return "directory_roles";
    case ResidueArea::kEligibleRoles:
      return "eligible_roles";
    case ResidueArea::kApplications:
      return "owned_applications";
    case ResidueArea::kGrants:
      return "oauth_grants";
    case ResidueArea::kGroups:
      return "groups";
    case ResidueArea::kLicences:
      return "licences";
    case ResidueArea::kMethods:
      break;
  }
  return "authentication_methods";
}

std::string_view ResidueOutcomeText(ResidueOutcome outcome) {
  switch (outcome) {
    case ResidueOutcome::kNotRead:
      return "not_read_yet";
    case ResidueOutcome::kEvaluated:
      return "evaluated";
    case ResidueOutcome::kPermission:
      return "no_permission";
    case ResidueOutcome::kLicence:
      return "no_licence";
    case ResidueOutcome::kUnsupported:
      return "not_offered";
    case ResidueOutcome::kGone:
      return "account_gone";
    case ResidueOutcome::kFailed:
      break;
  }
  return "failed";
}

Residue MergeResidue(const std::optional<Residue>& before, Residue now) {
  if (!before || before->entra_id != now.entra_id) return now;
  for (auto& [area, findings] : now.areas) {
    const auto known = before->areas.find(area);
    if (findings.outcome != ResidueOutcome::kFailed || known == before->areas.end()) continue;
    if (known->second.outcome == ResidueOutcome::kEvaluated) findings = known->second;
  }
  return now;
}

}  // namespace driftwarden::monitor
