#include "watchers/ad_notifier.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/async/task_group.h"
#include "tests/directory/recording_observer.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::watchers {
namespace {

constexpr const char* kDc1 = "ldaps://dc1";
constexpr const char* kDc2 = "ldaps://dc2";

// A controller that answers for itself and tells what a test puts into `told`.
struct Teller {
  std::string dsa = std::string(16, 'd');
  uint64_t usn = 100;
  Status open_error;
  Status watch_error;  // said by Next, as on the wire
  Status broken;       // of every later answer
  std::deque<directory::Entry> told;
  std::vector<directory::SearchRequest> watched;
  int opened = 0;
  int roots = 0;
};

class TellerSession final : public directory::Session {
 public:
  TellerSession(Teller& dc, Scheduler& scheduler) : dc_(dc), scheduler_(scheduler) {}

  asio::awaitable<StatusOr<directory::SearchPage>> Search(
      directory::SearchRequest request) override {
    if (!dc_.broken.ok()) co_return dc_.broken;
    directory::SearchPage page;
    directory::Entry entry;
    if (request.base.empty()) {
      ++dc_.roots;
      entry.attributes = {{"dsservicename", {"CN=NTDS Settings"}},
                          {"highestcommittedusn", {std::to_string(dc_.usn)}},
                          {"defaultnamingcontext", {"DC=corp"}},
                          {"currenttime", {"20261121020200.0Z"}},
                          {"issynchronized", {"TRUE"}}};
    } else if (request.base == "CN=NTDS Settings") {
      entry.attributes = {{"objectguid", {dc_.dsa}}, {"invocationid", {std::string(16, 'i')}}};
    } else {
      co_return page;
    }
    page.entries.push_back(entry);
    co_return page;
  }
  asio::awaitable<Status> Watch(directory::SearchRequest request) override {
    dc_.watched.push_back(std::move(request));
    co_return OkStatus();
  }
  asio::awaitable<StatusOr<std::vector<directory::Entry>>> Next(absl::Duration at_most) override {
    if (!dc_.watch_error.ok()) co_return dc_.watch_error;
    if (dc_.told.empty() && dc_.broken.ok()) {
      const Status slept = co_await scheduler_.SleepFor(at_most);
      if (!slept.ok()) co_return slept;
    }
    if (!dc_.broken.ok()) co_return dc_.broken;
    std::vector<directory::Entry> entries(dc_.told.begin(), dc_.told.end());
    dc_.told.clear();
    co_return entries;
  }

 private:
  Teller& dc_;
  Scheduler& scheduler_;
};

class Tellers final : public directory::SessionFactory {
 public:
  explicit Tellers(Scheduler& scheduler) : scheduler_(scheduler) {}
  asio::awaitable<StatusOr<std::unique_ptr<directory::Session>>> Open(
      directory::SessionOptions options) override {
    Teller& dc = controllers[options.server];
    ++dc.opened;
    if (!dc.open_error.ok()) co_return dc.open_error;
    std::unique_ptr<directory::Session> session = std::make_unique<TellerSession>(dc, scheduler_);
    co_return session;
  }
  std::map<std::string, Teller> controllers;

 private:
  Scheduler& scheduler_;
};

class FakePort final : public NoticePort {
 public:
  explicit FakePort(Scheduler& scheduler) : scheduler_(scheduler) {}
  void Wake() override { ++wakes; }
  asio::awaitable<Status> DeliverAside(monitor::ChangeBatch batch) override {
    batches.push_back(std::move(batch));
    const Status slept = co_await scheduler_.SleepFor(takes);
    co_return slept;
  }
  int wakes = 0;
  absl::Duration takes;
  std::vector<monitor::ChangeBatch> batches;

 private:
  Scheduler& scheduler_;
};

class NullSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch) override { co_return OkStatus(); }
};

directory::Entry Person(const std::string& name, uint64_t usn) {
  directory::Entry entry;
  entry.dn = Cat("CN=", name, ",OU=Staff,DC=corp");
  std::string guid = name;
  guid.resize(16, '.');
  entry.attributes = {{"objectclass", {"top", "person", "user"}},
                      {"objectguid", {guid}},
                      {"samaccountname", {name}},
                      {"useraccountcontrol", {"514"}},
                      {"usnchanged", {std::to_string(usn)}}};
  return entry;
}

