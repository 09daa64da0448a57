// What `check` finds in a tenant: against the simulated one, which shares no code with it, and
// against answers that it does not give.

#include <algorithm>
#include <boost/json.hpp>

#include "base/hex.h"
#include "simulator/graph_api.h"
#include "simulator/world.h"
#include "tests/graph/graph_fixture.h"
#include "tests/testing/simulated_token.h"
#include "watchers/graph/token_claims.h"
#include "watchers/graph_check.h"

namespace driftwarden::watchers {
namespace {

namespace json = boost::json;
using Level = CheckFinding::Level;

class GivenToken final : public graph::TokenSource {
 public:
  asio::awaitable<StatusOr<Secret>> Token() override {
    if (!failure.ok()) co_return failure;
    co_return Secret(text);
  }
  void Refused(const Secret&) override {}

  std::string text = "opaque";
  Status failure;
};

std::string WebToken(const std::string& claims) {
  return Cat(Base64UrlEncode(R"({"alg":"RS256"})"), ".", Base64UrlEncode(claims), ".c2ln");
}

class GraphCheckTest : public graph::GraphTest {
 protected:
  GraphCheckTest() {
    simulator::WorldOptions options;
    options.forests[0].people.count = 20;
    options.start = scheduler.clock().Wall() - absl::Minutes(5);
    world_ = std::make_unique<simulator::World>(options);
    api_ = std::make_unique<simulator::GraphApi>(*world_, simulator::GraphOptions());
    http.set_handler([this](const net::HttpRequest& request) { return Answer(request); });
    FetchToken();
  }

  void FetchToken() {
    bearer_ = testing::SimulatedToken(*api_, world_->tenant().id(), simulator::GraphOptions(),
                                      scheduler.clock().Wall());
  }

  GraphTest::Answer Answer(const net::HttpRequest& request) {
    const std::string target = request.url.substr(std::string(graph::kGraph).size());
    const size_t question = target.find('?');
    net::ServerRequest inner;
    inner.method = request.method;
    inner.path = target.substr(0, question);
    for (const auto& [path, status] : instead) {
      if (!inner.path.starts_with(path)) continue;
      net::HttpResponse out(status.first, status.second);
      return Dressed(std::move(out));
    }
    if (question != std::string::npos) {
      inner.query = *net::ParseQuery(target.substr(question + 1));
    }
    inner.headers = {{"Host", "graph.example.test"}, {"Authorization", Cat("Bearer ", bearer_)}};
    const net::ServerResponse answer = api_->Handle(inner, scheduler.clock().Wall());
    net::HttpResponse out(answer.status, answer.body);
    for (const auto& header : answer.headers) out.headers.push_back({header.name, header.value});
    return Dressed(std::move(out));
  }
  net::HttpResponse Dressed(net::HttpResponse out) {
    if (dated)
      out.date = absl::FromUnixSeconds(absl::ToUnixSeconds(scheduler.clock().Wall()) + off);
    if (!share.empty()) out.headers.push_back({"x-ms-throttle-limit-percentage", share});
    return out;
  }

  void Check(bool revokes = true) {
    GraphCheckOptions options;
    options.name = monitor::SourceName("contoso");
    options.endpoints = MakeOptions().endpoints;
    options.revokes = revokes;
    scheduler.manual().Advance(absl::Seconds(10));  // reports may be asked again
    GraphCheck check(options, http, token, scheduler, rng);
    found = Run(check.Run());
  }
  // The worst of a topic. The test fails when nothing is said about it.
  const CheckFinding& Of(std::string_view topic) {
    const CheckFinding* worst = nullptr;
    for (const CheckFinding& each : found) {
      if (each.subject != Cat("contoso: ", topic)) continue;
      if (worst == nullptr || each.level > worst->level) worst = &each;
    }
    static const CheckFinding kNothing;
    EXPECT_NE(worst, nullptr) << "nothing is said about " << topic;
    return worst == nullptr ? kNothing : *worst;
  }
  simulator::TenantFaults& faults() { return world_->tenant().faults(); }
  simulator::TenantSettings& settings() { return world_->tenant().settings(); }
  bool AnyFailed() const {
    return std::any_of(found.begin(), found.end(),
                       [](const CheckFinding& each) { return each.level == Level::kFail; });
  }

