#pragma once

// What somebody who left still has in the tenant beside the account: told, never judged. Nothing of
// it reaches a person's record, a state, a severity or an alert. What was not read is unknown,
// which is not the same as nothing.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "monitor/ids.h"

namespace driftwarden::monitor {

// Numbers reach the disk.
enum class ResidueArea : uint8_t {
  kDirectoryRoles = 1,  // held now, directly or through a group
  kEligibleRoles = 2,   // that may be activated (PIM)
  kApplications = 3,    // owned applications and service principals with live credentials
  kGrants = 4,          // OAuth permissions the person granted to applications
  kGroups = 5,
  kLicences = 6,
  kMethods = 7,  // authentication methods, the password not among them
};
constexpr ResidueArea kAllResidueAreas[] = {
    ResidueArea::kDirectoryRoles, ResidueArea::kEligibleRoles, ResidueArea::kApplications,
    ResidueArea::kGrants,         ResidueArea::kGroups,        ResidueArea::kLicences,
    ResidueArea::kMethods};
std::string_view ResidueAreaText(ResidueArea area);  // "directory_roles"

// What came of reading an area. Only kEvaluated says anything about what is there. Numbers reach
// the disk.
enum class ResidueOutcome : uint8_t {
  kNotRead = 0,
  kEvaluated = 1,
  kPermission = 2,   // the application may not
  kLicence = 3,      // the tenant has not bought it
  kUnsupported = 4,  // this cloud or tenant does not have it
  kGone = 5,         // the account is no longer in the tenant
  kFailed = 6,       // throttled, or an answer that made no sense; tried again
};
std::string_view ResidueOutcomeText(ResidueOutcome outcome);  // "no_permission"

// One thing that is left. Never holds a credential, a telephone number or an address.
struct ResidueItem {
  std::string id;    // the template of a role, the application, the group, the SKU, the method
  std::string name;  // for people; empty: not told
  std::string kind;
  std::string detail;
  // Credentials: when the last of them ends; eligibility: when it ends; methods: when registered.
  std::optional<absl::Time> at;
  friend bool operator==(const ResidueItem&, const ResidueItem&) = default;
};

// Of one area no more items than that are kept.
constexpr size_t kResidueKept = 100;

struct ResidueFindings {
  ResidueOutcome outcome = ResidueOutcome::kNotRead;
  absl::Time at = absl::InfinitePast();  // our clock
  std::string detail;                    // what the tenant said, for people
  std::vector<ResidueItem> items;
  bool complete = true;  // false: there were more
  friend bool operator==(const ResidueFindings&, const ResidueFindings&) = default;
};

using ResidueAreas = std::map<ResidueArea, ResidueFindings>;

// One person's.
struct Residue {
  PersonOrdinal person = 0;
  std::string entra_id;  // of the account that was read
  absl::Time read = absl::InfinitePast();
  ResidueAreas areas;  // one that is missing was never read
  friend bool operator==(const Residue&, const Residue&) = default;
};

// `now` over `before`: what merely failed this time leaves what was known of the same account.
Residue MergeResidue(const std::optional<Residue>& before, Residue now);

}  // namespace driftwarden::monitor
