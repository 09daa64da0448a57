#include "watchers/graph_tenant_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

using graph::Principal;
using monitor::ActorVia;
using monitor::SyncActor;
using monitor::TenantLook;

// Of the vendor, the same in every tenant and cloud.
constexpr char kSyncServiceAppId[] = "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016";
constexpr char kCloudSyncTemplateId[] = "1a4721b3-e57f-4451-ae87-ef078703ec94";
// Directory Synchronization Accounts, and its successor for Connect.
constexpr const char* kSyncRoleTemplates[] = {"d29b2b05-8046-44ba-8758-1e26182fcf32",
                                              "a92aed5d-d78a-4d16-b381-09adb37eb3b0"};
constexpr size_t kMaxPages = 50;
constexpr size_t kMaxItems = 5000;

bool IsSyncRole(const graph::Role& role) {
  return std::any_of(std::begin(kSyncRoleTemplates), std::end(kSyncRoleTemplates),
                     [&](const char* id) { return role.template_id == id; });
}

bool IsNamed(const graph::Role& role, const std::string& name) {
  return EqualsIgnoreCase(role.name, name) || EqualsIgnoreCase(role.template_id, name);
}

SyncActor ActorOf(const Principal& principal, ActorVia via) {
  SyncActor actor;
  actor.id = principal.id;
  actor.app_id = principal.app_id;
  actor.name = principal.name;
  actor.via = via;
  return actor;
}

// A broken answer to one question leaves the others worth asking.
bool EndsTheRead(const Status& status) {
  return !status.ok() && status.code() != StatusCode::kDataLoss;
}

}  // namespace

GraphTenantReader::GraphTenantReader(monitor::SourceName name, graph::GraphClient& client,
                                     std::shared_ptr<TenantSight> sight, Logger& log)
    : name_(std::move(name)), client_(client), sight_(std::move(sight)), log_(log) {}

bool GraphTenantReader::Limits(const Status& status, const Ask& ask) {
  const StatusCode code = status.code();
  const bool refused = code == StatusCode::kPermissionDenied || code == StatusCode::kNotFound ||
                       code == StatusCode::kFailedPrecondition;
  if (refused) sight_->Raise(ask.finding, Cat(ask.mend, " (", Message(status), ")"));
  return refused;
}

asio::awaitable<StatusOr<std::optional<std::string>>> GraphTenantReader::Get(std::string url,
                                                                             Ask ask,
                                                                             std::string batch) {
  graph::GraphRequest request(std::move(url), ask.route, ask.priority);
  request.client_request_id = std::move(batch);
  auto reply = co_await client_.Send(std::move(request));
  if (!reply.ok()) co_return reply.status();
  const Status status = graph::ToStatus(*reply, ask.route);
  if (status.ok()) co_return std::optional<std::string>(std::move(reply->body));
  if (Limits(status, ask)) co_return std::optional<std::string>();
  co_return status;
}

template <typename T>
asio::awaitable<StatusOr<std::optional<std::vector<T>>>> GraphTenantReader::GetAll(
    std::string url, Ask ask, std::string batch, Decode<T> decode) {
  std::vector<T> items;
  size_t left_out = 0;
  for (size_t pages = 0; !url.empty(); ++pages) {
    if (pages >= kMaxPages || items.size() > kMaxItems) {
      const Status status = PreconditionError(Cat(ask.route, ": more than can be kept"));
      (void)Limits(status, ask);
      co_return std::optional<std::vector<T>>();
    }
    std::string page_url = std::move(url);
    std::string id = batch;
    auto body = co_await Get(std::move(page_url), ask, std::move(id));
    if (!body.ok()) co_return body.status();
    if (!body->has_value()) co_return std::optional<std::vector<T>>();
    auto page = decode(**body);
    if (!page.ok()) co_return page.status();
    left_out += page->left_out;
    for (T& item : page->items) items.push_back(std::move(item));
    url = std::move(page->next_link);
  }
  if (left_out > 0) {
    log_.Warn("graph_object_flawed",
              Cat(ask.route, ": ", left_out, " items without what they need"),
              {{"source", name_.value}, {"batch", batch}});
  }
  co_return std::optional<std::vector<T>>(std::move(items));
}

