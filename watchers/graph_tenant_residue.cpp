#include "watchers/graph_tenant_residue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/strings.h"
#include "watchers/graph_batch.h"

namespace driftwarden::watchers {
namespace {

using graph::GraphReply;
using monitor::ResidueArea;
using monitor::ResidueFindings;
using monitor::ResidueItem;
using monitor::ResidueOutcome;

constexpr char kResidueReads[] = "what remains";
constexpr size_t kMostResiduePages = 10;

std::vector<ResidueArea> AreasOf(ResidueQuery query) {
  switch (query) {
    case ResidueQuery::kMemberships:
      return {ResidueArea::kDirectoryRoles, ResidueArea::kGroups};
    case ResidueQuery::kEligible:
      return {ResidueArea::kEligibleRoles};
    case ResidueQuery::kOwned:
      return {ResidueArea::kApplications};
    case ResidueQuery::kGrants:
      return {ResidueArea::kGrants};
    case ResidueQuery::kLicences:
      return {ResidueArea::kLicences};
    case ResidueQuery::kMethods:
      break;
  }
  return {ResidueArea::kMethods};
}

bool IsUnlicensed(const graph::GraphError& error) {
  return ToLowerAscii(error.code).find("premium") != std::string::npos ||
         ToLowerAscii(error.message).find("premium") != std::string::npos;
}

// What an answer that is none amounts to.
ResidueOutcome OutcomeOf(ResidueQuery query, const GraphReply& reply) {
  if ((reply.status == 400 || reply.status == 403) && IsUnlicensed(reply.error)) {
    return ResidueOutcome::kLicence;
  }
  if (reply.status == 403) return ResidueOutcome::kPermission;
  if (reply.status == 400) return ResidueOutcome::kUnsupported;
  // A 404 that is not Graph's own is a proxy's, and says nothing about anybody.
  if (reply.status == 404 && !reply.error.code.empty()) {
    const bool of_user = query != ResidueQuery::kEligible && query != ResidueQuery::kGrants;
    return of_user ? ResidueOutcome::kGone : ResidueOutcome::kUnsupported;
  }
  return ResidueOutcome::kFailed;
}

void Settle(ResidueQuery query, ResidueOutcome outcome, absl::Time at, std::string_view detail,
            ResidueLook* look) {
  for (const ResidueArea area : AreasOf(query)) {
    ResidueFindings& findings = look->areas[area];
    findings.outcome = outcome;
    findings.at = at;
    findings.detail = std::string(detail);
    if (outcome != ResidueOutcome::kEvaluated) findings.items.clear();
  }
}

void Keep(std::vector<ResidueItem> items, ResidueFindings& findings) {
  for (ResidueItem& item : items) {
    if (findings.items.size() == monitor::kResidueKept) {
      findings.complete = false;
      return;
    }
    findings.items.push_back(std::move(item));
  }
}

StatusOr<graph::ListPage<ResidueItem>> DecodeItems(ResidueQuery query, std::string_view body,
                                                   absl::Time now) {
  switch (query) {
    case ResidueQuery::kEligible:
      return graph::DecodeEligibilities(body);
    case ResidueQuery::kOwned:
      return graph::DecodeOwnedCredentials(body, now);
    case ResidueQuery::kGrants:
      return graph::DecodeGrants(body);
    case ResidueQuery::kLicences:
      return graph::DecodeLicences(body);
    case ResidueQuery::kMethods:
    case ResidueQuery::kMemberships:
      break;
  }
  return graph::DecodeMethods(body);
}

// One page into its areas; the link to the next.
StatusOr<std::string> TakePage(ResidueQuery query, const GraphReply& reply, ResidueLook* look) {
  graph::ListPage<ResidueItem> page;
  if (query == ResidueQuery::kMemberships) {
    DW_ASSIGN_OR_RETURN(graph::MembershipsPage both, graph::DecodeMemberships(reply.body));
    Keep(std::move(both.roles), look->areas[ResidueArea::kDirectoryRoles]);
    page = std::move(both);
  } else {
    DW_ASSIGN_OR_RETURN(page, DecodeItems(query, reply.body, reply.at.hi));
  }
  const std::vector<ResidueArea> areas = AreasOf(query);
  Keep(std::move(page.items), look->areas[areas.back()]);
  if (page.left_out > 0) {
    for (const ResidueArea area : areas) look->areas[area].complete = false;
  }
  return std::move(page.next_link);
}

}  // namespace

std::string ResiduePath(ResidueQuery query, const std::string& entra_id) {
  const std::string id = graph::PathSegment(entra_id);
  switch (query) {
    case ResidueQuery::kMemberships:
      return Cat("/users/", id, "/transitiveMemberOf");
    case ResidueQuery::kEligible:
      return Cat("/roleManagement/directory/roleEligibilitySchedules?$filter=principalId%20eq%20'",
                 id, "'&$expand=roleDefinition");
    case ResidueQuery::kOwned:
      return Cat("/users/", id, "/ownedObjects");
    case ResidueQuery::kGrants:
      // By filter: of a person's own collection an application may read only what it may write.
      return Cat("/oauth2PermissionGrants?$filter=principalId%20eq%20'", id, "'");
    case ResidueQuery::kLicences:
      return Cat("/users/", id, "/licenseDetails?$select=id,skuId,skuPartNumber");
    case ResidueQuery::kMethods:
      break;
  }
  return Cat("/users/", id, "/authentication/methods");
}

const char* ResiduePermission(ResidueQuery query) {
  switch (query) {
    case ResidueQuery::kEligible:
      return "RoleEligibilitySchedule.Read.Directory";
    case ResidueQuery::kLicences:
      return "User.Read.All";
    case ResidueQuery::kMethods:
      return "UserAuthenticationMethod.Read.All";
    case ResidueQuery::kMemberships:
    case ResidueQuery::kOwned:
    case ResidueQuery::kGrants:
      break;
  }
  return "Directory.Read.All";
}

asio::awaitable<Status> GraphTenantResidue::Collect(ResidueQuery query, GraphReply reply,
                                                    std::string request_id, ResidueLook* look) {
  for (size_t pages = 0;; ++pages) {
    if (!reply.ok()) {
      const Status status = graph::ToStatus(reply, kResidueReads);
      Settle(query, OutcomeOf(query, reply), reply.at.hi, Message(status), look);
      co_return OkStatus();
    }
    auto next = TakePage(query, reply, look);
    if (!next.ok()) {
      Settle(query, ResidueOutcome::kFailed, reply.at.hi, Message(next.status()), look);
      co_return OkStatus();
    }
    Settle(query, ResidueOutcome::kEvaluated, reply.at.hi, "", look);
    if (next->empty()) co_return OkStatus();
    const std::vector<ResidueArea> areas = AreasOf(query);
    // Behind more groups than are kept there may be a role.
    const bool full = query != ResidueQuery::kMemberships && !look->areas[areas.back()].complete;
    if (full || pages + 1 >= kMostResiduePages) {
      for (const ResidueArea area : areas) look->areas[area].complete = false;
      co_return OkStatus();
    }
    graph::GraphRequest request(*std::move(next), "residue", graph::Priority::kEvidence);
    request.client_request_id = request_id;
    ++look->requests;
    auto answer = co_await client_.Send(std::move(request));
    if (!answer.ok()) co_return answer.status();
    reply = *std::move(answer);
  }
}

void GraphTenantResidue::Tell(const std::vector<ResidueQuery>& forbidden) {
  std::vector<std::string> grants;
  for (const ResidueQuery query : forbidden) {
    const std::string permission = ResiduePermission(query);
    if (std::find(grants.begin(), grants.end(), permission) == grants.end()) {
      grants.push_back(permission);
    }
  }
  if (grants.empty()) return sight_->Lower(kResidueUnread);
  sight_->Raise(kResidueUnread,
                Cat("what remains of people who left is not evaluated in full; grant the "
                    "application ",
                    JoinStrings(grants, ", ")));
}

asio::awaitable<StatusOr<ResidueLook>> GraphTenantResidue::Read(std::string entra_id,
                                                                std::string request_id) {
  if (entra_id.empty()) co_return InvalidError("no Entra id");
  std::vector<std::string> paths;
  for (const ResidueQuery query : kAllResidueQueries) {
    paths.push_back(ResiduePath(query, entra_id));
  }
  ResidueLook look;
  look.requests = paths.size();
  std::string id = request_id;
  auto replies = co_await GetBatch(&client_, std::move(paths), kResidueReads, std::move(id));
  if (!replies.ok()) co_return replies.status();
  for (const ResidueArea area : monitor::kAllResidueAreas) look.areas[area];
  std::vector<ResidueQuery> forbidden;
  for (size_t i = 0; i < std::size(kAllResidueQueries); ++i) {
    const ResidueQuery query = kAllResidueQueries[i];
    GraphReply reply = std::move((*replies)[i]);
    std::string own = request_id;
    const Status collected = co_await Collect(query, std::move(reply), std::move(own), &look);
    if (!collected.ok()) co_return collected;
    const bool refused = look.areas[AreasOf(query).front()].outcome == ResidueOutcome::kPermission;
    if (refused) forbidden.push_back(query);
  }
  // Of somebody who is gone nothing is told, so that it proves no permission.
  const bool gone = look.areas[ResidueArea::kGroups].outcome == ResidueOutcome::kGone;
  if (!gone) Tell(forbidden);
  co_return look;
}

}  // namespace driftwarden::watchers
