// The logs and devices of a simulated tenant, as a client of Graph reads them.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/strings.h"
#include "base/time.h"
#include "simulator/control_api.h"
#include "simulator/graph_api.h"
#include "tests/testing/simulated_token.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

class GraphReportsTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.forests[0].people.count = 20;
    options.sync.cycle = absl::Seconds(30);
    options.sync.processing = absl::Seconds(1);
    return options;
  }
  GraphReportsTest() { world_.tenant().faults().report_limit = 0; }

  static json::object Body(const net::ServerResponse& response) {
    boost::system::error_code error;
    json::value value = json::parse(response.body, error);
    EXPECT_TRUE(!error && value.is_object()) << response.body;
    return value.is_object() ? value.as_object() : json::object();
  }
  static std::string Text(const json::value& object, const char* key) {
    const json::value& value = object.at(key);
    return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
  }
  net::ServerResponse Get(const std::string& target) {
    if (token_.empty()) {
      token_ = driftwarden::testing::SimulatedToken(api_, world_.tenant().id(), options_, now_);
    }
    net::ServerRequest request;
    request.method = "GET";
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) {
      request.query = *net::ParseQuery(target.substr(question + 1));
    }
    request.headers = {{"Host", "graph.test"}, {"Authorization", Cat("Bearer ", token_)}};
    return api_.Handle(request, now_);
  }
  // Every page of it.
  std::vector<json::value> List(std::string target) {
    std::vector<json::value> items;
    for (int pages = 0; pages < 50 && !target.empty(); ++pages) {
      const auto response = Get(target);
      EXPECT_EQ(response.status, 200) << target << ": " << response.body;
      json::object body = Body(response);
      if (!body.contains("value")) break;
      for (json::value& item : body["value"].as_array()) items.push_back(std::move(item));
      target.clear();
      if (body.contains("@odata.nextLink")) {
        target = Text(body, "@odata.nextLink").substr(std::string("https://graph.test").size());
      }
    }
    return items;
  }
  json::object Control(const std::string& what, const std::string& body) {
    net::ServerRequest request;
    request.method = "POST";
    request.path = Cat("/sim/", what);
    request.body = body;
    const auto response = control_.Handle(request, now_);
    EXPECT_EQ(response.status, 200) << what << ": " << response.body;
    return Body(response);
  }
  void Do(uint64_t person, const std::string& verb, const std::string& body = "") {
    Control(Cat("people/", world_.people().SamOf(person), "/", verb), body);
  }
  std::vector<std::string> Activities(const std::string& query = "") {
    std::vector<std::string> names;
    for (const json::value& item : List(Cat("/v1.0/auditLogs/directoryAudits", query))) {
      names.push_back(Text(item, "activityDisplayName"));
    }
    return names;
  }
  std::string Id(uint64_t person) { return world_.tenant().EntraId(person); }

  World world_{Options()};
  GraphOptions options_;
  GraphApi api_{world_, options_};
  ControlApi control_{world_, {}};
  absl::Time now_ = world_.options().start + absl::Seconds(5);
  std::string token_;
};

using Names = std::vector<std::string>;

TEST_F(GraphReportsTest, TheSyncEnginesDisableIsInTheAuditsWithItsAuthor) {
  Do(3, "disable");
  now_ += absl::Seconds(40);
  const auto items = List("/v1.0/auditLogs/directoryAudits");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(Text(items[0], "activityDisplayName"), "Disable account");
  EXPECT_EQ(Text(items[1], "activityDisplayName"), "Update user");
  EXPECT_EQ(Text(items[0], "correlationId"), Text(items[1], "correlationId"));
  const json::value& user = items[0].at("initiatedBy").at("user");
  EXPECT_TRUE(Text(user, "userPrincipalName").starts_with("Sync_"));
  const json::value& target = items[0].at("targetResources").at(0);
  EXPECT_EQ(Text(target, "id"), Id(3));
  EXPECT_NE(json::serialize(target).find("\\\"DirectorySync\\\""), std::string::npos);
  EXPECT_EQ(Activities(Cat("?$filter=targetResources/any(t:t/id eq '", Id(4), "')")), Names{});
  EXPECT_EQ(Activities(Cat("?$filter=targetResources/any(t:t/id eq '", Id(3),
                           "') and activityDisplayName eq 'Update user'")),
            Names{"Update user"});
}

