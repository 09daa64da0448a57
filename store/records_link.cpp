#include "store/record_fields.h"
#include "store/records.h"
#include "store/records_causes.h"
#include "store/records_episode.h"
#include "store/records_logs.h"

namespace driftwarden::store {

using monitor::CallStamp;
using monitor::GuardState;
using monitor::LinkState;
using monitor::OpenCountKey;
using monitor::SourceName;
using monitor::SourceState;
using monitor::UserCountKey;

namespace {

constexpr uint8_t kLinkFormat = 6;
constexpr uint8_t kSmallFormat = 1;

void PutSource(ByteWriter& out, const std::pair<const SourceName, SourceState>& source) {
  const SourceState& state = source.second;
  out.Bytes(source.first.value);
  PutEnum(out, state.kind);
  out.Bytes(state.cursor);
  PutTime(out, state.last_success);
  PutTime(out, state.last_complete_begin);
  PutTime(out, state.last_change);
  out.Duration(state.clock_offset);
  out.Bool(state.snapshot_running);
  out.Bool(state.snapshot_complete);
  out.Varint(state.snapshot_objects);
  PutTime(out, state.gap_ended);
  out.Varint(state.snapshot_batch);
  out.Bytes(state.base_dn);
}

SourceState GetSource(ByteReader& in, uint8_t format) {
  SourceState state;
  state.kind = GetEnum(in, monitor::SourceKind::kActiveDirectory, monitor::SourceKind::kEntra);
  state.cursor = in.Bytes();
  state.last_success = GetTime(in);
  state.last_complete_begin = GetTime(in);
  state.last_change = GetTime(in);
  state.clock_offset = in.Duration();
  state.snapshot_running = in.Bool();
  state.snapshot_complete = in.Bool();
  state.snapshot_objects = in.Varint();
  state.gap_ended = GetTime(in);
  state.snapshot_batch = in.Varint();
  if (format >= 6) state.base_dn = in.Bytes();
  return state;
}

void PutGuard(ByteWriter& out, const std::pair<const std::string, GuardState>& guard) {
  out.Bytes(guard.first);
  out.Bool(guard.second.tripped);
  PutTime(out, guard.second.since);
  out.Bytes(guard.second.detail);
}

GuardState GetGuard(ByteReader& in) {
  GuardState guard;
  guard.tripped = in.Bool();
  guard.since = GetTime(in);
  guard.detail = in.Bytes();
  return guard;
}

void PutCall(ByteWriter& out, const CallStamp& call) {
  PutTime(out, call.at);
  out.Varint(call.person);
  PutEnum(out, call.reason);
}

CallStamp GetCall(ByteReader& in) {
  CallStamp call;
  call.at = GetTime(in);
  call.person = in.Varint();
  call.reason = GetEnum(in, monitor::ActionReason::kLag, monitor::ActionReason::kSeal);
  return call;
}

void PutUserCount(ByteWriter& out, const std::pair<const UserCountKey, int64_t>& count) {
  PutEnum(out, count.first.state);
  out.Bytes(count.first.tier.value);
  out.U64(static_cast<uint64_t>(count.second));
}

void GetUserCount(ByteReader& in, LinkState& link) {
  const monitor::State state = GetState(in);
  UserCountKey key{state, monitor::TierName(in.Bytes())};
  if (!link.users.emplace(std::move(key), static_cast<int64_t>(in.U64())).second) in.Fail();
}

void PutOpenCount(ByteWriter& out, const std::pair<const OpenCountKey, int64_t>& count) {
  PutEnum(out, count.first.kind);
  out.Bytes(count.first.tier.value);
  PutEnum(out, count.first.severity);
  out.U64(static_cast<uint64_t>(count.second));
}

void GetOpenCount(ByteReader& in, LinkState& link) {
  const auto kind = GetEnum(in, monitor::DriftKind::kDisableLag, monitor::kLastDriftKind);
  monitor::TierName tier(in.Bytes());
  const auto severity = GetEnum(in, monitor::Severity::kInfo, monitor::Severity::kCritical);
  OpenCountKey key{kind, std::move(tier), severity};
  if (!link.open.emplace(std::move(key), static_cast<int64_t>(in.U64())).second) in.Fail();
}

void GetSources(ByteReader& in, LinkState& link, uint8_t format) {
  GetList(in, [&link, format](ByteReader& each) {
    SourceName name(each.Bytes());
    if (!link.sources.emplace(std::move(name), GetSource(each, format)).second) each.Fail();
  });
}

void GetGuards(ByteReader& in, LinkState& link) {
  GetList(in, [&link](ByteReader& each) {
    std::string name = each.Bytes();
    if (!link.guards.emplace(std::move(name), GetGuard(each)).second) each.Fail();
  });
}

void PutPolicyEpoch(ByteWriter& out, const monitor::PolicyEpoch& epoch) {
  out.Varint(epoch.number);
  PutTime(out, epoch.since);
  out.Bytes(epoch.actor);
  PutTexts(out, epoch.parts);
  out.Varint(epoch.judged);
  out.Varint(epoch.judge_to);
}

monitor::PolicyEpoch GetPolicyEpoch(ByteReader& in) {
  monitor::PolicyEpoch epoch;
  epoch.number = in.Varint();
  epoch.since = GetTime(in);
  epoch.actor = in.Bytes();
  epoch.parts = GetTexts(in);
  epoch.judged = in.Varint();
  epoch.judge_to = in.Varint();
  return epoch;
}

void PutText(ByteWriter& out, const std::string& text) {
  out.Bytes(text);
}

std::vector<std::string> GetTextList(ByteReader& in) {
  std::vector<std::string> texts;
  GetList(in, [&texts](ByteReader& each) { texts.push_back(each.Bytes()); });
  return texts;
}

void PutFlag(ByteWriter& out, bool flag) {
  out.Bool(flag);
}

bool GetFlag(ByteReader& in) {
  return in.Bool();
}

void PutDeletionGuard(ByteWriter& out, const monitor::DeletionGuard& guard) {
  out.Bytes(guard.type);
  out.U64(static_cast<uint64_t>(guard.threshold));
}

monitor::DeletionGuard GetDeletionGuard(ByteReader& in) {
  monitor::DeletionGuard guard;
  guard.type = in.Bytes();
  guard.threshold = static_cast<int64_t>(in.U64());
  return guard;
}

void PutJob(ByteWriter& out, const monitor::SyncJob& job) {
  out.Bytes(job.id);
  out.Bytes(job.code);
  PutTime(out, job.last_success);
  out.Bytes(job.quarantine_reason);
  PutTime(out, job.quarantined_since);
}

std::vector<monitor::SyncJob> GetJobs(ByteReader& in) {
  std::vector<monitor::SyncJob> jobs;
  GetList(in, [&jobs](ByteReader& each) {
    monitor::SyncJob job;
    job.id = each.Bytes();
    job.code = each.Bytes();
    job.last_success = GetTime(each);
    job.quarantine_reason = each.Bytes();
    job.quarantined_since = GetTime(each);
    jobs.push_back(std::move(job));
  });
  return jobs;
}

void PutActor(ByteWriter& out, const monitor::SyncActor& actor) {
  out.Bytes(actor.id);
  out.Bytes(actor.app_id);
  out.Bytes(actor.name);
  PutEnum(out, actor.via);
}

monitor::SyncActor GetActor(ByteReader& in) {
  monitor::SyncActor actor;
  actor.id = in.Bytes();
  actor.app_id = in.Bytes();
  actor.name = in.Bytes();
  actor.via = GetEnum(in, monitor::ActorVia::kRole, monitor::ActorVia::kConfigured);
  return actor;
}

void PutTenant(ByteWriter& out, const monitor::TenantFacts& tenant) {
  PutOptional(out, tenant.sync_enabled, PutFlag);
  PutOptional(out, tenant.password_sync, PutFlag);
  PutOptional(out, tenant.deletion_guard, PutDeletionGuard);
  PutOptional(out, tenant.federated_domains,
              [](ByteWriter& w, const std::vector<std::string>& d) { PutList(w, d, PutText); });
  PutOptional(out, tenant.jobs, [](ByteWriter& w, const std::vector<monitor::SyncJob>& jobs) {
    PutList(w, jobs, PutJob);
  });
  PutList(out, tenant.actors, PutActor);
  PutList(out, tenant.role_holders, PutText);
  PutList(out, tenant.with_errors, PutText);
  PutList(out, tenant.cycle_gaps, [](ByteWriter& w, absl::Duration gap) { w.Duration(gap); });
  PutTime(out, tenant.cycle_set);
}

monitor::TenantFacts GetTenant(ByteReader& in) {
  monitor::TenantFacts tenant;
  tenant.sync_enabled = GetOptional(in, GetFlag);
  tenant.password_sync = GetOptional(in, GetFlag);
  tenant.deletion_guard = GetOptional(in, GetDeletionGuard);
  tenant.federated_domains = GetOptional(in, GetTextList);
  tenant.jobs = GetOptional(in, GetJobs);
  GetList(in, [&tenant](ByteReader& each) { tenant.actors.push_back(GetActor(each)); });
  tenant.role_holders = GetTextList(in);
  tenant.with_errors = GetTextList(in);
  GetList(in, [&tenant](ByteReader& each) { tenant.cycle_gaps.push_back(each.Duration()); });
  tenant.cycle_set = GetTime(in);
  return tenant;
}

// What tells how long access tokens live.
void PutTokens(ByteWriter& out, const monitor::TenantFacts& tenant) {
  PutOptional(out, tenant.conditional_access,
              [](ByteWriter& w, int64_t policies) { w.U64(static_cast<uint64_t>(policies)); });
  PutOptional(out, tenant.token_policies, [](ByteWriter& w, const monitor::TokenPolicies& p) {
    w.Duration(p.longest);
    w.Bool(p.for_all);
  });
}

void GetTokens(ByteReader& in, monitor::TenantFacts& tenant) {
  tenant.conditional_access =
      GetOptional(in, [](ByteReader& r) { return static_cast<int64_t>(r.U64()); });
  tenant.token_policies = GetOptional(in, [](ByteReader& r) {
    monitor::TokenPolicies policies;
    policies.longest = r.Duration();
    policies.for_all = r.Bool();
    return policies;
  });
}

}  // namespace

std::string EncodeLinkState(const LinkState& link) {
  ByteWriter out = BeginRecord(kLinkFormat);
  out.Bytes(link.name.value);
  out.Varint(link.next_person);
  out.Varint(link.next_episode);
  PutList(out, link.sources, PutSource);
  PutOptional(out, link.engine_last_sync, PutTime);
  out.Duration(link.learned_cycle);
  PutOptional(out, link.baseline_at, PutTime);
  PutOptional(out, link.baseline_accepted, PutTime);
  out.Bytes(link.baseline_accepted_by);
  PutList(out, link.guards, PutGuard);
  out.Varint(link.verification_failures);
  PutList(out, link.calls, PutCall);
  PutList(out, link.users, PutUserCount);
  PutList(out, link.open, PutOpenCount);
  out.Varint(link.linked_people);
  out.Varint(link.inherited_live);
  out.Varint(link.evidence_seq);
  PutDigest(out, link.evidence_hash);
  PutPolicyEpoch(out, link.policy);
  PutTenant(out, link.tenant);
  PutOptional(out, link.unreturned_since, PutTime);
  PutLogStates(out, link);
  PutCauseBook(out, link.causes);
  out.Varint(link.in_drift.departures);
  out.Varint(link.in_drift.others);
  PutTokens(out, link.tenant);
  return out.Take();
}

StatusOr<LinkState> DecodeLinkState(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kLinkFormat, Family::kMeta, key);
  if (!format.ok()) return format.status();
  LinkState link;
  link.name.value = in.Bytes();
  link.next_person = in.Varint();
  link.next_episode = in.Varint();
  GetSources(in, link, *format);
  link.engine_last_sync = GetOptional(in, GetTime);
  link.learned_cycle = in.Duration();
  link.baseline_at = GetOptional(in, GetTime);
  link.baseline_accepted = GetOptional(in, GetTime);
  link.baseline_accepted_by = in.Bytes();
  GetGuards(in, link);
  link.verification_failures = GetVarint32(in);
  GetList(in, [&link](ByteReader& each) { link.calls.push_back(GetCall(each)); });
  GetList(in, [&link](ByteReader& each) { GetUserCount(each, link); });
  GetList(in, [&link](ByteReader& each) { GetOpenCount(each, link); });
  link.linked_people = in.Varint();
  link.inherited_live = in.Varint();
  link.evidence_seq = in.Varint();
  link.evidence_hash = GetDigest(in);
  if (*format >= 2) link.policy = GetPolicyEpoch(in);
  if (*format >= 3) link.tenant = GetTenant(in);
  if (*format >= 4) link.unreturned_since = GetOptional(in, GetTime);
  if (*format >= 5) GetLogStates(in, link);
  if (*format >= 6) {
    link.causes = GetCauseBook(in);
    link.in_drift.departures = in.Varint();
    link.in_drift.others = in.Varint();
    GetTokens(in, link.tenant);
  }
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kMeta, key));
  return link;
}

