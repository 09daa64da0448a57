#include "monitor/replay_facts.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "monitor/attribution.h"

namespace driftwarden::monitor {
namespace {

std::string DetailOf(const EvidenceEntry& entry, const char* name) {
  const auto found = entry.details.find(name);
  return found == entry.details.end() ? std::string() : found->second;
}

// When a look first showed it; our commit where that is not recorded.
absl::Time SeenOf(const EvidenceEntry& entry) {
  return ParseRfc3339(DetailOf(entry, "seen")).value_or(entry.at);
}

bool IsOf(const EvidenceEntry& entry, const AdHalf& half) {
  return DetailOf(entry, "object_guid") == half.object_guid.ToString();
}

// The first entry of one of two types that undo each other.
const EvidenceEntry* FirstOf(const std::vector<EvidenceEntry>& entries, std::string_view one,
                             std::string_view other, const AdHalf* half) {
  for (const EvidenceEntry& entry : entries) {
    if (entry.type != one && entry.type != other) continue;
    if (half == nullptr || IsOf(entry, *half)) return &entry;
  }
  return nullptr;
}

// Whether `yes` was true before anything was recorded of it; `now`: whether it is true today.
bool WasTrue(const std::vector<EvidenceEntry>& entries, std::string_view yes, std::string_view no,
             const AdHalf* half, bool now) {
  const EvidenceEntry* first = FirstOf(entries, yes, no, half);
  return first == nullptr ? now : first->type == no;
}

// Since when somebody was out of AD whose disable was not recorded: it was there before us, and the
// episode that opened when it was handed over says it.
TimeBounds OutSince(const std::vector<EvidenceEntry>& entries, absl::Time start) {
  for (const EvidenceEntry& entry : entries) {
    if (entry.type == "episode_opened") return entry.fact;
    if (IsFact(entry)) break;
  }
  return {absl::InfinitePast(), start};
}

void AdBefore(AdHalf& half, const std::vector<EvidenceEntry>& entries, absl::Time start) {
  const bool disabled =
      WasTrue(entries, "ad_disabled", "ad_enabled", &half, half.disabled == Tri::kYes);
  const bool deleted = WasTrue(entries, "ad_deleted", "ad_restored", &half, half.deleted);
  const EvidenceEntry* moved = FirstOf(entries, "ad_left_scope", "ad_entered_scope", &half);
  if (moved != nullptr) {
    half.scope = moved->type == "ad_left_scope" ? ScopeState::kIn : ScopeState::kNever;
  }
  const TimeBounds since = OutSince(entries, start);
  const absl::Time seen = std::min(since.hi, start);
  half.disabled = ToTri(disabled);
  half.disabled_since = disabled ? since : TimeBounds{};
  half.disabled_seen = disabled ? seen : absl::InfinitePast();
  half.enabled_seen = disabled ? absl::InfinitePast() : start;
  half.deleted = deleted;
  half.deleted_since = deleted ? since : TimeBounds{};
  half.deleted_seen = deleted ? seen : absl::InfinitePast();
  half.time_uncertain = false;
  half.baseline_departed = false;
  half.account_expires = absl::InfiniteFuture();  // its drift is taken over as recorded
  half.last_look = TimeBounds::Exactly(start);
}

void EntraBefore(EntraHalf& half, const std::vector<EvidenceEntry>& entries, absl::Time start) {
  const bool disabled =
      WasTrue(entries, "entra_disabled", "entra_enabled", nullptr, half.enabled == Tri::kNo);
  const bool deleted = WasTrue(entries, "entra_deleted", "entra_restored", nullptr,
                               half.deletion != EntraDeletion::kLive);
  half.enabled = ToTri(!disabled);
  half.disabled_since = disabled ? TimeBounds{absl::InfinitePast(), start} : TimeBounds{};
  half.enabled_since = {};
  half.enabled_seen = disabled ? absl::InfinitePast() : start;
  half.deletion = deleted ? EntraDeletion::kSoft : EntraDeletion::kLive;
  half.deleted_since = deleted ? TimeBounds{absl::InfinitePast(), start} : TimeBounds{};
  half.restored_since = {};
  half.live_direct_first = absl::InfinitePast();
  half.last_look = TimeBounds::Exactly(start);
  half.last_direct_look = half.last_look;
  half.needs_direct_read = false;
  half.baseline_seen = false;
  half.cloud_managed = Tri::kUnknown;
  half.logs = {};
  half.logs.interactive_read = TimeBounds::Exactly(start);
  half.logs.non_interactive_read = half.logs.interactive_read;
}

void TakeAdFact(const EvidenceEntry& entry, const Policy& policy, Person& person, AdHalf& half) {
  const absl::Time seen = SeenOf(entry);
  if (entry.type == "ad_disabled") {
    const auto found = policy.poll_intervals.find(half.source);
    const bool known = found != policy.poll_intervals.end();
    const absl::Duration poll = known ? found->second : absl::Seconds(5);
    if (half.disabled == Tri::kNo) person.memory.toggles.push_back(seen);
    half.disabled = Tri::kYes;
    half.disabled_since = entry.fact;
    half.disabled_seen = seen;
    half.time_uncertain = entry.fact.Width() > 2 * poll;
  } else if (entry.type == "ad_enabled") {
    person.memory.toggles.push_back(seen);
    half.disabled = Tri::kNo;
    half.disabled_since = {};
    half.disabled_seen = absl::InfinitePast();
    half.enabled_seen = seen;
    half.time_uncertain = false;
  } else if (entry.type == "ad_deleted") {
    half.deleted = true;
    half.deleted_since = entry.fact;
    half.deleted_seen = seen;
  } else if (entry.type == "ad_restored") {
    half.deleted = false;
    half.deleted_since = {};
    half.deleted_seen = absl::InfinitePast();
  } else if (entry.type == "ad_left_scope") {
    half.scope = ScopeState::kLeft;
    half.scope_since = entry.fact;
  } else if (entry.type == "ad_entered_scope") {
    half.scope = ScopeState::kIn;
    half.scope_since = {};
  }
  if (!Departed(half)) half.baseline_departed = false;
  half.last_look = TimeBounds::Exactly(seen);
}

void TakeEntraFact(const EvidenceEntry& entry, EntraHalf& half) {
  const absl::Time seen = SeenOf(entry);
  if (entry.type == "entra_disabled") {
    half.enabled = Tri::kNo;
    half.disabled_since = entry.fact;
    half.logs.disabled_looks = {};
  } else if (entry.type == "entra_enabled") {
    half.enabled = Tri::kYes;
    half.enabled_since = entry.fact;
    half.disabled_since = {};
    half.logs.enabled_looks = {};
    half.logs.disabled_looks = {};
    half.baseline_seen = false;
  } else if (entry.type == "entra_deleted") {
    half.deletion = EntraDeletion::kSoft;
    half.deleted_since = entry.fact;
    half.logs.deleted_looks = {};
  } else if (entry.type == "entra_restored") {
    half.deletion = EntraDeletion::kLive;
    half.restored_since = entry.fact;
    half.deleted_since = {};
    half.logs.deleted_looks = {};
    half.baseline_seen = false;
  }
  half.last_look = TimeBounds::Exactly(seen);
  const bool live = half.deletion == EntraDeletion::kLive && half.enabled == Tri::kYes;
  const bool direct = DetailOf(entry, "look") == "direct";
  half.live_direct_first = live && direct ? seen : absl::InfinitePast();
}

LogLook AuditLook(const EvidenceEntry& entry, const EntraHalf& half) {
  constexpr AccountChange kChanges[] = {AccountChange::kDisabled,        AccountChange::kEnabled,
                                        AccountChange::kSessionsRevoked, AccountChange::kDeleted,
                                        AccountChange::kPurged,          AccountChange::kRestored,
                                        AccountChange::kPasswordChanged};
  LogLook look;
  look.source = half.source;
  if (DetailOf(entry, "log") == TenantLogText(TenantLog::kProvisioning)) {
    look.log = TenantLog::kProvisioning;
  }
  AuditRecord record;
  record.id = DetailOf(entry, "record");
  record.entra_id = half.id;
  record.at = entry.fact.hi;
  record.actor_id = DetailOf(entry, "actor");
  record.actor_app_id = DetailOf(entry, "actor_app");
  record.by_sync = DetailOf(entry, "by") == "sync";
  record.correlation_id = DetailOf(entry, "correlation");
  for (const AccountChange change : kChanges) {
    if (AccountChangeText(change) != DetailOf(entry, "change")) continue;
    record.change = change;
    look.audits.push_back(record);
  }
  return look;
}

LogLook SignInLook(const EvidenceEntry& entry, const EntraHalf& half) {
  LogLook look;
  look.source = half.source;
  look.entra_id = half.id;
  SignIn sign_in;
  sign_in.id = DetailOf(entry, "record");
  sign_in.at = entry.fact;
  sign_in.interactive = DetailOf(entry, "interactive") == "yes";
  look.log =
      sign_in.interactive ? TenantLog::kInteractiveSignIns : TenantLog::kNonInteractiveSignIns;
  look.sign_ins.push_back(std::move(sign_in));
  return look;
}

}  // namespace

bool IsFact(const EvidenceEntry& entry) {
  static const std::set<std::string, std::less<>> kTypes = {
      "ad_disabled",    "ad_enabled",       "ad_deleted",    "ad_restored",
      "ad_left_scope",  "ad_entered_scope", "entra_deleted", "entra_enabled",
      "entra_disabled", "entra_restored",   "audit_record",  "sign_in"};
  // That the engine ran without touching the account is told by the drift that it opened alone.
  const bool ran = entry.type == "drift_opened" &&
                   DetailOf(entry, "kind") == DriftKindText(DriftKind::kNeverSynced);
  return ran || kTypes.contains(entry.type);
}

Person PersonBefore(const Person& now, const std::vector<EvidenceEntry>& entries,
                    absl::Time start) {
  Person person = now;
  person.memory = {};
  person.episode.reset();
  person.state = person.phase = State::kUnlinked;
  person.review_at = absl::InfiniteFuture();
  person.facts.last_revocation.reset();
  for (AdHalf& half : person.facts.ad) AdBefore(half, entries, start);
  if (person.facts.entra) EntraBefore(*person.facts.entra, entries, start);
  return person;
}

void TakeFact(const EvidenceEntry& entry, const Policy& policy, Person& person, LinkState& link) {
  if (entry.type == "drift_opened") {
    // By our clock there was one; the rule takes the tenant's skew off again.
    link.engine_last_sync = entry.at + LogSkew(policy, link);
    return;
  }
  for (AdHalf& half : person.facts.ad) {
    if (IsOf(entry, half)) TakeAdFact(entry, policy, person, half);
  }
  auto& entra = person.facts.entra;
  if (entra && DetailOf(entry, "entra_id") == entra->id) TakeEntraFact(entry, *entra);
}

std::optional<LogLook> LogOf(const EvidenceEntry& entry, const Person& person) {
  if (!person.facts.entra) return std::nullopt;
  if (entry.type == "audit_record") return AuditLook(entry, *person.facts.entra);
  if (entry.type == "sign_in") return SignInLook(entry, *person.facts.entra);
  return std::nullopt;
}

}  // namespace driftwarden::monitor
