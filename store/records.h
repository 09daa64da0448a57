#pragma once

// Records to bytes and back, as FORMAT.md gives them. A record begins with its format byte; fields
// follow in a fixed order that never changes within a format. A new field is a new format, and
// every older format is decoded forever (tests/golden/records). Decoding is total: any bytes give a
// value or DataLoss that names `key`.

#include <string>
#include <string_view>

#include "base/status.h"
#include "monitor/person.h"

namespace driftwarden::store {

std::string EncodePerson(const monitor::Person& person);
StatusOr<monitor::Person> DecodePerson(std::string_view key, std::string_view bytes);

std::string EncodeEpisode(const monitor::Episode& episode);
StatusOr<monitor::Episode> DecodeEpisode(std::string_view key, std::string_view bytes);

std::string EncodeAction(const monitor::Action& action);
StatusOr<monitor::Action> DecodeAction(std::string_view key, std::string_view bytes);

std::string EncodeIncident(const monitor::Incident& incident);
StatusOr<monitor::Incident> DecodeIncident(std::string_view key, std::string_view bytes);

std::string EncodeEvidence(const monitor::EvidenceEntry& entry);
StatusOr<monitor::EvidenceEntry> DecodeEvidence(std::string_view key, std::string_view bytes);

std::string EncodeLinkState(const monitor::LinkState& link);
StatusOr<monitor::LinkState> DecodeLinkState(std::string_view key, std::string_view bytes);

// The small ones of the family meta.
std::string EncodeNumber(uint64_t number);  // lease epoch, link number
StatusOr<uint64_t> DecodeNumber(std::string_view key, std::string_view bytes);
std::string EncodeMark(absl::Time mark);
StatusOr<absl::Time> DecodeMark(std::string_view key, std::string_view bytes);

// The layout of this record never changes: every version must be able to refuse a newer store.
struct SchemaRecord {
  uint32_t schema = 0;
  std::string reader;  // the first version of driftwarden that reads this schema
};
std::string EncodeSchema(const SchemaRecord& record);
StatusOr<SchemaRecord> DecodeSchema(std::string_view key, std::string_view bytes);

}  // namespace driftwarden::store
