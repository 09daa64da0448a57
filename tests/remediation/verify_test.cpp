// When a value read back proves a revocation of ours.

#include "remediation/verify.h"

#include <gtest/gtest.h>

namespace driftwarden::remediation {
namespace {

using monitor::SessionsValidFrom;

// The call began at 12.6 s of our clock.
absl::Time At(double seconds) {
  return absl::FromUnixSeconds(1'800'000'000) + absl::Seconds(seconds);
}
const absl::Time kBegun = At(12.6);

std::optional<SessionsValidFrom> Value(double seconds) {
  return SessionsValidFrom{false, At(seconds)};
}
const std::optional<SessionsValidFrom> kNever = SessionsValidFrom{true, absl::InfinitePast()};
const std::optional<SessionsValidFrom> kUnknown;

bool Shows(const std::optional<SessionsValidFrom>& value,
           const std::optional<SessionsValidFrom>& before,
           absl::Duration offset = absl::ZeroDuration()) {
  return RevocationShows(value, before, kBegun, offset);
}

TEST(RevocationShows, AValueAfterTheCall) {
  EXPECT_TRUE(Shows(Value(13.1), Value(-5000)));
  EXPECT_TRUE(Shows(Value(12.6), Value(-5000)));
}

TEST(RevocationShows, AValueCutToTheWholeSecondOfTheCall) {
  EXPECT_TRUE(Shows(Value(12), Value(-5000)));
}

TEST(RevocationShows, NotAValueFromBeforeTheCall) {
  EXPECT_FALSE(Shows(Value(9.9), Value(-5000)));
  EXPECT_FALSE(Shows(Value(-4000), Value(-5000)));
}

TEST(RevocationShows, NotAValueThatDidNotMoveSinceBeforeTheCall) {
  EXPECT_FALSE(Shows(Value(-5000), Value(-5000)));
  EXPECT_FALSE(Shows(Value(11), Value(11)));  // within the doubt, but somebody else's
}

TEST(RevocationShows, AValueThatDidNotMoveCountsInTheCallsOwnSecond) {
  // Cut to whole seconds, two revocations within one second look the same.
  EXPECT_TRUE(Shows(Value(12), Value(12)));
}

TEST(RevocationShows, NotAValueThatWentBack) {
  EXPECT_FALSE(Shows(Value(11), Value(11.5)));
}

TEST(RevocationShows, WhatWasNeverRevokedOrUnknownBeforeNeedsOnlyTheTime) {
  for (const auto& before : {kNever, kUnknown}) {
    EXPECT_TRUE(Shows(Value(12), before));
    EXPECT_TRUE(Shows(Value(10.5), before));
    EXPECT_FALSE(Shows(Value(9), before));
  }
}

TEST(RevocationShows, NotNeverNorUnknown) {
  EXPECT_FALSE(Shows(kNever, kNever));
  EXPECT_FALSE(Shows(kUnknown, kUnknown));
  EXPECT_FALSE(Shows(kUnknown, Value(-5000)));
}

TEST(RevocationShows, ATenantWhoseClockIsBehindOrAhead) {
  EXPECT_TRUE(Shows(Value(12.6 - 90), Value(-5000), absl::Seconds(-90)));
  EXPECT_FALSE(Shows(Value(12.6 - 90), Value(-5000)));
  EXPECT_TRUE(Shows(Value(12.6 + 90), Value(-5000), absl::Seconds(90)));
  EXPECT_FALSE(Shows(Value(12.6 + 30), Value(-5000), absl::Seconds(90)));
}

}  // namespace
}  // namespace driftwarden::remediation
