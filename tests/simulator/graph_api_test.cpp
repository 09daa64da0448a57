#include "simulator/graph_api.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

class GraphApiTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.forests[0].people.count = 450;
    return options;
  }
  absl::Time Now() const { return world_.options().start + absl::Minutes(1); }
  Tenant& tenant() { return world_.tenant(); }

  net::ServerResponse Token(const std::string& secret) {
    net::ServerRequest request;
    request.method = "POST";
    request.path = Cat("/", tenant().id(), "/oauth2/v2.0/token");
    request.body = net::FormEncode({{"grant_type", "client_credentials"},
                                    {"client_id", options_.app.client_id},
                                    {"client_secret", secret},
                                    {"scope", "https://graph.microsoft.com/.default"}});
    return api_.Handle(request, Now());
  }
  static json::object Body(const net::ServerResponse& response) {
    boost::system::error_code error;
    json::value value = json::parse(response.body, error);
    EXPECT_FALSE(error) << response.body;
    return value.is_object() ? value.as_object() : json::object();
  }
  net::ServerResponse Send(const std::string& method, const std::string& target,
                           const std::string& body = "") {
    if (token_.empty()) {
      token_ = std::string(Body(Token(options_.app.client_secret))["access_token"].as_string());
    }
    net::ServerRequest request;
    request.method = method;
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos)
      request.query = *net::ParseQuery(target.substr(question + 1));
    request.headers = {{"Host", "graph.test:8443"},
                       {"Authorization", Cat("Bearer ", token_)},
                       {"client-request-id", "my-id"}};
    request.body = body;
    return api_.Handle(request, Now());
  }
  static std::string Code(const net::ServerResponse& response) {
    return std::string(Body(response)["error"].as_object()["code"].as_string());
  }
  // Follows a link to the end of the round; gives the ids, sets `link` to the delta link.
  std::multiset<std::string> Round(std::string& link) {
    std::multiset<std::string> ids;
    for (int pages = 0; pages < 100; ++pages) {
      json::object page = Body(Send("GET", link));
      for (const auto& item : page["value"].as_array()) {
        ids.insert(std::string(item.as_object().at("id").as_string()));
      }
      const bool last = page.contains("@odata.deltaLink");
      const std::string next(page[last ? "@odata.deltaLink" : "@odata.nextLink"].as_string());
      EXPECT_TRUE(next.starts_with("https://graph.test:8443/v1.0/users/delta?$")) << next;
      link = next.substr(std::string("https://graph.test:8443").size());
      if (last) break;
    }
    return ids;
  }

  World world_{Options()};
  GraphOptions options_;
  GraphApi api_{world_, options_};
  std::string token_;
};

TEST_F(GraphApiTest, AWrongSecretIsRefusedAsEntraDoes) {
  const auto response = Token("wrong");
  EXPECT_EQ(response.status, 401);
  const auto body = Body(response);
  EXPECT_EQ(body.at("error"), "invalid_client");
  EXPECT_EQ(body.at("error_codes"), json::value(json::array{7000215}));
  tenant().faults().refuse_token = true;
  EXPECT_EQ(Token(options_.app.client_secret).status, 401);
}

TEST_F(GraphApiTest, WithoutAGoodTokenEverythingIs401) {
  token_ = "sim.0.99999999999.0000";
  const auto response = Send("GET", "/v1.0/organization");
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(Code(response), "InvalidAuthenticationToken");
  token_.clear();
  EXPECT_EQ(Send("GET", "/v1.0/organization").status, 200);
}

TEST_F(GraphApiTest, ADeltaRoundPagesThroughEverybodyAndThenOnlyChanges) {
  std::string link = "/v1.0/users/delta?$select=id,accountEnabled,onPremisesImmutableId";
  EXPECT_EQ(Round(link).size(), 450U);
  tenant().SetEnabled(3, false, Actor::kSync, Now());
  const auto page = Body(Send("GET", link));
  ASSERT_EQ(page.at("value").as_array().size(), 1U);
  const auto& item = page.at("value").as_array()[0].as_object();
  EXPECT_EQ(item.at("accountEnabled"), false);
  EXPECT_EQ(item.at("onPremisesImmutableId").as_string(), world_.people().At(3).immutable_id);
}

