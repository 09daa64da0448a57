// One tenant's budget under more demand than it has, on virtual time: against the simulator, which
// counts for itself.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <functional>
#include <map>
#include <vector>

#include "base/async/task_group.h"
#include "base/strings.h"
#include "simulator/throttle.h"
#include "tests/graph/graph_fixture.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::graph {
namespace {

using driftwarden::testing::SimClock;
using driftwarden::testing::SimScheduler;

// A tenant that keeps the documented limits; an answer takes `trip` there and as long back.
class LimitedHttp final : public net::HttpClient {
 public:
  explicit LimitedHttp(SimScheduler& scheduler) : scheduler_(scheduler) {}

  asio::awaitable<StatusOr<net::HttpResponse>> Send(net::HttpRequest request,
                                                    absl::Duration) override {
    ++on_their_way;
    const absl::Duration there = absl::Milliseconds(static_cast<int64_t>(
        rng_.Below(static_cast<uint64_t>(absl::ToInt64Milliseconds(longest_trip)) + 1)));
    (void)co_await scheduler_.SleepFor(there);
    net::HttpResponse answer = Answer(request);
    (void)co_await scheduler_.SleepFor(longest_trip - there);
    --on_their_way;
    co_return answer;
  }

  simulator::ThrottleLimits limits = simulator::ThrottleLimits::Documented(0);
  simulator::Throttle throttle;
  absl::Duration longest_trip = absl::Milliseconds(80);
  int on_their_way = 0;

 private:
  net::HttpResponse Answer(const net::HttpRequest& request) {
    const size_t parts = request.url.ends_with("$batch") ? 20 : 1;
    net::ServerRequest one;
    one.method = parts > 1 ? "GET" : request.method;
    const std::vector<std::string> path = {"users", "x"};
    std::vector<std::string> inner;
    net::HttpResponse answer(200, "{}");
    for (size_t i = 0; i < parts; ++i) {
      auto refused = throttle.Take(limits, path, one, "tenant", scheduler_.clock().Wall());
      net::ServerResponse response = refused ? *std::move(refused) : net::ServerResponse(200);
      throttle.Stamp(response);
      if (parts == 1) {
        answer.status = response.status;
        answer.headers = response.headers;
      } else {
        inner.push_back(Cat(R"({"id":")", i, R"(","status":)", response.status, "}"));
      }
    }
    if (parts > 1) answer.body = Cat(R"({"responses":[)", JoinStrings(inner, ","), "]}");
    return answer;
  }

  SimScheduler& scheduler_;
  SeededRng rng_{3};
};

class PacingTest : public ::testing::Test {
 protected:
  struct Load {
    int sent = 0;
    absl::Duration longest;  // from asking to the answer
    absl::Duration last;     // when the last answer came
    absl::Duration widest;   // between two answers
  };

  PacingTest() {
    ClientOptions options;
    options.endpoints = Endpoints("https://login.example.test", kGraph);
    options.log = &log;
    options.name = "contoso";
    client = std::make_unique<GraphClient>(options, http, tokens, scheduler, rng, observer);
  }

  // As fast as answers come, or one every `pause`.
  void Ask(Priority priority, std::string url, absl::Duration pause = absl::ZeroDuration()) {
    loads[priority].last = clock.Steady();
    tasks.Spawn(Loop(priority, std::move(url), pause));
  }
  asio::awaitable<void> Loop(Priority priority, std::string url, absl::Duration pause) {
    while (true) {
      GraphRequest request(url, "user", priority);
      if (priority == Priority::kAct) {
        request.method = "POST";
        request.read_only = false;
      } else if (url == "/$batch") {
        request.method = "POST";
        request.cost = RequestCost(20, 0);
      }
      const absl::Duration begun = clock.Steady();
      const auto reply = co_await client->Send(std::move(request));
      if (reply.status().code() == StatusCode::kCancelled) co_return;
      Load& load = loads[priority];
      if (reply.ok() && reply->ok()) ++load.sent;
      if (!reply.ok()) failures.push_back(reply.status());
      const absl::Duration now = clock.Steady();
      load.longest = std::max(load.longest, now - begun);
      load.widest = std::max(load.widest, now - load.last);
      load.last = now;
      const absl::Duration rest = RetryAfter(reply.status()).value_or(pause);
      const Status slept = co_await scheduler.SleepFor(rest);
      if (!slept.ok()) co_return;
    }
  }
  void RunFor(absl::Duration d) { scheduler.RunFor(d); }
  void Stop() {
    tasks.Cancel();
    scheduler.RunFor(absl::Seconds(1));
  }