asio::awaitable<Status> GraphTenantReader::ReadSync(TenantLook* look, bool jobs) {
  const Status organization = co_await ReadOrganization(look);
  if (!organization.ok()) co_return organization;
  if (!jobs) co_return OkStatus();
  const Status read = co_await ReadJobs(look);
  co_return read;
}

asio::awaitable<Status> GraphTenantReader::ReadOrganization(TenantLook* look) {
  const Ask ask{"organization", kOrganizationUnread,
                "when the tenant was last synchronized is not known, and no cycle is learned; "
                "grant the application Organization.Read.All",
                graph::Priority::kPoll};
  std::string url =
      "/organization?$select=id,displayName,onPremisesSyncEnabled,onPremisesLastSyncDateTime";
  std::string batch = look->batch.value;
  auto body = co_await Get(std::move(url), ask, std::move(batch));
  if (!body.ok()) co_return body.status();
  if (!body->has_value()) co_return OkStatus();
  auto organization = graph::DecodeOrganization(**body);
  if (!organization.ok()) co_return organization.status();
  sight_->Lower(kOrganizationUnread);
  if (organization->sync_enabled && !*organization->sync_enabled) {
    sight_->Raise(kSyncSwitchedOff,
                  "the tenant says that synchronization from on-premises is switched off: no "
                  "disable in AD reaches it");
  } else {
    sight_->Lower(kSyncSwitchedOff);
  }
  if (!organization->last_sync) {
    sight_->Raise(kLastSyncUnknown,
                  "the tenant does not tell when it was last synchronized: whether the engine has "
                  "stalled is not known, and no cycle is learned");
  } else {
    sight_->Lower(kLastSyncUnknown);
  }
  look->organization = *std::move(organization);
  co_return OkStatus();
}

asio::awaitable<Status> GraphTenantReader::ReadJobs(TenantLook* look) {
  const Ask principals{"service_principals", kSyncActorsUnread,
                       "who feeds the tenant is known in part only; grant the application "
                       "Application.Read.All"};
  std::string url = Cat("/servicePrincipals?$filter=applicationTemplateId%20eq%20'",
                        kCloudSyncTemplateId, "'&$select=id,appId,displayName");
  std::string batch = look->batch.value;
  auto found = co_await GetAll<Principal>(std::move(url), principals, std::move(batch),
                                          graph::DecodePrincipals);
  if (!found.ok()) co_return found.status();
  if (!found->has_value()) co_return OkStatus();
  sight_->Lower(kSyncActorsUnread);
  std::vector<SyncActor>& actors = look->actors[ActorVia::kCloudSync];
  actors.clear();
  for (const Principal& each : **found) actors.push_back(ActorOf(each, ActorVia::kCloudSync));

  const Ask ask{"sync_jobs", kSyncJobsUnread,
                "whether Cloud Sync runs, or stands in quarantine, is not known; grant the "
                "application Synchronization.Read.All"};
  std::vector<monitor::SyncJob> jobs;
  for (const Principal& each : **found) {
    std::string jobs_url =
        Cat("/servicePrincipals/", graph::PathSegment(each.id), "/synchronization/jobs");
    std::string id = look->batch.value;
    auto read = co_await GetAll<monitor::SyncJob>(std::move(jobs_url), ask, std::move(id),
                                                  graph::DecodeSyncJobs);
    if (!read.ok()) co_return read.status();
    if (!read->has_value()) co_return OkStatus();
    jobs.insert(jobs.end(), (*read)->begin(), (*read)->end());
  }
  sight_->Lower(kSyncJobsUnread);
  NoteJobs(jobs);
  look->jobs = std::move(jobs);
  co_return OkStatus();
}

void GraphTenantReader::NoteJobs(const std::vector<monitor::SyncJob>& jobs) {
  std::string held;
  for (const monitor::SyncJob& job : jobs) {
    if (job.code != monitor::kJobInQuarantine) continue;
    held += Cat(held.empty() ? "" : "; ", job.id, ": ",
                job.quarantine_reason.empty() ? "no reason told" : job.quarantine_reason);
  }
  if (held.empty()) {
    sight_->Lower(kSyncQuarantined);
  } else {
    sight_->Raise(kSyncQuarantined, Cat("a job of Cloud Sync stands in quarantine and carries "
                                        "little or nothing until its cause is mended: ",
                                        held));
  }
}

