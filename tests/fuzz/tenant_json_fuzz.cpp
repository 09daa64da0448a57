#include "tests/fuzz/target.h"
#include "watchers/graph/tenant_json.h"

namespace driftwarden::graph {
namespace {

template <typename T>
void CheckList(const StatusOr<ListPage<T>>& page) {
  DW_HOLDS(page.ok() || absl::IsDataLoss(page.status()));
}

void CheckPrincipals(const StatusOr<ListPage<Principal>>& page) {
  CheckList(page);
  if (!page.ok()) return;
  for (const Principal& principal : page->items) DW_HOLDS(!principal.id.empty());
}

}  // namespace

DW_FUZZ_TARGET(tenant_json) {
  const std::string body(input);
  const auto organization = DecodeOrganization(body);
  DW_HOLDS(organization.ok() || absl::IsDataLoss(organization.status()));
  const auto synchronization = DecodeSynchronization(body);
  DW_HOLDS(synchronization.ok() || absl::IsDataLoss(synchronization.status()));
  const auto behavior = DecodeSyncBehavior(body);
  DW_HOLDS(behavior.ok() || absl::IsDataLoss(behavior.status()));
  CheckList(DecodeDomains(body));
  CheckList(DecodeRoles(body));
  CheckList(DecodeSyncJobs(body));
  CheckList(DecodeProvisioningErrors(body));
  CheckPrincipals(DecodePrincipals(body));
  CheckPrincipals(DecodeAssignments(body));
}

}  // namespace driftwarden::graph
