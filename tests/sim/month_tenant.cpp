#include "tests/sim/month_tenant.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace driftwarden::sim {

using monitor::AccountChange;
using monitor::AuthMode;
using monitor::SyncEngine;

namespace {

constexpr absl::Duration kAuditDelay = absl::Minutes(3);
constexpr absl::Duration kPasswordCycle = absl::Minutes(2);
constexpr int kLongGone = 20;  // one of so many was disabled on both sides long ago
constexpr uint64_t kFirstEntraNumber = 100'000'000'000;

absl::Duration CycleOfEngine(SyncEngine engine) {
  return engine == SyncEngine::kConnect ? absl::Minutes(30) : absl::Minutes(2);
}

}  // namespace

MonthTenant::MonthTenant(const MonthOptions& options)
    : options_(options),
      start_(absl::FromCivil(absl::CivilDay(2026, 11, 2), absl::UTCTimeZone())),  // a Monday
      rng_(options.seed),
      people_(static_cast<size_t>(options.people)),
      next_begin_(start_),
      next_passwords_(start_) {
  for (int i = 0; i < options.people; ++i) {
    Person& p = at(i);
    p.usn = ++usn_;
    p.uac_at = p.password_at = start_ - absl::Hours(24 * 90);
    if (i % kLongGone == 0) p.ad_enabled = p.entra_enabled = false;
  }
}

monitor::Guid MonthTenant::GuidOf(int i) {
  monitor::Guid guid;
  guid.bytes[0] = 0xad;
  for (size_t byte = 0; byte < 4; ++byte) {
    guid.bytes[15 - byte] = static_cast<uint8_t>(static_cast<uint32_t>(i) >> (8 * byte));
  }
  return guid;
}

int MonthTenant::NumberOf(const monitor::Guid& guid) {
  uint32_t number = 0;
  for (size_t byte = 12; byte < 16; ++byte) number = number << 8 | guid.bytes[byte];
  return static_cast<int>(number);
}

std::string MonthTenant::EntraIdOf(int i) {
  return Cat("00000000-0000-4000-8000-", kFirstEntraNumber + static_cast<uint64_t>(i));
}

int MonthTenant::NumberOf(const std::string& entra_id) {
  const auto number = ParseUint64(entra_id.substr(entra_id.rfind('-') + 1));
  DW_CHECK(number.has_value());
  return static_cast<int>(*number - kFirstEntraNumber);
}

monitor::AdView MonthTenant::Ad(int i) const {
  const Person& p = at(i);
  monitor::AdView view;
  view.object_guid = GuidOf(i);
  view.sid = monitor::Sid::Parse(Cat("S-1-5-21-1-2-3-", 1000 + i));
  view.sam_account_name = Cat("u", i);
  view.upn = Cat("u", i, "@corp.example");
  view.deleted = p.ad_deleted;
  view.usn_changed = p.usn;
  monitor::Guid invocation;
  invocation.bytes[0] = 1;
  if (p.ad_deleted) {
    view.dn = Cat("CN=u", i, ",CN=Deleted Objects,DC=corp,DC=example");
    view.deleted_stamp = monitor::MetadataStamp{1, p.deleted_at, invocation, p.usn};
  } else {
    const char* const ou = p.moved_out ? "Left" : (IsAdmin(i) ? "Admins" : "Staff");
    view.dn = Cat("CN=u", i, ",OU=", ou, ",DC=corp,DC=example");
    view.consistency_guid = "";
  }
  view.user_account_control = p.ad_enabled ? 0x200 : 0x202;
  view.admin_count = IsAdmin(i);
  view.account_expires = p.expires;
  view.password_set = p.password_at;
  view.uac_stamp = monitor::MetadataStamp{p.uac_version, p.uac_at, invocation, p.usn};
  view.password_stamp =
      monitor::MetadataStamp{p.password_version, p.password_at, invocation, p.usn};
  if (p.expires_set != absl::Time()) {
    view.expires_stamp = monitor::MetadataStamp{2, p.expires_set, invocation, p.usn};
  }
  return view;
}

monitor::EntraView MonthTenant::Entra(int i, bool direct) const {
  const Person& p = at(i);
  monitor::EntraView view;
  view.id = EntraIdOf(i);
  view.upn = Cat("u", i, "@corp.example");
  view.immutable_id = monitor::AnchorOf(GuidOf(i).Raw());
  view.on_premises_sid = monitor::Sid::Parse(Cat("S-1-5-21-1-2-3-", 1000 + i));
  view.sync_enabled = true;
  view.account_enabled = p.entra_enabled;
  view.deletion = p.entra_deleted ? monitor::EntraDeletion::kSoft : monitor::EntraDeletion::kLive;
  if (direct) {
    const bool never = p.valid_from == absl::InfinitePast();
    view.sessions_valid_from = monitor::SessionsValidFrom{never, p.valid_from};
  }
  return view;
}

