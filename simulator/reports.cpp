#include "simulator/reports.h"

#include <algorithm>

namespace driftwarden::simulator {
namespace {

constexpr absl::Duration kAskWindow = absl::Seconds(10);
constexpr size_t kLookBack = 500;  // rows in which a refresh may be summed up

Author AuthorOf(Actor actor, const TenantSettings& settings) {
  if (actor == Actor::kApi) return Author::kOurApplication;
  if (actor == Actor::kOperator) return Author::kAdministrator;
  if (settings.cloud_sync) return Author::kCloudSync;
  return settings.connect_application ? Author::kSyncApplication : Author::kSyncAccount;
}

template <typename Row>
void Keep(std::deque<Row>& rows, Row row) {
  // Time does not go back; if it does, the log stays in order.
  if (!rows.empty()) row.at = std::max(row.at, rows.back().at);
  rows.push_back(row);
  if (rows.size() > kReportRows) rows.pop_front();
}

}  // namespace

void Reports::Add(uint64_t person, Activity activity, Author author, absl::Time at, bool enabled,
                  bool success) {
  AuditRow row;
  row.at = at;
  row.serial = next_serial_++;
  row.person = person;
  row.correlation = operation_;
  row.activity = activity;
  row.author = author;
  row.enabled = enabled;
  row.success = success;
  Keep(audits_, row);
}

void Reports::Changed(uint64_t person, EntraChangeKind kind, Actor actor,
                      const TenantSettings& settings, absl::Time now) {
  const Author author = AuthorOf(actor, settings);
  ++operation_;
  std::optional<Provisioned> carried;
  switch (kind) {
    case EntraChangeKind::kDisabled:
      Add(person, Activity::kUpdateEnabled, author, now, false);
      Add(person, Activity::kDisableAccount, author, now, false);
      carried = Provisioned::kDisabled;
      break;
    case EntraChangeKind::kEnabled:
      Add(person, Activity::kUpdateEnabled, author, now, true);
      Add(person, Activity::kEnableAccount, author, now, true);
      carried = Provisioned::kEnabled;
      break;
    case EntraChangeKind::kSoftDeleted:
      Add(person, Activity::kDeleteUser, author, now);
      carried = Provisioned::kDeleted;
      break;
    case EntraChangeKind::kPurged:
      Add(person, Activity::kHardDeleteUser, author, now);
      break;
    case EntraChangeKind::kRestored:
      Add(person, Activity::kRestoreUser, author, now);
      break;
    case EntraChangeKind::kRevoked:
      Add(person, Activity::kTokensValidFrom, author, now);
      Add(person, Activity::kUpdateValidFrom, author, now);
      break;
  }
  if (!carried || author != Author::kCloudSync) return;
  ProvisioningRow row;
  row.at = now;
  row.serial = next_serial_++;
  row.person = person;
  row.action = *carried;
  Keep(provisioning_, row);
}

void Reports::PasswordChanged(uint64_t person, Actor actor, const TenantSettings& settings,
                              absl::Time now) {
  const Author author = AuthorOf(actor, settings);
  ++operation_;
  Add(person, Activity::kUpdatePassword, author, now);
  Add(person, actor == Actor::kSync ? Activity::kChangePassword : Activity::kResetPassword, author,
      now + absl::Milliseconds(200));
  Add(person, Activity::kTokensValidFrom, author, now + absl::Milliseconds(400));
}

void Reports::Refused(uint64_t person, CallKind kind, const TenantSettings& settings,
                      absl::Time now) {
  const Author author = AuthorOf(Actor::kApi, settings);
  ++operation_;
  const Activity activity = kind == CallKind::kRevoke    ? Activity::kTokensValidFrom
                            : kind == CallKind::kDisable ? Activity::kDisableAccount
                                                         : Activity::kEnableAccount;
  Add(person, activity, author, now, kind == CallKind::kEnable, /*success=*/false);
}

void Reports::SignedIn(uint64_t person, bool interactive, int error_code, bool aggregate,
                       absl::Time now) {
  if (aggregate && !interactive) {
    size_t looked = 0;
    for (auto row = sign_ins_.rbegin(); row != sign_ins_.rend() && looked < kLookBack;
         ++row, ++looked) {
      if (row->interactive || row->person != person || row->error_code != error_code) continue;
      if (now - row->at >= absl::Hours(1)) break;
      row->last = now;
      ++row->count;
      return;
    }
  }
  SignInRow row;
  row.at = now;
  row.serial = next_serial_++;
  row.person = person;
  row.last = now;
  row.error_code = error_code;
  row.interactive = interactive;
  Keep(sign_ins_, row);
}

bool Reports::MayAsk(int limit, absl::Time now, absl::Duration* wait) {
  while (!asked_.empty() && now - asked_.front() >= kAskWindow) asked_.pop_front();
  if (limit > 0 && asked_.size() >= static_cast<size_t>(limit)) {
    *wait = asked_.front() + kAskWindow - now;
    return false;
  }
  if (limit > 0) asked_.push_back(now);
  return true;
}

}  // namespace driftwarden::simulator
