// What a tenant's logs hold, and whose devices are whose. Records date what looks showed and name
// who did it; they change no account.

#include <set>
#include <utility>

#include "base/strings.h"
#include "monitor/attribution.h"
#include "monitor/own_calls.h"
#include "monitor/settle.h"
#include "monitor/transaction.h"

namespace driftwarden::monitor {
namespace {

// Before the AD disable nothing belongs to the departure, but for what a script did just ahead.
constexpr absl::Duration kAhead = absl::Hours(1);

void RecordLimit(Transaction& tx, const std::string& log, const LogState& state) {
  EvidenceEntry entry;
  entry.type = state.limit == LogLimit::kNone ? "log_readable" : "log_limited";
  entry.source = tx.policy().entra_source.value;
  entry.fact = TimeBounds::Exactly(tx.now());
  entry.details["log"] = log;
  if (state.limit != LogLimit::kNone) entry.details["limit"] = LogLimitText(state.limit);
  tx.Record(std::move(entry));
}

void NoteLimit(Transaction& tx, const std::string& log, LogLimit limit, const std::string& detail,
               LogState& state) {
  if (limit != LogLimit::kNone) state.limit_seen = tx.now();
  if (state.limit == limit) return;
  state.limit = limit;
  state.limit_since = tx.now();
  state.limit_detail = Shortened(detail);
  RecordLimit(tx, log, state);
}

// Whose account this is; null when nobody is known by it.
const Person* FindOwner(Transaction& tx, const std::string& id) {
  const Person* person = tx.FindByEntraId(id);
  const bool owns = person != nullptr && person->facts.entra && person->facts.entra->id == id;
  return owns ? person : nullptr;
}

bool IsPresent(const Person& person) {
  const AdHalf* ad = person.facts.DecidingAd();
  return !person.episode && (ad == nullptr || !Departed(*ad));
}

// What belongs to a departure stands in its timeline.
bool IsTold(const Person& person, absl::Time at) {
  const AdHalf* ad = person.facts.DecidingAd();
  if (ad == nullptr || !Departed(*ad) || person.memory.inherited) return false;
  return at >= DepartedSince(*ad).lo - kAhead;
}

// What the engine does to everybody all the time says nothing of somebody who did not leave: a new
// password, and the sessions that end with the old one.
bool IsDaily(const Person& person, const AuditRecord& record, ActorKind by) {
  const bool about_passwords = record.change == AccountChange::kPasswordChanged ||
                               record.change == AccountChange::kSessionsRevoked;
  return about_passwords && by == ActorKind::kSync && IsPresent(person);
}

void RecordAudit(Transaction& tx, const Person& person, const AuditRecord& record, TenantLog log) {
  EvidenceEntry entry = EvidenceAbout(person, "audit_record");
  entry.source = tx.policy().entra_source.value;
  entry.fact = TimeBounds::Exactly(record.at);
  entry.details["change"] = AccountChangeText(record.change);
  entry.details["by"] = ActorKindText(ActorOf(record, tx.policy(), tx.link()));
  entry.details["log"] = TenantLogText(log);
  entry.details["record"] = record.id;
  if (!record.actor_id.empty()) entry.details["actor"] = record.actor_id;
  if (!record.actor_app_id.empty()) entry.details["actor_app"] = record.actor_app_id;
  if (!record.correlation_id.empty()) entry.details["correlation"] = record.correlation_id;
  tx.Record(std::move(entry));
}

void RecordSignIn(Transaction& tx, const Person& person, const SignIn& sign_in) {
  EvidenceEntry entry = EvidenceAbout(person, "sign_in");
  entry.source = tx.policy().entra_source.value;
  entry.fact = sign_in.at;
  entry.details["record"] = sign_in.id;
  entry.details["interactive"] = sign_in.interactive ? "yes" : "no";
  entry.details["result"] = sign_in.error_code == 0 ? "success" : Cat(sign_in.error_code);
  tx.Record(std::move(entry));
}

void TakeAudits(Transaction& tx, const LogLook& look) {
  const absl::Duration skew = LogSkew(tx.policy(), tx.link());
  std::set<PersonOrdinal> changed;
  for (const AuditRecord& record : look.audits) {
    const Person* owner = FindOwner(tx, record.entra_id);
    if (owner == nullptr) {
      WatchOwnCalls(tx, record, nullptr);
      continue;
    }
    if (IsDaily(*owner, record, ActorOf(record, tx.policy(), tx.link()))) continue;
    AccountLogs kept = owner->facts.entra->logs;
    if (!KeepAudit(kept, record)) continue;
    WatchOwnCalls(tx, record, owner);
    if (IsPresent(*owner)) ForgetOldAudits(kept);
    Person& person = tx.Touch(owner->ordinal);
    person.facts.entra->logs = std::move(kept);
    changed.insert(person.ordinal);
    if (IsTold(person, record.at)) RecordAudit(tx, person, record, look.log);
  }
  for (const PersonOrdinal ordinal : changed) {
    EntraHalf& half = *tx.Touch(ordinal).facts.entra;
    NarrowByAudits(half, skew);
    if (AuditsContradict(half, skew)) half.needs_direct_read = true;
  }
}

void TakeSignIns(Transaction& tx, const LogLook& look) {
  const Person* owner = FindOwner(tx, look.entra_id);
  if (owner == nullptr) return;
  Person& person = tx.Touch(owner->ordinal);
  AccountLogs& logs = person.facts.entra->logs;
  for (const SignIn& sign_in : look.sign_ins) {
    if (!KeepSignIn(logs, sign_in)) continue;
    if (sign_in.error_code == 0 && IsTold(person, sign_in.at.hi)) {
      RecordSignIn(tx, person, sign_in);
    }
  }
  if (!look.covers) return;
  TimeBounds& read = look.log == TenantLog::kInteractiveSignIns ? logs.interactive_read
                                                                : logs.non_interactive_read;
  read = Continue(read, *look.covers);
}

bool IsOfSignIns(TenantLog log) {
  return log == TenantLog::kInteractiveSignIns || log == TenantLog::kNonInteractiveSignIns;
}

void SettleTouched(Transaction& tx) {
  const std::set<PersonOrdinal> touched = tx.touched();
  for (const PersonOrdinal person : touched) SettlePerson(tx, person, !tx.link().baseline_at);
}

}  // namespace

Changes ApplyLog(const Context& context, PeopleSet people, const LogLook& look) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({look.batch, {}});
  LogState& state = tx.link().logs[look.log];
  NoteLimit(tx, std::string(TenantLogText(look.log)), look.limit, look.limit_detail, state);
  if (look.limit != LogLimit::kNone) return tx.Finish();
  if (IsOfSignIns(look.log)) {
    if (look.covers && look.covers->hi > state.read.hi) state.read = *look.covers;
    TakeSignIns(tx, look);
  } else {
    if (look.covers) state.read = Continue(state.read, *look.covers);
    TakeAudits(tx, look);
  }
  SettleTouched(tx);
  return tx.Finish();
}