bool MonthTenant::OutOfAd(int i) const {
  return at(i).ad_deleted || !at(i).ad_enabled;
}

bool MonthTenant::LiveInEntra(int i) const {
  return at(i).in_entra && at(i).entra_enabled && !at(i).entra_deleted;
}

bool MonthTenant::ControllerAnswers(absl::Time when) const {
  return std::none_of(dark_.begin(), dark_.end(), [&](const auto& span) { return span.Has(when); });
}

bool MonthTenant::EngineRuns(absl::Time when) const {
  return std::none_of(stopped_.begin(), stopped_.end(),
                      [&](const auto& span) { return span.Has(when); });
}

std::vector<monitor::AuditRecord> MonthTenant::TakeAudits(absl::Time until) {
  std::vector<monitor::AuditRecord> records;
  const auto end = audits_.upper_bound(until);
  for (auto it = audits_.begin(); it != end; ++it) records.push_back(it->second);
  audits_.erase(audits_.begin(), end);
  return records;
}

void MonthTenant::RunTo(absl::Time now) {
  while (true) {
    const absl::Time event = events_.empty() ? absl::InfiniteFuture() : events_.begin()->first;
    const absl::Time engine = std::min({next_begin_, next_export_, next_passwords_});
    if (std::min(event, engine) > now) return;
    if (engine < event) {
      RunEngine(engine);
      continue;
    }
    const std::vector<Event> acts = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    for (const Event& act : acts) Do(act, event);
  }
}

void MonthTenant::Do(const Event& event, absl::Time when) {
  const int i = event.person;
  if (event.act == Act::kHire) {
    people_.resize(std::max(people_.size(), static_cast<size_t>(i) + 1));
    at(i).in_entra = at(i).entra_enabled = at(i).ad_enabled = false;
    at(i).uac_at = at(i).password_at = when;
  }
  Person& p = at(i);
  if (event.act == Act::kRevoke) {
    if (p.in_entra) Revoke(i, when);
    if (p.in_entra) Audit(i, AccountChange::kSessionsRevoked, when, false);
    return;
  }
  if (event.act == Act::kStick || event.act == Act::kUnstick) {
    p.stuck = event.act == Act::kStick;
    to_carry_.insert(i);
    return;
  }
  if (p.ad_deleted) return;
  const bool was_enabled = p.ad_enabled;
  switch (event.act) {
    case Act::kEnable:
    case Act::kDisable:
      p.ad_enabled = event.act == Act::kEnable;
      break;
    case Act::kDelete:
      p.ad_deleted = true;
      p.deleted_at = when;
      break;
    case Act::kResetPassword:
      p.password_at = when;
      ++p.password_version;
      passwords_.insert(i);
      break;
    case Act::kMoveOut:
      p.moved_out = true;
      break;
    case Act::kExpire:
    case Act::kExtend:
      p.expires = event.act == Act::kExtend
                      ? when + absl::Hours(24 * 365)
                      : start_ + absl::Floor(when - start_ + absl::Hours(24), absl::Hours(24));
      p.expires_set = when;
      break;
    default:
      break;
  }
  if (p.ad_enabled != was_enabled) {
    ++p.uac_version;
    p.uac_at = when;
  }
  p.usn = ++usn_;
  ad_changes_.insert(i);
  to_carry_.insert(i);
  NoteExposure(i, when);
}

void MonthTenant::NoteExposure(int i, absl::Time when) {
  Person& p = at(i);
  const bool open = !p.exposed.empty() && p.exposed.back().to == absl::InfiniteFuture();
  const bool now = OutOfAd(i) && LiveInEntra(i);
  if (now && !open) p.exposed.push_back({when, absl::InfiniteFuture()});
  if (!now && open) p.exposed.back().to = when;
}

