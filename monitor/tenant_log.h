#pragma once

// What a tenant's own logs say: who did what to an account and when, who signed in, and which
// devices somebody has. Unlike a look at the account they carry the time of the change and the name
// of its author, but they come late, more than once and in any order, and they may not be readable
// at all: what was not read is never "none".

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "monitor/ids.h"

namespace driftwarden::monitor {

// Numbers reach the disk.
enum class TenantLog : uint8_t {
  kDirectoryAudits = 1,
  kProvisioning = 2,  // of Cloud Sync: when an export really happened
  kInteractiveSignIns = 3,
  kNonInteractiveSignIns = 4,  // token refreshes
};
constexpr TenantLog kAllTenantLogs[] = {TenantLog::kDirectoryAudits, TenantLog::kProvisioning,
                                        TenantLog::kInteractiveSignIns,
                                        TenantLog::kNonInteractiveSignIns};
std::string_view TenantLogText(TenantLog log);  // "directory_audits"

// Told by the log's code and ids, never by its text for people.
enum class AccountChange : uint8_t {
  kDisabled = 1,
  kEnabled = 2,
  kSessionsRevoked = 3,  // signInSessionsValidFromDateTime was moved
  kDeleted = 4,          // to the deleted items
  kPurged = 5,
  kRestored = 6,
  kPasswordChanged = 7,  // by sync, administrator or user
};
std::string_view AccountChangeText(AccountChange change);  // "disabled"

// One change of one account, of an audit record or of a provisioning one. Only what took effect.
struct AuditRecord {
  std::string id;        // the log's own; the same record may come again with the same id
  std::string entra_id;  // whom it happened to, lower case
  AccountChange change = AccountChange::kDisabled;
  absl::Time at;             // the tenant's clock
  std::string actor_id;      // Entra id of the user or service principal; empty: not said
  std::string actor_app_id;  // of an application, lower case; empty: a user, or not said
  std::string actor_name;    // for people to read
  bool by_sync = false;      // the record itself says so, apart from who the actor is
  std::string correlation_id;
  friend bool operator==(const AuditRecord&, const AuditRecord&) = default;
};

struct SignIn {
  std::string id;
  TimeBounds at;  // the tenant's clock; wide where the log sums several up in one row
  bool interactive = true;
  int64_t error_code = 0;  // 0: it succeeded
  std::string app_name;    // what was signed in to, for people
  friend bool operator==(const SignIn&, const SignIn&) = default;
};

// Why a log cannot be read, for good as far as is known. A limitation is stated, not retried all
// the time and no fault. Numbers reach the disk.
enum class LogLimit : uint8_t {
  kNone = 0,
  kPermission = 1,   // the application may not
  kLicence = 2,      // the tenant has not bought it
  kUnsupported = 3,  // this cloud does not have it
  kSwitchedOff = 4,  // by the configuration
};
std::string_view LogLimitText(LogLimit limit);  // "permission"

// One answer, or one page of it.
struct LogLook {
  BatchId batch;
  SourceName source;
  TenantLog log = TenantLog::kDirectoryAudits;
  std::string entra_id;             // sign-ins: whose; audits: empty
  std::vector<AuditRecord> audits;  // of directory_audits and provisioning
  std::vector<SignIn> sign_ins;
  // Set on the last page: everything dated from `lo` to `hi` that the log had by the moment of
  // asking was delivered. The tenant's clock. What was ingested later is in a later answer.
  std::optional<TimeBounds> covers;
  // Set instead of anything else: the log cannot be read.
  LogLimit limit = LogLimit::kNone;
  std::string limit_detail;  // what the tenant said, for people
};

// A record appears in its log within this time, nearly always; a log is only believed to show all
// of a moment that is longer past than this.
constexpr absl::Duration kLogIngestDelay = absl::Minutes(30);

// How a device belongs to the tenant. Numbers reach the disk.
enum class DeviceTrust : uint8_t {
  kUnknown = 0,
  kRegistered = 1,   // trustType Workplace
  kEntraJoined = 2,  // AzureAd
  kHybrid = 3,       // ServerAd: AD's computer account decides, a disable here is undone by sync
};
std::string_view DeviceTrustText(DeviceTrust trust);  // "registered", "joined", "hybrid", "unknown"

struct Device {
  std::string id;  // the object's, not deviceId
  std::string device_id;
  std::string name;
  std::string operating_system;
  DeviceTrust trust = DeviceTrust::kUnknown;
  std::optional<bool> enabled;   // not said: unknown
  bool owned = false;            // in ownedDevices
  bool registered = false;       // in registeredDevices
  std::optional<int64_t> users;  // registeredUsers of it; a shared one has more than one
  friend bool operator==(const Device&, const Device&) = default;
};

// All devices of one person, as two reads showed them; sorted by id.
struct DeviceLook {
  BatchId batch;
  SourceName source;
  std::string entra_id;
  TimeBounds at;  // our clock
  std::vector<Device> devices;
  bool complete = true;              // false: there are more than are kept
  LogLimit limit = LogLimit::kNone;  // cannot be read: `devices` says nothing
};
constexpr size_t kDevicesKept = 32;

}  // namespace driftwarden::monitor
