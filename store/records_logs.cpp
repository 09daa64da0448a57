#include "store/records_logs.h"

#include "store/record_fields.h"

namespace driftwarden::store {

using monitor::AccountLogs;
using monitor::AuditRecord;
using monitor::Device;
using monitor::KnownDevices;
using monitor::LogState;
using monitor::SignIn;
using monitor::TenantLog;

namespace {

void PutNumber(ByteWriter& out, int64_t number) {
  out.U64(static_cast<uint64_t>(number));
}

int64_t GetNumber(ByteReader& in) {
  return static_cast<int64_t>(in.U64());
}

void PutAudit(ByteWriter& out, const AuditRecord& record) {
  out.Bytes(record.id);
  PutEnum(out, record.change);
  PutTime(out, record.at);
  out.Bytes(record.actor_id);
  out.Bytes(record.actor_app_id);
  out.Bytes(record.actor_name);
  out.Bool(record.by_sync);
  out.Bytes(record.correlation_id);
}

AuditRecord GetAudit(ByteReader& in) {
  AuditRecord record;
  record.id = in.Bytes();
  record.change =
      GetEnum(in, monitor::AccountChange::kDisabled, monitor::AccountChange::kPasswordChanged);
  record.at = GetTime(in);
  record.actor_id = in.Bytes();
  record.actor_app_id = in.Bytes();
  record.actor_name = in.Bytes();
  record.by_sync = in.Bool();
  record.correlation_id = in.Bytes();
  return record;
}

void PutSignIn(ByteWriter& out, const SignIn& sign_in) {
  out.Bytes(sign_in.id);
  PutBounds(out, sign_in.at);
  out.Bool(sign_in.interactive);
  PutNumber(out, sign_in.error_code);
  out.Bytes(sign_in.app_name);
}

std::vector<SignIn> GetSignIns(ByteReader& in) {
  std::vector<SignIn> sign_ins;
  GetList(in, [&sign_ins](ByteReader& each) {
    SignIn sign_in;
    sign_in.id = each.Bytes();
    sign_in.at = GetBounds(each);
    sign_in.interactive = each.Bool();
    sign_in.error_code = GetNumber(each);
    sign_in.app_name = each.Bytes();
    sign_ins.push_back(std::move(sign_in));
  });
  return sign_ins;
}

void PutFlag(ByteWriter& out, bool flag) {
  out.Bool(flag);
}

void PutDevice(ByteWriter& out, const Device& device) {
  out.Bytes(device.id);
  out.Bytes(device.device_id);
  out.Bytes(device.name);
  out.Bytes(device.operating_system);
  PutEnum(out, device.trust);
  PutOptional(out, device.enabled, PutFlag);
  out.Bool(device.owned);
  out.Bool(device.registered);
  PutOptional(out, device.users, PutNumber);
}

Device GetDevice(ByteReader& in) {
  Device device;
  device.id = in.Bytes();
  device.device_id = in.Bytes();
  device.name = in.Bytes();
  device.operating_system = in.Bytes();
  device.trust = GetEnum(in, monitor::DeviceTrust::kUnknown, monitor::DeviceTrust::kHybrid);
  device.enabled = GetOptional(in, [](ByteReader& r) { return r.Bool(); });
  device.owned = in.Bool();
  device.registered = in.Bool();
  device.users = GetOptional(in, GetNumber);
  return device;
}

void PutDevices(ByteWriter& out, const KnownDevices& devices) {
  PutBounds(out, devices.at);
  PutList(out, devices.devices, PutDevice);
  out.Bool(devices.complete);
}

KnownDevices GetDevices(ByteReader& in) {
  KnownDevices devices;
  devices.at = GetBounds(in);
  GetList(in, [&devices](ByteReader& each) { devices.devices.push_back(GetDevice(each)); });
  devices.complete = in.Bool();
  return devices;
}

void PutLogState(ByteWriter& out, const LogState& state) {
  PutBounds(out, state.read);
  PutEnum(out, state.limit);
  PutTime(out, state.limit_since);
  PutTime(out, state.limit_seen);
  out.Bytes(state.limit_detail);
}

LogState GetLogState(ByteReader& in) {
  LogState state;
  state.read = GetBounds(in);
  state.limit = GetEnum(in, monitor::LogLimit::kNone, monitor::LogLimit::kSwitchedOff);
  state.limit_since = GetTime(in);
  state.limit_seen = GetTime(in);
  state.limit_detail = in.Bytes();
  return state;
}

}  // namespace

// Of most accounts no log says anything: one byte then.
void PutAccountLogs(ByteWriter& out, const AccountLogs& logs) {
  const bool any = !(logs == AccountLogs());
  out.Bool(any);
  if (!any) return;
  PutBounds(out, logs.disabled_looks);
  PutBounds(out, logs.enabled_looks);
  PutBounds(out, logs.deleted_looks);
  PutList(out, logs.audits, PutAudit);
  PutList(out, logs.successes, PutSignIn);
  PutList(out, logs.refused, PutSignIn);
  PutBounds(out, logs.interactive_read);
  PutBounds(out, logs.non_interactive_read);
  PutOptional(out, logs.devices, PutDevices);
}

AccountLogs GetAccountLogs(ByteReader& in) {
  AccountLogs logs;
  if (!in.Bool()) return logs;
  logs.disabled_looks = GetBounds(in);
  logs.enabled_looks = GetBounds(in);
  logs.deleted_looks = GetBounds(in);
  GetList(in, [&logs](ByteReader& each) { logs.audits.push_back(GetAudit(each)); });
  logs.successes = GetSignIns(in);
  logs.refused = GetSignIns(in);
  logs.interactive_read = GetBounds(in);
  logs.non_interactive_read = GetBounds(in);
  logs.devices = GetOptional(in, GetDevices);
  return logs;
}

void PutLogStates(ByteWriter& out, const monitor::LinkState& link) {
  PutList(out, link.logs, [](ByteWriter& each, const std::pair<const TenantLog, LogState>& log) {
    PutEnum(each, log.first);
    PutLogState(each, log.second);
  });
  PutLogState(out, link.devices);
}

void GetLogStates(ByteReader& in, monitor::LinkState& link) {
  GetList(in, [&link](ByteReader& each) {
    const TenantLog log =
        GetEnum(each, TenantLog::kDirectoryAudits, TenantLog::kNonInteractiveSignIns);
    if (!link.logs.emplace(log, GetLogState(each)).second) each.Fail();
  });
  link.devices = GetLogState(in);
}

}  // namespace driftwarden::store