// The engine begins on the clock; what it exports shows some minutes later.
void MonthTenant::RunEngine(absl::Time now) {
  if (now == next_passwords_) {
    next_passwords_ += kPasswordCycle;
    if (EngineRuns(now) && !passwords_.empty()) CarryPasswords(now);
  }
  if (now == next_begin_) {
    next_begin_ += CycleOfEngine(options_.engine);
    if (EngineRuns(now)) {
      for (const int i : std::exchange(to_carry_, {}))
        in_hand_[i] = {at(i).ad_enabled, at(i).ad_deleted};
      const bool connect = options_.engine == SyncEngine::kConnect;
      next_export_ = now + absl::Seconds(connect ? 120 + rng_.Below(25) : 15 + rng_.Below(5));
    }
  }
  if (now != next_export_) return;
  next_export_ = absl::InfiniteFuture();
  for (const auto& [i, seen] : std::exchange(in_hand_, {})) {
    if (at(i).stuck) {
      to_carry_.insert(i);
    } else {
      Carry(i, seen.enabled, seen.deleted, now);
    }
  }
  last_sync_ = now;
}

void MonthTenant::Carry(int i, bool enabled, bool deleted, absl::Time when) {
  Person& p = at(i);
  if (!p.in_entra && deleted) return;
  entra_changes_.insert(i);  // an edit shows as well
  if (!p.in_entra) {
    p.in_entra = true;
    p.entra_enabled = enabled;
  } else if (deleted && !p.entra_deleted) {
    p.entra_deleted = true;
    Audit(i, AccountChange::kDeleted, when, true);
  } else if (p.entra_enabled != enabled) {
    p.entra_enabled = enabled;
    Audit(i, enabled ? AccountChange::kEnabled : AccountChange::kDisabled, when, true);
  }
  NoteExposure(i, when);
}

// With the hash comes a moved time of sessions, which ends some of them and seals nothing.
void MonthTenant::CarryPasswords(absl::Time when) {
  const std::set<int> changed = std::exchange(passwords_, {});
  if (options_.auth != AuthMode::kPasswordHashSync) return;
  for (const int i : changed) {
    if (!at(i).in_entra) continue;
    at(i).valid_from = when;
    entra_changes_.insert(i);
    Audit(i, AccountChange::kPasswordChanged, when, true);
    Audit(i, AccountChange::kSessionsRevoked, when, true);
  }
}

void MonthTenant::Revoke(int i, absl::Time when) {
  at(i).valid_from = when;
  at(i).revoked.push_back(when);
}

void MonthTenant::Audit(int i, AccountChange change, absl::Time when, bool by_sync) {
  monitor::AuditRecord record;
  record.id = Cat("record-", ++records_);
  record.entra_id = EntraIdOf(i);
  record.change = change;
  record.at = when;
  record.actor_app_id = by_sync ? "" : "0ffb0a2d-0000-4000-8000-000000000001";
  record.actor_name = by_sync ? "Microsoft Entra Connect" : "offboarding";
  record.by_sync = by_sync;
  audits_.emplace(when + kAuditDelay, std::move(record));
}

absl::Duration MonthTenant::Patience(int i) const {
  const bool connect = options_.engine == SyncEngine::kConnect;
  if (IsAdmin(i)) return CycleOfEngine(options_.engine) + absl::Minutes(10);
  return connect ? absl::Minutes(70) : absl::Minutes(15);
}

// Where AD itself refuses new sign-ins a revocation keeps somebody out; else the password works on.
std::optional<MonthSpan> MonthTenant::RiskOf(const Person& p, int i,
                                             const MonthSpan& exposed) const {
  MonthSpan risk{exposed.from + Patience(i), exposed.to};
  if (options_.auth != AuthMode::kPasswordHashSync) {
    for (const absl::Time revoked : p.revoked) {
      if (revoked >= exposed.from) risk.to = std::min(risk.to, revoked);
    }
  }
  if (risk.from >= risk.to) return std::nullopt;
  return risk;
}

std::optional<absl::Time> MonthTenant::AtRisk(int i, absl::Time when) const {
  for (const MonthSpan& exposed : at(i).exposed) {
    const auto risk = RiskOf(at(i), i, exposed);
    if (risk && risk->Has(when)) return risk->from;
  }
  return std::nullopt;
}

std::vector<MonthTenant::Risk> MonthTenant::Risks(absl::Time end, absl::Duration least) const {
  std::vector<Risk> risks;
  for (int i = 0; i < size(); ++i) {
    for (const MonthSpan& exposed : at(i).exposed) {
      auto risk = RiskOf(at(i), i, exposed);
      if (!risk) continue;
      risk->to = std::min(risk->to, end);
      if (risk->to - risk->from >= least) risks.push_back({i, *risk});
    }
  }
  return risks;
}

}  // namespace driftwarden::sim