asio::awaitable<Status> GraphTenantReader::ReadRest(TenantLook* look,
                                                    std::vector<std::string> roles) {
  // A broken answer to one must not hide the others; when nothing answers there is no use in
  // asking.
  Status failed;
  const Status jobs = co_await ReadJobs(look);
  failed.Update(jobs);
  if (EndsTheRead(jobs)) co_return failed;
  const Status synchronization = co_await ReadSynchronization(look);
  failed.Update(synchronization);
  if (EndsTheRead(synchronization)) co_return failed;
  const Status domains = co_await ReadDomains(look);
  failed.Update(domains);
  if (EndsTheRead(domains)) co_return failed;
  const Status tokens = co_await ReadTokenLifetime(look);
  failed.Update(tokens);
  if (EndsTheRead(tokens)) co_return failed;
  const Status holders = co_await ReadRoles(look, std::move(roles));
  failed.Update(holders);
  if (EndsTheRead(holders)) co_return failed;
  const Status permitted = co_await ReadPermitted(look);
  failed.Update(permitted);
  if (EndsTheRead(permitted)) co_return failed;
  const Status errors = co_await ReadErrors(look);
  failed.Update(errors);
  co_return failed;
}

asio::awaitable<Status> GraphTenantReader::ReadSynchronization(TenantLook* look) {
  const Ask ask{
      "synchronization", kSynchronizationUnread,
      "whether password hashes are synchronized, and at how many deletions the engine "
      "stops, is not known; grant the application OnPremDirectorySynchronization.Read.All"};
  std::string url = "/directory/onPremisesSynchronization";
  std::string batch = look->batch.value;
  auto body = co_await Get(std::move(url), ask, std::move(batch));
  if (!body.ok()) co_return body.status();
  if (!body->has_value()) co_return OkStatus();
  auto read = graph::DecodeSynchronization(**body);
  if (!read.ok()) co_return read.status();
  sight_->Lower(kSynchronizationUnread);
  look->synchronization = *std::move(read);
  co_return OkStatus();
}

asio::awaitable<Status> GraphTenantReader::ReadDomains(TenantLook* look) {
  const Ask ask{"domains", kDomainsUnread,
                "how people sign in is not known where auth_mode is auto, and counts as password "
                "hash sync; grant the application Domain.Read.All"};
  std::string url = "/domains?$select=id,authenticationType,isVerified";
  std::string batch = look->batch.value;
  auto read =
      co_await GetAll<graph::Domain>(std::move(url), ask, std::move(batch), graph::DecodeDomains);
  if (!read.ok()) co_return read.status();
  if (!read->has_value()) co_return OkStatus();
  sight_->Lower(kDomainsUnread);
  std::set<std::string> federated;
  for (const graph::Domain& domain : **read) {
    if (domain.federated && domain.verified) federated.insert(domain.name);
  }
  look->federated_domains.emplace(federated.begin(), federated.end());
  co_return OkStatus();
}