  GivenToken token;
  std::vector<CheckFinding> found;
  // By the beginning of a path: what is answered instead of the simulation's.
  std::map<std::string, std::pair<int, std::string>> instead;
  std::string share;
  bool dated = true;
  int64_t off = 0;  // seconds that the tenant's clock is ahead

 private:
  std::unique_ptr<simulator::World> world_;
  std::unique_ptr<simulator::GraphApi> api_;
  std::string bearer_;
};

TEST_F(GraphCheckTest, AGoodTenantPasses) {
  Check();
  EXPECT_FALSE(AnyFailed());
  for (const char* topic : {"token",
                            "clock",
                            "User.Read.All",
                            "delta",
                            "User-OnPremisesSyncBehavior.Read.All",
                            "Organization.Read.All",
                            "OnPremDirectorySynchronization.Read.All",
                            "Domain.Read.All",
                            "RoleManagement.Read.Directory",
                            "GroupMember.Read.All",
                            "Application.Read.All",
                            "Synchronization.Read.All",
                            "AuditLog.Read.All",
                            "licence for sign-ins",
                            "non-interactive sign-ins",
                            "Device.Read.All",
                            "Directory.Read.All",
                            "RoleEligibilitySchedule.Read.Directory",
                            "UserAuthenticationMethod.Read.All",
                            "load"}) {
    EXPECT_EQ(Of(topic).level, Level::kOk) << topic << ": " << Of(topic).what;
  }
  // What an opaque token leaves open.
  for (const char* topic : {"User.RevokeSessions.All", "excess permissions"}) {
    EXPECT_EQ(Of(topic).level, Level::kWarn) << topic;
    EXPECT_NE(Of(topic).what.find("not proven"), std::string::npos) << Of(topic).what;
  }
  for (const auto& request : http.requests()) EXPECT_EQ(request.method, "GET") << request.url;
}

TEST_F(GraphCheckTest, ARefusedTokenIsOneFailureAndNothingIsAsked) {
  token.failure = UnauthenticatedError("token refused (HTTP 401): AADSTS7000215; write its value");
  Check();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(Of("token").level, Level::kFail);
  EXPECT_NE(Of("token").what.find("write its value"), std::string::npos);
  EXPECT_TRUE(http.requests().empty());

  token.failure = UnavailableError("no route");
  Check();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(Of("token").mend.find("login.example.test"), std::string::npos);
}

TEST_F(GraphCheckTest, EachMissingPermissionIsAWarningThatNamesIt) {
  const std::map<std::string, std::string> permissions = {
      {"organization", "Organization.Read.All"},
      {"sync_configuration", "OnPremDirectorySynchronization.Read.All"},
      {"domains", "Domain.Read.All"},
      {"token_policies", "Policy.Read.All"},
      {"conditional_access", "Policy.Read.All"},
      {"roles", "RoleManagement.Read.Directory"},
      {"groups", "GroupMember.Read.All"},
      {"service_principals", "Application.Read.All"},
      {"provisioning_errors", "User.Read.All"},
      {"sync_behavior", "User-OnPremisesSyncBehavior.Read.All"}};
  for (const auto& [name, permission] : permissions) {
    faults().forbidden = {name};
    Check();
    EXPECT_FALSE(AnyFailed()) << name;
    EXPECT_EQ(Of(permission).level, Level::kWarn) << name;
    EXPECT_NE(Of(permission).what.find("refused, so"), std::string::npos) << Of(permission).what;
    EXPECT_NE(Of(permission).mend.find(permission), std::string::npos) << name;
    const auto warned = std::count_if(found.begin(), found.end(), [](const CheckFinding& each) {
      return each.what.starts_with("refused");
    });
    EXPECT_EQ(warned, 1) << name;
  }
}

TEST_F(GraphCheckTest, CloudSyncAndGroupsAreReadWhereTheyAre) {
  settings().cloud_sync.emplace();
  settings().role_by_group["Global Administrator"] = {3};
  Check();
  EXPECT_EQ(Of("Synchronization.Read.All").level, Level::kOk);
  EXPECT_NE(Of("Synchronization.Read.All").what.find("/synchronization/jobs answers"),
            std::string::npos);
  EXPECT_NE(Of("GroupMember.Read.All").what.find("/transitiveMembers/"), std::string::npos);
  faults().forbidden = {"sync_jobs"};
  Check();
  EXPECT_EQ(Of("Synchronization.Read.All").level, Level::kWarn);
  EXPECT_NE(Of("Synchronization.Read.All").mend.find("grant"), std::string::npos);
  faults().forbidden = {"service_principals"};
  Check();
  EXPECT_EQ(Of("Synchronization.Read.All").level, Level::kWarn);
  EXPECT_NE(Of("Synchronization.Read.All").what.find("not proven"), std::string::npos);
}

TEST_F(GraphCheckTest, PeopleThatCannotBeReadAreAFailureAndTheRestIsStillTried) {
  instead["/v1.0/users/delta"] = {
      403, graph::ErrorBody("Authorization_RequestDenied", "Insufficient privileges.")};
  Check();
  EXPECT_EQ(Of("User.Read.All").level, Level::kFail);
  EXPECT_NE(Of("User.Read.All").mend.find("grant the application User.Read.All"),
            std::string::npos);
  EXPECT_EQ(Of("Organization.Read.All").level, Level::kOk);
}

TEST_F(GraphCheckTest, AccountsWithoutTheirStateAreAFailure) {
  instead["/v1.0/users/delta"] = {
      200, Cat(R"({"value":[{"id":")", graph::kAda, R"("}],"@odata.deltaLink":")",
               graph::kUsersDelta, R"(?$deltatoken=x"})")};
  Check();
  EXPECT_EQ(Of("User.Read.All").level, Level::kFail);
  EXPECT_NE(Of("User.Read.All").what.find("accountEnabled"), std::string::npos);
}

TEST_F(GraphCheckTest, ARefusedPropertyIsAWarning) {
  faults().refused = {"signInSessionsValidFromDateTime"};
  Check();
  EXPECT_FALSE(AnyFailed());
  EXPECT_EQ(Of("delta").level, Level::kWarn);
  EXPECT_NE(Of("delta").what.find("signInSessionsValidFromDateTime"), std::string::npos);
  faults().refused = {"accountEnabled"};
  Check();
  EXPECT_TRUE(AnyFailed());
}

TEST_F(GraphCheckTest, LinksThatLeaveTheHostAreAFailure) {
  instead["/v1.0/users/delta"] = {
      200, R"({"value":[],"@odata.deltaLink":"https://elsewhere.example/v1.0/users/delta?x=1"})"};
  Check();
  EXPECT_EQ(Of("delta").level, Level::kFail);
  EXPECT_NE(Of("delta").what.find("elsewhere.example"), std::string::npos);
}

TEST_F(GraphCheckTest, TheTokenTellsOfRevokingAndOfExcess) {
  token.text = WebToken(R"({"roles":["User.Read.All","User.RevokeSessions.All"]})");
  Check();
  EXPECT_EQ(Of("User.RevokeSessions.All").level, Level::kOk);
  EXPECT_EQ(Of("excess permissions").level, Level::kOk);

  token.text =
      WebToken(R"({"roles":["User.Read.All","RoleManagement.ReadWrite.Directory","Mail.Read"]})");
  Check();
  EXPECT_EQ(Of("User.RevokeSessions.All").level, Level::kWarn);
  EXPECT_NE(Of("User.RevokeSessions.All").mend.find("grant"), std::string::npos);
  EXPECT_EQ(Of("excess permissions").level, Level::kWarn);
  EXPECT_NE(Of("excess permissions")
                .what.find("RoleManagement.ReadWrite.Directory (can change the tenant), Mail.Read"),
            std::string::npos)
      << Of("excess permissions").what;

  Check(/*revokes=*/false);
  EXPECT_EQ(Of("User.RevokeSessions.All").level, Level::kOk);

  // A role that stands for revoking is enough, and more than needed.
  token.text = WebToken(R"({"roles":["Directory.ReadWrite.All"]})");
  Check();
  EXPECT_EQ(Of("User.RevokeSessions.All").level, Level::kOk);
  EXPECT_EQ(Of("excess permissions").level, Level::kWarn);
}

TEST_F(GraphCheckTest, WhatIsNoWebTokenTellsNothing) {
  for (const std::string& text : {std::string("opaque"), std::string("a.b"), std::string("a.!!.c"),
                                  std::string("..."), WebToken("[]"), WebToken("{"), WebToken("{}"),
                                  WebToken(R"({"roles":"x"})"), WebToken(std::string(5000, '['))}) {
    EXPECT_FALSE(graph::PermissionsIn(Secret(text)).has_value()) << text.substr(0, 40);
  }
  EXPECT_EQ(graph::PermissionsIn(Secret(WebToken(R"({"roles":[1,"A\nB"]})"))).value().size(), 1u);
}

TEST_F(GraphCheckTest, AClockThatDiffersIsTold) {
  off = 60;
  Check();
  EXPECT_EQ(Of("clock").level, Level::kWarn);
  EXPECT_NE(Of("clock").what.find("ahead"), std::string::npos);
  off = -600;
  Check();
  EXPECT_EQ(Of("clock").level, Level::kFail);
  EXPECT_NE(Of("clock").mend.find("chrony"), std::string::npos);
  dated = false;
  Check();
  EXPECT_EQ(Of("clock").level, Level::kWarn);
}

TEST_F(GraphCheckTest, LoadIsToldByHeaderAndByRefusal) {
  share = "0.92";
  Check();
  EXPECT_EQ(Of("load").level, Level::kWarn);
  EXPECT_NE(Of("load").what.find("92 %"), std::string::npos) << Of("load").what;
  share.clear();
  faults().throttle = 1;
  Check();
  EXPECT_EQ(Of("load").level, Level::kWarn);
  EXPECT_NE(Of("load").what.find("throttled 1 "), std::string::npos) << Of("load").what;
  EXPECT_FALSE(AnyFailed());
  // Wishes longer than the patience of a check.
  faults().throttle = 1000;
  faults().retry_after = "120";
  Check();
  EXPECT_FALSE(AnyFailed());
  EXPECT_EQ(Of("User.Read.All").level, Level::kWarn);
  EXPECT_EQ(Of("Graph").mend, "try again later");
}

TEST_F(GraphCheckTest, WithoutALicenceSignInsAreAWarning) {
  settings().premium = false;
  Check();
  EXPECT_FALSE(AnyFailed());
  EXPECT_EQ(Of("AuditLog.Read.All").level, Level::kOk);
  EXPECT_EQ(Of("licence for sign-ins").level, Level::kWarn);
  EXPECT_NE(Of("licence for sign-ins").mend.find("P1 or P2"), std::string::npos);
  settings().premium = true;
  faults().refused_queries = {"beta"};
  Check();
  EXPECT_EQ(Of("licence for sign-ins").level, Level::kOk);
  EXPECT_EQ(Of("non-interactive sign-ins").level, Level::kWarn);
}

TEST_F(GraphCheckTest, LogsAndDevicesThatMayNotBeReadAreWarnings) {
  faults().forbidden = {"directory_audits", "sign_ins", "devices"};
  Check();
  EXPECT_FALSE(AnyFailed());
  for (const char* topic : {"AuditLog.Read.All", "licence for sign-ins", "Device.Read.All"}) {
    EXPECT_EQ(Of(topic).level, Level::kWarn) << topic;
    EXPECT_NE(Of(topic).mend, "") << topic;
  }
}

TEST_F(GraphCheckTest, WhatRemainsAndMayNotBeReadIsAWarning) {
  faults().forbidden = {"owned_objects", "eligible_roles", "authentication_methods"};
  Check();
  EXPECT_FALSE(AnyFailed());
  for (const char* topic : {"Directory.Read.All", "RoleEligibilitySchedule.Read.Directory",
                            "UserAuthenticationMethod.Read.All"}) {
    EXPECT_EQ(Of(topic).level, Level::kWarn) << topic;
    EXPECT_NE(Of(topic).mend.find(topic), std::string::npos) << topic;
  }
}

TEST_F(GraphCheckTest, ASilentGraphIsAskedOnce) {
  http.set_handler([](const net::HttpRequest&) -> GraphTest::Answer {
    return UnavailableError("connection refused");
  });
  Check();
  EXPECT_EQ(http.requests().size(), 1u);
  EXPECT_EQ(Of("Graph").level, Level::kFail);
  EXPECT_NE(Of("Graph").mend.find(graph::kGraph), std::string::npos);
}

}  // namespace
}  // namespace driftwarden::watchers
