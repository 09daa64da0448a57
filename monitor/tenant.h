#pragma once

// What a tenant says of itself: how it is fed, how people sign in to it, who holds a role in it.
// None of it is a fact about one person's departure; it decides how long others may take, and for
// whom less is allowed. A part that could not be read stays as it was last read.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "monitor/ids.h"

namespace driftwarden::monitor {

// Why the engine could not carry an account (onPremisesProvisioningErrors).
struct ProvisioningError {
  std::string category;  // as Graph says it: PropertyConflict
  std::string property;  // that caused it
  std::string value;     // in conflict
  absl::Time since = absl::InfinitePast();
  friend bool operator==(const ProvisioningError&, const ProvisioningError&) = default;
};

// By what an identity is known to be the sync engine's. Numbers reach the disk.
enum class ActorVia : uint8_t {
  kRole = 1,        // member of Directory Synchronization Accounts
  kPermission = 2,  // an application that may write through the synchronization service
  kCloudSync = 3,   // the application of a Cloud Sync configuration
  kService = 4,     // the vendor's own synchronization service
  kConfigured = 5,  // sync_actors
};
std::string_view ActorViaText(ActorVia via);

// Who is none of these is unknown, not "somebody else".
struct SyncActor {
  std::string id;      // Entra's, lower case; of a configured one whatever was written
  std::string app_id;  // of an application, lower case
  std::string name;
  ActorVia via = ActorVia::kRole;
  friend bool operator==(const SyncActor&, const SyncActor&) = default;
};

// A job of Cloud Sync.
struct SyncJob {
  std::string id;
  std::string code;  // as Graph says it: Active, Paused, Quarantine, ...
  absl::Time last_success = absl::InfinitePast();
  std::string quarantine_reason;  // empty: not in quarantine, or it does not say
  absl::Time quarantined_since = absl::InfinitePast();
  friend bool operator==(const SyncJob&, const SyncJob&) = default;
};
constexpr char kJobInQuarantine[] = "Quarantine";

// How the engine keeps from deleting many by accident; above the threshold it exports nothing.
struct DeletionGuard {
  std::string type;  // as Graph says it: disabled, enabledForCount, enabledForPercentage
  int64_t threshold = 0;
  friend bool operator==(const DeletionGuard&, const DeletionGuard&) = default;
};

// What the tenant's token lifetime policies say of access tokens.
struct TokenPolicies {
  absl::Duration longest;  // zero: none sets it
  bool for_all = false;    // one of those that set it is the organization's default
  friend bool operator==(const TokenPolicies&, const TokenPolicies&) = default;
};

// What is kept of a tenant. Empty optionals were never read.
struct TenantFacts {
  std::optional<bool> sync_enabled;
  std::optional<bool> password_sync;
  std::optional<DeletionGuard> deletion_guard;
  // Verified domains at which another identity provider signs people in, lower case and sorted.
  std::optional<std::vector<std::string>> federated_domains;
  std::optional<std::vector<SyncJob>> jobs;
  std::vector<SyncActor> actors;
  std::vector<std::string> role_holders;        // Entra ids that EntraHalf::roles was set for
  std::vector<std::string> with_errors;         // ... and EntraHalf::provisioning_error
  std::vector<absl::Duration> cycle_gaps;       // between successive syncs, the latest last
  absl::Time cycle_set = absl::InfinitePast();  // when the learned cycle was changed last
  std::optional<int64_t> conditional_access;    // policies that are switched on
  std::optional<TokenPolicies> token_policies;
  friend bool operator==(const TenantFacts&, const TenantFacts&) = default;
};

// One reading of a tenant; what is absent was not read. Ids are in lower case.
struct TenantLook {
  BatchId batch;
  // It was looked at so short ago that no sync was missed: what lies between two is one cycle.
  bool watched = false;
  struct Organization {
    std::optional<bool> sync_enabled;
    std::optional<absl::Time> last_sync;
  };
  struct Synchronization {
    std::optional<bool> password_sync;
    std::optional<DeletionGuard> deletion_guard;
  };
  std::optional<Organization> organization;
  std::optional<Synchronization> synchronization;
  std::optional<std::vector<std::string>> federated_domains;
  std::optional<std::vector<SyncJob>> jobs;
  std::map<ActorVia, std::vector<SyncActor>> actors;  // all that are known in this way
  // Who holds roles, named as the tiers name them. Where complete nobody else holds any.
  bool roles_complete = true;
  std::optional<std::map<std::string, std::vector<std::string>>> roles;
  // Whose provisioning fails. Nobody else's does.
  std::optional<std::map<std::string, ProvisioningError>> provisioning_errors;
  // Of those who were asked about: whether the account was handed over to the cloud.
  std::map<std::string, bool> cloud_managed;
  std::optional<int64_t> conditional_access;
  std::optional<TokenPolicies> token_policies;
};

// The cycle that the gaps show: their 95th percentile in whole minutes, at least one. Zero: too few
// of them.
absl::Duration CycleFrom(const std::vector<absl::Duration>& gaps);
constexpr size_t kCycleGaps = 48;       // so many are kept
constexpr size_t kLeastCycleGaps = 20;  // fewer would let a single late sync decide

}  // namespace driftwarden::monitor