// How long access tokens outlive a disable: what policies say, and whether Conditional Access is in
// force, without which the vendor's own bound is longer.
asio::awaitable<Status> GraphTenantReader::ReadTokenLifetime(TenantLook* look) {
  const Ask policies_ask{"token_policies", kTokenLifetimeUnread,
                         "how long access tokens live is not known, and counts as the vendor's "
                         "bound; grant the application Policy.Read.All, or write "
                         "policy.access_token_lifetime"};
  Ask access_ask = policies_ask;
  access_ask.route = "access_policies";
  std::string url = "/policies/tokenLifetimePolicies";
  std::string batch = look->batch.value;
  auto policies = co_await GetAll<graph::TokenPolicy>(std::move(url), policies_ask,
                                                      std::move(batch), graph::DecodeTokenPolicies);
  if (!policies.ok()) co_return policies.status();
  if (!policies->has_value()) co_return OkStatus();
  std::string access_url = "/identity/conditionalAccess/policies?$select=id,state";
  std::string id = look->batch.value;
  auto access = co_await GetAll<graph::AccessPolicy>(std::move(access_url), access_ask,
                                                     std::move(id), graph::DecodeAccessPolicies);
  if (!access.ok()) co_return access.status();
  monitor::TokenPolicies& tokens = look->token_policies.emplace();
  for (const graph::TokenPolicy& policy : **policies) {
    if (!policy.access_tokens) continue;
    tokens.longest = std::max(tokens.longest, *policy.access_tokens);
    tokens.for_all = tokens.for_all || policy.for_all;
  }
  if (!access->has_value()) co_return OkStatus();
  look->conditional_access =
      std::count_if((*access)->begin(), (*access)->end(),
                    [](const graph::AccessPolicy& policy) { return policy.enabled; });
  sight_->Lower(kTokenLifetimeUnread);
  co_return OkStatus();
}

asio::awaitable<Status> GraphTenantReader::ReadRoles(TenantLook* look,
                                                     std::vector<std::string> wanted) {
  const Ask ask{"roles", kRolesUnread,
                "who holds a role is not known: tiers by entra_roles match nobody new, and the "
                "account of the sync engine is not recognized; grant the application "
                "RoleManagement.Read.Directory"};
  std::string url = "/directoryRoles?$select=id,displayName,roleTemplateId";
  std::string batch = look->batch.value;
  auto read =
      co_await GetAll<graph::Role>(std::move(url), ask, std::move(batch), graph::DecodeRoles);
  if (!read.ok()) co_return read.status();
  if (!read->has_value()) co_return OkStatus();
  // A role is there once somebody was given it.
  std::set<std::string> missing(wanted.begin(), wanted.end());
  TenantLook holders;
  holders.batch = look->batch;
  holders.roles.emplace();
  holders.actors[ActorVia::kRole];
  for (const graph::Role& role : **read) {
    std::vector<std::string> named;
    for (const std::string& name : wanted) {
      if (IsNamed(role, name)) named.push_back(name);
    }
    for (const std::string& name : named) missing.erase(name);
    if (named.empty() && !IsSyncRole(role)) continue;
    graph::Role one = role;
    const Status members = co_await ReadHolders(&holders, std::move(one), std::move(named));
    if (!members.ok()) co_return members;
    if (!holders.roles) co_return OkStatus();  // refused: told
  }
  if (missing.empty()) {
    sight_->Lower(kRoleUnknown);
  } else {
    const std::vector<std::string> names(missing.begin(), missing.end());
    sight_->Raise(kRoleUnknown, Cat("nobody in the tenant has ever held what entra_roles names: ",
                                    JoinStrings(names, ", "),
                                    "; write a built-in role's display name or its template id"));
  }
  sight_->Lower(kRolesUnread);
  if (holders.roles_complete) sight_->Lower(kRoleGroupsUnread);
  look->roles = std::move(holders.roles);
  look->roles_complete = holders.roles_complete;
  look->actors[ActorVia::kRole] = std::move(holders.actors[ActorVia::kRole]);
  co_return OkStatus();
}

