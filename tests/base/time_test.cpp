#include "base/time.h"

#include <gtest/gtest.h>

namespace driftwarden {
namespace {

TEST(Rfc3339, FormatsInUtcWithoutTrailingZeros) {
  EXPECT_EQ(FormatRfc3339(absl::FromUnixSeconds(1'718'000'000)), "2024-06-10T06:13:20Z");
  EXPECT_EQ(FormatRfc3339(absl::FromUnixMicros(1'718'000'000'120'000)), "2024-06-10T06:13:20.12Z");
  EXPECT_EQ(FormatRfc3339(absl::FromUnixNanos(1'718'000'000'000'000'999)), "2024-06-10T06:13:20Z");
  EXPECT_EQ(FormatRfc3339(absl::InfinitePast()), "infinite-past");
  EXPECT_EQ(FormatRfc3339(absl::InfiniteFuture()), "infinite-future");
}

TEST(Rfc3339, ReadsZAndOffsets) {
  const absl::Time at = absl::FromUnixSeconds(1'718'000'000);
  EXPECT_EQ(ParseRfc3339("2024-06-10T06:13:20Z"), at);
  EXPECT_EQ(ParseRfc3339("2024-06-10T08:13:20+02:00"), at);
  EXPECT_EQ(ParseRfc3339("2024-06-10T06:13:20.0000000Z"), at);
  EXPECT_EQ(ParseRfc3339("2024-06-10T06:13:20.1234567Z"), at + absl::Nanoseconds(123'456'700));
}

TEST(Rfc3339, RefusesJunk) {
  for (const char* junk :
       {"", "today", "2024-06-10", "2024-06-10T06:13:20", "2024-13-10T06:13:20Z",
        "2024-06-10T06:13:20Zx", "infinite-past", "infinite-future", " 2024-06-10T06:13:20Z",
        "2024-06-10T06:13:20Z ", "12024-06-10T06:13:20Z", "-024-06-10T06:13:20Z"}) {
    EXPECT_FALSE(ParseRfc3339(junk)) << junk;
  }
}

TEST(Rfc3339, WhatIsWrittenIsReadBack) {
  for (const int64_t micros : {int64_t{0}, int64_t{-1}, int64_t{1'718'000'000'123'456}}) {
    const absl::Time at = absl::FromUnixMicros(micros);
    EXPECT_EQ(ParseRfc3339(FormatRfc3339(at)), at);
  }
}

TEST(Rfc3339, YearsHaveFourDigits) {
  EXPECT_EQ(FormatRfc3339(*ParseRfc3339("0001-01-01T00:00:00Z")), "0001-01-01T00:00:00Z");
}

TEST(SystemClock, SteadyNeverGoesBack) {
  const SystemClock clock;
  const absl::Duration first = clock.Steady();
  EXPECT_GE(clock.Steady(), first);
  EXPECT_GT(clock.Wall(), absl::FromUnixSeconds(1'700'000'000));
}

TEST(TimeBounds, ExactIsAnIntervalWithoutWidth) {
  const absl::Time at = absl::FromUnixSeconds(5);
  EXPECT_EQ(TimeBounds::Exactly(at), (TimeBounds{at, at}));
  EXPECT_EQ(TimeBounds::Exactly(at).Width(), absl::ZeroDuration());
  EXPECT_EQ((TimeBounds{absl::InfinitePast(), at}).Width(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace driftwarden
