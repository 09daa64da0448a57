// How people sign in, and who feeds the tenant: what the configuration says, else what the tenant
// says of itself.

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "monitor/attribution.h"
#include "monitor/facts.h"
#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kStalledSlack = absl::Minutes(10);

std::string DomainOf(const Facts& facts) {
  std::string upn;
  if (facts.entra) upn = facts.entra->upn;
  if (const AdHalf* ad = facts.DecidingAd(); upn.empty() && ad != nullptr) upn = ad->upn;
  const size_t at = upn.rfind('@');
  return at == std::string::npos ? std::string() : ToLowerAscii(upn.substr(at + 1));
}

}  // namespace

std::string_view AuthModeText(AuthMode mode) {
  switch (mode) {
    case AuthMode::kPasswordHashSync:
      return "password_hash_sync";
    case AuthMode::kPassThrough:
      return "pass_through";
    case AuthMode::kFederated:
      return "federated";
  }
  return "unknown";
}

AuthFinding AuthOf(const Facts& facts, const Policy& policy, const LinkState& link) {
  return AuthOfDomain(DomainOf(facts), policy, link);
}

AuthFinding AuthOfDomain(const std::string& domain, const Policy& policy, const LinkState& link) {
  const auto written = policy.auth_domains.find(domain);
  if (written != policy.auth_domains.end())
    return {written->second, true, "configured for the domain"};
  if (policy.auth_mode) return {*policy.auth_mode, true, "configured"};
  const TenantFacts& tenant = link.tenant;
  if (tenant.federated_domains) {
    const auto& federated = *tenant.federated_domains;
    if (std::find(federated.begin(), federated.end(), domain) != federated.end()) {
      return {AuthMode::kFederated, true, "the tenant says that the domain is federated"};
    }
  }
  if (!tenant.federated_domains || !tenant.password_sync) {
    return {AuthMode::kPasswordHashSync, false,
            "unknown: the tenant's domains or its synchronization features are not readable"};
  }
  if (*tenant.password_sync) {
    // Pass-through authentication with hashes synchronized as a fallback looks the same.
    return {AuthMode::kPasswordHashSync, false,
            "the domain is managed and password hashes are synchronized; pass-through "
            "authentication beside it cannot be told"};
  }
  return {
      AuthMode::kPassThrough, false,
      "the domain is managed and no password hashes are synchronized; that nobody signs in with "
      "a password of the cloud's own cannot be told"};
}

bool EngineStalled(const Policy& policy, const LinkState& link, absl::Time now) {
  return now > StalledAt(policy, link);
}

absl::Time StalledAt(const Policy& policy, const LinkState& link) {
  if (!link.engine_last_sync) return absl::InfiniteFuture();
  // The tenant's clock dates its syncs; one that is behind makes them look older.
  return *link.engine_last_sync + LogSkew(policy, link) + 2 * CycleOf(policy, link) + kStalledSlack;
}

std::vector<SyncActor> SyncActorsOf(const Policy& policy, const LinkState& link) {
  std::vector<SyncActor> actors = link.tenant.actors;
  for (const std::string& written : policy.sync_actors) {
    SyncActor actor;
    actor.id = written;
    actor.via = ActorVia::kConfigured;
    actors.push_back(std::move(actor));
  }
  return actors;
}

std::vector<std::string> RolesNamed(const Policy& policy) {
  std::set<std::string> roles;
  for (const TierPolicy& tier : policy.tiers) {
    roles.insert(tier.match.entra_roles.begin(), tier.match.entra_roles.end());
  }
  return {roles.begin(), roles.end()};
}

}  // namespace driftwarden::monitor
