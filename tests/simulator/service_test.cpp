#include "simulator/service.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "net/url.h"
#include "tests/simulator/live_service.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

SimulatorOptions Options() {
  SimulatorOptions options;
  options.users = 300;
  options.tenants = 2;
  options.cycle = absl::Hours(1);
  options.processing = absl::ZeroDuration();
  return options;
}

class ServiceTest : public ::testing::Test {
 protected:
  json::value Send(const std::string& method, const std::string& url, const std::string& body = "",
                   int status = 200) {
    net::HttpRequest request(method, url, "application/json", body);
    if (!token_.empty()) request.AddHeader("Authorization", Cat("Bearer ", token_));
    request.AddHeader("client-request-id", "test-1");
    const auto response = live_.Send(std::move(request));
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return {};
    EXPECT_EQ(response->status, status) << url << ' ' << response->body;
    EXPECT_TRUE(response->date.has_value());
    boost::system::error_code error;
    json::value value = json::parse(response->body, error);
    return error ? json::value() : value;
  }
  void SignIn() {
    net::HttpRequest request(
        "POST", Cat(at().graph_url, "/", at().tenants[0].tenant_id, "/oauth2/v2.0/token"),
        "application/x-www-form-urlencoded",
        net::FormEncode({{"grant_type", "client_credentials"},
                         {"client_id", at().client_id},
                         {"client_secret", *ReadFile(at().secret_file)},
                         {"scope", "https://graph.microsoft.com/.default"}}));
    const auto response = live_.Send(std::move(request));
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_EQ(response->status, 200) << response->body;
    boost::system::error_code error;
    token_ =
        std::string(json::parse(response->body, error).as_object().at("access_token").as_string());
  }
  const SimulatorEndpoints& at() { return live_.at(); }

  LiveService live_{Options()};
  std::string token_;
};

TEST_F(ServiceTest, ADisableGoesFromTheControlThroughTheEngineToGraph) {
  SignIn();
  std::string link = Cat(at().graph_url, "/v1.0/users/delta?$select=id,accountEnabled");
  size_t people = 0;
  json::value page;
  for (int pages = 0; pages < 10; ++pages) {
    page = Send("GET", link);
    people += page.as_object().at("value").as_array().size();
    const bool last = page.as_object().contains("@odata.deltaLink");
    link =
        std::string(page.as_object().at(last ? "@odata.deltaLink" : "@odata.nextLink").as_string());
    EXPECT_TRUE(net::SameOrigin(link, at().graph_url)) << link;
    if (last) break;
  }
  EXPECT_EQ(people, 300U);
  Send("POST", Cat(at().control_url, "/sim/people/u0000003/disable"));
  Send("POST", Cat(at().control_url, "/sim/sync"), "{\"run\":true}");
  page = Send("GET", link);
  ASSERT_EQ(page.as_object().at("value").as_array().size(), 1U);
  const auto& user = page.as_object().at("value").as_array()[0].as_object();
  EXPECT_EQ(user.at("accountEnabled"), false);
  const std::string id(user.at("id").as_string());
  Send("POST", Cat(at().graph_url, "/v1.0/users/", id, "/revokeSignInSessions"));
  const json::value truth = Send("GET", Cat(at().control_url, "/sim/truth"));
  ASSERT_EQ(truth.as_object().at("revokes").as_array().size(), 1U);
  EXPECT_EQ(truth.as_object().at("revokes").as_array()[0].as_object().at("client_request_id"),
            "test-1");
}

TEST_F(ServiceTest, TheAlertReceiverTakesAlerts) {
  Send("POST", Cat(at().alerts_url, "/api/v2/alerts"), "[{\"labels\":{\"alertname\":\"x\"}}]");
  EXPECT_EQ(Send("GET", Cat(at().alerts_url, "/api/v2/alerts")).as_array().size(), 1U);
  EXPECT_EQ(live_.On([this] { return live_.service().alerts().posts(); }), 1U);
}

TEST_F(ServiceTest, WithoutATokenGraphRefuses) {
  Send("GET", Cat(at().graph_url, "/v1.0/organization"), "", 401);
}

TEST_F(ServiceTest, TheConfigurationNamesEveryEndpoint) {
  ConfigOptions options;
  options.data_dir = Cat(live_.folder(), "/data");
  options.settle = absl::Seconds(1);
  options.tiers = {{.name = "tier0", .admin_count = true, .warn_after = absl::Seconds(5)},
                   {.name = "manual", .ous = {"OU=Sales,OU=People,DC=corp,DC=example"}},
                   {.name = "standard", .breach_after = absl::Seconds(9)}};
  options.mode = "auto";
  options.modes = {{"manual", "observe"}};
  const std::string path = Cat(live_.folder(), "/run.yaml");
  ASSERT_TRUE(live_.service().WriteConfig(path, options).ok());
  const std::string yaml = *ReadFile(path);
  for (const std::string& part :
       {at().forests[0].ldaps_url, at().graph_url, at().alerts_url, at().ca_file,
        at().tenants[1].tenant_id, std::string("corp-contoso2"), std::string("breach_after: 9s"),
        std::string("mode: auto")}) {
    EXPECT_NE(yaml.find(part), std::string::npos) << part << "\n" << yaml;
  }
}

TEST_F(ServiceTest, ASecondOneOnTheSamePortSaysWhy) {
  const auto url = net::ParseUrl(at().graph_url);
  ASSERT_TRUE(url.ok());
  asio::io_context io;
  SystemClock clock;
  SimulatorOptions options = Options();
  options.folder = Cat(live_.folder(), "/second");
  options.graph_port = url->port;
  SimulatorService second(io.get_executor(), clock, options);
  const Status status = second.Start();
  EXPECT_FALSE(status.ok());
  auto stopped = asio::co_spawn(io, second.Stop(), asio::use_future);
  io.run();
  stopped.get();
}

}  // namespace
}  // namespace driftwarden::simulator
