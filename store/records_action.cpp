#include "store/record_fields.h"
#include "store/records.h"

namespace driftwarden::store {

using monitor::Action;
using monitor::ActionKind;
using monitor::ActionReason;
using monitor::ActionState;
using monitor::EvidenceEntry;
using monitor::GateResult;
using monitor::Incident;
using monitor::LabelSet;

namespace {

constexpr uint8_t kActionFormat = 1;
constexpr uint8_t kIncidentFormat = 1;
constexpr uint8_t kEvidenceFormat = 1;

void PutGate(ByteWriter& out, const GateResult& gate) {
  out.Bytes(gate.name);
  out.Bool(gate.ok);
  out.Bytes(gate.observed);
}

GateResult GetGate(ByteReader& in) {
  GateResult gate;
  gate.name = in.Bytes();
  gate.ok = in.Bool();
  gate.observed = in.Bytes();
  return gate;
}

void PutNumber(ByteWriter& out, uint64_t number) {
  out.Varint(number);
}

uint64_t GetNumber(ByteReader& in) {
  return in.Varint();
}

}  // namespace

std::string EncodeAction(const Action& action) {
  ByteWriter out = BeginRecord(kActionFormat);
  out.Bytes(action.id.value);
  out.Bytes(action.episode.value);
  out.Varint(action.person);
  out.Bytes(action.tier.value);
  out.Bytes(action.entra_id);
  PutEnum(out, action.kind);
  PutEnum(out, action.reason);
  PutEnum(out, action.state);
  PutList(out, action.gates, PutGate);
  PutTime(out, action.requested_at);
  PutOptional(out, action.intent_at, PutTime);
  PutOptional(out, action.cleared_at, PutTime);
  PutOptional(out, action.called, PutBounds);
  PutOptional(out, action.finished_at, PutTime);
  PutOptional(out, action.before, PutSessions);
  out.Varint(action.attempts);
  out.Bytes(action.request_id);
  out.Bytes(action.outcome);
  PutOptional(out, action.retry_at, PutTime);
  return out.Take();
}

StatusOr<Action> DecodeAction(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kActionFormat, Family::kActions, key);
  if (!format.ok()) return format.status();
  Action action;
  action.id.value = in.Bytes();
  action.episode.value = in.Bytes();
  action.person = in.Varint();
  action.tier.value = in.Bytes();
  action.entra_id = in.Bytes();
  action.kind = GetEnum(in, ActionKind::kRevokeSessions, ActionKind::kDisableDevices);
  action.reason = GetEnum(in, ActionReason::kLag, ActionReason::kSeal);
  action.state = GetEnum(in, ActionState::kShadow, ActionState::kDropped);
  GetList(in, [&action](ByteReader& each) { action.gates.push_back(GetGate(each)); });
  action.requested_at = GetTime(in);
  action.intent_at = GetOptional(in, GetTime);
  action.cleared_at = GetOptional(in, GetTime);
  action.called = GetOptional(in, GetBounds);
  action.finished_at = GetOptional(in, GetTime);
  action.before = GetOptional(in, GetSessions);
  action.attempts = GetVarint32(in);
  action.request_id = in.Bytes();
  action.outcome = in.Bytes();
  action.retry_at = GetOptional(in, GetTime);
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kActions, key));
  return action;
}

std::string EncodeIncident(const Incident& incident) {
  ByteWriter out = BeginRecord(kIncidentFormat);
  out.Bytes(incident.id.value);
  out.Bytes(incident.alertname);
  PutTexts(out, incident.labels);
  PutOptional(out, incident.person, PutNumber);
  PutTime(out, incident.starts_at);
  PutOptional(out, incident.ended_at, PutTime);
  PutList(out, incident.announced, PutTexts);
  return out.Take();
}

StatusOr<Incident> DecodeIncident(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kIncidentFormat, Family::kIncidents, key);
  if (!format.ok()) return format.status();
  Incident incident;
  incident.id.value = in.Bytes();
  incident.alertname = in.Bytes();
  incident.labels = GetTexts(in);
  incident.person = GetOptional(in, GetNumber);
  incident.starts_at = GetTime(in);
  incident.ended_at = GetOptional(in, GetTime);
  GetList(in, [&incident](ByteReader& each) { incident.announced.push_back(GetTexts(each)); });
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kIncidents, key));
  return incident;
}

std::string EncodeEvidence(const EvidenceEntry& entry) {
  ByteWriter out = BeginRecord(kEvidenceFormat);
  out.Varint(entry.seq);
  PutTime(out, entry.at);
  out.Bytes(entry.link.value);
  out.Bytes(entry.type);
  PutOptional(out, entry.person, PutNumber);
  out.Bytes(entry.episode);
  out.Bytes(entry.action);
  PutBounds(out, entry.fact);
  out.Bytes(entry.source);
  PutTexts(out, entry.details);
  PutDigest(out, entry.previous);
  PutDigest(out, entry.hash);
  return out.Take();
}

StatusOr<EvidenceEntry> DecodeEvidence(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kEvidenceFormat, Family::kEvidence, key);
  if (!format.ok()) return format.status();
  EvidenceEntry entry;
  entry.seq = in.Varint();
  entry.at = GetTime(in);
  entry.link.value = in.Bytes();
  entry.type = in.Bytes();
  entry.person = GetOptional(in, GetNumber);
  entry.episode = in.Bytes();
  entry.action = in.Bytes();
  entry.fact = GetBounds(in);
  entry.source = in.Bytes();
  entry.details = GetTexts(in);
  entry.previous = GetDigest(in);
  entry.hash = GetDigest(in);
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kEvidence, key));
  return entry;
}

}  // namespace driftwarden::store