TEST_F(GraphReportsTest, WhatAnAdministratorAndOurApplicationDoIsTheirs) {
  Do(1, "cloud", R"({"do":"revoke"})");
  world_.tenant().Revoke(2, now_ + absl::Seconds(1), "request-1");
  now_ += absl::Seconds(2);
  const auto items = List("/v1.0/auditLogs/directoryAudits?$orderby=activityDateTime asc");
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(Text(items[0], "activityDisplayName"), "Update StsRefreshTokenValidFrom Timestamp");
  EXPECT_TRUE(
      Text(items[0].at("initiatedBy").at("user"), "userPrincipalName").starts_with("admin"));
  EXPECT_EQ(Text(items[2].at("initiatedBy").at("app"), "appId"), options_.app.client_id);
  Control("fault", R"({"forbid":["directory_audits"],"forbid_revoke":true})");
  EXPECT_EQ(Get("/v1.0/auditLogs/directoryAudits").status, 403);
  world_.tenant().Revoke(2, now_, "request-2");
  Control("fault", R"({"forbid":[]})");
  EXPECT_EQ(Text(List("/v1.0/auditLogs/directoryAudits")[0], "result"), "failure");
}

TEST_F(GraphReportsTest, ASyncedPasswordIsThreeRecordsWithinASecond) {
  Do(1, "password");
  now_ += absl::Seconds(1);
  EXPECT_EQ(Activities(), (Names{"Update StsRefreshTokenValidFrom Timestamp",
                                 "Change user password", "Update PasswordProfile"}));
  EXPECT_TRUE(world_.tenant().Now(1).sessions_valid_from >= now_ - absl::Seconds(2));
}

TEST_F(GraphReportsTest, DeletionsAndRestoresAreTold) {
  Do(1, "cloud", R"({"do":"delete"})");
  Do(1, "restore");
  Do(1, "cloud", R"({"do":"purge"})");
  EXPECT_EQ(Activities(), (Names{"Hard Delete user", "Restore user", "Delete user"}));
}

TEST_F(GraphReportsTest, PagesFollowEachOtherWithoutLossAlthoughNewRecordsCome) {
  for (uint64_t person = 0; person < 10; ++person) Do(person, "cloud", R"({"do":"disable"})");
  Control("fault", R"({"report_page":3})");
  EXPECT_EQ(Activities().size(), 20U);
  const std::string since = FormatRfc3339(now_);
  now_ += absl::Seconds(1);
  Do(1, "cloud", R"({"do":"enable"})");
  EXPECT_EQ(Activities(Cat("?$filter=activityDateTime gt ", since)).size(), 2U);
  EXPECT_EQ(Activities("?$top=7").size(), 22U);
  EXPECT_EQ(Get("/v1.0/auditLogs/directoryAudits?$top=1001").status, 400);
  EXPECT_EQ(Get("/v1.0/auditLogs/directoryAudits?$skiptoken=junk").status, 400);
  EXPECT_EQ(Get("/v1.0/auditLogs/directoryAudits?$filter=result eq 'success'").status, 400);
  EXPECT_EQ(Get("/v1.0/auditLogs/directoryAudits?$orderby=result").status, 400);
}

TEST_F(GraphReportsTest, RecordsComeLateOutOfOrderAndTwice) {
  Control("fault", R"({"report_delay":"10s"})");
  for (uint64_t person = 0; person < 10; ++person) Do(person, "cloud", R"({"do":"delete"})");
  EXPECT_TRUE(Activities().empty());
  Control("fault", R"({"report_disorder":true})");
  now_ += absl::Seconds(5);
  const size_t half = Activities().size();
  EXPECT_GT(half, 0U);
  EXPECT_LT(half, 10U);
  Control("fault", R"({"report_duplicates":true})");
  now_ += absl::Seconds(6);
  EXPECT_EQ(Activities().size(), 20U);
}

TEST_F(GraphReportsTest, SignInsAreTwoLogs) {
  Do(1, "signin");
  Do(2, "cloud", R"({"do":"disable"})");
  Do(2, "signin");
  Do(2, "signin", R"({"interactive":false,"error_code":0})");
  const auto interactive = List("/v1.0/auditLogs/signIns");
  ASSERT_EQ(interactive.size(), 1U);
  EXPECT_EQ(interactive[0].at("status").at("errorCode"), json::value(50057));
  EXPECT_EQ(Get("/v1.0/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq "
                "'nonInteractiveUser')")
                .status,
            400);
  const std::string beta =
      Cat("/beta/auditLogs/signIns?$filter=userId eq '", Id(2),
          "' and createdDateTime ge 2026-01-01T00:00:00Z and signInEventTypes/any(t: t eq "
          "'nonInteractiveUser')");
  const auto background = List(beta);
  ASSERT_EQ(background.size(), 2U);
  EXPECT_EQ(background[0].at("status").at("errorCode"), json::value(0));
  EXPECT_EQ(background[1].at("status").at("errorCode"), json::value(50057));
  EXPECT_EQ(Text(background[0], "userId"), Id(2));
  EXPECT_EQ(Get("/beta/users/delta").status, 404) << "of beta there is nothing else";
  Control("fault", R"({"refuse_query":["event_types"]})");
  EXPECT_EQ(Get(beta).status, 400);
  Control("fault", R"({"refuse_query":["beta"]})");
  EXPECT_EQ(Get(beta).status, 400);
}