asio::awaitable<Status> GraphTenantReader::ReadHolders(TenantLook* look, graph::Role role,
                                                       std::vector<std::string> named) {
  const Ask ask{"role_members", kRolesUnread,
                "who holds a role is not known: tiers by entra_roles match nobody new; grant the "
                "application RoleManagement.Read.Directory"};
  const Ask group_ask{"group_members", kRoleGroupsUnread,
                      "who holds a role through a group is not known: tiers by entra_roles match "
                      "its direct holders only; grant the application GroupMember.Read.All"};
  std::string url = Cat("/directoryRoles/", graph::PathSegment(role.id), "/members");
  std::string batch = look->batch.value;
  auto members =
      co_await GetAll<Principal>(std::move(url), ask, std::move(batch), graph::DecodePrincipals);
  if (!members.ok()) co_return members.status();
  if (!members->has_value()) {
    look->roles.reset();
    co_return OkStatus();
  }
  std::vector<Principal> people;
  for (const Principal& member : **members) {
    if (IsSyncRole(role)) look->actors[ActorVia::kRole].push_back(ActorOf(member, ActorVia::kRole));
    if (member.kind == Principal::Kind::kUser) people.push_back(member);
    if (member.kind != Principal::Kind::kGroup || named.empty()) continue;
    std::string group_url = Cat("/groups/", graph::PathSegment(member.id),
                                "/transitiveMembers/microsoft.graph.user?$select=id");
    std::string id = look->batch.value;
    auto inside = co_await GetAll<Principal>(std::move(group_url), group_ask, std::move(id),
                                             graph::DecodePrincipals);
    if (!inside.ok()) co_return inside.status();
    if (!inside->has_value()) look->roles_complete = false;
    if (inside->has_value()) people.insert(people.end(), (*inside)->begin(), (*inside)->end());
  }
  for (const Principal& person : people) {
    std::vector<std::string>& held = (*look->roles)[person.id];
    for (const std::string& name : named) {
      if (std::find(held.begin(), held.end(), name) == held.end()) held.push_back(name);
    }
  }
  std::erase_if(*look->roles, [](const auto& entry) { return entry.second.empty(); });
  co_return OkStatus();
}

// Who may write through the synchronization service, and the service itself.
asio::awaitable<Status> GraphTenantReader::ReadPermitted(TenantLook* look) {
  const Ask ask{"sync_permissions", kSyncPermissionsUnread,
                "which applications may write through the synchronization service is not known; "
                "grant the application Application.Read.All"};
  SyncActor service;
  service.app_id = kSyncServiceAppId;
  service.name = "Microsoft Entra AD Synchronization Service";
  service.via = ActorVia::kService;
  std::string url =
      Cat("/servicePrincipals?$filter=appId%20eq%20'", kSyncServiceAppId, "'&$select=id,appId");
  std::string batch = look->batch.value;
  auto found =
      co_await GetAll<Principal>(std::move(url), ask, std::move(batch), graph::DecodePrincipals);
  if (!found.ok()) co_return found.status();
  if (!found->has_value()) co_return OkStatus();
  if ((*found)->empty()) {  // nothing is synchronized into this tenant
    sight_->Lower(kSyncPermissionsUnread);
    co_return OkStatus();
  }
  service.id = (*found)->front().id;
  look->actors[ActorVia::kService].assign(1, service);

  std::string assigned_url =
      Cat("/servicePrincipals(appId='", kSyncServiceAppId, "')/appRoleAssignedTo");
  std::string id = look->batch.value;
  auto assigned = co_await GetAll<Principal>(std::move(assigned_url), ask, std::move(id),
                                             graph::DecodeAssignments);
  if (!assigned.ok()) co_return assigned.status();
  if (!assigned->has_value()) co_return OkStatus();
  sight_->Lower(kSyncPermissionsUnread);
  std::vector<SyncActor>& actors = look->actors[ActorVia::kPermission];
  for (const Principal& each : **assigned) actors.push_back(ActorOf(each, ActorVia::kPermission));
  co_return OkStatus();
}

asio::awaitable<Status> GraphTenantReader::ReadErrors(TenantLook* look) {
  const Ask ask{"provisioning_errors", kProvisioningErrorsUnread,
                "whom the engine cannot carry is not shown; grant the application User.Read.All"};
  std::string url =
      "/users?$filter=onPremisesProvisioningErrors/any(e:e/category%20eq%20'PropertyConflict')"
      "&$select=id,onPremisesProvisioningErrors";
  std::string batch = look->batch.value;
  auto read = co_await GetAll<graph::FailedUser>(std::move(url), ask, std::move(batch),
                                                 graph::DecodeProvisioningErrors);
  if (!read.ok()) co_return read.status();
  if (!read->has_value()) co_return OkStatus();
  sight_->Lower(kProvisioningErrorsUnread);
  look->provisioning_errors.emplace();
  for (graph::FailedUser& user : **read) look->provisioning_errors->insert(std::move(user));
  co_return OkStatus();
}

}  // namespace driftwarden::watchers
