// Graph's subscriptions as the emulator has them, over real HTTPS: what a client may rely on.

#include "simulator/subscriptions.h"

#include <boost/json.hpp>

#include "net/url.h"
#include "simulator/notifier.h"
#include "tests/async/run_loop.h"
#include "tests/simulator/live_service.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

// Somebody who is told, on the service's own executor.
struct Listener {
  bool echoes = true;
  bool accepts = true;
  std::vector<std::string> bodies;

  net::ServerResponse Answer(const net::ServerRequest& request) {
    if (request.HasQuery("validationToken")) {
      if (!echoes) return net::ServerResponse(200, "text/plain", "something else");
      return net::ServerResponse(200, "text/plain; charset=utf-8",
                                 std::string(request.Query("validationToken")));
    }
    bodies.push_back(request.body);
    return net::ServerResponse(accepts ? 202 : 503);
  }
};

asio::awaitable<net::ServerResponse> Hear(Listener* listener, net::ServerRequest request) {
  co_return listener->Answer(request);
}

class SubscriptionsTest : public ::testing::Test {
 protected:
  SubscriptionsTest() {
    SimulatorOptions options;
    options.users = 20;
    options.alert_receiver = false;
    live = std::make_unique<LiveService>(options);
    const auto ca = net::MakeCa("hooks", clock.Wall());
    const auto issued =
        net::IssueServerCertificate(*ca, {"localhost"}, {"127.0.0.1"}, clock.Wall());
    const std::string ca_file = live->folder() + "/hooks.pem";
    EXPECT_TRUE(WriteFileAtomic(ca_file, ca->certificate_pem).ok());
    net::ServerOptions server_options;
    server_options.tls = net::TlsServerConfig(*issued);
    server = std::make_unique<net::HttpServer>(loop.executor(), [this](net::ServerRequest request) {
      return Hear(&listener, std::move(request));
    });
    const auto port = server->Listen(server_options);
    url = Cat("https://127.0.0.1:", port.ok() ? *port : 0, "/hook?x=1");
    net::HttpClientOptions client_options;
    client_options.ca_file = live->at().ca_file;
    client = *net::NewHttpClient(loop.executor(), client_options);
    EXPECT_EQ(Control("subscriptions", {{"ca_file", ca_file}}), 200);
    token = std::string(Json(Send("POST",
                                  Cat(live->at().graph_url, "/", live->at().tenants[0].tenant_id,
                                      "/oauth2/v2.0/token"),
                                  TokenForm(), "application/x-www-form-urlencoded"))
                            .at("access_token")
                            .as_string());
  }
  ~SubscriptionsTest() override {
    loop.Await(server->Stop());
    client.reset();
    loop.Settle();
  }

  std::string TokenForm() {
    net::QueryPairs form;
    form.emplace_back("grant_type", "client_credentials");
    form.emplace_back("client_id", live->at().client_id);
    form.emplace_back("client_secret", *ReadFile(live->at().secret_file));
    form.emplace_back("scope", live->at().graph_url + "/.default");
    return net::FormEncode(form);
  }
  net::HttpResponse Send(const std::string& method, const std::string& to, const std::string& body,
                         const std::string& type = "application/json") {
    net::HttpRequest request(method, to, type, body);
    if (!token.empty()) request.AddHeader("Authorization", Cat("Bearer ", token));
    auto answer = loop.Await(client->Send(std::move(request), absl::Seconds(20)));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *std::move(answer) : net::HttpResponse(0, "");
  }
  static json::value Json(const net::HttpResponse& answer) {
    json::error_code error;
    json::value value = json::parse(answer.body, error);
    EXPECT_FALSE(error) << answer.status << " " << answer.body;
    return value;
  }
  net::HttpResponse Graph(const std::string& method, const std::string& path,
                          const std::string& body = "") {
    return Send(method, Cat(live->at().graph_url, "/v1.0", path), body);
  }
  int Control(const std::string& path, const json::object& body) {
    return Send("POST", Cat(live->at().control_url, "/sim/", path), json::serialize(body)).status;
  }
  json::object Wish() {
    return {{"changeType", "updated,deleted"},
            {"resource", "users"},
            {"notificationUrl", url},
            {"lifecycleNotificationUrl", url},
            {"expirationDateTime", FormatRfc3339(clock.Wall() + absl::Hours(1))},
            {"clientState", "s3cret"}};
  }
  net::HttpResponse Subscribe(const json::object& wish) {
    return Graph("POST", "/subscriptions", json::serialize(wish));
  }

