// The whole Graph half over real HTTPS against the simulated tenant, which shares no code with it.

#include <algorithm>
#include <set>

#include "net/http_client.h"
#include "remediation/graph_actuator.h"
#include "tests/graph/graph_fixture.h"
#include "tests/simulator/live_service.h"
#include "watchers/graph/token_factory.h"
#include "watchers/graph_delta_round.h"
#include "watchers/graph_delta_source.h"
#include "watchers/graph_reader.h"

namespace driftwarden::watchers {
namespace {

using monitor::EntraView;
using simulator::DeadTokenShape;

const monitor::ActionId kIntent("intent-1");

class CollectingSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    for (const auto& seen : batch.observations) users.push_back(std::get<EntraView>(seen.view));
    last = std::move(batch);
    ++batches;
    co_return OkStatus();
  }
  std::vector<EntraView> users;
  monitor::ChangeBatch last;
  int batches = 0;
};

simulator::SimulatorOptions World() {
  simulator::SimulatorOptions options;
  options.users = 450;
  options.cycle = absl::Hours(1);
  options.processing = absl::ZeroDuration();
  options.alert_receiver = false;
  return options;
}

class Live : public ::testing::Test {
 protected:
  Live() {
    net::HttpClientOptions http_options;
    http_options.ca_file = live.at().ca_file;
    auto made = net::NewHttpClient(io.get_executor(), http_options);
    EXPECT_TRUE(made.ok()) << made.status();
    http = *std::move(made);
    const auto endpoints =
        graph::ResolveEndpoints("global", live.at().graph_url, live.at().graph_url);
    EXPECT_TRUE(endpoints.ok()) << endpoints.status();
    graph::CredentialOptions credential;
    credential.client_id = live.at().client_id;
    credential.secret_file = live.at().secret_file;
    const graph::TokenParts parts{*http, *http, scheduler, rng, log, observer};
    tokens = graph::MakeTokenSource(live.at().tenants[0].tenant_id, *endpoints, credential, parts);
    graph::ClientOptions options;
    options.endpoints = *endpoints;
    options.first_backoff = absl::Milliseconds(10);
    client =
        std::make_unique<graph::GraphClient>(options, *http, *tokens, scheduler, rng, observer);
    GraphDeltaOptions delta;
    delta.name = monitor::SourceName("contoso");
    source = std::make_unique<GraphDeltaSource>(delta, *client, log);
    GraphReaderOptions reads;
    reads.name = delta.name;
    reads.second_look_after = absl::Milliseconds(20);
    reader = std::make_unique<GraphReader>(reads, *client, scheduler, log);
  }
  ~Live() override {
    http.reset();
    io.restart();
    io.poll();
  }

  template <typename T>
  T Run(asio::awaitable<T> task) {
    std::optional<T> out;
    asio::co_spawn(io, graph::StoreResult(std::move(task), &out), [](std::exception_ptr) {});
    // The pool's idle timers never let the context run dry.
    for (int seconds = 0; seconds < 60 && !out.has_value();) {
      io.restart();
      if (io.run_one_for(std::chrono::seconds(1)) == 0) ++seconds;
    }
    if (!out.has_value()) {
      ADD_FAILURE() << "no answer within a minute";
      std::abort();
    }
    return std::move(*out);
  }
  Status Poll() {
    sink = CollectingSink();
    const Status status = Run(source->Poll(cursor, monitor::BatchId("round-1"), sink));
    if (status.ok()) cursor = sink.last.cursor;
    return status;
  }
  // Calls `fn` with the simulated tenant on its own thread.
  template <typename F>
  auto Tenant(F fn) {
    return live.On([&] { return fn(live.service().world().tenant()); });
  }
  std::string IdOf(uint64_t person) {
    return Tenant([person](simulator::Tenant& t) { return t.EntraId(person); });
  }

  simulator::LiveService live{World()};
  asio::io_context io;
  SystemClock clock;
  RealScheduler scheduler{clock};
  SeededRng rng{3};
  Logger log{LogLevel::kError, LogFormat::kLogfmt};
  graph::CountingObserver observer;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<graph::TokenSource> tokens;
  std::unique_ptr<graph::GraphClient> client;
  std::unique_ptr<GraphDeltaSource> source;
  std::unique_ptr<GraphReader> reader;
  CollectingSink sink;
  std::string cursor;
};