std::string EncodeNumber(uint64_t number) {
  ByteWriter out = BeginRecord(kSmallFormat);
  out.U64(number);
  return out.Take();
}

StatusOr<uint64_t> DecodeNumber(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kSmallFormat, Family::kMeta, key);
  if (!format.ok()) return format.status();
  const uint64_t number = in.U64();
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kMeta, key));
  return number;
}

std::string EncodeMark(absl::Time mark) {
  ByteWriter out = BeginRecord(kSmallFormat);
  out.Time(mark);
  return out.Take();
}

StatusOr<absl::Time> DecodeMark(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kSmallFormat, Family::kMeta, key);
  if (!format.ok()) return format.status();
  const absl::Time mark = in.Time();
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kMeta, key));
  return mark;
}

std::string EncodeSchema(const SchemaRecord& record) {
  ByteWriter out = BeginRecord(kSmallFormat);
  out.U32(record.schema);
  out.Bytes(record.reader);
  return out.Take();
}

StatusOr<SchemaRecord> DecodeSchema(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kSmallFormat, Family::kMeta, key);
  if (!format.ok()) return format.status();
  SchemaRecord record;
  record.schema = in.U32();
  record.reader = in.Bytes();
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kMeta, key));
  return record;
}

}  // namespace driftwarden::store