class Notifier : public ::testing::Test {
 protected:
  ~Notifier() override {
    tasks_.Cancel();
    scheduler_.Settle();
  }
  static AdSourceOptions Options() {
    AdSourceOptions options;
    options.name = monitor::SourceName("corp");
    options.servers = {kDc1, kDc2};
    return options;
  }
  void Start() {
    tasks_.Spawn(notifier_.Listen());
    tasks_.Spawn(notifier_.HandOn());
    scheduler_.Settle();
  }
  void Run(absl::Duration time) { scheduler_.RunFor(time); }
  // The poll, which pins a controller.
  void Poll() {
    tasks_.Spawn(PollOnce(this));
    scheduler_.Settle();
  }
  static asio::awaitable<void> PollOnce(Notifier* self) {
    std::string cursor;
    monitor::BatchId batch;
    const Status polled =
        co_await self->source_.Poll(std::move(cursor), std::move(batch), self->sink_);
    EXPECT_TRUE(polled.ok()) << polled;
  }
  // What a poll found and gives on.
  void Found(const std::string& name, uint64_t usn) {
    monitor::ChangeBatch batch;
    batch.observations.emplace_back();
    const auto view = source_.scan().ObserveEntry(Person(name, usn));
    batch.observations.back().view = **view;
    notifier_.OnDelivered(batch);
  }
  Teller& dc1() { return sessions_.controllers[kDc1]; }
  Teller& dc2() { return sessions_.controllers[kDc2]; }

  asio::io_context io_{1};
  testing::SimClock clock_{*ParseRfc3339("2026-11-21T02:02:00Z")};
  testing::SimScheduler scheduler_{io_, clock_};
  SeededRng rng_{1};
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  Tellers sessions_{scheduler_};
  AdUsnSource source_{Options(), sessions_, clock_, quiet_};
  FakePort port_{scheduler_};
  NullSink sink_;
  RecordingObserver observer_;
  AdNotifier notifier_{io_.get_executor(), Options(), sessions_, source_,  port_,
                       scheduler_,         rng_,      quiet_,    observer_};
  TaskGroup tasks_{io_.get_executor()};
};

TEST_F(Notifier, ListensToTheControllerThatIsPolledAndThenWakesThePoll) {
  Start();
  Run(absl::Seconds(5));
  EXPECT_EQ(dc1().opened, 0) << "which one is not known before the first poll";
  Poll();
  Run(absl::Seconds(2));
  EXPECT_TRUE(observer_.up);
  ASSERT_EQ(dc1().watched.size(), 1U);
  EXPECT_EQ(dc1().watched[0].base, "DC=corp");
  EXPECT_EQ(dc1().watched[0].filter, "") << "nothing but (objectClass=*) is allowed";
  EXPECT_EQ(dc1().watched[0].scope, directory::SearchRequest::Scope::kSubtree);
  EXPECT_EQ(port_.wakes, 1);
}

TEST_F(Notifier, WhatIsToldIsHandedOnOutsideOfAnyRoundAndThePollFollows) {
  Poll();
  Start();
  dc1().told.push_back(Person("leaver", 101));
  Run(absl::Seconds(1));
  ASSERT_EQ(port_.batches.size(), 1U);
  const monitor::ChangeBatch& batch = port_.batches[0];
  EXPECT_FALSE(batch.starts_round || batch.completes_round || batch.in_snapshot);
  EXPECT_TRUE(batch.cursor.empty());
  ASSERT_EQ(batch.observations.size(), 1U);
  const auto& view = std::get<monitor::AdView>(batch.observations[0].view);
  EXPECT_EQ(view.Disabled(), true);
  EXPECT_LE(batch.observations[0].look.at.lo, batch.observations[0].look.at.hi);
  EXPECT_EQ(port_.wakes, 2);
  EXPECT_EQ(observer_.notices[AdNotice::kApplied], 1);
}

TEST_F(Notifier, OthersObjectsWakeNobody) {
  Poll();
  Start();
  directory::Entry machine = Person("machine", 101);
  machine.attributes["objectclass"].push_back("computer");
  dc1().told.push_back(machine);
  Run(absl::Seconds(1));
  EXPECT_TRUE(port_.batches.empty());
  EXPECT_EQ(port_.wakes, 1);
  EXPECT_EQ(observer_.notices[AdNotice::kIgnored], 1);
}