Changes ApplyDevices(const Context& context, PeopleSet people, const DeviceLook& look) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({look.batch, {}});
  LogState& state = tx.link().devices;
  NoteLimit(tx, "devices", look.limit, "", state);
  if (look.limit != LogLimit::kNone) return tx.Finish();
  state.read = look.at;
  const Person* owner = FindOwner(tx, look.entra_id);
  if (owner == nullptr) return tx.Finish();
  Person& person = tx.Touch(owner->ordinal);
  std::optional<KnownDevices>& known = person.facts.entra->logs.devices;
  if (known && known->at.lo > look.at.lo) return tx.Finish();
  KnownDevices now{look.at, look.devices, look.complete};
  for (Device& device : now.devices) {
    device.name = Shortened(std::move(device.name));
    device.operating_system = Shortened(std::move(device.operating_system));
  }
  if (now.devices.size() > kDevicesKept) {
    now.devices.resize(kDevicesKept);
    now.complete = false;
  }
  const bool differs = !known || known->devices != now.devices;
  known = std::move(now);
  if (differs) {
    EvidenceEntry entry = EvidenceAbout(person, "devices_read");
    entry.source = tx.policy().entra_source.value;
    entry.fact = look.at;
    for (const Device& device : known->devices) {
      const std::string enabled = !device.enabled ? "unknown" : *device.enabled ? "yes" : "no";
      entry.details[Cat("device.", device.id)] =
          Cat(DeviceTrustText(device.trust), ", enabled: ", enabled);
    }
    tx.Record(std::move(entry));
  }
  SettleTouched(tx);
  return tx.Finish();
}

}  // namespace driftwarden::monitor
