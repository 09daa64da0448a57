#include "watchers/graph/budget.h"

#include "tests/graph/graph_fixture.h"

namespace driftwarden::graph {
namespace {

class BudgetTest : public GraphTest {
 protected:
  asio::awaitable<Status> Once(Priority priority, absl::Duration patience) {
    const auto permit = co_await budget.Acquire(priority, RequestCost(), patience);
    co_return permit.status();
  }
  Status Go(Priority priority, absl::Duration patience) { return Run(Once(priority, patience)); }
  Budget budget{scheduler};
};

TEST_F(BudgetTest, ARefusalHoldsItsPriorityAndWhatIsBelow) {
  budget.Throttled(Priority::kPoll, absl::Seconds(10));
  EXPECT_EQ(budget.HeldFor(Priority::kAct), absl::ZeroDuration());
  EXPECT_EQ(budget.HeldFor(Priority::kDirectRead), absl::ZeroDuration());
  EXPECT_EQ(budget.HeldFor(Priority::kPoll), absl::Seconds(10));
  EXPECT_GT(budget.HeldFor(Priority::kEvidence), absl::Seconds(10));
}

TEST_F(BudgetTest, AfterAHoldTheHigherGoesFirst) {
  budget.Throttled(Priority::kAct, absl::Seconds(3));
  absl::Duration last;
  for (const Priority p :
       {Priority::kAct, Priority::kDirectRead, Priority::kPoll, Priority::kEvidence}) {
    EXPECT_GT(budget.HeldFor(p), last);
    last = budget.HeldFor(p);
  }
}

TEST_F(BudgetTest, AHoldIsNeverShortenedAndNeverEndless) {
  budget.Throttled(Priority::kPoll, absl::Seconds(30));
  budget.Throttled(Priority::kPoll, absl::Seconds(1));
  EXPECT_EQ(budget.HeldFor(Priority::kPoll), absl::Seconds(30));
  budget.Throttled(Priority::kPoll, absl::Hours(500));
  EXPECT_EQ(budget.HeldFor(Priority::kPoll), Budget::kLongestHold);
}

TEST_F(BudgetTest, AcquireWaitsItsTurn) {
  budget.Throttled(Priority::kPoll, absl::Seconds(5));
  EXPECT_TRUE(Go(Priority::kPoll, absl::Minutes(1)).ok());
  EXPECT_EQ(scheduler.total(), absl::Seconds(5));
}

TEST_F(BudgetTest, AcquireSaysAtOnceThatPatienceIsTooShort) {
  budget.Throttled(Priority::kPoll, absl::Minutes(5));
  const Status status = Go(Priority::kPoll, absl::Minutes(1));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(RetryAfter(status), absl::Minutes(5));
  EXPECT_TRUE(scheduler.slept().empty());
}

}  // namespace
}  // namespace driftwarden::graph
