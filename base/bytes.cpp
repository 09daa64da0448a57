#include "base/bytes.h"

namespace driftwarden {
namespace {
// Signed microseconds are moved by 2^63 so that earlier times sort first as unsigned bytes.
constexpr uint64_t kBias = uint64_t{1} << 63;
constexpr uint64_t kPast = 0;
constexpr uint64_t kFuture = UINT64_MAX;
}  // namespace

void ByteWriter::Fixed(uint64_t v, int width) {
  for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) {
    out_.push_back(static_cast<char>(v >> shift & 255));
  }
}

void ByteWriter::Varint(uint64_t v) {
  while (v >= 0x80) {
    U8(static_cast<uint8_t>(v | 0x80));
    v >>= 7;
  }
  U8(static_cast<uint8_t>(v));
}

void ByteWriter::Time(absl::Time at) {
  if (at == absl::InfinitePast()) return U64(kPast);
  if (at == absl::InfiniteFuture()) return U64(kFuture);
  U64(static_cast<uint64_t>(absl::ToUnixMicros(at)) + kBias);
}

uint64_t ByteReader::Fixed(int width) {
  if (!ok_ || in_.size() < static_cast<size_t>(width)) {
    ok_ = false;
    return 0;
  }
  uint64_t v = 0;
  for (int i = 0; i < width; ++i) v = v << 8 | static_cast<unsigned char>(in_[i]);
  in_.remove_prefix(width);
  return v;
}

uint64_t ByteReader::Varint() {
  uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = U8();
    if (!ok_) return 0;
    if (shift == 63 && byte > 1) break;
    v |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return v;
  }
  ok_ = false;
  return 0;
}

bool ByteReader::Bool() {
  const uint8_t v = U8();
  if (v > 1) ok_ = false;
  return ok_ && v == 1;
}

std::string ByteReader::Bytes() {
  const uint64_t size = Varint();
  if (size > in_.size()) ok_ = false;
  return ok_ ? Raw(size) : std::string();
}

std::string ByteReader::Raw(size_t count) {
  if (!ok_ || count > in_.size()) {
    ok_ = false;
    return {};
  }
  std::string out(in_.substr(0, count));
  in_.remove_prefix(count);
  return out;
}

absl::Time ByteReader::Time() {
  const uint64_t v = U64();
  if (!ok_ || v == kPast) return absl::InfinitePast();
  if (v == kFuture) return absl::InfiniteFuture();
  return absl::FromUnixMicros(static_cast<int64_t>(v - kBias));
}

}  // namespace driftwarden
