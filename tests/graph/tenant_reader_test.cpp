// What a tenant says of itself, read from the simulated one, which shares no code with the reader.

#include "watchers/graph_tenant_reader.h"

#include <algorithm>
#include <set>

#include "tests/graph/simulated_tenant.h"

namespace driftwarden::watchers {
namespace {

using monitor::ActorVia;
using monitor::TenantLook;

class TenantReaderTest : public SimulatedTenantTest {
 protected:
  TenantLook Everything(const std::vector<std::string>& roles = {}) {
    TenantLook look;
    look.batch = monitor::BatchId("look-1");
    const Status sync = Run(reader_.ReadSync(&look, false));
    EXPECT_TRUE(sync.ok()) << sync;
    const Status rest = Run(reader_.ReadRest(&look, roles));
    EXPECT_TRUE(rest.ok()) << rest;
    return look;
  }
  GraphTenantReader reader_{monitor::SourceName("contoso"), client, sight_, quiet_};
};

TEST_F(TenantReaderTest, ReadsHowTheTenantIsFedAndHowPeopleSignIn) {
  Control("tenant", R"({"password_sync":false,"deletion_threshold":7,
                        "domains":{"fed.example":"Federated","no.example":"Unverified"}})");
  const TenantLook look = Everything();
  ASSERT_TRUE(look.organization.has_value());
  EXPECT_EQ(look.organization->sync_enabled, true);
  EXPECT_TRUE(look.organization->last_sync.has_value());
  ASSERT_TRUE(look.synchronization.has_value());
  EXPECT_EQ(look.synchronization->password_sync, false);
  EXPECT_EQ(look.synchronization->deletion_guard->threshold, 7);
  EXPECT_EQ(look.federated_domains, std::vector<std::string>{"fed.example"});
  ASSERT_TRUE(look.jobs.has_value());
  EXPECT_TRUE(look.jobs->empty()) << "there is no Cloud Sync";
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantReaderTest, ReadsHowLongAccessTokensLive) {
  const TenantLook usual = Everything();
  EXPECT_EQ(usual.conditional_access, 2) << "one more only reports";
  EXPECT_EQ(usual.token_policies, monitor::TokenPolicies());
  Control("tenant", R"({"conditional_access":0,
                        "token_lifetime":{"organization":"00:30:00","applications":"08:00:00"}})");
  const TenantLook look = Everything();
  EXPECT_EQ(look.conditional_access, 0);
  EXPECT_EQ(look.token_policies, (monitor::TokenPolicies{absl::Hours(8), true}));
  Control("fault", R"({"forbid":["conditional_access"]})");
  const TenantLook partly = Everything();
  EXPECT_FALSE(partly.conditional_access.has_value());
  EXPECT_EQ(partly.token_policies, look.token_policies);
  Control("fault", R"({"clear":true,"forbid":["token_policies"]})");
  const TenantLook refused = Everything();
  EXPECT_FALSE(refused.token_policies.has_value());
  EXPECT_EQ(Findings(), std::set<std::string>{kTokenLifetimeUnread});
}

TEST_F(TenantReaderTest, FindsWhoHoldsARoleByNameOrTemplateThroughGroupsToo) {
  Control("tenant", Cat(R"({"roles":{"Global Administrator":[")", Sam(1), R"("],
      "User Administrator":[")",
                        Sam(3), R"("]},
      "role_by_group":{"Global Administrator":[")",
                        Sam(2), R"("]}})"));
  const std::string by_template = "62E90394-69F5-4237-9190-012177145E10";
  const TenantLook look = Everything({"global administrator", by_template});
  ASSERT_TRUE(look.roles.has_value());
  EXPECT_TRUE(look.roles_complete);
  const std::vector<std::string> both = {"global administrator", by_template};
  const std::map<std::string, std::vector<std::string>> expected = {{Id(1), both}, {Id(2), both}};
  EXPECT_EQ(*look.roles, expected);
  Control("fault", R"({"forbid":["groups"]})");
  const TenantLook partly = Everything({"Global Administrator"});
  EXPECT_FALSE(partly.roles_complete);
  EXPECT_EQ(partly.roles->size(), 1U);
  EXPECT_EQ(Findings(), std::set<std::string>{kRoleGroupsUnread});
  Control("fault", R"({"clear":true})");
  (void)Everything({"Global Administrator", "Warden of the Keys"});
  EXPECT_EQ(Findings(), std::set<std::string>{kRoleUnknown});
}

