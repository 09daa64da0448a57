#include "tests/testing/world_logs.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace driftwarden::testing {
namespace {

using monitor::AccountChange;
using monitor::AuditRecord;
using monitor::DeviceLook;
using monitor::LogLook;
using monitor::TenantLog;
using simulator::Activity;
using simulator::Author;

// Nothing: another row of the same operation says it.
std::optional<AccountChange> ChangeOf(Activity activity) {
  switch (activity) {
    case Activity::kDisableAccount:
      return AccountChange::kDisabled;
    case Activity::kEnableAccount:
      return AccountChange::kEnabled;
    case Activity::kTokensValidFrom:
      return AccountChange::kSessionsRevoked;
    case Activity::kChangePassword:
    case Activity::kResetPassword:
      return AccountChange::kPasswordChanged;
    case Activity::kDeleteUser:
      return AccountChange::kDeleted;
    case Activity::kHardDeleteUser:
      return AccountChange::kPurged;
    case Activity::kRestoreUser:
      return AccountChange::kRestored;
    case Activity::kUpdateEnabled:
    case Activity::kUpdateValidFrom:
    case Activity::kUpdatePassword:
      break;
  }
  return std::nullopt;
}

}  // namespace

void WorldTenantLogs::TakeAudits(absl::Time from, LogLook* look) {
  const simulator::TenantFaults& faults = tenant().faults();
  for (const simulator::AuditRow& row : tenant().reports().audits()) {
    const auto change = ChangeOf(row.activity);
    const bool visible = row.at + faults.report_delay <= wire_.True();
    if (!change || !row.success || row.at < from || !visible) continue;
    AuditRecord record;
    record.id = Cat("audit-", row.serial);
    record.entra_id = tenant().EntraId(row.person);
    record.change = *change;
    record.at = row.at;
    record.correlation_id = Cat("operation-", row.correlation);
    record.by_sync = row.author == Author::kSyncAccount;
    record.actor_id = row.author == Author::kSyncAccount      ? "sync"
                      : row.author == Author::kOurApplication ? "ours"
                                                              : "admin";
    if (row.author == Author::kOurApplication) record.actor_app_id = "our-app";
    look->audits.push_back(record);
    if (faults.report_duplicates) look->audits.push_back(std::move(record));
  }
  if (faults.report_disorder) std::reverse(look->audits.begin(), look->audits.end());
}

asio::awaitable<StatusOr<LogLook>> WorldTenantLogs::ReadChanges(TenantLog log, absl::Time from,
                                                                monitor::BatchId batch,
                                                                watchers::LogPage* page) {
  const Status went = co_await wire_.GoToTenant(tenant_);
  if (!went.ok()) co_return went;
  LogLook look;
  look.batch = std::move(batch);
  look.source = name_;
  look.log = log;
  look.covers = TimeBounds{from, std::max(from, wire_.True())};
  if (log == TenantLog::kDirectoryAudits) TakeAudits(from, &look);
  page->next.clear();
  const Status returned = co_await wire_.Return();
  if (!returned.ok()) co_return returned;
  co_return look;
}

void WorldTenantLogs::TakeSignIns(absl::Time from, LogLook* look) {
  const simulator::TenantFaults& faults = tenant().faults();
  const bool interactive = look->log == TenantLog::kInteractiveSignIns;
  for (const simulator::SignInRow& row : tenant().reports().sign_ins()) {
    const bool wanted =
        row.interactive == interactive && tenant().EntraId(row.person) == look->entra_id;
    if (!wanted || row.last < from || row.at + faults.report_delay > wire_.True()) continue;
    monitor::SignIn sign_in;
    sign_in.id = Cat("sign-in-", row.serial);
    sign_in.at = {row.at, row.last};
    sign_in.interactive = interactive;
    sign_in.error_code = row.error_code;
    look->sign_ins.push_back(std::move(sign_in));
  }
}

asio::awaitable<StatusOr<LogLook>> WorldTenantLogs::ReadSignIns(TenantLog log, std::string entra_id,
                                                                absl::Time from,
                                                                monitor::BatchId batch,
                                                                watchers::LogPage* page) {
  const Status went = co_await wire_.GoToTenant(tenant_);
  if (!went.ok()) co_return went;
  LogLook look;
  look.batch = std::move(batch);
  look.source = name_;
  look.log = log;
  look.entra_id = std::move(entra_id);
  look.covers = TimeBounds{from, std::max(from, wire_.True())};
  TakeSignIns(from, &look);
  page->next.clear();
  const Status returned = co_await wire_.Return();
  if (!returned.ok()) co_return returned;
  co_return look;
}

asio::awaitable<StatusOr<DeviceLook>> WorldTenantLogs::ReadDevices(std::string entra_id,
                                                                   monitor::BatchId batch) {
  DeviceLook look;
  look.batch = std::move(batch);
  look.source = name_;
  look.entra_id = entra_id;
  look.at.lo = wire_.Wall();
  const Status went = co_await wire_.GoToTenant(tenant_);
  if (!went.ok()) co_return went;
  const auto person = tenant().Find(entra_id);
  if (!person) co_return NotFoundError("no such user");
  for (const simulator::SimulatedDevice& known : tenant().devices().Of(*person)) {
    monitor::Device device;
    device.id = known.id;
    device.device_id = known.device_id;
    device.name = known.name;
    device.operating_system = known.operating_system;
    device.trust = known.trust == "ServerAd" ? monitor::DeviceTrust::kHybrid
                                             : monitor::DeviceTrust::kRegistered;
    device.enabled = known.enabled;
    device.owned = known.owned;
    device.registered = known.registered;
    look.devices.push_back(std::move(device));
  }
  std::sort(look.devices.begin(), look.devices.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  const Status returned = co_await wire_.Return();
  if (!returned.ok()) co_return returned;
  look.at.hi = wire_.Wall();
  co_return look;
}

}  // namespace driftwarden::testing