  RunLoop loop;
  SystemClock clock;
  Listener listener;
  std::unique_ptr<LiveService> live;
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<net::HttpClient> client;
  std::string url;
  std::string token;
};

TEST_F(SubscriptionsTest, AChangeIsToldToWhoeverProvedThatTheyListen) {
  const auto made = Subscribe(Wish());
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id(Json(made).at("id").as_string());
  EXPECT_EQ(Json(made).at("clientState").as_string(), "s3cret");
  EXPECT_TRUE(Json(Graph("GET", "/subscriptions")).at("value").at(0).at("clientState").is_null());
  ASSERT_EQ(Control("fault", {{"notify_copies", 2}}), 200);
  ASSERT_EQ(Control("people/u0000003/cloud", {{"do", "disable"}}), 200);
  ASSERT_TRUE(loop.Until([this] { return !listener.bodies.empty(); }));
  const json::value told = json::parse(listener.bodies[0]);
  ASSERT_EQ(told.at("value").as_array().size(), 2u);
  EXPECT_EQ(told.at("value").at(0).at("subscriptionId").as_string(), json::string_view(id));
  EXPECT_EQ(told.at("value").at(0).at("clientState").as_string(), "s3cret");
  EXPECT_EQ(told.at("value").at(0).at("changeType").as_string(), "updated");

  const json::object longer = {
      {"expirationDateTime", FormatRfc3339(clock.Wall() + absl::Hours(48))}};
  EXPECT_EQ(Graph("PATCH", "/subscriptions/" + id, json::serialize(longer)).status, 200);
  EXPECT_EQ(Graph("DELETE", "/subscriptions/" + id).status, 204);
  EXPECT_EQ(Graph("PATCH", "/subscriptions/" + id, json::serialize(longer)).status, 404);
  EXPECT_EQ(Graph("DELETE", "/subscriptions/" + id).status, 404);
}

TEST_F(SubscriptionsTest, WhatGraphRefusesIsRefused) {
  const auto with = [this](const char* key, const std::string& value) {
    json::object wish = Wish();
    wish[key] = value;
    return Subscribe(wish).status;
  };
  EXPECT_EQ(with("notificationUrl", "http://127.0.0.1/hook"), 400);
  EXPECT_EQ(with("resource", "me/messages"), 400);
  EXPECT_EQ(with("changeType", "created"), 400);
  EXPECT_EQ(with("clientState", std::string(129, 'x')), 400);
  EXPECT_EQ(with("expirationDateTime", FormatRfc3339(clock.Wall() + absl::Minutes(41'770))), 400);
  EXPECT_EQ(with("expirationDateTime", FormatRfc3339(clock.Wall() - absl::Minutes(1))), 400);
  listener.echoes = false;
  const auto unproved = Subscribe(Wish());
  EXPECT_EQ(unproved.status, 400);
  EXPECT_NE(unproved.body.find("Subscription validation request failed"), std::string::npos);
  EXPECT_TRUE(Json(Graph("GET", "/subscriptions")).at("value").as_array().empty());
  ASSERT_EQ(Control("fault", {{"forbid", json::array{"subscriptions"}}}), 200);
  EXPECT_EQ(Graph("GET", "/subscriptions").status, 403);
}

TEST_F(SubscriptionsTest, WhatIsNotAcceptedComesAgain) {
  ASSERT_EQ(Subscribe(Wish()).status, 201);
  listener.accepts = false;
  ASSERT_EQ(Control("subscriptions", {{"lifecycle", "reauthorizationRequired"}}), 200);
  ASSERT_TRUE(loop.Until([this] { return !listener.bodies.empty(); }));
  listener.accepts = true;
  ASSERT_TRUE(loop.Until([this] { return listener.bodies.size() > 1; }));
  EXPECT_EQ(listener.bodies[0], listener.bodies[1]);
  EXPECT_NE(listener.bodies[0].find("reauthorizationRequired"), std::string::npos);
  ASSERT_EQ(Control("subscriptions", {{"expire", true}}), 200);
  EXPECT_TRUE(Json(Graph("GET", "/subscriptions")).at("value").as_array().empty());
}

}  // namespace
}  // namespace driftwarden::simulator
