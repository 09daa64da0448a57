// Who is read directly, and how often, on virtual time.

#include "daemon/read_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"

namespace driftwarden::daemon {
namespace {

constexpr absl::Duration kRound = absl::Seconds(15);

class ReadPlanTest : public ::testing::Test {
 protected:
  ReadPlan::Facts Ago(absl::Duration age, bool tier0 = false) const {
    return {now_ - age, absl::InfiniteFuture(), tier0};
  }
  const absl::Time now_ = absl::FromUnixSeconds(1795219200);
  ReadPlan plan_{kRound};
};

TEST_F(ReadPlanTest, TheLongerNothingHappenedTheSeldomer) {
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::ZeroDuration()), now_, 0), kRound);
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Minutes(59)), now_, 0), kRound);
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Hours(2)), now_, 0), 2 * kRound);
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Hours(8)), now_, 0), absl::Minutes(2));
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Hours(24 * 30)), now_, 0), absl::Minutes(10));
  EXPECT_EQ(plan_.IntervalOf({absl::InfinitePast(), absl::InfiniteFuture(), false, false}, now_, 0),
            absl::Minutes(10));
  EXPECT_EQ(plan_.IntervalOf(Ago(-absl::Hours(1)), now_, 0), kRound) << "a clock that went back";
  EXPECT_EQ(plan_.longest(), absl::Minutes(10));
}

TEST_F(ReadPlanTest, Tier0AndWhoeverHasADeadlineAheadAreReadOften) {
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Hours(24 * 30), true), now_, 0), absl::Minutes(1));
  ReadPlan::Facts facts = Ago(absl::Hours(24 * 30));
  facts.deadline = now_ + absl::Seconds(59);
  EXPECT_EQ(plan_.IntervalOf(facts, now_, 0), kRound);
  facts.deadline = now_ + absl::Minutes(2);
  EXPECT_EQ(plan_.IntervalOf(facts, now_, 0), absl::Minutes(10));
}

TEST_F(ReadPlanTest, ABusyTenantIsReadLessAndNobodyBeyondTheLongest) {
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Hours(2)), now_, 0.6), 4 * kRound);
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Hours(2)), now_, 0.9), 8 * kRound);
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Minutes(1)), now_, 0.6), kRound);
  EXPECT_EQ(plan_.IntervalOf(Ago(absl::Minutes(1)), now_, 0.9), 2 * kRound);
  for (const double share : {0.0, 0.6, 1.0, 1.8}) {
    EXPECT_LE(plan_.IntervalOf(Ago(absl::Hours(9999)), now_, share), plan_.longest());
  }
  EXPECT_EQ(ReadPlan::RoundOf(500, 0.1), 500u);
  EXPECT_EQ(ReadPlan::RoundOf(500, 0.6), 250u);
  EXPECT_EQ(ReadPlan::RoundOf(500, 1.2), 125u);
  EXPECT_EQ(ReadPlan::RoundOf(1, 1.2), 1u);
}

TEST_F(ReadPlanTest, CompressedTimeIsCompressedThroughout) {
  const ReadPlan fast(absl::Milliseconds(300));
  EXPECT_EQ(fast.longest(), absl::Seconds(12));
  EXPECT_EQ(fast.IntervalOf(Ago(absl::Seconds(71)), now_, 0), absl::Milliseconds(300));
  EXPECT_EQ(fast.IntervalOf(Ago(absl::Hours(1)), now_, 0), absl::Seconds(12));
  const ReadPlan slow(absl::Hours(1));
  EXPECT_EQ(slow.IntervalOf(Ago(absl::Hours(999)), now_, 1), absl::Hours(1));
}

TEST_F(ReadPlanTest, OfTooManyTheLongestOverdueComeFirstAndNeitherKindIsCrowdedOut) {
  for (monitor::PersonOrdinal person = 1; person <= 100; ++person) {
    plan_.Note(person);
    plan_.Planned(person, absl::Seconds(person), person <= 50 ? kRound : absl::Minutes(5));
  }
  const auto due = plan_.Due(absl::Hours(1), 20);
  const std::set<monitor::PersonOrdinal> people(due.begin(), due.end());
  ASSERT_EQ(people.size(), 20u);
  for (monitor::PersonOrdinal person = 1; person <= 15; ++person)
    EXPECT_TRUE(people.contains(person));
  for (monitor::PersonOrdinal person = 51; person <= 55; ++person) {
    EXPECT_TRUE(people.contains(person));
  }
  plan_.Hurry(100);
  EXPECT_EQ(plan_.Due(absl::Hours(1), 20).front(), 100u);
  plan_.Forget(100);
  EXPECT_EQ(plan_.size(), 99u);
  EXPECT_TRUE(plan_.Due(absl::ZeroDuration(), 20).empty());
}

// A day of rounds: whatever the mix of ages and load, everybody's wait stays within what is said.
TEST_F(ReadPlanTest, NobodyStarves) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    SeededRng rng(seed);
    ReadPlan plan(kRound);
    const size_t count = 200 + rng.Below(3000);
    const size_t limit = 100;
    std::vector<ReadPlan::Facts> facts(count);
    std::vector<absl::Duration> last(count);
    for (size_t i = 0; i < count; ++i) {
      facts[i] = Ago(absl::Minutes(rng.Below(60 * 24 * 3)), rng.Below(50) == 0);
      plan.Note(i);
    }
    absl::Duration widest, widest_fresh;
    for (int round = 0; round < 1000; ++round) {
      const absl::Duration steady = kRound * round;
      const absl::Time wall = now_ + steady;
      const double share = (round / 100) % 3 == 1 ? 0.9 : 0.2;
      for (const auto person : plan.Due(steady, ReadPlan::RoundOf(limit, share))) {
        const absl::Duration waited = steady - last[person];
        widest = std::max(widest, waited);
        if (wall - facts[person].since < absl::Hours(1)) {
          widest_fresh = std::max(widest_fresh, waited);
        }
        last[person] = steady;
        plan.Planned(person, steady, plan.IntervalOf(facts[person], wall, share));
      }
    }
    // A quarter of a quarter of the room is the least that those who are read seldom have.
    const double rounds_for_all = static_cast<double>(count) * 16 / static_cast<double>(limit);
    EXPECT_LE(widest, plan.longest() + rounds_for_all * kRound) << count;
    EXPECT_LE(widest_fresh, rounds_for_all * kRound) << count;
  }
}

}  // namespace
}  // namespace driftwarden::daemon
