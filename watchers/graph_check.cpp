#include "watchers/graph_check.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "watchers/graph/tenant_json.h"
#include "watchers/graph/token_claims.h"
#include "watchers/graph_delta_round.h"

namespace driftwarden::watchers {
namespace {

using graph::GraphReply;

constexpr absl::Duration kClockWarn = absl::Seconds(5);
constexpr absl::Duration kClockFail = absl::Minutes(5);  // tokens and assertions fail, and our gate
constexpr char kReadUsers[] = "User.Read.All";
constexpr char kRevoke[] = "User.RevokeSessions.All";
// Of the vendor, the same in every tenant and cloud.
constexpr char kSyncServiceAppId[] = "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016";
constexpr char kCloudSyncTemplateId[] = "1a4721b3-e57f-4451-ae87-ef078703ec94";

// All that this program has a use for. Directory.Read.All stands for several of the others.
constexpr const char* kUseful[] = {
    kReadUsers,
    kRevoke,
    "Organization.Read.All",
    "OnPremDirectorySynchronization.Read.All",
    "Domain.Read.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "GroupMember.Read.All",
    "Application.Read.All",
    "Synchronization.Read.All",
    "User-OnPremisesSyncBehavior.Read.All",
    "AuditLog.Read.All",
    "Device.Read.All",
    "Directory.Read.All",
    "RoleEligibilitySchedule.Read.Directory",
    "UserAuthenticationMethod.Read.All",
};

bool IsUseful(const std::string& permission) {
  return std::any_of(std::begin(kUseful), std::end(kUseful),
                     [&](const char* each) { return EqualsIgnoreCase(permission, each); });
}

bool OnlyReads(const std::string& permission) {
  return permission.find("Read") != std::string::npos &&
         permission.find("Write") == std::string::npos;
}

std::string GrantOf(std::string_view permission) {
  return Cat("grant the application ", permission,
             " (application permission of Microsoft Graph) with an administrator's consent");
}

std::string FirstIdOf(std::string_view body) {
  const auto page = graph::DecodePrincipals(body);
  return page.ok() && !page->items.empty() ? page->items.front().id : "";
}

}  // namespace

GraphCheck::GraphCheck(GraphCheckOptions options, net::HttpClient& http, graph::TokenSource& tokens,
                       Scheduler& scheduler, Rng& rng)
    : options_(std::move(options)),
      tokens_(tokens),
      client_(
          [this] {
            graph::ClientOptions client;
            client.endpoints = options_.endpoints;
            client.timeout = options_.timeout;
            client.max_wait = options_.max_wait;
            client.first_backoff = options_.first_backoff;
            client.max_attempts = 3;
            return client;
          }(),
          http, tokens, scheduler, rng, *this) {}

void GraphCheck::OnRequest(std::string_view, int) {}

void GraphCheck::OnThrottled(std::string_view, std::string_view) {
  ++throttled_;
}

void GraphCheck::Find(Level level, std::string_view topic, std::string what, std::string mend) {
  CheckFinding finding;
  finding.level = level;
  finding.subject = Cat(options_.name.value, ": ", topic);
  finding.what = std::move(what);
  finding.mend = std::move(mend);
  findings_.push_back(std::move(finding));
}

asio::awaitable<std::vector<CheckFinding>> GraphCheck::Run() {
  findings_.clear();
  person_.clear();
  silent_ = OkStatus();
  const bool token = co_await CheckToken();
  if (!token) co_return std::exchange(findings_, {});
  const bool delta = co_await CheckDelta();
  if (delta) {
    co_await CheckPeople();
    co_await CheckTenant();
    co_await CheckRoles();
    co_await CheckApplications();
    co_await CheckEvidence();
    co_await CheckResidue();
  }
  if (!silent_.ok()) {
    const bool busy = absl::IsResourceExhausted(silent_);
    Find(busy ? Level::kWarn : Level::kFail, "Graph",
         Cat(Message(silent_), "; what is missing above was not tried"),
         busy ? "try again later"
              : Cat("see whether ", options_.endpoints.graph,
                    " is reachable from here, by proxy if need be"));
  }
  CheckRevoke();
  CheckExcess();
  CheckLoad();
  co_return std::exchange(findings_, {});
}

asio::awaitable<bool> GraphCheck::CheckToken() {
  const auto token = co_await tokens_.Token();
  if (!token.ok()) {
    // What is refused for good names its mend by itself.
    const bool lasting = absl::IsUnauthenticated(token.status());
    Find(Level::kFail, "token", std::string(Message(token.status())),
         lasting ? ""
                 : Cat("see whether ", options_.endpoints.login,
                       " is reachable from here, and try again"));
    co_return false;
  }
  granted_ = graph::PermissionsIn(*token);
  Find(Level::kOk, "token",
       granted_ ? Cat("granted, with ", granted_->size(), " permissions")
                : std::string("granted; it does not let its permissions be read"));
  co_return true;
}

asio::awaitable<std::optional<GraphReply>> GraphCheck::Get(std::string url) {
  if (!silent_.ok()) co_return std::nullopt;
  graph::GraphRequest request(std::move(url), "check", graph::Priority::kEvidence);
  auto reply = co_await client_.Send(std::move(request));
  if (!reply.ok()) {
    silent_ = reply.status();
    co_return std::nullopt;
  }
  if (reply->throttle_share) load_ = std::max(load_, *reply->throttle_share);
  co_return *std::move(reply);
}

asio::awaitable<bool> GraphCheck::CheckDelta() {
  std::vector<std::string> select = DeltaSelect();
  std::vector<std::string> refused;
  while (true) {
    std::string url = Cat("/users/delta?$select=", JoinStrings(select, ","));
    auto reply = co_await Get(std::move(url));
    if (!reply) co_return false;
    const std::vector<std::string> named =
        reply->status == 400 ? RefusedProperties(reply->error, select) : std::vector<std::string>();
    if (named.empty()) {
      CheckClock(*reply);
      co_return TakePage(*std::move(reply), refused);
    }
    std::erase_if(select, [&](const std::string& property) {
      return std::find(named.begin(), named.end(), property) != named.end();
    });
    refused.insert(refused.end(), named.begin(), named.end());
  }
}

void GraphCheck::CheckClock(const GraphReply& reply) {
  if (!reply.clock_offset) {
    Find(Level::kWarn, "clock", "not proven: the answer has no Date",
         "see what stands between this machine and Graph and drops the header");
    return;
  }
  const absl::Duration off = absl::AbsDuration(*reply.clock_offset);
  const Level level = off >= kClockFail   ? Level::kFail
                      : off >= kClockWarn ? Level::kWarn
                                          : Level::kOk;
  // A Date has whole seconds.
  Find(level, "clock",
       off < absl::Seconds(2)
           ? "agrees with ours"
           : Cat("the tenant's is ", HumanDuration(off),
                 *reply.clock_offset > absl::ZeroDuration() ? " ahead of ours" : " behind ours"),
       level == Level::kOk ? "" : "synchronize this machine's clock (chrony)");
}

// False: people are not readable, or nothing is.
bool GraphCheck::TakePage(GraphReply reply, const std::vector<std::string>& refused) {
  if (!reply.ok()) {
    const Status status = graph::ToStatus(reply, "GET /users/delta");
    const bool busy = reply.status == 429;
    std::string mend = reply.status == 403   ? GrantOf(kReadUsers)
                       : reply.status == 401 ? ""  // it says so itself
                       : busy                ? "try again later"
                                             : "see cloud and endpoints.graph, and try again";
    Find(busy ? Level::kWarn : Level::kFail, kReadUsers,
         Cat(busy ? "not proven: " : "nobody can be read: ", Message(status)), std::move(mend));
    return reply.status == 403 || busy;
  }
  const auto page = client_.decoder().DecodeUsersPage(reply.body);
  if (!page.ok()) {
    Find(Level::kFail, "delta", std::string(Message(page.status())),
         "see what stands between this machine and Graph and changes its answers");
    return true;
  }
  const Status link =
      client_.CheckLink(page->next_link.empty() ? page->delta_link : page->next_link);
  if (!link.ok()) {
    Find(Level::kFail, "delta", std::string(Message(link)),
         "set cloud, or endpoints.graph, to the host that the tenant's links name");
    return true;
  }
  bool visible = false;
  bool readable = false;
  for (const monitor::EntraView& user : page->users) {
    if (user.deletion.value_or(monitor::EntraDeletion::kLive) != monitor::EntraDeletion::kLive)
      continue;
    visible = true;
    if (person_.empty()) person_ = user.id;
    readable |= user.account_enabled.has_value();
  }
  if (visible && !readable) {
    Find(Level::kFail, kReadUsers, "people are visible, their accountEnabled is not",
         GrantOf(kReadUsers));
    return true;
  }
  Find(Level::kOk, kReadUsers, "the users' delta feed is readable");
  if (refused.empty()) {
    Find(Level::kOk, "delta", Cat("gives all ", DeltaSelect().size(), " properties asked for"));
  } else {
    Find(Level::kWarn, "delta",
         Cat("does not give ", JoinStrings(refused, ", "),
             ", which will be known by direct reads only: later, and not of everybody"),
         "nothing on this side: it is the tenant's choice");
  }
  return true;
}

void GraphCheck::FindRefusal(const Probe& probe, const GraphReply& reply) {
  const std::string what(
      Message(graph::ToStatus(reply, Cat("GET ", probe.url.substr(0, probe.url.find('?'))))));
  if (reply.status == 403) {
    Find(Level::kWarn, probe.permission, Cat("refused, so ", probe.lost, ": ", what),
         GrantOf(probe.permission));
  } else if (reply.status == 429 || reply.status >= 500 || reply.status == 408) {
    Find(Level::kWarn, probe.permission, Cat("not proven: ", what), "try again later");
  } else if (reply.status == 401) {
    Find(Level::kFail, probe.permission, what);
  } else {
    Find(Level::kWarn, probe.permission,
         Cat("not proven, this tenant or cloud may not offer it, so ", probe.lost, ": ", what));
  }
}

asio::awaitable<GraphCheck::Answer> GraphCheck::Try(Probe probe, bool last) {
  Answer answer;
  std::string url = probe.url;
  auto reply = co_await Get(std::move(url));
  if (!reply) co_return answer;
  if (!reply->ok()) {
    FindRefusal(probe, *reply);
    co_return answer;
  }
  answer.allowed = true;
  answer.body = std::move(reply->body);
  if (last) {
    Find(Level::kOk, probe.permission,
         Cat("GET ", probe.url.substr(0, probe.url.find('?')), " answers"));
  }
  co_return answer;
}

asio::awaitable<void> GraphCheck::CheckPeople() {
  Probe errors;
  errors.permission = kReadUsers;
  errors.url =
      "/users?$filter=onPremisesProvisioningErrors/any(e:e/category%20eq%20'PropertyConflict')"
      "&$select=id,onPremisesProvisioningErrors&$top=1";
  errors.lost = "whom the sync engine cannot carry is not shown";
  co_await Try(std::move(errors), true);
  if (person_.empty()) co_return;
  const std::string path = Cat("/users/", graph::PathSegment(person_));
  Probe behaviour;
  behaviour.permission = "User-OnPremisesSyncBehavior.Read.All";
  behaviour.url = Cat(path, "/onPremisesSyncBehavior?$select=isCloudManaged");
  behaviour.lost = "an account that was handed over to the cloud is not told from others";
  co_await Try(std::move(behaviour), true);
}

asio::awaitable<void> GraphCheck::CheckTenant() {
  Probe organization;
  organization.permission = "Organization.Read.All";
  organization.url =
      "/organization?$select=id,displayName,onPremisesSyncEnabled,onPremisesLastSyncDateTime";
  organization.lost = "the last sync is not known, and no cycle is learned";
  co_await Try(std::move(organization), true);

  Probe configuration;
  configuration.permission = "OnPremDirectorySynchronization.Read.All";
  configuration.url = "/directory/onPremisesSynchronization";
  configuration.lost = "password hash sync and the accidental-deletion threshold are not known";
  co_await Try(std::move(configuration), true);

  Probe domains;
  domains.permission = "Domain.Read.All";
  domains.url = "/domains";
  domains.lost = "auth_mode: auto does not know how people sign in";
  co_await Try(std::move(domains), true);

  Probe tokens;
  tokens.permission = "Policy.Read.All";
  tokens.url = "/policies/tokenLifetimePolicies";
  tokens.lost = "how long access tokens outlive a disable is only believed";
  Probe access = tokens;
  const Answer lifetimes = co_await Try(std::move(tokens), false);
  if (!lifetimes.allowed) co_return;
  access.url = "/identity/conditionalAccess/policies?$select=id,state";
  co_await Try(std::move(access), true);
}

asio::awaitable<void> GraphCheck::CheckRoles() {
  Probe roles;
  roles.permission = "RoleManagement.Read.Directory";
  roles.url = "/directoryRoles?$select=id,displayName,roleTemplateId";
  roles.lost = "tiers by entra_roles match nobody, and the account of Connect is not recognized";
  Probe members = roles;
  const Answer listed = co_await Try(std::move(roles), false);
  if (listed.allowed) {
    const auto page = graph::DecodeRoles(listed.body);
    const bool any = page.ok() && !page->items.empty();
    members.url =
        any ? Cat("/directoryRoles/", graph::PathSegment(page->items.front().id), "/members")
            : members.url;
    co_await Try(std::move(members), true);
  }
  Probe groups;
  groups.permission = "GroupMember.Read.All";
  groups.url = "/groups?$select=id&$top=1";
  groups.lost = "who holds a role through a group is not known";
  Probe inside = groups;
  const Answer found = co_await Try(std::move(groups), false);
  if (!found.allowed) co_return;
  const std::string group = FirstIdOf(found.body);
  if (!group.empty()) {
    inside.url = Cat("/groups/", graph::PathSegment(group),
                     "/transitiveMembers/microsoft.graph.user?$select=id");
  }
  co_await Try(std::move(inside), true);
}

asio::awaitable<void> GraphCheck::CheckApplications() {
  Probe applications;
  applications.permission = "Application.Read.All";
  applications.url = Cat("/servicePrincipals?$filter=applicationTemplateId%20eq%20'",
                         kCloudSyncTemplateId, "'&$select=id,appId,displayName");
  applications.lost = "who feeds the tenant is known in part only";
  Probe service = applications;
  const Answer cloud = co_await Try(std::move(applications), false);
  if (!silent_.ok()) co_return;
  if (cloud.allowed) {
    service.url =
        Cat("/servicePrincipals?$filter=appId%20eq%20'", kSyncServiceAppId, "'&$select=id,appId");
    Probe assigned = service;
    const Answer found = co_await Try(std::move(service), false);
    // Absent where nothing is synchronized into the tenant: then there is nothing more to be read.
    if (found.allowed && FirstIdOf(found.body).empty()) {
      Find(Level::kOk, assigned.permission, "GET /servicePrincipals answers");
    } else if (found.allowed) {
      assigned.url = Cat("/servicePrincipals(appId='", kSyncServiceAppId, "')/appRoleAssignedTo");
      co_await Try(std::move(assigned), true);
    }
  }
  co_await CheckJobs(cloud);
}

asio::awaitable<void> GraphCheck::CheckJobs(Answer cloud) {
  Probe jobs;
  jobs.permission = "Synchronization.Read.All";
  jobs.lost = "whether Cloud Sync runs, or stands in quarantine, is not known";
  const std::string engine = FirstIdOf(cloud.body);
  if (!cloud.allowed) {
    Find(Level::kWarn, jobs.permission,
         "not proven: whether Cloud Sync feeds this tenant could not be read",
         "Application.Read.All first");
  } else if (engine.empty()) {
    Find(Level::kOk, jobs.permission, "not tried and not needed: no Cloud Sync here");
  } else {
    jobs.url = Cat("/servicePrincipals/", graph::PathSegment(engine), "/synchronization/jobs");
    co_await Try(std::move(jobs), true);
  }
}

void GraphCheck::CheckRevoke() {
  if (!granted_) {
    const bool needed = options_.revokes;
    Find(needed ? Level::kWarn : Level::kOk, kRevoke,
         needed ? "not proven: it cannot be tried without acting, and the token does not tell"
                : "not tried and not needed: no link of this tenant acts",
         needed ? "see the application's API permissions in Entra for it" : "");
    return;
  }
  const auto revokes = [](const std::string& permission) {
    return permission == kRevoke || permission == "User.ReadWrite.All" ||
           permission == "Directory.ReadWrite.All";
  };
  const auto found = std::find_if(granted_->begin(), granted_->end(), revokes);
  if (found != granted_->end()) {
    Find(Level::kOk, kRevoke, Cat("the token carries ", *found, "; not tried"));
  } else if (options_.revokes) {
    Find(Level::kWarn, kRevoke, "the token does not carry it: every revocation will be refused",
         GrantOf(kRevoke));
  } else {
    Find(Level::kOk, kRevoke, "not granted and not needed: no link of this tenant acts");
  }
}

void GraphCheck::CheckExcess() {
  if (!granted_) {
    Find(Level::kWarn, "excess permissions",
         "not proven: the token does not tell what the application may do",
         "compare the application's API permissions in Entra with docs/app-registration.md");
    return;
  }
  std::vector<std::string> acting;
  std::vector<std::string> reading;
  for (const std::string& permission : *granted_) {
    if (IsUseful(permission)) continue;
    (OnlyReads(permission) ? reading : acting).push_back(permission);
  }
  if (acting.empty() && reading.empty()) {
    Find(Level::kOk, "excess permissions", "none: the token carries nothing that has no use here");
    return;
  }
  std::string what = "more than is needed:";
  if (!acting.empty()) what += Cat(" ", JoinStrings(acting, ", "), " (can change the tenant)");
  if (!reading.empty()) what += Cat(acting.empty() ? " " : ", ", JoinStrings(reading, ", "));
  Find(Level::kWarn, "excess permissions", std::move(what),
       "remove them from the application, and their consent");
}

void GraphCheck::CheckLoad() {
  const std::string mend =
      "raise poll_interval, or give driftwarden an application of its own: the limit is one "
      "application's in one tenant";
  if (throttled_ > 0) {
    Find(Level::kWarn, "load", Cat("the tenant throttled ", throttled_, " of these requests"),
         mend);
  } else if (load_ > 0) {
    Find(Level::kWarn, "load",
         Cat(static_cast<int>(load_ * 100), " % of what the tenant allows is used"), mend);
  } else {
    Find(Level::kOk, "load", "the tenant throttles nothing, and tells of no limit that is near");
  }
}

}  // namespace driftwarden::watchers