TEST_F(GraphApiTest, EachDeadTokenShapeLooksAsDocumented) {
  const struct {
    DeadTokenShape shape;
    int status;
    const char* code;
  } cases[] = {{DeadTokenShape::kGone, 410, "resyncRequired"},
               {DeadTokenShape::kSyncStateNotFound, 404, "syncStateNotFound"},
               {DeadTokenShape::kUnsupportedQuery, 400, "Request_UnsupportedQuery"},
               {DeadTokenShape::kExpiredPageToken, 400, "Directory_ExpiredPageToken"}};
  for (const auto& c : cases) {
    std::string link = "/v1.0/users/delta?$select=id";
    Round(link);
    tenant().KillDeltaTokens(c.shape);
    const auto response = Send("GET", link);
    EXPECT_EQ(response.status, c.status);
    EXPECT_EQ(Code(response), c.code);
    const auto* location = net::FindHeader(response.headers, "Location");
    EXPECT_EQ(location != nullptr, c.status == 410);
  }
}

TEST_F(GraphApiTest, DeletedPeopleComeAsRemovedAndStandInDeletedItems) {
  std::string link = "/v1.0/users/delta?$select=id";
  Round(link);
  tenant().SoftDelete(3, Actor::kSync, Now());
  const auto page = Body(Send("GET", link));
  EXPECT_EQ(page.at("value").as_array()[0],
            json::value({{"id", tenant().EntraId(3)}, {"@removed", {{"reason", "changed"}}}}));
  EXPECT_EQ(Send("GET", Cat("/v1.0/users/", tenant().EntraId(3))).status, 404);
  const std::string item =
      Cat("/v1.0/directory/deletedItems/microsoft.graph.user/", tenant().EntraId(3));
  const auto deleted = Body(Send("GET", item));
  EXPECT_TRUE(deleted.at("deletedDateTime").is_string());
  tenant().Purge(3, Actor::kOperator, Now());
  EXPECT_EQ(Send("GET", item).status, 404);
}

TEST_F(GraphApiTest, ADirectReadShowsNullWhereDeltaOmits) {
  uint64_t never = 0;
  while (tenant().Now(never).sessions_valid_from) ++never;
  const auto body = Body(Send("GET", Cat("/v1.0/users/", tenant().EntraId(never),
                                         "?$select=id,signInSessionsValidFromDateTime")));
  EXPECT_TRUE(body.at("signInSessionsValidFromDateTime").is_null());
  EXPECT_EQ(Send("GET", Cat("/v1.0/users/", tenant().EntraId(0), "?$select=shoeSize")).status, 400);
}

TEST_F(GraphApiTest, RevokeAndPatchActAndAreRecordedWithTheirRequestId) {
  const std::string user = Cat("/v1.0/users/", tenant().EntraId(3));
  const auto revoked = Send("POST", Cat(user, "/revokeSignInSessions"));
  EXPECT_EQ(revoked.status, 200);
  EXPECT_EQ(Body(revoked).at("value"), true);
  EXPECT_EQ(*net::FindHeader(revoked.headers, "client-request-id"), "my-id");
  EXPECT_EQ(Send("PATCH", user, "{\"accountEnabled\":false}").status, 204);
  EXPECT_EQ(Send("PATCH", user, "nonsense").status, 400);
  ASSERT_EQ(world_.truth().calls.size(), 2U);
  EXPECT_EQ(world_.truth().calls[0].client_request_id, "my-id");
  EXPECT_FALSE(tenant().Now(3).enabled);
}

TEST_F(GraphApiTest, ThrottlingAndOutagesEndByThemselves) {
  tenant().faults().throttle = 1;
  tenant().faults().retry_after = "7";
  tenant().faults().server_errors = 1;
  auto response = Send("GET", "/v1.0/organization");
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(*net::FindHeader(response.headers, "Retry-After"), "7");
  EXPECT_EQ(Send("GET", "/v1.0/organization").status, 503);
  response = Send("GET", "/v1.0/organization");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Body(response).at("value").as_array().size(), 1U);
}

