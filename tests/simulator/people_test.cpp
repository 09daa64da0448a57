#include "simulator/people.h"

#include <gtest/gtest.h>

#include <set>

#include "base/hex.h"
#include "simulator/guid.h"
#include "simulator/world.h"

namespace driftwarden::simulator {
namespace {

TEST(Guid, TextAndBytesAreMixedEndian) {
  const std::string raw = *HexDecode("33221100554477668899aabbccddeeff");
  EXPECT_EQ(GuidText(raw), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(GuidFromText("00112233-4455-6677-8899-AABBCCDDEEFF"), raw);
  EXPECT_EQ(Base64Encode(raw), "MyIRAFVEd2aImaq7zN3u/w==");
  EXPECT_FALSE(GuidFromText("00112233-4455-6677-8899-aabbccddeefg").has_value());
  EXPECT_FALSE(GuidFromText("").has_value());
}

TEST(Guid, ScatterIsABijection) {
  for (const uint64_t value : {0ULL, 1ULL, 9'999'999ULL, (1ULL << 48) - 1}) {
    EXPECT_EQ(Gather48(7, Scatter48(7, value)), value);
  }
}

TEST(Guid, SidTextFollowsTheBytes) {
  EXPECT_EQ(SidText(SidBytes({21, 1, 2, 3, 1104})), "S-1-5-21-1-2-3-1104");
  EXPECT_EQ(SidText("junk"), "");
  EXPECT_EQ(SidFromText("S-1-5-21-1-2-3-1104"), SidBytes({21, 1, 2, 3, 1104}));
  for (const char* junk : {"", "S-1-5-", "S-1-1-0", "S-1-5-21-x", "S-1-5-21-4294967296"}) {
    EXPECT_FALSE(SidFromText(junk).has_value()) << junk;
  }
}

TEST(People, EveryIdentifierLeadsBackToThePerson) {
  const People people({.seed = 3, .count = 2000});
  std::set<std::string> guids;
  for (uint64_t i = 0; i < people.count(); ++i) {
    const Person p = people.At(i);
    EXPECT_EQ(people.BySam(p.sam), i);
    EXPECT_EQ(people.ByUpn(p.upn), i);
    EXPECT_EQ(people.ByGuid(p.object_guid), i);
    EXPECT_EQ(people.BySid(p.object_sid), i);
    EXPECT_EQ(people.ByDn(p.dn), i);
    guids.insert(p.object_guid);
  }
  EXPECT_EQ(guids.size(), 2000U);
}

TEST(People, NobodyElseIsFound) {
  const People people({.seed = 3, .count = 10});
  EXPECT_FALSE(people.BySam("u0000010").has_value());
  EXPECT_FALSE(people.BySam("u00000001").has_value());
  EXPECT_FALSE(people.BySam("x").has_value());
  EXPECT_FALSE(people.ByUpn("u0000001@other.example").has_value());
  EXPECT_FALSE(people.ByGuid(std::string(16, 'x')).has_value());
  EXPECT_FALSE(people.ByDn("CN=x (u0000001),DC=corp").has_value());
}

TEST(People, AFewAreAdministrators) {
  const People people({.seed = 1, .count = 1000, .tier0_every = 500});
  const Person admin = people.At(7);
  EXPECT_TRUE(admin.tier0);
  EXPECT_NE(admin.dn.find("OU=Tier0"), std::string::npos);
  EXPECT_FALSE(people.At(8).tier0);
}

TEST(World, TenMillionPeopleCostNothingToCreate) {
  WorldOptions options;
  options.forests[0].people.count = 10'000'000;
  World world(options);
  EXPECT_EQ(world.people().At(9'999'999).sam, "u9999999");
  ASSERT_TRUE(world.directory().Disable("u9999999", options.start).ok());
  AdCursor cursor;
  const auto changed =
      world.directory().Page({.lo = world.directory().base_usn() + 1}, cursor, 1000);
  EXPECT_EQ(changed, std::vector<uint64_t>{9'999'999});
  EXPECT_TRUE(cursor.done);
}

}  // namespace
}  // namespace driftwarden::simulator
