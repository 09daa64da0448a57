#pragma once

// TenantResidue from Graph: one $batch a person and what pages follow, as other reads of the lowest
// priority. What the application may not read is a finding of the tenant's.

#include <memory>
#include <string>
#include <vector>

#include "watchers/graph/client.h"
#include "watchers/graph/residue_json.h"
#include "watchers/tenant_residue.h"
#include "watchers/tenant_sight.h"

namespace driftwarden::watchers {

// What is asked of Graph for a person, and which permission lets it.
enum class ResidueQuery : uint8_t { kMemberships, kEligible, kOwned, kGrants, kLicences, kMethods };
constexpr ResidueQuery kAllResidueQueries[] = {ResidueQuery::kMemberships, ResidueQuery::kEligible,
                                               ResidueQuery::kOwned,       ResidueQuery::kGrants,
                                               ResidueQuery::kLicences,    ResidueQuery::kMethods};
std::string ResiduePath(ResidueQuery query, const std::string& entra_id);  // below the version
const char* ResiduePermission(ResidueQuery query);

class GraphTenantResidue final : public TenantResidue {
 public:
  // `client` must outlive it.
  GraphTenantResidue(graph::GraphClient& client, std::shared_ptr<TenantSight> sight)
      : client_(client), sight_(std::move(sight)) {}

  asio::awaitable<StatusOr<ResidueLook>> Read(std::string entra_id,
                                              std::string request_id) override;

 private:
  // One query's pages into the look. Only Cancelled and failures of the transport are errors.
  asio::awaitable<Status> Collect(ResidueQuery query, graph::GraphReply reply,
                                  std::string request_id, ResidueLook* look);
  void Tell(const std::vector<ResidueQuery>& forbidden);

  graph::GraphClient& client_;
  const std::shared_ptr<TenantSight> sight_;
};

}  // namespace driftwarden::watchers
