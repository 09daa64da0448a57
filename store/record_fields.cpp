#include "store/record_fields.h"

#include <algorithm>

#include "base/strings.h"
#include "store/keys.h"

namespace driftwarden::store {
namespace {

enum class TimeCode : uint8_t { kPast = 0, kFuture = 1, kFinite = 2 };
enum class BoundsCode : uint8_t { kPast = 0, kExact = 1, kHiOnly = 2, kBoth = 3 };

}  // namespace

ByteWriter BeginRecord(uint8_t format) {
  ByteWriter out;
  out.U8(format);
  return out;
}

Status BadRecord(Family family, std::string_view key, std::string_view why) {
  return DataLossError(Cat("stored record ", KeyText(family, key), ": ", why));
}

StatusOr<uint8_t> ReadFormat(ByteReader& in, uint8_t newest, Family family, std::string_view key) {
  const uint8_t format = in.U8();
  if (!in.ok()) return BadRecord(family, key, "is empty");
  if (format == 0 || format > newest) {
    return BadRecord(family, key,
                     Cat("has format ", int{format}, ", known are 1 to ", int{newest}));
  }
  return format;
}

Status EndRecord(const ByteReader& in, Family family, std::string_view key) {
  if (!in.ok()) return BadRecord(family, key, "is cut short or holds an impossible value");
  if (!in.AtEnd()) return BadRecord(family, key, "has bytes after its end");
  return OkStatus();
}

void PutTime(ByteWriter& out, absl::Time at) {
  if (at == absl::InfinitePast()) return PutEnum(out, TimeCode::kPast);
  if (at == absl::InfiniteFuture()) return PutEnum(out, TimeCode::kFuture);
  PutEnum(out, TimeCode::kFinite);
  out.Time(at);
}

absl::Time GetTime(ByteReader& in) {
  switch (GetEnum(in, TimeCode::kPast, TimeCode::kFinite)) {
    case TimeCode::kPast:
      return absl::InfinitePast();
    case TimeCode::kFuture:
      return absl::InfiniteFuture();
    case TimeCode::kFinite:
      return in.Time();
  }
  return absl::InfinitePast();
}

void PutBounds(ByteWriter& out, const TimeBounds& bounds) {
  const bool past_lo = bounds.lo == absl::InfinitePast();
  if (past_lo && bounds.hi == absl::InfinitePast()) return PutEnum(out, BoundsCode::kPast);
  if (bounds.lo == bounds.hi) {
    PutEnum(out, BoundsCode::kExact);
  } else if (past_lo) {
    PutEnum(out, BoundsCode::kHiOnly);
  } else {
    PutEnum(out, BoundsCode::kBoth);
    out.Time(bounds.lo);
  }
  out.Time(bounds.hi);
}

TimeBounds GetBounds(ByteReader& in) {
  TimeBounds out;
  const BoundsCode code = GetEnum(in, BoundsCode::kPast, BoundsCode::kBoth);
  if (code == BoundsCode::kPast) return out;
  if (code == BoundsCode::kBoth) out.lo = in.Time();
  out.hi = in.Time();
  if (code == BoundsCode::kExact) out.lo = out.hi;
  return out;
}

void PutGuid(ByteWriter& out, const monitor::Guid& guid) {
  out.Raw({reinterpret_cast<const char*>(guid.bytes.data()), guid.bytes.size()});
}

monitor::Guid GetGuid(ByteReader& in) {
  monitor::Guid guid;
  const std::string raw = in.Raw(guid.bytes.size());
  std::copy(raw.begin(), raw.end(), guid.bytes.begin());
  return guid;
}

void PutDigest(ByteWriter& out, const Sha256Digest& digest) {
  out.Raw(DigestBytes(digest));
}

Sha256Digest GetDigest(ByteReader& in) {
  Sha256Digest digest{};
  const std::string raw = in.Raw(digest.size());
  std::copy(raw.begin(), raw.end(), digest.begin());
  return digest;
}

void PutStamp(ByteWriter& out, const monitor::MetadataStamp& stamp) {
  out.Varint(stamp.version);
  PutTime(out, stamp.originating_time);
  PutGuid(out, stamp.invocation_id);
  out.Varint(stamp.originating_usn);
}

monitor::MetadataStamp GetStamp(ByteReader& in) {
  monitor::MetadataStamp stamp;
  stamp.version = GetVarint32(in);
  stamp.originating_time = GetTime(in);
  stamp.invocation_id = GetGuid(in);
  stamp.originating_usn = in.Varint();
  return stamp;
}

void PutSessions(ByteWriter& out, const monitor::SessionsValidFrom& value) {
  out.Bool(value.never);
  PutTime(out, value.at);
}

monitor::SessionsValidFrom GetSessions(ByteReader& in) {
  monitor::SessionsValidFrom value;
  value.never = in.Bool();
  value.at = GetTime(in);
  return value;
}

uint32_t GetVarint32(ByteReader& in) {
  const uint64_t v = in.Varint();
  if (v > UINT32_MAX) in.Fail();
  return in.ok() ? static_cast<uint32_t>(v) : 0;
}

void PutTexts(ByteWriter& out, const std::map<std::string, std::string>& texts) {
  PutList(out, texts, [](ByteWriter& each, const auto& pair) {
    each.Bytes(pair.first);
    each.Bytes(pair.second);
  });
}

std::map<std::string, std::string> GetTexts(ByteReader& in) {
  std::map<std::string, std::string> texts;
  GetList(in, [&texts](ByteReader& each) {
    std::string name = each.Bytes();
    if (!texts.emplace(std::move(name), each.Bytes()).second) each.Fail();
  });
  return texts;
}

}  // namespace driftwarden::store
