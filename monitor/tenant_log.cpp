#include "monitor/tenant_log.h"

namespace driftwarden::monitor {

std::string_view TenantLogText(TenantLog log) {
  switch (log) {
    case TenantLog::kDirectoryAudits:
      return "directory_audits";
    case TenantLog::kProvisioning:
      return "provisioning";
    case TenantLog::kInteractiveSignIns:
      return "interactive_sign_ins";
    case TenantLog::kNonInteractiveSignIns:
      return "non_interactive_sign_ins";
  }
  return "unknown";
}

std::string_view AccountChangeText(AccountChange change) {
  switch (change) {
    case AccountChange::kDisabled:
      return "disabled";
    case AccountChange::kEnabled:
      return "enabled";
    case AccountChange::kSessionsRevoked:
      return "sessions_revoked";
    case AccountChange::kDeleted:
      return "deleted";
    case AccountChange::kPurged:
      return "purged";
    case AccountChange::kRestored:
      return "restored";
    case AccountChange::kPasswordChanged:
      return "password_changed";
  }
  return "unknown";
}

std::string_view LogLimitText(LogLimit limit) {
  switch (limit) {
    case LogLimit::kNone:
      return "none";
    case LogLimit::kPermission:
      return "permission";
    case LogLimit::kLicence:
      return "licence";
    case LogLimit::kUnsupported:
      return "unsupported";
    case LogLimit::kSwitchedOff:
      return "switched_off";
  }
  return "unknown";
}

std::string_view DeviceTrustText(DeviceTrust trust) {
  switch (trust) {
    case DeviceTrust::kUnknown:
      return "unknown";
    case DeviceTrust::kRegistered:
      return "registered";
    case DeviceTrust::kEntraJoined:
      return "joined";
    case DeviceTrust::kHybrid:
      return "hybrid";
  }
  return "unknown";
}

}  // namespace driftwarden::monitor
