#include "simulator/control_api.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

class ControlApiTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.forests[0].people.count = 50;
    options.tenants = {TenantOptions{.name = "a"}, TenantOptions{.name = "b"}};
    return options;
  }
  absl::Time At(absl::Duration d) const { return world_.options().start + d; }
  json::object Call(const std::string& method, const std::string& path, const std::string& body,
                    int status = 200) {
    net::ServerRequest request;
    request.method = method;
    request.path = path;
    request.body = body;
    const net::ServerResponse response = api_.Handle(request, now_);
    EXPECT_EQ(response.status, status) << path << ' ' << response.body;
    boost::system::error_code error;
    json::value value = json::parse(response.body, error);
    EXPECT_FALSE(error) << response.body;
    return value.is_object() ? value.as_object() : json::object();
  }

  World world_{Options()};
  LdapFaults ldap_;
  ControlApi api_{world_, {&ldap_}};
  absl::Time now_ = At(absl::Minutes(1));
};

TEST_F(ControlApiTest, PeopleAreDisabledEnabledExpiredAndDeleted) {
  const auto answer = Call("POST", "/sim/people/u0000003/disable", "");
  EXPECT_GT(answer.at("usn").as_int64(), 0);
  EXPECT_FALSE(world_.directory().IsEnabled(3));
  Call("POST", "/sim/people/u0000003/enable", "");
  EXPECT_TRUE(world_.directory().IsEnabled(3));
  Call("POST", "/sim/people/u0000003/expire", "{\"at\":\"2026-11-20T00:00:00Z\"}");
  EXPECT_TRUE(world_.directory().HasExpired(3, now_));
  Call("POST", "/sim/people/u0000003/delete", "");
  EXPECT_TRUE(world_.directory().IsDeleted(3));
  Call("POST", "/sim/people/u0000003/disable", "", 404);
  Call("POST", "/sim/people/nobody/disable", "", 404);
  Call("POST", "/sim/people/u0000004/promote", "", 404);
  Call("POST", "/sim/people/u0000004/expire", "{\"at\":\"soon\"}", 400);
}

TEST_F(ControlApiTest, SignInTellsWhetherItWorked) {
  EXPECT_EQ(Call("POST", "/sim/people/u0000003/signin", "").at("success"), true);
  world_.tenant(0).SetEnabled(3, false, Actor::kOperator, now_);
  EXPECT_EQ(Call("POST", "/sim/people/u0000003/signin", "{\"tenant\":0}").at("success"), false);
  EXPECT_EQ(Call("POST", "/sim/people/u0000003/signin", "{\"tenant\":1}").at("success"), true);
}

TEST_F(ControlApiTest, AnAdoptedAccountBelongsToAnotherDirectory) {
  const std::string adoption =
      "{\"immutable_id\":\"AAECAwQFBgcICQoLDA0ODw==\",\"sid\":\"S-1-5-21-1-2-3-1104\","
      "\"sam\":\"ada\",\"upn\":\"ada@ad.example\",\"dn\":\"CN=ada,DC=ad,DC=example\"}";
  DeltaRequest request;
  request.select = {"id"};
  request.latest = true;
  const std::string token = world_.tenant(0).Delta(request, now_).delta_token;
  Call("POST", "/sim/people/u0000003/adopt", adoption);
  const Tenant& tenant = world_.tenant(0);
  EXPECT_EQ(tenant.Now(3).person.immutable_id, "AAECAwQFBgcICQoLDA0ODw==");
  EXPECT_EQ(tenant.Now(3).person.object_sid, SidBytes({21, 1, 2, 3, 1104}));
  EXPECT_EQ(tenant.Find("ADA@ad.example"), 3U);
  EXPECT_EQ(tenant.Find("u0000003@corp.example"), std::nullopt);
  DeltaRequest changes;
  changes.token = token;
  EXPECT_EQ(world_.tenant(0).Delta(changes, now_).records.size(), 1U);
  // The sync engine still takes the account where it came from.
  Call("POST", "/sim/people/u0000003/disable", "");
  Call("POST", "/sim/sync", "{\"run\":true}");
  now_ += absl::Minutes(1);
  Call("GET", "/sim/truth", "");
  EXPECT_FALSE(tenant.Now(3).enabled);
  Call("POST", "/sim/people/u0000004/adopt", "{\"sid\":\"S-1-5-21-1\"}", 400);
  Call("POST", "/sim/people/u0000004/adopt",
       "{\"immutable_id\":\"?\",\"sid\":\"x\",\"sam\":\"a\",\"upn\":\"a\",\"dn\":\"a\"}", 400);
}

