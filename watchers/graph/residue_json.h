#pragma once

// Graph's JSON of what a person has beside the account, as our values. As in tenant_json.h: an item
// that cannot be used is left out and counted, what is of another kind is ignored, unknown fields
// are ignored, broken JSON or a document of the wrong shape is DataLoss. No credential, telephone
// number or address is read.

#include <string_view>

#include "absl/time/time.h"
#include "base/status.h"
#include "monitor/residue.h"
#include "watchers/graph/tenant_json.h"

namespace driftwarden::graph {

inline constexpr size_t kResiduePageItems = 5000;

// GET /users/{id}/transitiveMemberOf: directory roles and groups in one list.
struct MembershipsPage : ListPage<monitor::ResidueItem> {  // `items`: groups
  std::vector<monitor::ResidueItem> roles;
};
StatusOr<MembershipsPage> DecodeMemberships(std::string_view body);
// GET /roleManagement/directory/roleEligibilitySchedules with the definition of the role
StatusOr<ListPage<monitor::ResidueItem>> DecodeEligibilities(std::string_view body);
// GET /users/{id}/ownedObjects; only what has a credential that is good at `now`.
StatusOr<ListPage<monitor::ResidueItem>> DecodeOwnedCredentials(std::string_view body,
                                                                absl::Time now);
// GET /oauth2PermissionGrants of one principal
StatusOr<ListPage<monitor::ResidueItem>> DecodeGrants(std::string_view body);
// GET /users/{id}/licenseDetails
StatusOr<ListPage<monitor::ResidueItem>> DecodeLicences(std::string_view body);
// GET /users/{id}/authentication/methods, without the password
StatusOr<ListPage<monitor::ResidueItem>> DecodeMethods(std::string_view body);

}  // namespace driftwarden::graph
