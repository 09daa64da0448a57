// The direct reads of a real engine on virtual time, between a scripted directory and tenant.

#include "daemon/direct_read_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/async/task_group.h"
#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::Observation;

constexpr int kOpen = 30;  // more than a batch
constexpr absl::Duration kInterval = absl::Seconds(15);

// Knows nobody, which proves nothing.
class FakeDirectory final : public watchers::DirectoryReader {
 public:
  asio::awaitable<StatusOr<Observation>> ReadAccount(monitor::Guid guid) override {
    asked.push_back(guid.bytes[15]);
    if (!failure.ok()) co_return failure;
    if (asked.back() == unreadable) co_return DataLossError("not an account");
    co_return NotFoundError("gone");
  }
  asio::awaitable<StatusOr<Observation>> ReadAccountElsewhere(monitor::Guid) override {
    co_return UnavailableError("not asked by this loop");
  }
  std::set<int> Asked() const { return {asked.begin(), asked.end()}; }

  Status failure;
  int unreadable = -1;
  std::vector<int> asked;
};

// Everybody is live.
class FakeTenant final : public watchers::TenantReader {
 public:
  explicit FakeTenant(const Clock& clock) : clock_(clock) {}
  asio::awaitable<StatusOr<Observation>> ReadUser(std::string id, monitor::ActionId) override {
    co_return Answer(id);
  }
  asio::awaitable<std::vector<StatusOr<Observation>>> ReadUsers(std::vector<std::string> ids,
                                                                monitor::BatchId) override {
    ++requests;
    std::vector<StatusOr<Observation>> answers;
    for (const std::string& id : ids) answers.push_back(Answer(id));
    co_return answers;
  }
  std::set<int> Asked() const { return {asked.begin(), asked.end()}; }

  Status failure;
  int requests = 0;
  std::vector<int> asked;

 private:
  StatusOr<Observation> Answer(const std::string& id) {
    const int n = std::stoi(id.substr(id.size() - 4));
    asked.push_back(n);
    if (!failure.ok()) return failure;
    return Seen("contoso", EntraPerson(n, true), clock_.Wall(), monitor::LookKind::kDirect);
  }
  const Clock& clock_;
};

std::shared_ptr<monitor::Policy> SlowToSettle() {
  auto policy = TestPolicy();
  policy->settle = absl::Hours(2);  // AD is read again meanwhile
  policy->require_revocation = false;
  policy->remediation.mode = monitor::Mode::kObserve;
  return policy;
}

class DirectReadLoopTest : public ::testing::Test {
 protected:
  // Person 1 converged and then contradicts themselves; kOpen others have an open episode.
  DirectReadLoopTest() {
    fixture_.Baseline(kOpen + 1);
    for (int n = 1; n <= kOpen + 1; ++n) everybody_.insert(n);
    Pass();
    fixture_.Disable(1);
    FeedOfPersonOne(false);
    for (int n = 2; n <= kOpen + 1; ++n) fixture_.Disable(n);
    fixture_.scheduler.RunFor(absl::Minutes(3));
    FeedOfPersonOne(true);
    loop_ = std::make_unique<DirectReadLoop>(
        *fixture_.engine, DirectReadLoop::DirectoryReaders{{monitor::SourceName("corp"), &corp_}},
        tenant_, fixture_.scheduler, fixture_.rng, fixture_.log, Options());
  }
  static DirectReadOptions Options() {
    DirectReadOptions options;
    options.interval = kInterval;
    return options;
  }
  void Pass() { fixture_.scheduler.RunFor(absl::Seconds(1)); }
  void FeedOfPersonOne(bool enabled) {
    const absl::Time now = fixture_.clock.Wall();
    const std::string cursor = Cat("delta-", absl::ToUnixMillis(now));
    const Status taken = fixture_.Deliver(
        Round("contoso", now, {Seen("contoso", EntraPerson(1, enabled), now)}, cursor));
    EXPECT_TRUE(taken.ok()) << taken;
    Pass();
  }
  Status ReadOnce() { return fixture_.Await(loop_->ReadOnce()); }

  std::set<int> everybody_;
  EngineFixture fixture_{SlowToSettle()};
  FakeDirectory corp_;
  FakeTenant tenant_{fixture_.clock};
  std::unique_ptr<DirectReadLoop> loop_;
};

TEST_F(DirectReadLoopTest, ReadsBothSidesOfWhoeverIsOpenOrContradicted) {
  const Status read = ReadOnce();
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(tenant_.Asked(), everybody_);
  EXPECT_EQ(corp_.Asked(), everybody_);
}

TEST_F(DirectReadLoopTest, ADirectoryThatFailsStopsNoReadOfEntra) {
  corp_.failure = UnavailableError("dc1 does not answer");
  const Status read = ReadOnce();
  EXPECT_EQ(read.code(), StatusCode::kUnavailable) << read;
  EXPECT_EQ(tenant_.Asked(), everybody_);
  EXPECT_EQ(corp_.asked.size(), 1u) << "the next question would meet the same";
}

