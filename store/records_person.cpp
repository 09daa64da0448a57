#include "store/record_fields.h"
#include "store/records.h"
#include "store/records_episode.h"
#include "store/records_logs.h"

namespace driftwarden::store {

using monitor::AdHalf;
using monitor::EntraHalf;
using monitor::Facts;
using monitor::Memory;
using monitor::Person;
using monitor::Revocation;
using monitor::Tri;

namespace {

constexpr uint8_t kPersonFormat = 5;

Tri GetTri(ByteReader& in) {
  return GetEnum(in, Tri::kUnknown, Tri::kYes);
}

void PutAttributes(ByteWriter& out, const monitor::KeptAttributes& attributes) {
  out.Varint(attributes.size());
  for (const auto& [name, values] : attributes) {
    out.Bytes(name);
    PutList(out, values, [](ByteWriter& each, const std::string& value) { each.Bytes(value); });
  }
}

std::vector<std::string> GetTexts(ByteReader& in) {
  std::vector<std::string> texts;
  GetList(in, [&texts](ByteReader& each) { texts.push_back(each.Bytes()); });
  return texts;
}

monitor::KeptAttributes GetAttributes(ByteReader& in) {
  monitor::KeptAttributes attributes;
  GetList(in, [&attributes](ByteReader& each) {
    std::string name = each.Bytes();
    if (!attributes.emplace(std::move(name), GetTexts(each)).second) each.Fail();
  });
  return attributes;
}

// Since format 2.
void PutAdSideFacts(ByteWriter& out, const AdHalf& half) {
  out.Bytes(half.mail);
  out.Varint(half.recipient_type);
  PutEnum(out, half.scope);
  PutBounds(out, half.scope_since);
  PutList(out, half.groups, [](ByteWriter& each, const std::string& text) { each.Bytes(text); });
  PutAttributes(out, half.attributes);
  PutTime(out, half.password_set);
  PutOptional(out, half.password_stamp, PutStamp);
  PutOptional(out, half.expires_stamp, PutStamp);
  PutTime(out, half.locked_at);
  PutTime(out, half.when_changed);
  PutList(out, half.sid_history,
          [](ByteWriter& each, const monitor::Sid& sid) { each.Bytes(sid.bytes); });
}

void GetAdSideFacts(ByteReader& in, AdHalf& half, uint8_t format) {
  half.mail = in.Bytes();
  half.recipient_type = in.Varint();
  half.scope = GetEnum(in, monitor::ScopeState::kIn, monitor::ScopeState::kNever);
  half.scope_since = GetBounds(in);
  half.groups = GetTexts(in);
  half.attributes = GetAttributes(in);
  half.password_set = GetTime(in);
  half.password_stamp = GetOptional(in, GetStamp);
  half.expires_stamp = GetOptional(in, GetStamp);
  half.locked_at = GetTime(in);
  half.when_changed = GetTime(in);
  if (format < 5) return;
  GetList(in, [&half](ByteReader& each) { half.sid_history.push_back({each.Bytes()}); });
}

void PutAd(ByteWriter& out, const AdHalf& half) {
  out.Bytes(half.source.value);
  PutGuid(out, half.object_guid);
  out.Bytes(half.sid.bytes);
  out.Bytes(half.sam_account_name);
  out.Bytes(half.upn);
  out.Bytes(half.dn);
  out.Bytes(half.display_name);
  out.Bytes(half.consistency_guid);
  out.Bool(half.admin_count);
  out.Varint(half.user_account_control);
  PutEnum(out, half.disabled);
  PutBounds(out, half.disabled_since);
  PutTime(out, half.disabled_seen);
  PutTime(out, half.enabled_seen);
  out.Bool(half.deleted);
  PutBounds(out, half.deleted_since);
  PutTime(out, half.deleted_seen);
  PutTime(out, half.account_expires);
  PutOptional(out, half.uac_stamp, PutStamp);
  PutOptional(out, half.deleted_stamp, PutStamp);
  PutBounds(out, half.last_look);
  out.Varint(half.usn_changed);
  out.Bool(half.time_uncertain);
  out.Bool(half.baseline_departed);
  PutAdSideFacts(out, half);
}

AdHalf GetAd(ByteReader& in, uint8_t format) {
  AdHalf half;
  half.source.value = in.Bytes();
  half.object_guid = GetGuid(in);
  half.sid.bytes = in.Bytes();
  half.sam_account_name = in.Bytes();
  half.upn = in.Bytes();
  half.dn = in.Bytes();
  half.display_name = in.Bytes();
  half.consistency_guid = in.Bytes();
  half.admin_count = in.Bool();
  half.user_account_control = GetVarint32(in);
  half.disabled = GetTri(in);
  half.disabled_since = GetBounds(in);
  half.disabled_seen = GetTime(in);
  half.enabled_seen = GetTime(in);
  half.deleted = in.Bool();
  half.deleted_since = GetBounds(in);
  half.deleted_seen = GetTime(in);
  half.account_expires = GetTime(in);
  half.uac_stamp = GetOptional(in, GetStamp);
  half.deleted_stamp = GetOptional(in, GetStamp);
  half.last_look = GetBounds(in);
  half.usn_changed = in.Varint();
  half.time_uncertain = in.Bool();
  half.baseline_departed = in.Bool();
  if (format >= 2) GetAdSideFacts(in, half, format);
  return half;
}

// Since format 3.
void PutTenantSideFacts(ByteWriter& out, const EntraHalf& half) {
  PutList(out, half.roles, [](ByteWriter& each, const std::string& text) { each.Bytes(text); });
  PutOptional(out, half.provisioning_error,
              [](ByteWriter& w, const monitor::ProvisioningError& error) {
                w.Bytes(error.category);
                w.Bytes(error.property);
                w.Bytes(error.value);
                PutTime(w, error.since);
              });
  PutEnum(out, half.cloud_managed);
}

monitor::ProvisioningError GetProvisioningError(ByteReader& in) {
  monitor::ProvisioningError error;
  error.category = in.Bytes();
  error.property = in.Bytes();
  error.value = in.Bytes();
  error.since = GetTime(in);
  return error;
}

void GetTenantSideFacts(ByteReader& in, EntraHalf& half) {
  half.roles = GetTexts(in);
  half.provisioning_error = GetOptional(in, GetProvisioningError);
  half.cloud_managed = GetTri(in);
}

void PutEntra(ByteWriter& out, const EntraHalf& half) {
  out.Bytes(half.source.value);
  out.Bytes(half.id);
  out.Bytes(half.upn);
  out.Bytes(half.display_name);
  out.Bytes(half.sam_account_name);
  out.Bytes(half.immutable_id.value);
  out.Bytes(half.on_premises_sid.bytes);
  PutEnum(out, half.sync_enabled);
  PutEnum(out, half.enabled);
  PutBounds(out, half.disabled_since);
  PutTime(out, half.enabled_seen);
  PutBounds(out, half.enabled_since);
  PutEnum(out, half.deletion);
  PutBounds(out, half.deleted_since);
  PutOptional(out, half.sessions_valid_from, PutSessions);
  PutBounds(out, half.last_look);
  PutBounds(out, half.last_direct_look);
  out.Bool(half.needs_direct_read);
  PutBounds(out, half.restored_since);
  PutTime(out, half.live_direct_first);
  out.Bool(half.baseline_seen);
  PutTenantSideFacts(out, half);
  PutAccountLogs(out, half.logs);
  out.Bytes(half.on_premises_domain);
  PutEnum(out, half.ever_synced);
  PutEnum(out, half.guest);
  PutTime(out, half.first_seen);
  PutTime(out, half.sync_since);
}

EntraHalf GetEntra(ByteReader& in, uint8_t format) {
  EntraHalf half;
  half.source.value = in.Bytes();
  half.id = in.Bytes();
  half.upn = in.Bytes();
  half.display_name = in.Bytes();
  half.sam_account_name = in.Bytes();
  half.immutable_id.value = in.Bytes();
  half.on_premises_sid.bytes = in.Bytes();
  half.sync_enabled = GetTri(in);
  half.enabled = GetTri(in);
  half.disabled_since = GetBounds(in);
  half.enabled_seen = GetTime(in);
  half.enabled_since = GetBounds(in);
  half.deletion = GetEnum(in, monitor::EntraDeletion::kLive, monitor::EntraDeletion::kHard);
  half.deleted_since = GetBounds(in);
  half.sessions_valid_from = GetOptional(in, GetSessions);
  half.last_look = GetBounds(in);
  half.last_direct_look = GetBounds(in);
  half.needs_direct_read = in.Bool();
  half.restored_since = GetBounds(in);
  half.live_direct_first = GetTime(in);
  half.baseline_seen = in.Bool();
  if (format >= 3) GetTenantSideFacts(in, half);
  if (format >= 4) half.logs = GetAccountLogs(in);
  if (format >= 5) {
    half.on_premises_domain = in.Bytes();
    half.ever_synced = GetTri(in);
    half.guest = GetTri(in);
    half.first_seen = GetTime(in);
    half.sync_since = GetTime(in);
  }
  return half;
}

void PutRevocation(ByteWriter& out, const Revocation& revocation) {
  PutBounds(out, revocation.called);
  PutTime(out, revocation.sessions_valid_from);
  PutTime(out, revocation.verified_at);
  out.Bytes(revocation.action.value);
  out.Bool(revocation.by_driftwarden);
}

Revocation GetRevocation(ByteReader& in) {
  Revocation revocation;
  revocation.called = GetBounds(in);
  revocation.sessions_valid_from = GetTime(in);
  revocation.verified_at = GetTime(in);
  revocation.action.value = in.Bytes();
  revocation.by_driftwarden = in.Bool();
  return revocation;
}

void PutExemption(ByteWriter& out, const monitor::Exemption& exemption) {
  PutTime(out, exemption.since);
  PutTime(out, exemption.until);
  out.Bytes(exemption.reason);
  out.Bytes(exemption.actor);
}

monitor::Exemption GetExemption(ByteReader& in) {
  monitor::Exemption exemption;
  exemption.since = GetTime(in);
  exemption.until = GetTime(in);
  exemption.reason = in.Bytes();
  exemption.actor = in.Bytes();
  return exemption;
}

void PutLeave(ByteWriter& out, const monitor::ExpectedLeave& leave) {
  out.Bytes(leave.identifier);
  PutTime(out, leave.effective);
  PutEnum(out, leave.urgency);
  out.Bytes(leave.reference);
  out.Bytes(leave.actor);
  PutTime(out, leave.told);
  out.Bool(leave.from_file);
  PutEnum(out, leave.end);
}

monitor::ExpectedLeave GetLeave(ByteReader& in) {
  monitor::ExpectedLeave leave;
  leave.identifier = in.Bytes();
  leave.effective = GetTime(in);
  leave.urgency = GetEnum(in, monitor::LeaveUrgency::kPlanned, monitor::LeaveUrgency::kCompromise);
  leave.reference = in.Bytes();
  leave.actor = in.Bytes();
  leave.told = GetTime(in);
  leave.from_file = in.Bool();
  leave.end = GetEnum(in, monitor::LeaveEnd::kExpected, monitor::LeaveEnd::kWithdrawn);
  return leave;
}

void PutMark(ByteWriter& out, const monitor::CompromiseMark& mark) {
  PutTime(out, mark.at);
  out.Bytes(mark.reason);
  out.Bytes(mark.actor);
}

monitor::CompromiseMark GetMark(ByteReader& in) {
  monitor::CompromiseMark mark;
  mark.at = GetTime(in);
  mark.reason = in.Bytes();
  mark.actor = in.Bytes();
  return mark;
}

void PutMemory(ByteWriter& out, const Memory& memory) {
  out.Bool(memory.inherited);
  out.Bool(memory.before_our_time);
  PutOptional(out, memory.last_converged, PutTime);
  PutList(out, memory.toggles, PutTime);
  out.Varint(memory.episodes);
  out.Bool(memory.departure_handled);
  PutOptional(out, memory.returned_at, PutTime);
  PutOptional(out, memory.watch_until, PutTime);
  PutList(out, memory.inherited_kinds, PutEnum<monitor::DriftKind>);
  PutList(out, memory.password_resets, PutTime);
  PutOptional(out, memory.reset_twice_at, PutTime);
  PutOptional(out, memory.exemption, PutExemption);
  PutOptional(out, memory.leave, PutLeave);
  PutOptional(out, memory.upn_differs_since, PutTime);
  PutOptional(out, memory.compromised, PutMark);
}

Memory GetMemory(ByteReader& in, uint8_t format) {
  Memory memory;
  memory.inherited = in.Bool();
  memory.before_our_time = in.Bool();
  memory.last_converged = GetOptional(in, GetTime);
  GetList(in, [&memory](ByteReader& each) { memory.toggles.push_back(GetTime(each)); });
  memory.episodes = GetVarint32(in);
  memory.departure_handled = in.Bool();
  memory.returned_at = GetOptional(in, GetTime);
  if (format >= 4) memory.watch_until = GetOptional(in, GetTime);
  if (format >= 5) {
    GetList(in, [&memory](ByteReader& each) {
      memory.inherited_kinds.push_back(
          GetEnum(each, monitor::DriftKind::kDisableLag, monitor::kLastDriftKind));
    });
    GetList(in, [&memory](ByteReader& each) { memory.password_resets.push_back(GetTime(each)); });
    memory.reset_twice_at = GetOptional(in, GetTime);
    memory.exemption = GetOptional(in, GetExemption);
    memory.leave = GetOptional(in, GetLeave);
    memory.upn_differs_since = GetOptional(in, GetTime);
    memory.compromised = GetOptional(in, GetMark);
  }
  return memory;
}

void PutConflicts(ByteWriter& out, const Facts& facts) {
  PutOptional(out, facts.conflicts_with, [](ByteWriter& w, uint64_t other) { w.Varint(other); });
  PutOptional(out, facts.sid_mismatch_since, PutTime);
  out.Bool(facts.sid_mismatch_confirmed);
}

void GetConflicts(ByteReader& in, Facts& facts) {
  facts.conflicts_with = GetOptional(in, [](ByteReader& r) { return r.Varint(); });
  facts.sid_mismatch_since = GetOptional(in, GetTime);
  facts.sid_mismatch_confirmed = in.Bool();
}

}  // namespace

std::string EncodePerson(const Person& person) {
  ByteWriter out = BeginRecord(kPersonFormat);
  out.Varint(person.ordinal);
  out.Bytes(person.facts.anchor.value);
  PutList(out, person.facts.ad, PutAd);
  PutOptional(out, person.facts.entra, PutEntra);
  PutOptional(out, person.facts.last_revocation, PutRevocation);
  PutConflicts(out, person.facts);
  PutMemory(out, person.memory);
  PutOptional(out, person.episode, PutEpisodeFields);
  PutEnum(out, person.state);
  PutEnum(out, person.phase);
  out.Bytes(person.tier.value);
  PutEnum(out, person.person_class);
  PutTime(out, person.review_at);
  return out.Take();
}

StatusOr<Person> DecodePerson(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kPersonFormat, Family::kPeople, key);
  if (!format.ok()) return format.status();
  Person person;
  person.ordinal = in.Varint();
  person.facts.anchor.value = in.Bytes();
  GetList(in, [&](ByteReader& each) { person.facts.ad.push_back(GetAd(each, *format)); });
  person.facts.entra = GetOptional(in, [&](ByteReader& each) { return GetEntra(each, *format); });
  person.facts.last_revocation = GetOptional(in, GetRevocation);
  GetConflicts(in, person.facts);
  person.memory = GetMemory(in, *format);
  person.episode = GetOptional(in, GetEpisodeFields);
  person.state = GetState(in);
  person.phase = GetState(in);
  person.tier.value = in.Bytes();
  if (*format >= 2) {
    person.person_class =
        GetEnum(in, monitor::PersonClass::kNone, monitor::PersonClass::kSharedMailbox);
  }
  person.review_at = GetTime(in);
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kPeople, key));
  return person;
}

}  // namespace driftwarden::store