TEST_F(GraphApiTest, TheDocumentedLimitsHoldWhenAsked) {
  const auto header = [](const net::ServerResponse& response, std::string_view name) {
    const std::string* value = net::FindHeader(response.headers, name);
    return value == nullptr ? std::string("(absent)") : *value;
  };
  EXPECT_EQ(header(Send("GET", "/v1.0/organization"), "x-ms-resource-unit"), "(absent)");
  tenant().faults().limits = ThrottleLimits::Documented(450);
  EXPECT_EQ(tenant().faults().limits.units, 5000);
  tenant().faults().limits.units = 20;
  tenant().faults().limits.writes = 2;
  const auto first = Send("GET", "/v1.0/users?$expand=manager");
  EXPECT_EQ(header(first, "x-ms-resource-unit"), "3");
  EXPECT_EQ(header(first, "x-ms-throttle-limit-percentage"), "(absent)");
  EXPECT_EQ(header(Send("GET", "/v1.0/users?$select=id&$top=5"), "x-ms-resource-unit"), "1");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Send("GET", "/v1.0/organization").status, 200);
  const std::string revoke = Cat("/v1.0/users/", tenant().EntraId(7), "/revokeSignInSessions");
  EXPECT_EQ(Send("POST", revoke).status, 200);
  const auto second = Send("POST", revoke);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(header(second, "x-ms-throttle-limit-percentage"), "0.85");
  const auto write = Send("POST", revoke);
  EXPECT_EQ(write.status, 429);
  EXPECT_EQ(header(write, "x-ms-throttle-information"), "WriteLimitExceeded");
  EXPECT_EQ(Send("GET", "/v1.0/organization").status, 200);
  EXPECT_EQ(Send("GET", "/v1.0/organization").status, 200);
  const auto refused = Send("GET", "/v1.0/organization");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "10");
  EXPECT_EQ(header(refused, "x-ms-throttle-information"), "ResourceUnitLimitExceeded");
  EXPECT_EQ(header(refused, "x-ms-throttle-scope").find("Tenant_Application/ReadWrite/"), 0u);
  EXPECT_EQ(tenant().throttle().refused(), 2u);
}

TEST_F(GraphApiTest, ALostReplyHappenedAllTheSame) {
  tenant().faults().lost_replies = 1;
  const auto response =
      Send("POST", Cat("/v1.0/users/", tenant().EntraId(3), "/revokeSignInSessions"));
  EXPECT_EQ(response.status, 504);
  EXPECT_TRUE(world_.truth().calls.at(0).applied);
}

TEST_F(GraphApiTest, ABatchAnswersEachRequestByItself) {
  tenant().faults().throttle = 1;
  const std::string a = Cat("/users/", tenant().EntraId(1), "?$select=id,accountEnabled");
  const std::string b = Cat("/users/", tenant().EntraId(2), "/revokeSignInSessions");
  const std::string body = json::serialize(json::value(
      {{"requests",
        json::array{
            json::object{{"id", "1"}, {"method", "GET"}, {"url", a}},
            json::object{{"id", "2"}, {"method", "GET"}, {"url", a}},
            json::object{{"id", "3"},
                         {"method", "POST"},
                         {"url", b},
                         {"headers", {{"Content-Type", "application/json"}}},
                         {"body", json::object()}},
            json::object{
                {"id", "4"}, {"method", "GET"}, {"url", a}, {"dependsOn", json::array{"1"}}}}}}));
  const auto response = Send("POST", "/v1.0/$batch", body);
  ASSERT_EQ(response.status, 200);
  std::map<std::string, int64_t> statuses;
  const json::object answer = Body(response);
  for (const auto& item : answer.at("responses").as_array()) {
    statuses[std::string(item.at("id").as_string())] = item.at("status").as_int64();
  }
  EXPECT_EQ(statuses,
            (std::map<std::string, int64_t>{{"1", 429}, {"2", 200}, {"3", 200}, {"4", 424}}));
  EXPECT_EQ(Send("POST", "/v1.0/$batch", "[]").status, 400);
}

TEST_F(GraphApiTest, AnyBytesGetAnAnswer) {
  for (const char* path :
       {"/", "/v1.0", "/v1.0/users", "/v1.0/users/x/y/z", "/%zz", "/v1.0/users/%00"}) {
    for (const char* method : {"GET", "POST", "PATCH", "DELETE"}) {
      EXPECT_GE(Send(method, path, "{").status, 400) << method << path;
    }
  }
}

}  // namespace
}  // namespace driftwarden::simulator
