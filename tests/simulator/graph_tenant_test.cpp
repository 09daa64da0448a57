// What a tenant says of itself, and how the control API changes it.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/strings.h"
#include "simulator/control_api.h"
#include "simulator/graph_api.h"
#include "tests/testing/simulated_token.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

class GraphTenantTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.forests[0].people.count = 20;
    return options;
  }
  absl::Time Now() const { return world_.options().start + absl::Minutes(1); }

  static json::object Body(const net::ServerResponse& response) {
    boost::system::error_code error;
    json::value value = json::parse(response.body, error);
    EXPECT_TRUE(!error && value.is_object()) << response.body;
    return value.is_object() ? value.as_object() : json::object();
  }
  net::ServerResponse Get(const std::string& target) {
    if (token_.empty()) {
      token_ = driftwarden::testing::SimulatedToken(api_, world_.tenant().id(), options_, Now());
    }
    net::ServerRequest request;
    request.method = "GET";
    const size_t question = target.find('?');
    request.path = Cat("/v1.0", target.substr(0, question));
    if (question != std::string::npos) {
      request.query = *net::ParseQuery(target.substr(question + 1));
    }
    request.headers = {{"Authorization", Cat("Bearer ", token_)}};
    return api_.Handle(request, Now());
  }
  json::array List(const std::string& target) {
    const auto response = Get(target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    const json::value value = Body(response)["value"];
    return value.is_array() ? value.as_array() : json::array();
  }
  int Control(const std::string& what, const std::string& body) {
    net::ServerRequest request;
    request.method = "POST";
    request.path = Cat("/sim/", what);
    request.body = body;
    return control_.Handle(request, Now()).status;
  }
  // The members of a role, as ids.
  std::set<std::string> Members(const std::string& role) {
    std::set<std::string> ids;
    for (const json::value& item : List("/directoryRoles")) {
      if (item.at("displayName") != json::value(role)) continue;
      const std::string id(item.at("id").as_string());
      for (const json::value& member : List(Cat("/directoryRoles/", id, "/members"))) {
        ids.insert(std::string(member.at("id").as_string()));
      }
    }
    return ids;
  }

  World world_{Options()};
  GraphOptions options_;
  GraphApi api_{world_, options_};
  ControlApi control_{world_, {}};
  std::string token_;
};

TEST_F(GraphTenantTest, TellsHowItIsFedAndHowPeopleSignIn) {
  EXPECT_EQ(List("/organization")[0].at("onPremisesSyncEnabled"), json::value(true));
  const auto before = List("/directory/onPremisesSynchronization")[0];
  EXPECT_EQ(before.at("features").at("passwordSyncEnabled"), json::value(true));
  EXPECT_EQ(Control("tenant", R"({"password_sync":false,"sync_enabled":false,
      "deletion_threshold":7,"domains":{"corp.example":"Federated","old.example":"Unverified"}})"),
            200);
  const auto after = List("/directory/onPremisesSynchronization")[0];
  EXPECT_EQ(after.at("features").at("passwordSyncEnabled"), json::value(false));
  EXPECT_EQ(after.at("configuration").at("accidentalDeletionPrevention").at("alertThreshold"), 7);
  EXPECT_EQ(List("/organization")[0].at("onPremisesSyncEnabled"), json::value(false));
  std::map<std::string, std::string> types;
  for (const json::value& domain : List("/domains")) {
    types[std::string(domain.at("id").as_string())] =
        Cat(std::string(domain.at("authenticationType").as_string()),
            domain.at("isVerified").as_bool() ? "" : ", not verified");
  }
  const std::map<std::string, std::string> expected = {{"contoso.onmicrosoft.example", "Managed"},
                                                       {"corp.example", "Federated"},
                                                       {"old.example", "Managed, not verified"}};
  EXPECT_EQ(types, expected);
}

TEST_F(GraphTenantTest, TellsHowLongAccessTokensLive) {
  EXPECT_TRUE(List("/policies/tokenLifetimePolicies").empty());
  EXPECT_EQ(Control("tenant", R"({"conditional_access":1,
      "token_lifetime":{"organization":"00:30:00","applications":"1.00:00:00"}})"),
            200);
  const json::array policies = List("/policies/tokenLifetimePolicies");
  ASSERT_EQ(policies.size(), 2u);
  EXPECT_EQ(policies[0].at("isOrganizationDefault"), json::value(true));
  EXPECT_EQ(
      policies[1].at("definition").at(0),
      json::value(R"({"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"1.00:00:00"}})"));
  const json::array access = List("/identity/conditionalAccess/policies");
  ASSERT_EQ(access.size(), 2u);
  EXPECT_EQ(access[0].at("state"), json::value("enabledForReportingButNotEnforced"));
  EXPECT_EQ(access[1].at("state"), json::value("enabled"));
  EXPECT_EQ(Control("tenant", R"({"conditional_access":-1})"), 400);
  EXPECT_EQ(Control("tenant", R"({"token_lifetime":{"everybody":"00:30:00"}})"), 400);
  EXPECT_EQ(Control("tenant", R"({"token_lifetime":{"organization":null}})"), 200);
  EXPECT_TRUE(List("/policies/tokenLifetimePolicies").empty());
}

TEST(GraphTenant, TellsOfTheWayInWhichItsPeopleSignIn) {
  for (const AuthMode mode :
       {AuthMode::kPasswordHashSync, AuthMode::kPassThrough, AuthMode::kFederated}) {
    WorldOptions options;
    options.actors.mode = mode;
    World world(options);
    const TenantSettings& settings = world.tenant().settings();
    EXPECT_EQ(settings.password_sync, mode == AuthMode::kPasswordHashSync);
    EXPECT_EQ(settings.domains.contains("corp.example"), mode == AuthMode::kFederated);
  }
}

