#include "base/units.h"

#include <gtest/gtest.h>

#include <string>

namespace driftwarden {
namespace {

TEST(Units, DurationsAreAWholeNumberAndOneUnit) {
  EXPECT_EQ(*ParseDuration("200ms"), absl::Milliseconds(200));
  EXPECT_EQ(*ParseDuration("30s"), absl::Seconds(30));
  EXPECT_EQ(*ParseDuration("5m"), absl::Minutes(5));
  EXPECT_EQ(*ParseDuration("2h"), absl::Hours(2));
  EXPECT_EQ(*ParseDuration("400d"), absl::Hours(9600));
  EXPECT_EQ(*ParseDuration("0s"), absl::ZeroDuration());
}

TEST(Units, OtherDurationsAreRefusedAndTheTextSaysWhatToWrite) {
  for (const char* junk : {"", "30", "s", "-5s", "1.5h", "5 m", "5min", "1h30m", "5S"}) {
    const auto parsed = ParseDuration(junk);
    ASSERT_FALSE(parsed.ok()) << junk;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(Message(parsed.status()).find("such as 30s"), std::string_view::npos);
  }
}

TEST(Units, WhatIsLongerThanAHundredYearsIsRefusedAsTooLong) {
  EXPECT_EQ(*ParseDuration("36500d"), absl::Hours(36500 * 24));
  EXPECT_EQ(*ParseDuration("876000h"), absl::Hours(36500 * 24));
  for (const char* text : {"36501d", "876001h", "99999999999h", "99999999999999999999s",
                           "9223372036854775807d", "9223372036854775807ms"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(Message(parsed.status()).find("is too long; write 36500d"), std::string_view::npos)
        << parsed.status();
  }
}

TEST(Units, SizesAreBinary) {
  EXPECT_EQ(*ParseByteSize("512"), 512u);
  EXPECT_EQ(*ParseByteSize("64KiB"), 65536u);
  EXPECT_EQ(*ParseByteSize("256MiB"), 268435456u);
  EXPECT_EQ(*ParseByteSize("1GiB"), 1073741824u);
  for (const char* junk : {"", "MiB", "1MB", "1.5GiB", "-1", "8589934592GiB", "1 GiB"}) {
    EXPECT_FALSE(ParseByteSize(junk).ok()) << junk;
  }
}

TEST(Units, PeopleReadTheTwoLargestUnits) {
  EXPECT_EQ(HumanDuration(absl::Milliseconds(800)), "800 ms");
  EXPECT_EQ(HumanDuration(absl::Seconds(35)), "35 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(119)), "119 s");
  EXPECT_EQ(HumanDuration(absl::Minutes(43)), "43 min");
  EXPECT_EQ(HumanDuration(absl::Minutes(72)), "1 h 12 min");
  EXPECT_EQ(HumanDuration(absl::Hours(3)), "3 h");
  EXPECT_EQ(HumanDuration(absl::Hours(50)), "2 d 2 h");
  EXPECT_EQ(HumanDuration(-absl::Minutes(43)), "-43 min");
  EXPECT_EQ(HumanDuration(absl::InfiniteDuration()), "for ever");
}

TEST(Units, TheShortestTextIsReadBack) {
  for (const char* text : {"0s", "1ms", "1500ms", "30s", "5m", "90m", "2h", "400d"}) {
    EXPECT_EQ(FormatDurationText(*ParseDuration(text)), text);
  }
  EXPECT_EQ(FormatDurationText(absl::Seconds(3600)), "1h");
}

}  // namespace
}  // namespace driftwarden