TEST_F(Notifier, AFloodWhileTheLinksAreBusyOnlyWakesThePoll) {
  Poll();
  Start();
  port_.takes = absl::Minutes(10);
  for (int turn = 0; turn < 30; ++turn) {
    for (int i = 0; i < 100; ++i) {
      dc1().told.push_back(Person(Cat("p", turn, "x", i), static_cast<uint64_t>(101 + turn)));
    }
    Run(absl::Seconds(1));
  }
  ASSERT_EQ(port_.batches.size(), 1U);
  EXPECT_EQ(port_.batches[0].observations.size(), 100U);
  EXPECT_EQ(observer_.notices[AdNotice::kApplied], 100 + 512);
  EXPECT_EQ(observer_.notices[AdNotice::kDropped], 3000 - 612);
  EXPECT_GE(port_.wakes, 30);
}

TEST_F(Notifier, ALostSessionIsReplacedAfterAPauseThatGrows) {
  Poll();
  Start();
  ASSERT_TRUE(observer_.up);
  const int opened = dc1().opened;
  dc1().broken = UnavailableError("gone");
  dc1().open_error = UnavailableError("down");
  Run(absl::Minutes(10));
  EXPECT_FALSE(observer_.up);
  EXPECT_EQ(observer_.rearms[AdRearm::kLost], 1);
  EXPECT_GT(dc1().opened, opened + 5);
  EXPECT_LT(dc1().opened, opened + 30) << "no hammering";
  dc1().broken = OkStatus();
  dc1().open_error = OkStatus();
  const int wakes = port_.wakes;
  EXPECT_EQ(wakes, 2) << "armed, and lost";
  Run(absl::Minutes(1));
  EXPECT_TRUE(observer_.up);
  EXPECT_EQ(port_.wakes, wakes + 1) << "registered first, then polled";
}

TEST_F(Notifier, WhileThePollIsShutOutNothingIsTried) {
  Poll();
  Start();
  dc1().broken = UnavailableError("gone");
  source_.connection().Drop();  // as a poll does that fails
  const int opened = dc1().opened;
  Run(absl::Minutes(10));
  EXPECT_EQ(dc1().opened, opened);
  dc1().broken = OkStatus();
  Poll();
  Run(absl::Seconds(5));
  EXPECT_TRUE(observer_.up);
}

TEST_F(Notifier, ARefusalIsNotAskedAgainForMinutes) {
  dc1().watch_error = PermissionError("no");
  Poll();
  const int opened = dc1().opened;
  Start();
  Run(absl::Minutes(2));
  EXPECT_EQ(dc1().opened, opened + 1);
  EXPECT_FALSE(observer_.up);
  Run(absl::Minutes(5));
  EXPECT_GT(dc1().opened, opened + 1);
}

TEST_F(Notifier, FollowsThePollToAnotherController) {
  Poll();
  Start();
  ASSERT_TRUE(observer_.up);
  dc1().open_error = UnavailableError("down");
  source_.connection().Drop();
  Poll();
  Run(absl::Seconds(3));
  EXPECT_TRUE(observer_.up);
  EXPECT_EQ(dc2().watched.size(), 1U);
  EXPECT_EQ(observer_.rearms[AdRearm::kDcChanged], 1);
}

TEST_F(Notifier, WhatThePollFindsAloneIsMissedAndTheSearchBegunAnew) {
  Poll();
  Start();
  Found("old", 99);  // before it listened
  Run(absl::Seconds(20));
  EXPECT_EQ(observer_.rearms.size(), 0U);
  Found("seen", 101);
  Run(absl::Seconds(5));
  dc1().told.push_back(Person("seen", 101));
  Run(absl::Seconds(20));
  EXPECT_EQ(observer_.rearms.size(), 0U) << "the poll may be ahead for a while";
  Found("missed", 102);
  Run(absl::Seconds(20));
  EXPECT_EQ(observer_.rearms[AdRearm::kMissed], 1);
  EXPECT_TRUE(observer_.up);
  EXPECT_EQ(dc1().watched.size(), 2U);
}

TEST_F(Notifier, ASilentServerIsAskedWhetherItLives) {
  Poll();
  Start();
  const int roots = dc1().roots;
  Run(absl::Minutes(5));
  EXPECT_GE(dc1().roots, roots + 8);
  EXPECT_LE(dc1().roots, roots + 12);
  dc1().dsa = std::string(16, 'e');
  Run(absl::Minutes(1));
  EXPECT_EQ(observer_.rearms[AdRearm::kLost], 1) << "it is another controller now";
}

}  // namespace
}  // namespace driftwarden::watchers
