#include "monitor/attribution.h"

#include <algorithm>

#include "base/strings.h"
#include "monitor/clocks.h"

namespace driftwarden::monitor {
namespace {

// A password change and the revocation it brings along are written within about a second.
constexpr absl::Duration kOneAct = absl::Seconds(5);

bool Intersects(const TimeBounds& a, const TimeBounds& b) {
  return a.lo <= b.hi && b.lo <= a.hi;
}

TimeBounds Widened(const AuditRecord& record, absl::Duration skew) {
  return {record.at - skew, record.at + skew};
}

// Records are sorted by time: the latest that fits.
const AuditRecord* LatestWithin(const std::vector<AuditRecord>& audits, AccountChange change,
                                const TimeBounds& looks, absl::Duration skew) {
  for (auto at = audits.rbegin(); at != audits.rend(); ++at) {
    if (at->change == change && Intersects(Widened(*at, skew), looks)) return &*at;
  }
  return nullptr;
}

const TimeBounds& LooksOf(const TimeBounds& looks, const TimeBounds& since) {
  return looks == TimeBounds() ? since : looks;
}

void Narrow(const std::vector<AuditRecord>& audits, AccountChange change, absl::Duration skew,
            TimeBounds& since, TimeBounds& looks) {
  const TimeBounds all = LooksOf(looks, since);
  if (all.hi == absl::InfinitePast()) return;
  const AuditRecord* record = LatestWithin(audits, change, all, skew);
  if (record == nullptr) return;  // none, or no longer kept
  const TimeBounds told = Widened(*record, skew);
  since = {std::max(all.lo, told.lo), std::min(all.hi, told.hi)};
  looks = since == all ? TimeBounds() : all;
}

bool ChangesState(AccountChange change) {
  return change != AccountChange::kSessionsRevoked && change != AccountChange::kPasswordChanged;
}

const AuditRecord* LatestState(const EntraHalf& half) {
  const auto& audits = half.logs.audits;
  const auto found = std::find_if(audits.rbegin(), audits.rend(), [](const AuditRecord& record) {
    return ChangesState(record.change);
  });
  return found == audits.rend() ? nullptr : &*found;
}

bool SameActor(const AuditRecord& a, const AuditRecord& b) {
  if (!a.correlation_id.empty() && a.correlation_id == b.correlation_id) return true;
  const auto anonymous = [](const AuditRecord& r) {
    return r.actor_id.empty() && r.actor_app_id.empty();
  };
  if (anonymous(a) || anonymous(b)) return true;  // not told apart: the cautious reading
  if (!a.actor_id.empty() && a.actor_id == b.actor_id) return true;
  return !a.actor_app_id.empty() && a.actor_app_id == b.actor_app_id;
}

// Only part of a password change, or not known not to be one: earlier changes are not kept.
bool IsPartial(const std::vector<AuditRecord>& audits, const AuditRecord& revocation) {
  size_t changes = 0;
  for (const AuditRecord& record : audits) {
    if (record.change != AccountChange::kPasswordChanged) continue;
    ++changes;
    if (absl::AbsDuration(record.at - revocation.at) > kOneAct) continue;
    if (record.by_sync || SameActor(record, revocation)) return true;
  }
  if (changes < kPasswordChangesKept) return false;
  const auto earliest = std::find_if(audits.begin(), audits.end(), [](const AuditRecord& record) {
    return record.change == AccountChange::kPasswordChanged;
  });
  return revocation.at < earliest->at + kOneAct;
}

// The record of a call of ours. Where the configuration does not say which application we are (a
// machine's own identity), by the time of the call.
bool IsOurs(const AuditRecord& record, const Facts& facts, const Policy& policy,
            const LinkState& link) {
  if (ActorOf(record, policy, link) == ActorKind::kDriftwarden) return true;
  const auto& own = facts.last_revocation;
  if (!own) return false;
  if (!own->action.empty() && record.correlation_id == own->action.value) return true;
  const bool a_user = !record.actor_id.empty() && record.actor_app_id.empty();
  const bool another = !policy.own_app_id.empty() && !record.actor_app_id.empty();
  if (a_user || another) return false;
  const absl::Duration slack = LogSkew(policy, link) + kOneAct;
  return Intersects(Widened(record, slack), own->called);
}

}  // namespace

std::string_view ActorKindText(ActorKind kind) {
  switch (kind) {
    case ActorKind::kUnknown:
      return "unknown";
    case ActorKind::kSync:
      return "sync";
    case ActorKind::kDriftwarden:
      return "driftwarden";
    case ActorKind::kUser:
      return "user";
    case ActorKind::kApplication:
      return "application";
  }
  return "unknown";
}

ActorKind ActorOf(const AuditRecord& record, const Policy& policy, const LinkState& link) {
  if (record.by_sync) return ActorKind::kSync;
  const auto is = [](const std::string& id, const std::string& known) {
    return !id.empty() && EqualsIgnoreCase(id, known);
  };
  if (is(record.actor_app_id, policy.own_app_id)) return ActorKind::kDriftwarden;
  for (const SyncActor& actor : SyncActorsOf(policy, link)) {
    // What was written in the configuration may be any of its names.
    const bool written = actor.via == ActorVia::kConfigured &&
                         (is(record.actor_app_id, actor.id) || is(record.actor_name, actor.id));
    if (written || is(record.actor_id, actor.id) || is(record.actor_app_id, actor.app_id)) {
      return ActorKind::kSync;
    }
  }
  if (!record.actor_app_id.empty()) return ActorKind::kApplication;
  return record.actor_id.empty() ? ActorKind::kUnknown : ActorKind::kUser;
}

absl::Duration LogSkew(const Policy& policy, const LinkState& link) {
  return SkewOf(link, policy.entra_source);
}

void NarrowByAudits(EntraHalf& half, absl::Duration skew) {
  AccountLogs& logs = half.logs;
  if (logs.audits.empty()) return;
  if (half.enabled == Tri::kNo) {
    Narrow(logs.audits, AccountChange::kDisabled, skew, half.disabled_since, logs.disabled_looks);
  }
  Narrow(logs.audits, AccountChange::kEnabled, skew, half.enabled_since, logs.enabled_looks);
  if (half.deletion != EntraDeletion::kLive) {
    Narrow(logs.audits, AccountChange::kDeleted, skew, half.deleted_since, logs.deleted_looks);
  }
}

const AuditRecord* DisableRecord(const EntraHalf& half, absl::Duration skew) {
  if (half.enabled != Tri::kNo) return nullptr;
  const TimeBounds& looks = LooksOf(half.logs.disabled_looks, half.disabled_since);
  return LatestWithin(half.logs.audits, AccountChange::kDisabled, looks, skew);
}

const AuditRecord* DeleteRecord(const EntraHalf& half, absl::Duration skew) {
  if (half.deletion == EntraDeletion::kLive) return nullptr;
  const TimeBounds& looks = LooksOf(half.logs.deleted_looks, half.deleted_since);
  return LatestWithin(half.logs.audits, AccountChange::kDeleted, looks, skew);
}

bool AuditsContradict(const EntraHalf& half, absl::Duration skew) {
  const AuditRecord* latest = LatestState(half);
  const bool read = half.last_direct_look.hi != absl::InfinitePast();
  const absl::Time looked = read ? half.last_direct_look.lo : half.last_look.lo;
  if (latest == nullptr || latest->at + skew < looked) return false;
  const bool out = half.deletion != EntraDeletion::kLive;
  switch (latest->change) {
    case AccountChange::kDisabled:
      return half.enabled == Tri::kYes;
    case AccountChange::kEnabled:
      return half.enabled == Tri::kNo;
    case AccountChange::kDeleted:
    case AccountChange::kPurged:
      return !out;
    case AccountChange::kRestored:
      return out;
    case AccountChange::kSessionsRevoked:
    case AccountChange::kPasswordChanged:
      return false;
  }
  return false;
}

bool AuditConfirmsReturn(const EntraHalf& half, absl::Duration skew) {
  const AuditRecord* latest = LatestState(half);
  if (latest == nullptr) return false;
  const bool enabled = latest->change == AccountChange::kEnabled;
  if (!enabled && latest->change != AccountChange::kRestored) return false;
  const TimeBounds& looks =
      enabled ? LooksOf(half.logs.enabled_looks, half.enabled_since) : half.restored_since;
  if (looks.hi == absl::InfinitePast()) return false;
  return latest->at + skew >= std::max(looks.lo, half.restored_since.lo);
}

std::vector<const AuditRecord*> RevocationsByOthers(const Facts& facts, const Policy& policy,
                                                    const LinkState& link) {
  std::vector<const AuditRecord*> revocations;
  if (!facts.entra) return revocations;
  const std::vector<AuditRecord>& audits = facts.entra->logs.audits;
  for (const AuditRecord& record : audits) {
    if (record.change != AccountChange::kSessionsRevoked) continue;
    if (ActorOf(record, policy, link) == ActorKind::kSync) continue;
    if (IsOurs(record, facts, policy, link) || IsPartial(audits, record)) continue;
    revocations.push_back(&record);
  }
  return revocations;
}

std::optional<TimeBounds> LatestRevocation(const Facts& facts,
                                           const std::vector<const AuditRecord*>& others,
                                           absl::Duration skew, absl::Time own, absl::Time other,
                                           const AuditRecord* other_record) {
  std::optional<TimeBounds> latest;
  if (facts.last_revocation && facts.last_revocation->called.lo >= own) {
    latest = facts.last_revocation->called;
  }
  for (const AuditRecord* record : others) {
    const bool after =
        other_record != nullptr ? record->at >= other_record->at : record->at - skew >= other;
    if (!after || (latest && record->at - skew <= latest->lo)) continue;
    latest = Widened(*record, skew);
  }
  return latest;
}

}  // namespace driftwarden::monitor
