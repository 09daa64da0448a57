// The product's subscription against the simulated tenant, on virtual time.

#include "watchers/graph_subscription.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/async/task_group.h"
#include "base/files.h"
#include "tests/testing/temp_directory.h"
#include "tests/testing/world_http.h"
#include "watchers/graph/token_factory.h"

namespace driftwarden::watchers {
namespace {

constexpr char kUrl[] = "https://hooks.example.test/dw/contoso";
constexpr char kGraph[] = "https://graph.example.test";

class CountingPort final : public NoticePort {
 public:
  explicit CountingPort(const Clock& clock) : clock_(clock) {}
  void Wake() override { wakes.push_back(clock_.Steady()); }
  asio::awaitable<Status> DeliverAside(monitor::ChangeBatch) override { co_return OkStatus(); }
  std::vector<absl::Duration> wakes;

 private:
  const Clock& clock_;
};

class CountingNotices final : public GraphNoticeObserver {
 public:
  void OnNotice(GraphNotice notice) override { ++counts[notice]; }
  void OnSubscription(absl::Time at) override { expires = at; }
  std::map<GraphNotice, int> counts;
  absl::Time expires = absl::InfiniteFuture();
};

simulator::WorldOptions SmallWorld() {
  simulator::WorldOptions options;
  options.forests.front().people.count = 20;
  return options;
}

class Subscribed : public ::testing::Test {
 protected:
  explicit Subscribed(absl::Duration lifetime = absl::Hours(24)) {
    http.after = [this](const net::HttpRequest& request, testing::WorldHttp::Answer& answer) {
      Validate(request, answer);
    };
    const std::string secret = folder.path() + "/secret";
    EXPECT_TRUE(WriteFileAtomic(secret, "simulated-secret").ok());
    const auto endpoints = graph::ResolveEndpoints("global", kGraph, kGraph);
    graph::CredentialOptions credential;
    credential.client_id = api.app().client_id;
    credential.secret_file = secret;
    tokens = graph::MakeTokenSource(tenant().id(), *endpoints, credential,
                                    {http, http, scheduler, rng, log, requests});
    graph::ClientOptions client_options;
    client_options.endpoints = *endpoints;
    client = std::make_unique<graph::GraphClient>(client_options, http, *tokens, scheduler, rng,
                                                  requests);
    options.name = monitor::SourceName("contoso");
    options.url = kUrl;
    options.lifetime = lifetime;
  }
  ~Subscribed() override {
    tasks.Cancel();
    scheduler.Settle();
    EXPECT_EQ(tasks.running(), 0u);
  }

  // As the service does before it answers 201.
  void Validate(const net::HttpRequest& request, testing::WorldHttp::Answer& answer) {
    if (request.method != "POST" || !request.url.ends_with("/subscriptions")) return;
    states.push_back(Field(boost::json::parse(request.body), "clientState"));
    if (!answer.ok() || answer->status != 201) return;
    const auto refused = api.AfterValidation(
        Field(boost::json::parse(answer->body), "id"),
        reachable ? OkStatus() : UnavailableError("HTTP status 502"), clock.True());
    if (!refused) return;
    answer->status = refused->status;
    answer->body = refused->body;
  }
  static std::string Field(const boost::json::value& value, const char* key) {
    return std::string(value.at(key).as_string());
  }

  void Start() {
    subject = std::make_unique<GraphSubscription>(io.get_executor(), options, *client, port, sight,
                                                  scheduler, rng, log, notices);
    tasks.Spawn(subject->Run());
    tasks.Spawn(subject->HandOn());
    scheduler.RunFor(absl::Seconds(1));
  }
  // What the tenant owes the subscription by now, given to it.
  void Deliver() {
    for (const simulator::Delivery& one : api.subscriptions().TakeDue(clock.True())) {
      EXPECT_EQ(one.url, kUrl);
      subject->Take(one.body);
    }
    scheduler.Settle();
  }
  void Disable(uint64_t person) {
    tenant().SetEnabled(person, false, simulator::Actor::kOperator, clock.True());
  }
  std::string Body(std::string_view id, std::string_view state, std::string_view event = "") {
    return Cat(R"({"value":[{"subscriptionId":")", id, R"(","clientState":")", state, "\"",
               event.empty() ? "" : Cat(R"(,"lifecycleEvent":")", event, "\""), "}]}");
  }
  simulator::Tenant& tenant() { return world.tenant(); }
  std::vector<simulator::Subscription> Standing() {
    return api.subscriptions().List(0, clock.True());
  }
  bool Stated() { return !sight->findings().empty(); }

