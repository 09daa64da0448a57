#include "base/bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/rng.h"

namespace driftwarden {
namespace {

TEST(Bytes, IntegersAreBigEndian) {
  ByteWriter out;
  out.U8(0x01);
  out.U16(0x0203);
  out.U32(0x04050607);
  out.U64(0x08090a0b0c0d0e0fULL);
  EXPECT_EQ(HexEncode(out.view()), "0102030405060708090a0b0c0d0e0f");
}

TEST(Bytes, EverythingWrittenIsReadBack) {
  const absl::Time at = absl::FromUnixMicros(1'718'000'000'123'456);
  ByteWriter out;
  out.U8(7);
  out.Bool(true);
  out.Varint(300);
  out.Bytes("na\0me");
  out.Time(at);
  out.Time(absl::InfinitePast());
  out.Time(absl::InfiniteFuture());
  out.Duration(-absl::Milliseconds(5));
  const std::string bytes = out.Take();

  ByteReader in(bytes);
  EXPECT_EQ(in.U8(), 7);
  EXPECT_TRUE(in.Bool());
  EXPECT_EQ(in.Varint(), 300u);
  EXPECT_EQ(in.Bytes(), "na\0me");
  EXPECT_EQ(in.Time(), at);
  EXPECT_EQ(in.Time(), absl::InfinitePast());
  EXPECT_EQ(in.Time(), absl::InfiniteFuture());
  EXPECT_EQ(in.Duration(), -absl::Milliseconds(5));
  EXPECT_TRUE(in.AtEnd());
}

TEST(Bytes, VarintsAreLeb128) {
  const std::vector<std::pair<uint64_t, std::string>> vectors = {
      {0, "00"},
      {1, "01"},
      {127, "7f"},
      {128, "8001"},
      {300, "ac02"},
      {16384, "808001"},
      {std::numeric_limits<uint64_t>::max(), "ffffffffffffffffff01"}};
  for (const auto& [value, hex] : vectors) {
    ByteWriter out;
    out.Varint(value);
    EXPECT_EQ(HexEncode(out.view()), hex) << value;
    ByteReader in(out.view());
    EXPECT_EQ(in.Varint(), value);
    EXPECT_TRUE(in.AtEnd());
  }
}

TEST(Bytes, VarintBeyond64BitsFails) {
  const std::string eleven_bytes(11, '\xff');
  ByteReader in(eleven_bytes);
  EXPECT_EQ(in.Varint(), 0u);
  EXPECT_FALSE(in.ok());
  const auto too_large = HexDecode("ffffffffffffffffff02");
  ByteReader last(*too_large);
  last.Varint();
  EXPECT_FALSE(last.ok());
}

TEST(Bytes, EncodedTimesSortLikeTimes) {
  const std::vector<absl::Time> ascending = {absl::InfinitePast(),
                                             absl::FromUnixMicros(-5),
                                             absl::UnixEpoch(),
                                             absl::FromUnixMicros(1),
                                             absl::FromUnixSeconds(4'000'000'000),
                                             absl::InfiniteFuture()};
  std::string before;
  for (const absl::Time at : ascending) {
    ByteWriter out;
    out.Time(at);
    EXPECT_LT(before, out.view());
    before = out.Take();
  }
}

TEST(Bytes, ReadingPastTheEndFailsForGoodAndGivesZeros) {
  const std::string bytes = "\x01";
  ByteReader in(bytes);
  EXPECT_EQ(in.U32(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0);  // there is a byte, but a failed reader gives no more
  EXPECT_EQ(in.Bytes(), "");
  EXPECT_FALSE(in.AtEnd());
}

TEST(Bytes, LengthsBeyondTheInputFail) {
  ByteWriter out;
  out.Varint(std::numeric_limits<uint64_t>::max());
  ByteReader in(out.view());
  EXPECT_EQ(in.Bytes(), "");
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, BoolsAreZeroOrOne) {
  const std::string bytes = "\x02";
  ByteReader in(bytes);
  EXPECT_FALSE(in.Bool());
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, AnyInputIsReadWithoutHarm) {
  SeededRng rng(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    const uint64_t size = rng.Below(24);
    for (uint64_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(rng.Below(256)));
    ByteReader in(bytes);
    while (in.ok()) {
      switch (rng.Below(6)) {
        case 0:
          in.Varint();
          break;
        case 1:
          in.Bytes();
          break;
        case 2:
          in.Time();
          break;
        case 3:
          in.Bool();
          break;
        case 4:
          in.Raw(rng.Below(9));
          break;
        default:
          in.U16();
          break;
      }
      if (in.AtEnd()) break;
    }
  }
}

}  // namespace
}  // namespace driftwarden