TEST_F(GraphReportsTest, RefreshesOfAnHourMayBeOneRow) {
  Control("fault", R"({"aggregate_sign_ins":true})");
  for (int i = 0; i < 3; ++i) {
    Do(1, "signin", R"({"interactive":false})");
    now_ += absl::Minutes(20);
  }
  const auto rows =
      List("/beta/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'nonInteractiveUser')");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].at("signInCount"), json::value(3));
  EXPECT_NE(Text(rows[0], "firstSignInDateTime"), Text(rows[0], "lastSignInDateTime"));
}

TEST_F(GraphReportsTest, WithoutTheLicenceThereAreNoSignInsAndTooManyQuestionsAreRefused) {
  Control("tenant", R"({"premium":false})");
  const auto refused = Get("/v1.0/auditLogs/signIns");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(Text(Body(refused).at("error"), "code"),
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
  Control("fault", R"({"report_limit":5})");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Get("/v1.0/auditLogs/directoryAudits").status, 200);
  const auto throttled = Get("/v1.0/auditLogs/directoryAudits");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(*net::FindHeader(throttled.headers, "Retry-After"), "10");
  now_ += absl::Seconds(10);
  EXPECT_EQ(Get("/v1.0/auditLogs/directoryAudits").status, 200);
}

TEST_F(GraphReportsTest, CloudSyncTellsOfItsExports) {
  EXPECT_TRUE(List("/v1.0/auditLogs/provisioning").empty());
  Control("tenant", R"({"cloud_sync":true})");
  Do(3, "disable");
  now_ += absl::Seconds(40);
  const auto rows = List(
      "/v1.0/auditLogs/provisioning?$filter=activityDateTime gt "
      "2026-01-01T00:00:00Z");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(Text(rows[0], "provisioningAction"), "disable");
  EXPECT_EQ(Text(rows[0].at("targetIdentity"), "id"), Id(3));
  EXPECT_TRUE(Text(rows[0], "jobId").starts_with("AD2AADProvisioning."));
}

TEST_F(GraphReportsTest, PeopleHaveDevicesAndSomeAreShared) {
  Do(1, "devices",
     Cat(R"({"devices":[{"name":"KIOSK","trust":"ServerAd","shared_with":[")",
         world_.people().SamOf(2), R"("]},{"name":"phone","os":"IPhone",
      "trust":"Workplace","enabled":false,"owned":false}]})"));
  const std::string user = Cat("/v1.0/users/", Id(1));
  const auto registered = List(Cat(user,
                                   "/registeredDevices/microsoft.graph.device"
                                   "?$select=id,trustType,accountEnabled"));
  ASSERT_EQ(registered.size(), 2U);
  EXPECT_EQ(Text(registered[0], "trustType"), "ServerAd");
  EXPECT_FALSE(registered[0].as_object().contains("displayName"));
  EXPECT_EQ(List(Cat(user, "/ownedDevices")).size(), 1U);
  const std::string kiosk = Text(registered[0], "id");
  EXPECT_EQ(List(Cat("/v1.0/devices/", kiosk, "/registeredUsers")).size(), 2U);
  bool shared = false;
  for (const auto& device : List(Cat("/v1.0/users/", Id(2), "/registeredDevices"))) {
    shared = shared || Text(device, "id") == kiosk;
  }
  EXPECT_TRUE(shared);
  EXPECT_FALSE(List(Cat("/v1.0/users/", Id(5), "/ownedDevices")).empty()) << "everybody has some";
  EXPECT_EQ(Get(Cat("/v1.0/devices/", Id(5), "/registeredUsers")).status, 404);
  Control("fault", R"({"refuse_query":["device_cast"]})");
  EXPECT_EQ(Get(Cat(user, "/ownedDevices/microsoft.graph.device")).status, 400);
  Control("fault", R"({"forbid":["devices"]})");
  EXPECT_EQ(Get(Cat(user, "/ownedDevices")).status, 403);
}

TEST(Reports, KeepABoundedNumberOfRows) {
  Reports reports;
  const TenantSettings settings;
  const absl::Time start = absl::FromUnixSeconds(1795219200);
  for (size_t i = 0; i < kReportRows + 10; ++i) {
    reports.Changed(i, EntraChangeKind::kSoftDeleted, Actor::kOperator, settings, start);
    reports.SignedIn(i, true, 0, false, start);
  }
  EXPECT_EQ(reports.audits().size(), kReportRows);
  EXPECT_EQ(reports.sign_ins().size(), kReportRows);
  EXPECT_EQ(reports.audits().front().person, 10U);
}

}  // namespace
}  // namespace driftwarden::simulator
