#pragma once

// What the application cannot see of one tenant, and what the tenant says of itself that somebody
// should know: stated limitations, never errors. Thread-safe.

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "watchers/ad_sight.h"

namespace driftwarden::watchers {

// Names are the metric's `finding` label.
constexpr char kOrganizationUnread[] = "organization_unread";
constexpr char kSynchronizationUnread[] = "synchronization_unread";
constexpr char kDomainsUnread[] = "domains_unread";
constexpr char kRolesUnread[] = "roles_unread";
constexpr char kRoleGroupsUnread[] = "role_groups_unread";
constexpr char kRoleUnknown[] = "role_unknown";
constexpr char kSyncActorsUnread[] = "sync_actors_unread";
constexpr char kSyncPermissionsUnread[] = "sync_permissions_unread";
constexpr char kSyncJobsUnread[] = "sync_jobs_unread";
constexpr char kProvisioningErrorsUnread[] = "provisioning_errors_unread";
constexpr char kTransfersUnread[] = "transfers_unread";
constexpr char kLastSyncUnknown[] = "last_sync_unknown";
constexpr char kSyncSwitchedOff[] = "sync_switched_off";
constexpr char kSyncQuarantined[] = "sync_quarantined";
constexpr char kAuditsUnread[] = "directory_audits_unread";
constexpr char kProvisioningLogUnread[] = "provisioning_log_unread";
constexpr char kSignInsUnread[] = "sign_ins_unread";
constexpr char kTokenRefreshesUnread[] = "token_refreshes_unread";
constexpr char kDevicesUnread[] = "devices_unread";
constexpr char kResidueUnread[] = "residue_unread";
constexpr char kTokenLifetimeUnread[] = "token_lifetime_unread";
constexpr char kNotificationsOff[] = "notifications_off";
constexpr const char* kAllTenantFindings[] = {kOrganizationUnread, kSynchronizationUnread,
                                              kDomainsUnread,      kRolesUnread,
                                              kRoleGroupsUnread,   kRoleUnknown,
                                              kSyncActorsUnread,   kSyncPermissionsUnread,
                                              kSyncJobsUnread,     kProvisioningErrorsUnread,
                                              kTransfersUnread,    kLastSyncUnknown,
                                              kSyncSwitchedOff,    kSyncQuarantined,
                                              kAuditsUnread,       kProvisioningLogUnread,
                                              kSignInsUnread,      kTokenRefreshesUnread,
                                              kDevicesUnread,      kResidueUnread,
                                              kNotificationsOff,   kTokenLifetimeUnread};

class TenantSight {
 public:
  // `log` must outlive it.
  TenantSight(monitor::SourceName source, Logger& log) : source_(std::move(source)), log_(log) {}

  // Each is logged once, as `tenant_NAME` when it begins and as `tenant_finding_over` when it ends.
  void Raise(const std::string& name, const std::string& text);
  void Lower(const std::string& name);
  std::vector<Finding> findings() const;

 private:
  const monitor::SourceName source_;
  Logger& log_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> findings_;
};

}  // namespace driftwarden::watchers
