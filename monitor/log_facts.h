#pragma once

// What is kept of a tenant's logs: of one account beside what looks at it showed, and of the link
// how far each log was read. Bounded, and the same in whatever order records arrived and however
// often.

#include <optional>
#include <string>
#include <vector>

#include "monitor/tenant_log.h"

namespace driftwarden::monitor {

// The devices of an account, as they were read last.
struct KnownDevices {
  TimeBounds at;  // our clock
  std::vector<Device> devices;
  bool complete = true;  // false: there are more
  friend bool operator==(const KnownDevices&, const KnownDevices&) = default;
};

// Part of an EntraHalf.
struct AccountLogs {
  // What looks alone say of disabled_since, enabled_since and deleted_since, where audit records
  // narrowed those. Empty: they are as looks left them.
  TimeBounds disabled_looks;
  TimeBounds enabled_looks;
  TimeBounds deleted_looks;
  // The latest of each kind of change, sorted by (at, id); entra_id is empty.
  std::vector<AuditRecord> audits;
  // The latest of each kind, sorted by (end, id).
  std::vector<SignIn> successes;
  std::vector<SignIn> refused;
  // How far each log was completely read without a gap, the tenant's clock. Empty: not at all.
  TimeBounds interactive_read;
  TimeBounds non_interactive_read;
  std::optional<KnownDevices> devices;

  const TimeBounds& ReadOf(TenantLog log) const;  // of a log of sign-ins
  friend bool operator==(const AccountLogs&, const AccountLogs&) = default;
};
constexpr size_t kAuditsKept = 4;           // of one kind of change
constexpr size_t kPasswordChangesKept = 8;  // they tell what a revocation is worth
constexpr absl::Duration kAuditsOfPresent = absl::Hours(48);
constexpr size_t kSignInsKept = 8;    // of interactive ones and of others, each
constexpr size_t kLogNameKept = 120;  // bytes of a name for people

// How far a log was read for the link, and what keeps it from being read. Of a log of sign-ins:
// the latest moment to which anybody's were read.
struct LogState {
  TimeBounds read;
  LogLimit limit = LogLimit::kNone;
  absl::Time limit_since = absl::InfinitePast();
  absl::Time limit_seen = absl::InfinitePast();  // when it was last found to stand, our clock
  std::string limit_detail;
  friend bool operator==(const LogState&, const LogState&) = default;
};

// `read` with what a reading covered; a gap between the two leaves only the later one.
TimeBounds Continue(const TimeBounds& read, const TimeBounds& covers);

// At most kLogNameKept bytes of a text for people; no character is cut.
std::string Shortened(std::string text);

// True when it was not known, and is among those kept.
bool KeepAudit(AccountLogs& logs, const AuditRecord& record);
// Lets go of records that are older than the latest by more than kAuditsOfPresent: of somebody who
// did not leave, they no longer tell anything.
void ForgetOldAudits(AccountLogs& logs);
bool KeepSignIn(AccountLogs& logs, const SignIn& sign_in);

// A sign-in that failed because the account is disabled (50057) or its sessions are revoked
// (50173): somebody still holds a client.
bool IsRefused(const SignIn& sign_in);

}  // namespace driftwarden::monitor
