#pragma once

// What a simulated tenant says of itself: how it is fed, how people sign in to it, who has a role.
// Plain values, changed by POST /sim/tenant (control_tenant.cpp).

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace driftwarden::simulator {

struct TenantDomain {
  bool federated = false;
  bool verified = true;
};

// The job of a Cloud Sync configuration. Its last execution is the sync engine's.
struct SyncJob {
  std::string code = "Active";  // synchronizationStatusCode
  std::string interval = "PT2M";
  std::string quarantine_reason;  // set: the code is Quarantine
  absl::Time quarantined_at;
};

struct ProvisioningError {
  std::string property = "ProxyAddresses";
  std::string value;
  absl::Time at;
};

// A token lifetime policy; of some applications where it is not the organization's default.
struct TokenLifetimePolicy {
  std::string access_tokens = "08:00:00";  // empty: it says nothing of access tokens
  bool organization_default = false;
};

constexpr char kSyncAccountsRole[] = "Directory Synchronization Accounts";

struct TenantSettings {
  bool sync_enabled = true;
  bool password_sync = true;
  std::string deletion_prevention = "enabledForCount";  // disabled, enabledForPercentage
  int deletion_threshold = 500;
  std::map<std::string, TenantDomain> domains;              // beside the forest's own
  std::map<std::string, std::set<uint64_t>> roles;          // role's name to people
  std::map<std::string, std::set<uint64_t>> role_by_group;  // the same, through a group
  bool connect_application = false;  // Connect signs in as an application, not as an account
  std::optional<SyncJob> cloud_sync;
  std::map<uint64_t, ProvisioningError> provisioning_errors;
  std::set<uint64_t> cloud_managed;
  bool premium = true;         // the licence that sign-ins need
  int conditional_access = 2;  // policies that are switched on; one more only reports
  std::vector<TokenLifetimePolicy> token_policies;
};

}  // namespace driftwarden::simulator
