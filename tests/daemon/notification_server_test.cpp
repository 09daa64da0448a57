#include "daemon/notification_server.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/strings.h"
#include "net/http_client.h"
#include "tests/testing/fake_http.h"

namespace driftwarden::daemon {
namespace {

class NullTokens final : public graph::TokenSource {
 public:
  asio::awaitable<StatusOr<Secret>> Token() override { co_return Secret("t"); }
  void Refused(const Secret&) override {}
};

class NullPort final : public watchers::NoticePort {
 public:
  void Wake() override {}
  asio::awaitable<Status> DeliverAside(monitor::ChangeBatch) override { co_return OkStatus(); }
};

class Counter final : public watchers::GraphNoticeObserver {
 public:
  void OnNotice(watchers::GraphNotice notice) override { ++counts[notice]; }
  void OnSubscription(absl::Time) override {}
  std::map<watchers::GraphNotice, int> counts;
};

class NotificationServerTest : public ::testing::Test {
 protected:
  NotificationServerTest() {
    for (const char* name : {"contoso", "fabrikam"}) {
      EntraConfig tenant;
      tenant.name = monitor::SourceName(name);
      tenant.notifications.address = "127.0.0.1";
      tenant.notifications.public_url = "https://hooks.example.test/dw";
      watchers::GraphSubscriptionOptions options;
      options.name = tenant.name;
      options.url = tenant.NotificationUrl();
      subscriptions.push_back(std::make_unique<watchers::GraphSubscription>(
          io.get_executor(), options, client, port,
          std::make_shared<watchers::TenantSight>(tenant.name, log), scheduler, rng, log, counter));
      server.Add(tenant, *subscriptions.back());
    }
  }
  net::ServerResponse Post(std::string path, net::QueryPairs query = {}, std::string body = "") {
    net::ServerRequest request;
    request.method = "POST";
    request.path = std::move(path);
    request.query = std::move(query);
    request.body = std::move(body);
    return server.Answer(request);
  }

  asio::io_context io{1};
  SystemClock clock;
  RealScheduler scheduler{clock};
  SeededRng rng{1};
  Logger log{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  testing::FakeHttp http;
  NullTokens tokens;
  graph::NullObserver requests;
  graph::GraphClient client{graph::ClientOptions(), http, tokens, scheduler, rng, requests};
  NullPort port;
  Counter counter;
  std::vector<std::unique_ptr<watchers::GraphSubscription>> subscriptions;
  NotificationServer server{io.get_executor(), clock};
};

TEST_F(NotificationServerTest, TheValidationTokenComesBackAsPlainText) {
  const std::string token = "Validation: Testing <b>Request-Id</b>: 7 +/=&%";
  for (const char* path : {"/dw/contoso", "/contoso", "/fabrikam"}) {
    const net::ServerResponse answer = Post(path, {{"validationToken", token}});
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, token);
    EXPECT_EQ(answer.content_type, "text/plain; charset=utf-8");
    EXPECT_NE(net::FindHeader(answer.headers, "X-Content-Type-Options"), nullptr);
  }
  EXPECT_EQ(counter.counts[watchers::GraphNotice::kValidated], 3);
}

TEST_F(NotificationServerTest, WhatIsNoTokenIsNotRepeated) {
  for (const std::string& token : {std::string(), std::string(3000, 'a'), std::string("a\r\nb"),
                                   std::string("a\0b", 3), std::string("\xff")}) {
    const net::ServerResponse answer = Post("/contoso", {{"validationToken", token}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "");
  }
  EXPECT_EQ(counter.counts[watchers::GraphNotice::kValidated], 0);
}

TEST_F(NotificationServerTest, WhoIsNotGraphLearnsNothing) {
  const char* const stranger =
      R"({"value":[{"subscriptionId":"5d8f","clientState":"k3","changeType":"updated"}]})";
  EXPECT_EQ(Post("/contoso", {}, stranger).status, 202);
  EXPECT_EQ(Post("/contoso", {}, stranger).body, "");
  EXPECT_EQ(counter.counts[watchers::GraphNotice::kUnknown], 2);
  EXPECT_EQ(Post("/contoso", {}, "{").status, 400);
  EXPECT_EQ(Post("/", {}, stranger).status, 404);
  EXPECT_EQ(Post("/contoso/", {}, stranger).status, 404);
  EXPECT_EQ(Post("/nobody", {{"validationToken", "x"}}).status, 404);
  net::ServerRequest get;
  get.method = "GET";
  get.path = "/contoso";
  EXPECT_EQ(server.Answer(get).status, 405);
}

asio::awaitable<void> Exchange(NotificationServer* server, net::HttpClient* http, bool* done) {
  const std::string url = server->addresses().at("contoso");
  EXPECT_EQ(url, server->addresses().at("fabrikam")) << "one listener for both";
  net::HttpRequest asked("POST", Cat(url, "/a/b/contoso?validationToken=x%20y%2B+z"));
  const auto answer = co_await http->Send(std::move(asked), absl::Seconds(20));
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer.ok() ? answer->body : "", "x y+ z");
  net::HttpRequest large("POST", Cat(url, "/contoso"), "application/json",
                         std::string((size_t{1} << 20) + 1, ' '));
  const auto refused = co_await http->Send(std::move(large), absl::Seconds(20));
  EXPECT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused.ok() ? refused->status : 0, 413);
  co_await server->Stop();
  *done = true;
}

TEST_F(NotificationServerTest, ItAnswersOverASocketWithinItsBounds) {
  ASSERT_TRUE(server.Listen().ok());
  auto http_client = net::NewHttpClient(io.get_executor(), net::HttpClientOptions());
  ASSERT_TRUE(http_client.ok());
  bool done = false;
  asio::co_spawn(io, Exchange(&server, http_client->get(), &done),
                 [this](std::exception_ptr) { io.stop(); });
  io.run_for(std::chrono::seconds(60));
  EXPECT_TRUE(done);
  http_client->reset();
  io.restart();
  io.poll();
}

}  // namespace
}  // namespace driftwarden::daemon
