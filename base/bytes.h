#pragma once

// Writing and reading of stored bytes. Fixed-width integers are big-endian, so that encoded keys
// sort like the numbers; varints are LEB128. Reading is total: any input gives a value or flips
// the reader into a failed state, after which every further read returns zeros and ok() is false.

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace driftwarden {

class ByteWriter {
 public:
  void U8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void U16(uint16_t v) { Fixed(v, 2); }
  void U32(uint32_t v) { Fixed(v, 4); }
  void U64(uint64_t v) { Fixed(v, 8); }
  void Varint(uint64_t v);
  void Bool(bool v) { U8(v ? 1 : 0); }
  void Bytes(std::string_view v) {  // length-prefixed
    Varint(v.size());
    out_.append(v);
  }
  void Raw(std::string_view v) { out_.append(v); }
  // Microseconds since 1970 as a sortable 64-bit number; infinities have codes of their own.
  void Time(absl::Time at);
  void Duration(absl::Duration d) { U64(static_cast<uint64_t>(absl::ToInt64Microseconds(d))); }

  const std::string& view() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  void Fixed(uint64_t v, int width);
  std::string out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  uint8_t U8() { return static_cast<uint8_t>(Fixed(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Fixed(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Fixed(4)); }
  uint64_t U64() { return Fixed(8); }
  uint64_t Varint();
  bool Bool();  // 0 or 1; anything else fails
  std::string Bytes();
  std::string Raw(size_t count);
  absl::Time Time();
  absl::Duration Duration() { return absl::Microseconds(static_cast<int64_t>(U64())); }

  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && in_.empty(); }
  size_t remaining() const { return in_.size(); }
  void Fail() { ok_ = false; }

 private:
  uint64_t Fixed(int width);
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace driftwarden
