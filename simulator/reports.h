#pragma once

// The logs of a simulated tenant: directory audits, sign-ins, and Cloud Sync's provisioning. What
// happens in the tenant is written here as short rows; graph_reports.cpp tells them as Graph does.
// Bounded: of each log the newest kReportRows are kept.

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"
#include "simulator/tenant_settings.h"
#include "simulator/truth.h"

namespace driftwarden::simulator {

constexpr size_t kReportRows = 20'000;

enum class Activity : uint8_t {
  kDisableAccount,
  kEnableAccount,
  kUpdateEnabled,    // "Update user" that carries AccountEnabled
  kUpdateValidFrom,  // "Update user" that carries StsRefreshTokensValidFrom
  kTokensValidFrom,  // "Update StsRefreshTokenValidFrom Timestamp", whose properties are empty
  kUpdatePassword,   // "Update PasswordProfile"
  kChangePassword,   // "Change user password"
  kResetPassword,    // "Reset password"
  kDeleteUser,
  kHardDeleteUser,
  kRestoreUser,
};

// Who did it, as the tenant was fed at that time.
enum class Author : uint8_t {
  kSyncAccount,      // Connect's account, with Action Client Name
  kSyncApplication,  // Connect's application, the same
  kCloudSync,
  kOurApplication,  // that calls Graph
  kAdministrator,
};

struct AuditRow {
  absl::Time at;
  uint64_t serial = 0;
  uint64_t person = 0;
  uint64_t correlation = 0;  // rows of one operation share it
  Activity activity = Activity::kUpdateEnabled;
  Author author = Author::kSyncAccount;
  bool enabled = false;  // the new value, of what carries it
  bool success = true;
};

struct SignInRow {
  absl::Time at;  // the first, of several in one row
  uint64_t serial = 0;
  uint64_t person = 0;
  absl::Time last;
  int count = 1;
  int error_code = 0;
  bool interactive = true;
};

enum class Provisioned : uint8_t { kDisabled, kEnabled, kDeleted };

struct ProvisioningRow {
  absl::Time at;
  uint64_t serial = 0;
  uint64_t person = 0;
  Provisioned action = Provisioned::kDisabled;
};

class Reports {
 public:
  // A change of the tenant, with all the rows that it causes there.
  void Changed(uint64_t person, EntraChangeKind kind, Actor actor, const TenantSettings& settings,
               absl::Time now);
  // A password that changed, by sync or by an administrator: three rows, or two.
  void PasswordChanged(uint64_t person, Actor actor, const TenantSettings& settings,
                       absl::Time now);
  // A call that was refused: it is in the log too, as a failure.
  void Refused(uint64_t person, CallKind kind, const TenantSettings& settings, absl::Time now);
  // `aggregate`: a refresh goes into a row of the same hour and outcome, if there is one.
  void SignedIn(uint64_t person, bool interactive, int error_code, bool aggregate, absl::Time now);

  // False: too many requests within ten seconds; `*wait` says how long. `limit` 0: never too many.
  bool MayAsk(int limit, absl::Time now, absl::Duration* wait);

  const std::deque<AuditRow>& audits() const { return audits_; }
  const std::deque<SignInRow>& sign_ins() const { return sign_ins_; }
  const std::deque<ProvisioningRow>& provisioning() const { return provisioning_; }

 private:
  void Add(uint64_t person, Activity activity, Author author, absl::Time at, bool enabled = false,
           bool success = true);

  std::deque<AuditRow> audits_;  // each in the order of `at`
  std::deque<SignInRow> sign_ins_;
  std::deque<ProvisioningRow> provisioning_;
  std::deque<absl::Time> asked_;
  uint64_t next_serial_ = 1;
  uint64_t operation_ = 0;
};

}  // namespace driftwarden::simulator
