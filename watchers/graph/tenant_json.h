#pragma once

// What a tenant says of itself, as our values. Small documents that are read seldom, so a DOM does.
// As in json.h: a list's item that cannot be used is left out and counted, unknown fields are
// ignored, and broken JSON or a document of the wrong shape is DataLoss. Texts for people are made
// printable and cut; ids are in lower case.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "monitor/tenant.h"

namespace driftwarden::graph {

// One page of a collection.
template <typename T>
struct ListPage {
  std::vector<T> items;
  std::string next_link;  // empty: the last one
  size_t left_out = 0;
};

struct Domain {
  std::string name;
  bool federated = false;
  bool verified = false;
};

// A token lifetime policy.
struct TokenPolicy {
  std::optional<absl::Duration> access_tokens;  // nothing: it does not say
  bool for_all = false;                         // the organization's default
};

struct Role {
  std::string id;
  std::string name;
  std::string template_id;
};

// A directory object behind a role, a group or a permission.
struct Principal {
  enum class Kind { kUser, kGroup, kApplication, kOther };
  Kind kind = Kind::kOther;
  std::string id;
  std::string app_id;
  std::string name;  // the UPN of a user, where it is told
};

using FailedUser = std::pair<std::string, monitor::ProvisioningError>;

// GET /organization
StatusOr<monitor::TenantLook::Organization> DecodeOrganization(std::string_view body);
// GET /directory/onPremisesSynchronization
StatusOr<monitor::TenantLook::Synchronization> DecodeSynchronization(std::string_view body);
// GET /domains
StatusOr<ListPage<Domain>> DecodeDomains(std::string_view body);
// GET /identity/conditionalAccess/policies: whether each is switched on.
struct AccessPolicy {
  bool enabled = false;
};
StatusOr<ListPage<AccessPolicy>> DecodeAccessPolicies(std::string_view body);
// GET /policies/tokenLifetimePolicies. One that cannot be read counts as the longest there can be.
StatusOr<ListPage<TokenPolicy>> DecodeTokenPolicies(std::string_view body);
// GET /directoryRoles
StatusOr<ListPage<Role>> DecodeRoles(std::string_view body);
// GET /directoryRoles/{id}/members, /groups/{id}/transitiveMembers, /servicePrincipals
StatusOr<ListPage<Principal>> DecodePrincipals(std::string_view body);
// GET /servicePrincipals(appId='...')/appRoleAssignedTo
StatusOr<ListPage<Principal>> DecodeAssignments(std::string_view body);
// GET /servicePrincipals/{id}/synchronization/jobs
StatusOr<ListPage<monitor::SyncJob>> DecodeSyncJobs(std::string_view body);
// GET /users with onPremisesProvisioningErrors; of each user the first error
StatusOr<ListPage<FailedUser>> DecodeProvisioningErrors(std::string_view body);
// GET /users/{id}/onPremisesSyncBehavior. Nothing: it does not say.
StatusOr<std::optional<bool>> DecodeSyncBehavior(std::string_view body);

}  // namespace driftwarden::graph