TEST_F(TenantReaderTest, DiscoversWhoFeedsTheTenant) {
  auto look = Everything();
  ASSERT_EQ(look.actors.at(ActorVia::kRole).size(), 1U);
  EXPECT_TRUE(look.actors.at(ActorVia::kRole)[0].name.starts_with("Sync_"));
  EXPECT_EQ(look.actors.at(ActorVia::kService)[0].app_id, "6bf85cfa-ac8a-4be5-b5de-425a0d0dc016");
  EXPECT_TRUE(look.actors.at(ActorVia::kPermission).empty());
  Control("tenant", R"({"connect_application":true})");
  look = Everything();
  ASSERT_EQ(look.actors.at(ActorVia::kPermission).size(), 1U);
  EXPECT_EQ(look.actors.at(ActorVia::kPermission)[0].id, look.actors.at(ActorVia::kRole)[0].id);
  Control("tenant", R"({"cloud_sync":true})");
  look = Everything();
  EXPECT_EQ(look.actors.at(ActorVia::kCloudSync).size(), 1U);
  EXPECT_TRUE(look.actors.at(ActorVia::kRole).empty());
}

TEST_F(TenantReaderTest, ATenantOfCloudSyncTellsOfItsJobs) {
  Control("tenant", R"({"cloud_sync":true,"quarantine":"EncounteredEscrowProportionThreshold"})");
  TenantLook look;
  EXPECT_TRUE(Run(reader_.ReadSync(&look, true)).ok());
  ASSERT_EQ(look.jobs->size(), 1U);
  EXPECT_EQ(look.jobs->front().code, monitor::kJobInQuarantine);
  EXPECT_NE(look.jobs->front().last_success, absl::InfinitePast());
  EXPECT_NE(look.jobs->front().quarantined_since, absl::InfinitePast());
  EXPECT_EQ(Findings(), std::set<std::string>{kSyncQuarantined});
  Control("tenant", R"({"quarantine":""})");
  EXPECT_TRUE(Run(reader_.ReadSync(&look, true)).ok());
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantReaderTest, ErrorsAndTransfersAreOfPeople) {
  Control("tenant", Cat(R"({"provisioning_errors":{")", Sam(4), R"(":"x@y"},"cloud_managed":{")",
                        Sam(5), R"(":true}})"));
  TenantLook look = Everything();
  ASSERT_EQ(look.provisioning_errors->size(), 1U);
  EXPECT_EQ(look.provisioning_errors->at(Id(4)).value, "x@y");
  std::vector<std::string> ids;
  for (uint64_t person = 0; person < 20; ++person) ids.push_back(Id(person));
  ids.push_back("nobody");
  EXPECT_TRUE(Run(reader_.ReadTransfers(&look, ids)).ok());
  EXPECT_EQ(look.cloud_managed.size(), 20U);
  EXPECT_TRUE(look.cloud_managed.at(Id(5)));
  EXPECT_FALSE(look.cloud_managed.at(Id(4)));
}

TEST_F(TenantReaderTest, AMissingPermissionIsAFindingAndNoError) {
  const std::map<std::string, const char*> findings = {
      {"organization", kOrganizationUnread},
      {"sync_configuration", kSynchronizationUnread},
      {"domains", kDomainsUnread},
      {"roles", kRolesUnread},
      {"sync_jobs", kSyncJobsUnread},
      {"provisioning_errors", kProvisioningErrorsUnread},
      {"sync_behavior", kTransfersUnread},
      {"token_policies", kTokenLifetimeUnread},
      {"conditional_access", kTokenLifetimeUnread}};
  Control("tenant", R"({"cloud_sync":true})");
  for (const auto& [permission, finding] : findings) {
    Control("fault", Cat(R"({"clear":true,"forbid":[")", permission, R"("]})"));
    TenantLook look = Everything();
    EXPECT_TRUE(Run(reader_.ReadTransfers(&look, {Id(1)})).ok());
    EXPECT_EQ(Findings(), std::set<std::string>{finding}) << permission;
  }
  Control("fault", R"({"clear":true})");
  (void)Everything();
  Control("fault", R"({"forbid":["service_principals"]})");
  TenantLook look = Everything();
  EXPECT_TRUE(Run(reader_.ReadTransfers(&look, {Id(1)})).ok());
  EXPECT_EQ(Findings(), (std::set<std::string>{kSyncActorsUnread, kSyncPermissionsUnread}));
  Control("fault", R"({"clear":true})");
  look = Everything();
  EXPECT_TRUE(Findings().empty()) << "each ends when it is granted";
}

