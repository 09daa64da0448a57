#include "base/hex.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace driftwarden {
namespace {

TEST(Hex, EncodesLowerCaseAndDecodesBoth) {
  EXPECT_EQ(HexEncode(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(HexDecode("00FF1a"), std::string("\x00\xff\x1a", 3));
  EXPECT_EQ(HexDecode(""), "");
}

TEST(Hex, RefusesJunk) {
  for (const char* junk : {"0", "0g", "x0", "0 ", "0x10"}) EXPECT_FALSE(HexDecode(junk)) << junk;
}

// RFC 4648, section 10.
const std::vector<std::pair<std::string, std::string>> kBase64Vectors = {{"", ""},
                                                                         {"f", "Zg=="},
                                                                         {"fo", "Zm8="},
                                                                         {"foo", "Zm9v"},
                                                                         {"foob", "Zm9vYg=="},
                                                                         {"fooba", "Zm9vYmE="},
                                                                         {"foobar", "Zm9vYmFy"}};

TEST(Base64, FollowsTheRfcBothWays) {
  for (const auto& [plain, encoded] : kBase64Vectors) {
    EXPECT_EQ(Base64Encode(plain), encoded);
    EXPECT_EQ(Base64Decode(encoded), plain);
  }
  EXPECT_EQ(Base64Encode("\xfb\xff\xfe"), "+//+");
}

TEST(Base64, RefusesJunk) {
  for (const char* junk : {"Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-v", "=Zg=", "Zg=a"}) {
    EXPECT_FALSE(Base64Decode(junk)) << junk;
  }
}

std::string Sha256Hex(std::string_view bytes) {
  const Sha256Digest digest = Sha256(bytes);
  return HexEncode(DigestBytes(digest));
}

TEST(Sha256, KnowsTheStandardsVectors) {  // FIPS 180-4 examples
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace driftwarden