TEST_F(Live, FromTheFirstReadToARevocationThatIsSeen) {
  Tenant([](simulator::Tenant& t) {
    t.faults().empty_pages = 2;
    t.faults().throttle = 1;
    t.faults().retry_after = "0.05";
    return true;
  });
  ASSERT_TRUE(Poll().ok());
  std::set<std::string> ids;
  for (const EntraView& user : sink.users) ids.insert(user.id);
  EXPECT_EQ(ids.size(), 450u);
  EXPECT_EQ(sink.last.snapshot_reason, "first");
  EXPECT_LT(absl::AbsDuration(sink.last.clock_offset), absl::Seconds(2));
  EXPECT_GE(observer.throttled["users_delta"], 1);
  EXPECT_EQ(observer.requests["token 200"], 1);

  const std::string id = IdOf(7);
  const auto before = Run(reader->ReadUser(id, kIntent));
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(std::get<EntraView>(before->view).account_enabled, true);
  EXPECT_TRUE(std::get<EntraView>(before->view).on_premises_sid.has_value());

  Tenant([this](simulator::Tenant& t) {
    return t.SetEnabled(7, false, simulator::Actor::kSync, clock.Wall());
  });
  ASSERT_TRUE(Poll().ok());
  ASSERT_GE(sink.users.size(), 1u);
  EXPECT_FALSE(sink.last.in_snapshot);
  const auto changed = std::find_if(sink.users.begin(), sink.users.end(),
                                    [&id](const EntraView& user) { return user.id == id; });
  ASSERT_NE(changed, sink.users.end());
  EXPECT_EQ(changed->account_enabled, false);

  remediation::GraphActuator actuator(*client);
  const auto call = Run(actuator.RevokeSessions(
      id, monitor::ActionId("5f6c2e1a-1111-4000-8000-000000000001"), absl::InfiniteDuration()));
  EXPECT_TRUE(call.status.ok()) << call.status;
  EXPECT_FALSE(call.request_id.empty());
  const auto after = Run(reader->ReadUser(id, kIntent));
  ASSERT_TRUE(after.ok()) << after.status();
  const auto& revoked = std::get<EntraView>(after->view).sessions_valid_from;
  ASSERT_TRUE(revoked.has_value());
  EXPECT_FALSE(revoked->never);
  EXPECT_LT(absl::AbsDuration(clock.Wall() - revoked->at), absl::Seconds(30));
}

TEST_F(Live, DeletionsByBatchAndOneByOne) {
  Tenant([this](simulator::Tenant& t) {
    return t.SoftDelete(1, simulator::Actor::kSync, clock.Wall()) &&
           t.SoftDelete(2, simulator::Actor::kSync, clock.Wall()) &&
           t.Purge(2, simulator::Actor::kSync, clock.Wall());
  });
  std::vector<std::string> ids;
  for (uint64_t person = 0; person < 30; ++person) ids.push_back(IdOf(person));
  const auto seen = Run(reader->ReadUsers(ids, monitor::BatchId("round-2")));
  ASSERT_EQ(seen.size(), 30u);
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_TRUE(seen[i].ok()) << i << seen[i].status();
    const auto& view = std::get<EntraView>(seen[i]->view);
    EXPECT_EQ(view.id, ToLowerAscii(ids[i]));
    EXPECT_EQ(view.deletion, i == 1   ? monitor::EntraDeletion::kSoft
                             : i == 2 ? monitor::EntraDeletion::kHard
                                      : monitor::EntraDeletion::kLive);
    if (i > 4) continue;
    const auto alone = Run(reader->ReadUser(ids[i], kIntent));
    ASSERT_TRUE(alone.ok()) << alone.status();
    EXPECT_EQ(std::get<EntraView>(alone->view).deletion, view.deletion);
  }
}

TEST_F(Live, EveryDeadTokenTheTenantKnowsIsSurvived) {
  ASSERT_TRUE(Poll().ok());
  for (const DeadTokenShape shape :
       {DeadTokenShape::kGone, DeadTokenShape::kSyncStateNotFound,
        DeadTokenShape::kUnsupportedQuery, DeadTokenShape::kExpiredPageToken}) {
    Tenant([shape](simulator::Tenant& t) {
      t.KillDeltaTokens(shape);
      return true;
    });
    ASSERT_TRUE(Poll().ok()) << static_cast<int>(shape);
    EXPECT_EQ(sink.last.snapshot_reason, "token_expired");
    EXPECT_GE(sink.users.size(), 450u);
    ASSERT_TRUE(Poll().ok());
    EXPECT_FALSE(sink.last.in_snapshot);
  }
}

TEST_F(Live, WhatTheTenantRefusesIsNamed) {
  Tenant([](simulator::Tenant& t) {
    t.faults().refused.insert("signInSessionsValidFromDateTime");
    t.faults().forbid_revoke = true;
    return true;
  });
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.users.size(), 450u);
  remediation::GraphActuator actuator(*client);
  const auto call =
      Run(actuator.RevokeSessions(IdOf(1), monitor::ActionId("a-1"), absl::InfiniteDuration()));
  EXPECT_TRUE(absl::IsPermissionDenied(call.status)) << call.status;
  Tenant([](simulator::Tenant& t) {
    t.faults().reject_bearer = true;
    t.faults().refuse_token = true;
    return true;
  });
  const Status refused = Poll();
  EXPECT_TRUE(absl::IsUnauthenticated(refused)) << refused;
  EXPECT_NE(Message(refused).find(live.at().secret_file), std::string_view::npos) << refused;
}

}  // namespace
}  // namespace driftwarden::watchers