  testing::TempDirectory folder;
  asio::io_context io{1};
  simulator::World world{SmallWorld()};
  testing::SimClock clock{world.options().start};
  testing::SimScheduler scheduler{io, clock};
  SeededRng rng{5};
  Logger log{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  graph::NullObserver requests;
  simulator::GraphApi api{world, simulator::GraphOptions()};
  testing::WorldHttp http{api, scheduler, clock};
  std::unique_ptr<graph::TokenSource> tokens;
  std::unique_ptr<graph::GraphClient> client;
  CountingPort port{clock};
  CountingNotices notices;
  std::shared_ptr<TenantSight> sight =
      std::make_shared<TenantSight>(monitor::SourceName("contoso"), log);
  GraphSubscriptionOptions options;
  bool reachable = true;
  std::vector<std::string> states;  // each clientState that was given
  std::unique_ptr<GraphSubscription> subject;
  TaskGroup tasks{io.get_executor()};
};

TEST_F(Subscribed, AChangeWakesThePollAtOnceAndOnceMore) {
  Start();
  ASSERT_EQ(Standing().size(), 1u);
  EXPECT_EQ(Standing()[0].lifecycle_url, kUrl);
  EXPECT_GE(states.at(0).size(), 32u) << "128 bits at the least";
  EXPECT_EQ(notices.expires, absl::FromUnixSeconds(absl::ToUnixSeconds(notices.expires)));
  scheduler.RunFor(absl::Minutes(1));
  port.wakes.clear();
  Disable(3);
  Deliver();
  EXPECT_EQ(port.wakes.size(), 1u);
  scheduler.RunFor(absl::Minutes(5));
  EXPECT_EQ(port.wakes.size(), 2u) << "the feed may lag behind its own notification";
  EXPECT_EQ(notices.counts[GraphNotice::kWoke], 1);
}

TEST_F(Subscribed, AFloodOfNotificationsPollsNoMoreThanItsRate) {
  Start();
  scheduler.RunFor(absl::Minutes(1));
  port.wakes.clear();
  const std::string body = Body(Standing()[0].id, states[0]);
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(subject->Take(body));
    scheduler.RunFor(absl::Seconds(1));
  }
  EXPECT_LE(port.wakes.size(), 13u);
  EXPECT_GE(port.wakes.size(), 11u);
  for (size_t i = 1; i < port.wakes.size(); ++i) {
    EXPECT_GE(port.wakes[i] - port.wakes[i - 1], options.wake_gap);
  }
  EXPECT_EQ(notices.counts[GraphNotice::kWoke] + notices.counts[GraphNotice::kCoalesced], 12'000);
}

TEST_F(Subscribed, AWrongClientStateOrAnUnknownSubscriptionNeverWakes) {
  Start();
  scheduler.RunFor(absl::Minutes(1));
  port.wakes.clear();
  const std::string id = Standing()[0].id;
  const std::string right = states[0];
  std::string wrong = right;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  for (const std::string& state : {wrong, std::string("x"), right.substr(1), right + "0"}) {
    EXPECT_TRUE(subject->Take(Body(id, state)));
  }
  EXPECT_EQ(notices.counts[GraphNotice::kForged], 4);
  EXPECT_TRUE(subject->Take(Body("5d8f0000-0000-0000-0000-000000000000", right)));
  EXPECT_EQ(notices.counts[GraphNotice::kUnknown], 1);
  EXPECT_TRUE(subject->Take(Body(id, wrong, "reauthorizationRequired")));
  EXPECT_TRUE(subject->Take(R"({"value":[{"subscriptionId":7},{},null]})"));
  for (const char* body : {"", "[]", "{", R"({"value":{}})", "null", "\xff\xfe"}) {
    EXPECT_FALSE(subject->Take(body)) << body;
  }
  EXPECT_EQ(notices.counts[GraphNotice::kMalformed], 9);
  scheduler.RunFor(absl::Minutes(10));
  EXPECT_TRUE(port.wakes.empty());
  EXPECT_EQ(Standing()[0].renewals, 0);
}

TEST_F(Subscribed, ItIsRenewedAtHalfOfWhatWasGranted) {
  tenant().faults().subscription_cap = absl::Hours(2);  // of the day that was asked for
  Start();
  scheduler.RunFor(absl::Minutes(59));
  EXPECT_EQ(Standing().at(0).renewals, 0);
  scheduler.RunFor(absl::Minutes(2));
  EXPECT_EQ(Standing().at(0).renewals, 1);
  scheduler.RunFor(absl::Hours(24));
  ASSERT_EQ(Standing().size(), 1u);
  EXPECT_GE(Standing()[0].renewals, 23);
  EXPECT_EQ(states.size(), 1u);
  EXPECT_GT(notices.expires, clock.True());
}

TEST_F(Subscribed, OneThatIsGoneIsMadeAnewWithAnotherSecret) {
  Start();
  api.subscriptions().ExpireAll(0);
  scheduler.RunFor(absl::Hours(13));
  ASSERT_EQ(Standing().size(), 1u);
  ASSERT_EQ(states.size(), 2u);
  EXPECT_NE(states[0], states[1]);
  EXPECT_FALSE(Stated());
}

TEST_F(Subscribed, WhatALifeBeforeLeftIsTakenAway) {
  Start();
  const std::string old_state = states[0];
  tasks.Cancel();
  scheduler.Settle();
  ASSERT_EQ(Standing().size(), 1u);
  const std::string old_id = Standing()[0].id;
  TaskGroup next(io.get_executor());
  GraphSubscription second(io.get_executor(), options, *client, port, sight, scheduler, rng, log,
                           notices);
  next.Spawn(second.Run());
  scheduler.RunFor(absl::Seconds(1));
  ASSERT_EQ(Standing().size(), 1u);
  EXPECT_NE(Standing()[0].id, old_id);
  second.Take(Body(old_id, old_state));
  EXPECT_EQ(notices.counts[GraphNotice::kUnknown], 1);
  next.Cancel();
  scheduler.Settle();
  TaskGroup drop(io.get_executor());
  drop.Spawn(second.Drop());
  scheduler.RunFor(absl::Seconds(1));
  EXPECT_TRUE(Standing().empty()) << "an orderly stop";
  EXPECT_EQ(notices.expires, absl::InfinitePast());
}

TEST_F(Subscribed, LifecycleEventsAreObeyedWithinReason) {
  Start();
  scheduler.RunFor(absl::Minutes(1));
  port.wakes.clear();
  for (int i = 0; i < 600; ++i) {
    api.subscriptions().SendLifecycle(0, "reauthorizationRequired", clock.True());
    Deliver();
    scheduler.RunFor(absl::Seconds(1));
  }
  EXPECT_GE(Standing()[0].renewals, 2);
  EXPECT_LE(Standing()[0].renewals, 21) << "however often it is asked for";
  EXPECT_TRUE(port.wakes.empty());
  api.subscriptions().SendLifecycle(0, "missed", clock.True());
  Deliver();
  EXPECT_EQ(port.wakes.size(), 1u);
  api.subscriptions().SendLifecycle(0, "subscriptionRemoved", clock.True());
  EXPECT_TRUE(Standing().empty());
  Deliver();
  scheduler.RunFor(absl::Minutes(1));
  EXPECT_EQ(Standing().size(), 1u);
  EXPECT_EQ(states.size(), 2u);
}

TEST_F(Subscribed, ARefusalIsAStatedFindingAndTriedAgainAtGrowingIntervals) {
  reachable = false;
  Start();
  ASSERT_TRUE(Stated());
  const std::string text = sight->findings()[0].text;
  EXPECT_NE(text.find("found by the poll"), std::string::npos) << text;
  EXPECT_NE(text.find(kUrl), std::string::npos) << text;
  EXPECT_NE(text.find("Subscription validation request failed"), std::string::npos) << text;
  scheduler.RunFor(absl::Hours(10));
  EXPECT_GE(states.size(), 12u);
  EXPECT_LE(states.size(), 30u);
  EXPECT_TRUE(port.wakes.empty());
  reachable = true;
  scheduler.RunFor(absl::Hours(2));
  EXPECT_FALSE(Stated());
  EXPECT_EQ(Standing().size(), 1u);
}

TEST_F(Subscribed, AMissingPermissionIsNamed) {
  tenant().faults().forbidden.insert("subscriptions");
  Start();
  ASSERT_TRUE(Stated());
  EXPECT_NE(sight->findings()[0].text.find("grant the application User.Read.All"),
            std::string::npos);
}

TEST_F(Subscribed, AnAnswerThatIsNoneLosesNothing) {
  int broken = 0;
  http.after = [this, &broken](const net::HttpRequest& request,
                               testing::WorldHttp::Answer& answer) {
    Validate(request, answer);
    if (request.method != "POST" || !request.url.ends_with("/subscriptions")) return;
    if (++broken <= 3 && answer.ok()) answer->body = broken == 1 ? "" : "<html>";
  };
  Start();
  EXPECT_TRUE(Stated());
  scheduler.RunFor(absl::Hours(1));
  EXPECT_EQ(Standing().size(), 1u) << "what was made and never heard of is taken away";
  EXPECT_FALSE(Stated());
}

TEST_F(Subscribed, ANotificationMayOvertakeTheAnswerThatTellsItsId) {
  http.after = [this](const net::HttpRequest& request, testing::WorldHttp::Answer& answer) {
    Validate(request, answer);
    if (request.method != "POST" || !request.url.ends_with("/subscriptions")) return;
    subject->Take(Body("abc", states.back()));
    subject->Take(Body("abc", "wrong"));
  };
  Start();
  EXPECT_EQ(notices.counts[GraphNotice::kWoke], 1);
  EXPECT_EQ(notices.counts[GraphNotice::kForged], 1);
}

}  // namespace
}  // namespace driftwarden::watchers