TEST_F(DirectReadLoopTest, ATenantThatFailsStopsNoReadOfADirectory) {
  tenant_.failure = UnavailableError("Graph answered 503");
  const Status read = ReadOnce();
  EXPECT_EQ(read.code(), StatusCode::kUnavailable) << read;
  EXPECT_EQ(corp_.Asked(), everybody_);
  EXPECT_EQ(tenant_.requests, 1);
}

TEST_F(DirectReadLoopTest, AContradictedPersonIsAskedForOnceTheDirectoryAnswersAgain) {
  corp_.failure = UnavailableError("dc1 does not answer");
  EXPECT_FALSE(ReadOnce().ok());
  corp_.failure = OkStatus();
  corp_.asked.clear();
  EXPECT_FALSE(ReadOnce().ok()) << "its back-off is not over";
  EXPECT_TRUE(corp_.asked.empty());
  fixture_.scheduler.RunFor(absl::Minutes(1));
  EXPECT_TRUE(ReadOnce().ok());
  for (int n = 2; n <= kOpen + 1; ++n) EXPECT_EQ(corp_.Asked().count(n), 1u) << n;
}

TEST_F(DirectReadLoopTest, OnePersonWhoCannotBeReadHidesNobody) {
  corp_.unreadable = 5;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ReadOnce().code(), StatusCode::kDataLoss);
    fixture_.scheduler.RunFor(absl::Minutes(2));
  }
  EXPECT_EQ(corp_.Asked(), everybody_);
}

TEST_F(DirectReadLoopTest, ADirectoryThatStaysAwaySlowsNoReadOfEntra) {
  corp_.failure = UnavailableError("dc1 does not answer");
  TaskGroup tasks(fixture_.io.get_executor());
  tasks.Spawn(loop_->Run());
  fixture_.scheduler.RunFor(absl::Minutes(10));
  tasks.Cancel();
  fixture_.scheduler.Settle();
  // Person 7 is one of many; read once a round.
  const auto reads = std::count(tenant_.asked.begin(), tenant_.asked.end(), 7);
  EXPECT_GE(reads, absl::Minutes(10) / kInterval);
  EXPECT_LE(corp_.asked.size(), 30u) << "once a back-off";
  EXPECT_GE(corp_.asked.size(), 8u);
}

TEST_F(DirectReadLoopTest, ATenantThatAsksForPatienceGetsItAndTheDirectoryIsReadMeanwhile) {
  tenant_.failure = ThrottledError("Graph answered 429", absl::Minutes(5));
  TaskGroup tasks(fixture_.io.get_executor());
  tasks.Spawn(loop_->Run());
  fixture_.scheduler.RunFor(absl::Seconds(299));
  EXPECT_EQ(tenant_.requests, 1);
  EXPECT_GE(std::count(corp_.asked.begin(), corp_.asked.end(), 7), 19);
  tenant_.failure = OkStatus();
  fixture_.scheduler.RunFor(2 * kInterval);
  EXPECT_GE(tenant_.requests, 3);
  tasks.Cancel();
  fixture_.scheduler.Settle();
}

TEST(DirectReadPace, WhoIsLongOpenIsReadSeldomAndWhoeverIsInDoubtAtOnce) {
  auto policy = TestPolicy();
  policy->remediation.mode = monitor::Mode::kObserve;
  EngineFixture fixture(policy);
  fixture.Baseline(3);
  fixture.scheduler.RunFor(absl::Seconds(1));
  fixture.Disable(2);
  FakeDirectory corp;
  FakeTenant tenant(fixture.clock);
  DirectReadOptions options;
  options.interval = kInterval;
  DirectReadLoop loop(*fixture.engine, {{monitor::SourceName("corp"), &corp}}, tenant,
                      fixture.scheduler, fixture.rng, fixture.log, options);
  TaskGroup tasks(fixture.io.get_executor());
  tasks.Spawn(loop.Run());
  const auto asked_within = [&](absl::Duration time) {
    tenant.asked.clear();
    fixture.scheduler.RunFor(time);
    return std::count(tenant.asked.begin(), tenant.asked.end(), 2);
  };
  EXPECT_GE(asked_within(absl::Minutes(30)), absl::Minutes(30) / kInterval) << "once a round";
  fixture.scheduler.RunFor(absl::Hours(5));
  const auto later = asked_within(absl::Hours(1));
  EXPECT_GE(later, absl::Hours(1) / absl::Minutes(10));
  EXPECT_LE(later, absl::Hours(1) / kInterval / 3) << "nothing new for hours";
  EXPECT_TRUE(fixture.Deliver(Round("corp", fixture.clock.Wall(), {}, "usn-2")).ok());
  EXPECT_GE(asked_within(2 * kInterval), 1) << "nothing of AD was read for hours";
  const absl::Time now = fixture.clock.Wall();
  EXPECT_TRUE(
      fixture.Deliver(Round("contoso", now, {Seen("contoso", EntraPerson(2, false), now)}, "d-2"))
          .ok());
  EXPECT_GE(asked_within(2 * kInterval), 1) << "the feed says otherwise";
  tasks.Cancel();
  fixture.scheduler.Settle();
}

}  // namespace
}  // namespace driftwarden::daemon