TEST_F(ControlApiTest, TheSyncEngineIsDriven) {
  Call("POST", "/sim/sync",
       "{\"skip\":[\"u0000005\"],\"tenant\":0,\"cycle\":\"10s\",\"processing\":\"1s\"}");
  Call("POST", "/sim/people/u0000005/disable", "");
  Call("POST", "/sim/people/u0000006/disable", "");
  Call("POST", "/sim/sync", "{\"run\":true}");
  now_ += absl::Minutes(1);
  const auto engines = Call("POST", "/sim/sync", "{\"stall\":true}").at("engines").as_array();
  ASSERT_EQ(engines.size(), 2U);
  EXPECT_EQ(engines[0].at("stalled"), true);
  EXPECT_TRUE(world_.tenant(0).Now(5).enabled);
  EXPECT_FALSE(world_.tenant(0).Now(6).enabled);
  EXPECT_FALSE(world_.tenant(1).Now(5).enabled);
  Call("POST", "/sim/sync", "{\"jump\":true}", 400);
  Call("POST", "/sim/sync", "{\"cycle\":\"soon\"}", 400);
  Call("POST", "/sim/sync", "{\"tenant\":7}", 400);
  Call("POST", "/sim/sync", "nonsense", 400);
}

TEST_F(ControlApiTest, FaultsAreSetAndMended) {
  Call("POST", "/sim/fault",
       "{\"throttle\":3,\"retry_after\":\"2\",\"ignore_revoke\":true,\"dead_delta\":\"gone\","
       "\"lose_disable\":[\"u0000007\"],\"ldap_refuse_bind\":true,\"read_delay\":\"2s\","
       "\"duplicates\":\"same\",\"omit\":[\"accountEnabled\"]}");
  EXPECT_EQ(world_.tenant(1).faults().throttle, 3);
  EXPECT_TRUE(world_.tenant(0).faults().ignore_revoke);
  EXPECT_TRUE(ldap_.refuse_bind);
  Call("POST", "/sim/fault",
       "{\"ldap_unavailable\":true,\"ldap_page_limit\":7,\"ldap_match_limit\":40,"
       "\"ldap_limit_code\":11,\"ldap_value_limit\":2}");
  EXPECT_TRUE(ldap_.unavailable);
  EXPECT_EQ(ldap_.page_limit, 7);
  EXPECT_EQ(ldap_.match_limit, 40);
  EXPECT_EQ(ldap_.limit_code, 11);
  EXPECT_EQ(ldap_.value_limit, 2);
  Call("POST", "/sim/people/u0000007/disable", "");
  now_ += absl::Hours(2);
  world_.AdvanceTo(now_);
  EXPECT_TRUE(world_.tenant(0).Now(7).enabled);
  Call("POST", "/sim/fault", "{\"clear\":true}");
  EXPECT_EQ(world_.tenant(1).faults().throttle, 0);
  EXPECT_FALSE(ldap_.refuse_bind);
  Call("POST", "/sim/fault", "{\"gremlins\":true}", 400);
  Call("POST", "/sim/fault", "{\"throttle\":\"many\"}", 400);
  Call("POST", "/sim/fault", "{\"limits\":{\"units\":400,\"writes\":30}}");
  EXPECT_EQ(world_.tenant(0).faults().limits.units, 400);
  EXPECT_EQ(world_.tenant(0).faults().limits.writes, 30);
  Call("POST", "/sim/fault", "{\"limits\":true}");
  EXPECT_EQ(world_.tenant(0).faults().limits.writes, 3000);
  Call("POST", "/sim/fault", "{\"limits\":{\"reads\":1}}", 400);
  Call("POST", "/sim/fault", "{\"limits\":false}");
  EXPECT_EQ(world_.tenant(0).faults().limits.units, 0);
  Call("POST", "/sim/fault", "{\"dead_delta\":\"quietly\"}", 400);
}

TEST_F(ControlApiTest, TruthHoldsWhatHappenedToWhom) {
  Call("POST", "/sim/people/u0000003/disable", "");
  world_.tenant(0).Revoke(3, now_ + absl::Seconds(1), "req-9");
  now_ += absl::Hours(1);
  const auto truth = Call("GET", "/sim/truth", "");
  ASSERT_EQ(truth.at("people").as_array().size(), 1U);
  const auto& person = truth.at("people").as_array()[0].as_object();
  EXPECT_EQ(person.at("sam"), "u0000003");
  EXPECT_EQ(person.at("ad").at("disabled_at"), "2026-11-21T00:01:00Z");
  EXPECT_EQ(person.at("entra").as_array().size(), 2U);
  EXPECT_TRUE(person.at("entra").as_array()[0].at("disabled_at").is_string());
  ASSERT_EQ(truth.at("revokes").as_array().size(), 1U);
  EXPECT_EQ(truth.at("revokes").as_array()[0].at("client_request_id"), "req-9");
  EXPECT_EQ(truth.at("revokes").as_array()[0].at("kind"), "revoke");
  EXPECT_EQ(truth.at("disables").as_array().size(), 0U);
  EXPECT_EQ(truth.at("tenants").as_array().size(), 2U);
  EXPECT_EQ(Call("GET", "/sim/people/u0000004", "").at("ad").at("enabled"), true);
  Call("GET", "/sim/people/nobody", "", 404);
  Call("GET", "/elsewhere", "", 404);
}

}  // namespace
}  // namespace driftwarden::simulator
