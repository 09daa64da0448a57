#include "base/async/backoff.h"

#include <gtest/gtest.h>

namespace driftwarden {
namespace {

TEST(Backoff, WaitsLieBetweenHalfAndAllOfADoublingStep) {
  SeededRng rng(7);
  Backoff backoff(absl::Seconds(1), absl::Seconds(16), rng);
  absl::Duration step = absl::Seconds(1);
  for (int i = 0; i < 5; ++i) {
    const absl::Duration wait = backoff.Next();
    EXPECT_GE(wait, step / 2);
    EXPECT_LE(wait, step);
    step = step * 2;
  }
  EXPECT_EQ(backoff.failures(), 5);
}

TEST(Backoff, NeverPassesTheCap) {
  SeededRng rng(8);
  Backoff backoff(absl::Seconds(1), absl::Seconds(5), rng);
  for (int i = 0; i < 200; ++i) EXPECT_LE(backoff.Next(), absl::Seconds(5));
  EXPECT_GE(backoff.Next(), absl::Milliseconds(2500));
}

TEST(Backoff, StartsAgainAfterReset) {
  SeededRng rng(9);
  Backoff backoff(absl::Seconds(1), absl::Seconds(60), rng);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.failures(), 0);
  EXPECT_LE(backoff.Next(), absl::Seconds(1));
}

TEST(Backoff, TwoSeedsDoNotWaitInStep) {
  SeededRng one(1);
  SeededRng two(2);
  Backoff first(absl::Seconds(1), absl::Seconds(60), one);
  Backoff second(absl::Seconds(1), absl::Seconds(60), two);
  EXPECT_NE(first.Next(), second.Next());
}

}  // namespace
}  // namespace driftwarden