  asio::io_context io{1};
  SimClock clock{absl::FromUnixSeconds(1795219200)};
  SimScheduler scheduler{io, clock};
  LimitedHttp http{scheduler};
  FakeTokens tokens;
  SeededRng rng{7};
  CountingObserver observer;
  Logger log{LogLevel::kError, LogFormat::kLogfmt};
  std::unique_ptr<GraphClient> client;
  TaskGroup tasks{io.get_executor()};
  std::map<Priority, Load> loads;
  std::vector<Status> failures;
};

TEST_F(PacingTest, MoreDemandThanThereIsNeverMeetsARefusal) {
  for (int i = 0; i < 6; ++i) Ask(Priority::kDirectRead, "/$batch");
  for (int i = 0; i < 6; ++i) Ask(Priority::kPoll, "/$batch");
  for (int i = 0; i < 6; ++i) Ask(Priority::kEvidence, "/$batch");
  for (int i = 0; i < 4; ++i) Ask(Priority::kAct, "/users/x/revokeSignInSessions");
  RunFor(absl::Minutes(5));
  Stop();
  EXPECT_EQ(http.throttle.refused(), 0u);
  EXPECT_LE(http.throttle.most_units(), 3500);
  EXPECT_LE(http.throttle.most_writes(), 3000);
  EXPECT_GT(http.throttle.most_units(), 2500) << "what is allowed is used";
  EXPECT_GT(http.throttle.most_writes(), 2900);
  for (const Priority priority : kAllPriorities) {
    EXPECT_GT(loads[priority].sent, 100) << PriorityText(priority);
  }
  for (const Priority priority : {Priority::kEvidence, Priority::kPoll, Priority::kDirectRead}) {
    EXPECT_LE(loads[priority].widest, Budget::kLongestPace) << PriorityText(priority);
  }
}

TEST_F(PacingTest, ACallerThatDoesNotCountMeetsRefusals) {
  // The same demand without a budget.
  const auto loop = [](LimitedHttp* to, SimScheduler* on) -> asio::awaitable<void> {
    while (true) {
      net::HttpRequest request("POST", Cat(kGraph, "/v1.0/$batch"));
      (void)co_await to->Send(std::move(request), absl::Seconds(60));
      const Status slept = co_await on->SleepFor(absl::ZeroDuration());
      if (!slept.ok()) co_return;
    }
  };
  for (int i = 0; i < 6; ++i) tasks.Spawn(loop(&http, &scheduler));
  RunFor(absl::Minutes(1));
  Stop();
  EXPECT_GT(http.throttle.refused(), 1000u);
}

TEST_F(PacingTest, ActNeverWaitsForWhatIsBelowIt) {
  for (int i = 0; i < 20; ++i) Ask(Priority::kDirectRead, "/$batch");
  for (int i = 0; i < 20; ++i) Ask(Priority::kPoll, "/$batch");
  for (int i = 0; i < 20; ++i) Ask(Priority::kEvidence, "/$batch");
  RunFor(absl::Seconds(30));
  Ask(Priority::kAct, "/users/x/revokeSignInSessions", absl::Milliseconds(200));
  RunFor(absl::Minutes(3));
  Stop();
  EXPECT_GT(loads[Priority::kAct].sent, 600);
  EXPECT_LE(loads[Priority::kAct].longest, http.longest_trip);
  EXPECT_EQ(observer.held.count("act"), 0u);
  EXPECT_GT(observer.held["poll"], absl::ZeroDuration());
  EXPECT_TRUE(failures.empty()) << failures.front();
}

TEST_F(PacingTest, ATenantThatAnswersNothingLeavesAConnectionToAct) {
  http.longest_trip = absl::Hours(10);
  for (int i = 0; i < 20; ++i) {
    Ask(Priority::kDirectRead, "/users/x");
    Ask(Priority::kPoll, "/users/x");
    Ask(Priority::kEvidence, "/users/x");
  }
  RunFor(absl::Seconds(5));
  EXPECT_LT(http.on_their_way, static_cast<int>(Budget::kConnections));
  EXPECT_GE(http.on_their_way, 4);
  EXPECT_EQ(client->budget().HeldFor(Priority::kAct, RequestCost(1, 1)), absl::ZeroDuration());
  Stop();
  EXPECT_EQ(http.on_their_way, 0);
  EXPECT_GT(client->budget().units(), 0) << "they may have arrived";
  RunFor(absl::Seconds(11));
  EXPECT_EQ(client->budget().units(), 0);
}

TEST_F(PacingTest, TheTenantsOwnFigureSlowsDownBeforeItRefuses) {
  // Less is allowed here than is documented, or somebody else uses the same application.
  http.limits.units = 400;
  for (int i = 0; i < 3; ++i) Ask(Priority::kPoll, "/users/x", absl::Milliseconds(10));
  Ask(Priority::kEvidence, "/users/x", absl::Milliseconds(10));
  RunFor(absl::Minutes(10));
  EXPECT_EQ(http.throttle.refused(), 0u);
  EXPECT_LE(http.throttle.most_units(), 400);
  EXPECT_GT(loads[Priority::kPoll].sent, 3000);
  EXPECT_LE(loads[Priority::kPoll].widest, Budget::kLongestPace + absl::Seconds(1));
  Stop();
}

TEST_F(PacingTest, ATenantThatIsAlwaysFullIsStillAskedNowAndThen) {
  Ask(Priority::kPoll, "/users/x", absl::Seconds(15));
  Ask(Priority::kEvidence, "/users/x", absl::Seconds(15));
  for (int second = 0; second < 600; ++second) {
    client->budget().TenantSaid(1.5);
    RunFor(absl::Seconds(1));
  }
  Stop();
  EXPECT_GE(loads[Priority::kPoll].sent, 10);
  EXPECT_GE(loads[Priority::kEvidence].sent, 10);
  EXPECT_LE(loads[Priority::kPoll].sent, 40);
}

TEST_F(PacingTest, ALargerTenantAllowsMore) {
  http.limits = simulator::ThrottleLimits::Documented(501);
  client->budget().SetDirectorySize(501);
  EXPECT_EQ(client->budget().unit_limit(), 8000);
  for (int i = 0; i < 6; ++i) Ask(Priority::kDirectRead, "/$batch");
  RunFor(absl::Minutes(1));
  Stop();
  EXPECT_EQ(http.throttle.refused(), 0u);
  EXPECT_GT(http.throttle.most_units(), 5000);
}

TEST_F(PacingTest, WritesWaitForTheirOwnWindow) {
  for (int i = 0; i < 8; ++i) Ask(Priority::kAct, "/users/x/revokeSignInSessions");
  RunFor(absl::Minutes(10));
  Stop();
  EXPECT_EQ(http.throttle.refused(), 0u);
  EXPECT_LE(http.throttle.most_writes(), 3000);
  EXPECT_GE(loads[Priority::kAct].sent, 3 * 3000);
  // Patience is two minutes and the window longer: some are told to come again.
  for (const Status& failure : failures) EXPECT_TRUE(absl::IsResourceExhausted(failure)) << failure;
}

TEST_F(PacingTest, ARefusalOfWritesHoldsNoReads) {
  client->budget().Throttled(Priority::kAct, absl::Seconds(30), Throttles::kWrites);
  EXPECT_EQ(client->budget().HeldFor(Priority::kPoll), absl::ZeroDuration());
  EXPECT_EQ(client->budget().HeldFor(Priority::kAct, RequestCost(1, 1)), absl::Seconds(30));
  EXPECT_EQ(client->budget().HeldFor(Priority::kAct), absl::ZeroDuration());
  client->budget().Throttled(Priority::kDirectRead, absl::Seconds(40), Throttles::kReads);
  EXPECT_EQ(client->budget().HeldFor(Priority::kDirectRead), absl::Seconds(40));
  EXPECT_GT(client->budget().HeldFor(Priority::kPoll), absl::Seconds(40));
  EXPECT_EQ(client->budget().HeldFor(Priority::kAct, RequestCost(1, 1)), absl::Seconds(30));
}

}  // namespace
}  // namespace driftwarden::graph