TEST_F(GraphTenantTest, RolesAreHeldDirectlyOrThroughAGroup) {
  const std::string first = world_.people().SamOf(1);
  const std::string second = world_.people().SamOf(2);
  EXPECT_EQ(Control("tenant",
                    Cat(R"({"roles":{"Global Administrator":[")", first,
                        R"("]},"role_by_group":{"Global Administrator":[")", second, R"("]}})")),
            200);
  auto members = Members("Global Administrator");
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members.erase(world_.tenant().EntraId(1)), 1U);
  const auto people =
      List(Cat("/groups/", *members.begin(), "/transitiveMembers/microsoft.graph.user?$select=id"));
  ASSERT_EQ(people.size(), 1U);
  EXPECT_EQ(people[0].at("id").as_string(), world_.tenant().EntraId(2));
  EXPECT_EQ(Members(kSyncAccountsRole).size(), 1U);
}

TEST_F(GraphTenantTest, ACloudSyncJobCanStandInQuarantine) {
  const std::string principals =
      "/servicePrincipals?$filter=applicationTemplateId%20eq%20"
      "'1a4721b3-e57f-4451-ae87-ef078703ec94'";
  EXPECT_EQ(List(principals).size(), 0U);
  EXPECT_EQ(Control("tenant", R"({"cloud_sync":true,"quarantine":"Unknown"})"), 200);
  const auto found = List(principals);
  ASSERT_EQ(found.size(), 1U);
  const auto jobs =
      List(Cat("/servicePrincipals/", found[0].at("id").as_string(), "/synchronization/jobs"));
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].at("status").at("code").as_string(), "Quarantine");
  EXPECT_EQ(jobs[0].at("status").at("quarantine").at("reason").as_string(), "Unknown");
}

TEST_F(GraphTenantTest, ErrorsAndTransfersAreOfPeople) {
  const std::string sam = world_.people().SamOf(3);
  EXPECT_EQ(Control("tenant", Cat(R"({"provisioning_errors":{")", sam, R"(":"x@y.example"},)",
                                  R"("cloud_managed":{")", sam, R"(":true}})")),
            200);
  const auto users = List(
      "/users?$filter=onPremisesProvisioningErrors/any(e:e/category%20eq%20'PropertyConflict')"
      "&$select=id,onPremisesProvisioningErrors");
  ASSERT_EQ(users.size(), 1U);
  EXPECT_EQ(users[0].at("id").as_string(), world_.tenant().EntraId(3));
  const auto behavior = Get(Cat("/users/", world_.tenant().EntraId(3), "/onPremisesSyncBehavior"));
  EXPECT_EQ(Body(behavior)["isCloudManaged"], json::value(true));
  // Nothing flows to such an account any more.
  EXPECT_TRUE(world_.directory().Disable(sam, Now()).ok());
  world_.AdvanceTo(Now() + absl::Hours(2));
  EXPECT_TRUE(world_.tenant().Now(3).enabled);
}

TEST_F(GraphTenantTest, EachPermissionCanBeMissing) {
  EXPECT_EQ(Control("tenant", R"({"cloud_sync":true})"), 200);
  EXPECT_EQ(Control("fault", R"({"forbid":["nonsense"]})"), 400);
  const std::map<std::string, std::string> calls = {
      {"organization", "/organization"},
      {"sync_configuration", "/directory/onPremisesSynchronization"},
      {"domains", "/domains"},
      {"roles", "/directoryRoles"},
      {"groups", "/groups/x/transitiveMembers"},
      {"service_principals", "/servicePrincipals"},
      {"sync_jobs", "/servicePrincipals/x/synchronization/jobs"},
      {"provisioning_errors", "/users"},
      {"subscriptions", "/subscriptions"},
      {"sync_behavior", Cat("/users/", world_.tenant().EntraId(1), "/onPremisesSyncBehavior")},
      {"directory_audits", "/auditLogs/directoryAudits"},
      {"sign_ins", "/auditLogs/signIns"},
      {"provisioning_logs", "/auditLogs/provisioning"},
      {"devices", Cat("/users/", world_.tenant().EntraId(1), "/ownedDevices")},
      {"member_of", Cat("/users/", world_.tenant().EntraId(1), "/transitiveMemberOf")},
      {"eligible_roles", "/roleManagement/directory/roleEligibilitySchedules"},
      {"owned_objects", Cat("/users/", world_.tenant().EntraId(1), "/ownedObjects")},
      {"oauth_grants", "/oauth2PermissionGrants"},
      {"licences", Cat("/users/", world_.tenant().EntraId(1), "/licenseDetails")},
      {"authentication_methods",
       Cat("/users/", world_.tenant().EntraId(1), "/authentication/methods")},
      {"token_policies", "/policies/tokenLifetimePolicies"},
      {"conditional_access", "/identity/conditionalAccess/policies"}};
  EXPECT_EQ(Control("fault", R"({"report_limit":0})"), 200);
  for (const char* name : kForbiddable) {
    ASSERT_TRUE(calls.contains(name));
    EXPECT_NE(Get(calls.at(name)).status, 403) << name;
    EXPECT_EQ(Control("fault", Cat(R"({"forbid":[")", name, R"("]})")), 200);
    EXPECT_EQ(Get(calls.at(name)).status, 403) << name;
  }
}

}  // namespace
}  // namespace driftwarden::simulator