TEST_F(TenantReaderTest, ABrokenAnswerIsAnErrorAndHidesNoOtherPart) {
  TenantLook look;
  http.Reply(200, "{\"value\":");  // the first that is asked for: principals of Cloud Sync
  const Status rest = Run(reader_.ReadRest(&look, {}));
  EXPECT_EQ(rest.code(), StatusCode::kDataLoss) << rest;
  EXPECT_FALSE(look.jobs.has_value());
  EXPECT_TRUE(look.synchronization.has_value());
  EXPECT_TRUE(look.federated_domains.has_value());
}

TEST_F(TenantReaderTest, WhenNothingAnswersNothingElseIsAsked) {
  TenantLook look;
  http.Fail(UnavailableError("connection refused"));
  EXPECT_EQ(Run(reader_.ReadRest(&look, {})).code(), StatusCode::kUnavailable);
  EXPECT_EQ(http.requests().size(), 1U);
  EXPECT_TRUE(Findings().empty());
}

TEST(TenantJson, OfATokenPolicyThatCannotBeReadTheLongestLifetimeCounts) {
  const auto lifetime = [](const std::string& definition) {
    const auto page =
        graph::DecodeTokenPolicies(R"({"value":[{"definition":)" + definition + "}]}");
    return page.ok() && page->items.size() == 1 ? page->items[0].access_tokens
                                                : std::optional<absl::Duration>();
  };
  const auto of = [&](const std::string& text) {
    return lifetime(R"(["{\"TokenLifetimePolicy\":{\"AccessTokenLifetime\":\")" + text +
                    R"(\"}}"])");
  };
  EXPECT_EQ(of("00:10:00"), absl::Minutes(10));
  EXPECT_EQ(of("1.00:00:00"), absl::Hours(24));
  EXPECT_EQ(of("01:30:00.5000000"), absl::Minutes(90));
  EXPECT_EQ(of("until-revoked"), absl::Hours(24));
  EXPECT_EQ(of("99999999:00:00"), absl::Hours(24));
  EXPECT_EQ(of("3.00:00:00"), absl::Hours(24)) << "more than can be set";
  EXPECT_EQ(lifetime("[\"{\"]"), absl::Hours(24));
  EXPECT_EQ(lifetime("7"), absl::Hours(24));
  EXPECT_EQ(lifetime(R"(["{\"TokenLifetimePolicy\":{\"MaxAgeSessionSingleFactor\":\"x\"}}"])"),
            std::nullopt)
      << "it is about something else";
}

TEST(TenantJson, HostileAnswersEndInOneErrorOrLeaveOnlyTheirOwnItemOut) {
  for (const char* body : {"", "null", "[]", "{", "{\"value\":{}}", "{\"value\":null}",
                           "{\"value\":[]}", "{\"value\":[1]} x", "{\"value\":[\xff]}"}) {
    EXPECT_EQ(graph::DecodeOrganization(body).status().code(), StatusCode::kDataLoss) << body;
  }
  EXPECT_FALSE(graph::DecodeDomains(std::string(100'000, '[')).ok());
  const auto domains = graph::DecodeDomains(
      R"({"value":[7,{"id":null},{"id":"A.Example","authenticationType":3,"isVerified":"yes"},
          {"id":"b.example","authenticationType":"federated","isVerified":true,"x":{"y":[]}}]})");
  ASSERT_TRUE(domains.ok()) << domains.status();
  EXPECT_EQ(domains->left_out, 2U);
  ASSERT_EQ(domains->items.size(), 2U);
  EXPECT_EQ(domains->items[0].name, "a.example");
  EXPECT_FALSE(domains->items[0].federated);
  EXPECT_TRUE(domains->items[1].federated);
  const auto jobs = graph::DecodeSyncJobs(
      R"({"value":[{"id":"j","status":{"code":"Active","lastSuccessfulExecution":null,
          "quarantine":null}},{"id":"k"}],"@odata.nextLink":"https://x/v1.0/y"})");
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_EQ(jobs->items.size(), 1U);
  EXPECT_EQ(jobs->left_out, 1U);
  EXPECT_EQ(jobs->next_link, "https://x/v1.0/y");
  EXPECT_FALSE(graph::DecodeRoles(R"({"value":[],"@odata.nextLink":7})").ok());
  const auto never = graph::DecodeOrganization(R"({"value":[{"onPremisesSyncEnabled":null}]})");
  ASSERT_TRUE(never.ok());
  EXPECT_EQ(never->sync_enabled, false);
  EXPECT_FALSE(never->last_sync.has_value());
}

}  // namespace
}  // namespace driftwarden::watchers
