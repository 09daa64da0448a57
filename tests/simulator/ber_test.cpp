#include "simulator/ber.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/rng.h"

namespace driftwarden::simulator {
namespace {

std::string Bytes(std::string_view hex) {
  return *HexDecode(hex);
}

// bind as "u" with "p"; search of "" for (objectClass=*) with the paged control; a modify.
const std::string kBind = "300e0201016009020103040175800170";
const std::string kSearch =
    "304c02010263260400"
    "0a01000a0100020100020100010100870b6f626a656374436c6173733005040368"
    "6f73a01f301d0416312e322e3834302e3131333535362e312e342e3331390403"
    "300102";
const std::string kModify = "301d0201036618040143301330110a0102300c0401643107040568656c6c6f";

TEST(Ber, MessagesDecode) {
  const auto bind = DecodeLdapMessage(Bytes(kBind));
  ASSERT_TRUE(bind.ok()) << bind.status();
  EXPECT_EQ(bind->operation, LdapOperation::kBind);
  EXPECT_EQ(bind->name, "u");
  EXPECT_EQ(bind->password, "p");
  const auto modify = DecodeLdapMessage(Bytes(kModify));
  ASSERT_TRUE(modify.ok()) << modify.status();
  ASSERT_EQ(modify->changes.size(), 1U);
  EXPECT_EQ(modify->changes[0].attribute, "d");
  EXPECT_EQ(modify->changes[0].values, std::vector<std::string>{"hello"});
}

TEST(Ber, TheSizeOfAMessageIsKnownFromItsHeader) {
  EXPECT_EQ(*LdapMessageSize(Bytes("300e02"), 100), std::optional<size_t>(16));
  EXPECT_EQ(*LdapMessageSize(Bytes("30820100"), 1000), std::optional<size_t>(260));
  EXPECT_EQ(*LdapMessageSize(Bytes("3082"), 1000), std::nullopt);
  EXPECT_EQ(*LdapMessageSize("", 1000), std::nullopt);
  EXPECT_FALSE(LdapMessageSize(Bytes("3084ffffffff"), 1000).ok());
  EXPECT_FALSE(LdapMessageSize("GET / HTTP/1.1", 1000).ok());
  EXPECT_FALSE(LdapMessageSize(Bytes("3080"), 1000).ok());
}

TEST(Ber, AnyBytesGiveAMessageOrAnError) {
  SeededRng rng(7);
  for (const std::string& hex : {kBind, kSearch, kModify}) {
    const std::string good = Bytes(hex);
    for (size_t length = 0; length <= good.size(); ++length) {
      (void)DecodeLdapMessage(std::string_view(good).substr(0, length));
    }
    for (int i = 0; i < 20000; ++i) {
      std::string bad = good;
      for (uint64_t n = 1 + rng.Below(3); n > 0; --n) {
        bad[rng.Below(bad.size())] = static_cast<char>(rng.Next());
      }
      (void)DecodeLdapMessage(bad);
      (void)DecodePagedValue(bad);
    }
  }
}

TEST(Ber, PagedValuesGoBothWays) {
  const auto value = DecodePagedValue(EncodePagedValue({500, std::string("a\0b", 3)}));
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->size, 500);
  EXPECT_EQ(value->cookie, std::string("a\0b", 3));
  EXPECT_FALSE(DecodePagedValue("").ok());
}

}  // namespace
}  // namespace driftwarden::simulator
