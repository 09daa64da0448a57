#include "monitor/ids.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace driftwarden::monitor {
namespace {

TEST(Ids, GuidTextIsMixedEndianAndAnchorIsOfTheRawBytes) {
  const auto guid = Guid::Parse("00112233-4455-6677-8899-aabbccddeeff");
  ASSERT_TRUE(guid.has_value());
  EXPECT_EQ(HexEncode(guid->Raw()), "33221100554477668899aabbccddeeff");
  EXPECT_EQ(guid->ToString(), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(AnchorOf(guid->Raw()).value, "MyIRAFVEd2aImaq7zN3u/w==");
  EXPECT_EQ(Guid::FromBytes(guid->Raw()), guid);
  EXPECT_FALSE(Guid::FromBytes("short").has_value());
  EXPECT_FALSE(Guid::Parse("00112233-4455-6677-8899-aabbccddeef").has_value());
  EXPECT_FALSE(Guid::Parse("0011223304455-6677-8899-aabbccddeeff").has_value());
}

TEST(Ids, SidTextAndBytesAgree) {
  const auto sid = Sid::Parse("S-1-5-21-3623811015-3361044348-30300820-1013");
  ASSERT_TRUE(sid.has_value());
  EXPECT_EQ(sid->ToString(), "S-1-5-21-3623811015-3361044348-30300820-1013");
  EXPECT_EQ(HexEncode(sid->bytes).substr(0, 16), "0105000000000005");
  EXPECT_EQ(Sid::FromBytes(sid->bytes), sid);
  EXPECT_FALSE(Sid::FromBytes(sid->bytes.substr(1)).has_value());
  EXPECT_FALSE(Sid::Parse("S-1-5-21-99999999999").has_value());
  EXPECT_FALSE(Sid::Parse("S-2-5-21").has_value());
}

TEST(Ids, PersonAndEpisodeIdsCarryTheirLink) {
  const LinkName link("corp.contoso");
  EXPECT_EQ(PersonIdText(link, 42), "p42.corp.contoso");
  const auto parsed = ParsePersonId("p42.corp.contoso");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->link, link);
  EXPECT_EQ(parsed->ordinal, 42u);
  EXPECT_EQ(LinkOfEpisode(EpisodeId("e17.corp.contoso")), link);
  for (const char* bad : {"", "p", "p.", "p1", "p1.", "px.l", "e1.l"}) {
    EXPECT_FALSE(ParsePersonId(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace driftwarden::monitor
