#pragma once

// The field encodings that records share (FORMAT.md, "Fields"). Writers append; readers are total:
// bytes that make no sense fail the reader.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/status.h"
#include "base/time.h"
#include "monitor/ids.h"
#include "monitor/observation.h"
#include "store/kv.h"

namespace driftwarden::store {

// A record in the making: the format byte first.
ByteWriter BeginRecord(uint8_t format);
// DataLoss that names the key.
Status BadRecord(Family family, std::string_view key, std::string_view why);
// Reads the format byte; DataLoss when it is none of 1..newest.
StatusOr<uint8_t> ReadFormat(ByteReader& in, uint8_t newest, Family family, std::string_view key);
// After the last field: DataLoss when a field failed or bytes are left over.
Status EndRecord(const ByteReader& in, Family family, std::string_view key);

// Most times are far in the past or not set: one byte then, nine otherwise.
void PutTime(ByteWriter& out, absl::Time at);
absl::Time GetTime(ByteReader& in);
void PutBounds(ByteWriter& out, const TimeBounds& bounds);
TimeBounds GetBounds(ByteReader& in);

void PutGuid(ByteWriter& out, const monitor::Guid& guid);
monitor::Guid GetGuid(ByteReader& in);
void PutDigest(ByteWriter& out, const Sha256Digest& digest);
Sha256Digest GetDigest(ByteReader& in);
void PutStamp(ByteWriter& out, const monitor::MetadataStamp& stamp);
monitor::MetadataStamp GetStamp(ByteReader& in);
void PutSessions(ByteWriter& out, const monitor::SessionsValidFrom& value);
monitor::SessionsValidFrom GetSessions(ByteReader& in);

uint32_t GetVarint32(ByteReader& in);

template <typename E>
void PutEnum(ByteWriter& out, E value) {
  out.U8(static_cast<uint8_t>(value));
}

// Enumerators that are numbered without a gap.
template <typename E>
E GetEnum(ByteReader& in, E first, E last) {
  const uint8_t v = in.U8();
  if (v < static_cast<uint8_t>(first) || v > static_cast<uint8_t>(last)) {
    in.Fail();
    return first;
  }
  return static_cast<E>(v);
}

template <typename T, typename Put>
void PutOptional(ByteWriter& out, const std::optional<T>& value, Put put) {
  out.Bool(value.has_value());
  if (value.has_value()) put(out, *value);
}

template <typename Get>
auto GetOptional(ByteReader& in, Get get) -> std::optional<decltype(get(in))> {
  if (!in.Bool()) return std::nullopt;
  return get(in);
}

// A list: varint count, then the elements. The count is never trusted for memory.
template <typename List, typename Put>
void PutList(ByteWriter& out, const List& list, Put put) {
  out.Varint(list.size());
  for (const auto& element : list) put(out, element);
}

template <typename Each>
void GetList(ByteReader& in, Each each) {
  const uint64_t count = in.Varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) each(in);
}

// A map of text to text; a key twice is a fault.
void PutTexts(ByteWriter& out, const std::map<std::string, std::string>& texts);
std::map<std::string, std::string> GetTexts(ByteReader& in);

}  // namespace driftwarden::store
