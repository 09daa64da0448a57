// What somebody has beside the account, read from the simulated tenant, which shares no code with
// the reader.

#include "watchers/graph_tenant_residue.h"

#include "tests/graph/simulated_tenant.h"

namespace driftwarden::watchers {
namespace {

using monitor::ResidueArea;
using monitor::ResidueFindings;
using monitor::ResidueItem;
using monitor::ResidueOutcome;

class TenantResidueTest : public SimulatedTenantTest {
 protected:
  void Give(uint64_t person, const std::string& body) {
    Control(Cat("people/", Sam(person), "/remains"), body);
  }
  ResidueLook Read(uint64_t person) {
    auto look = Run(reader_.Read(Id(person), "batch-1"));
    EXPECT_TRUE(look.ok()) << look.status();
    return look.ok() ? *std::move(look) : ResidueLook();
  }

  GraphTenantResidue reader_{client, sight_};
};

TEST_F(TenantResidueTest, TellsEveryAreaInOneRequest) {
  Give(1, R"({
    "member_of":[
      {"@odata.type":"#microsoft.graph.directoryRole","id":"r","displayName":"User Administrator",
       "roleTemplateId":"FE930BE7-5E62-47DB-91AF-98C3A49A38B1"},
      {"@odata.type":"#microsoft.graph.group","id":"g1","displayName":"Payroll",
       "groupTypes":["Unified","DynamicMembership"],"mailEnabled":true,"securityEnabled":false,
       "onPremisesSyncEnabled":null},
      {"@odata.type":"#microsoft.graph.group","id":"g2","displayName":"Admins",
       "groupTypes":[],"mailEnabled":false,"securityEnabled":true,"onPremisesSyncEnabled":true,
       "isAssignableToRole":true},
      {"@odata.type":"#microsoft.graph.administrativeUnit","id":"u"}],
    "eligible_roles":[{"roleDefinitionId":"d1","directoryScopeId":"/",
      "roleDefinition":{"displayName":"Global Administrator"},
      "scheduleInfo":{"expiration":{"endDateTime":"2027-01-01T00:00:00Z"}}}],
    "owned_objects":[
      {"@odata.type":"#microsoft.graph.application","id":"o1","appId":"a1","displayName":"Robot",
       "passwordCredentials":[{"endDateTime":"2099-01-01T00:00:00Z","secretText":"hunter2",
                               "hint":"hun"},{"endDateTime":"2001-01-01T00:00:00Z"}],
       "keyCredentials":[{"endDateTime":"2098-01-01T00:00:00Z","key":"AAAA"}]},
      {"@odata.type":"#microsoft.graph.servicePrincipal","id":"o2","appId":"a2",
       "passwordCredentials":[{"endDateTime":"2001-01-01T00:00:00Z"}]},
      {"@odata.type":"#microsoft.graph.group","id":"o3"}],
    "oauth_grants":[{"id":"x","clientId":"c1","consentType":"Principal","scope":" Mail.Read Files.Read"}],
    "licences":[{"skuId":"s1","skuPartNumber":"SPE_E5"}],
    "authentication_methods":[
      {"@odata.type":"#microsoft.graph.passwordAuthenticationMethod","id":"p"},
      {"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"m1",
       "phoneNumber":"+1 555 0100","displayName":"+1 555 0100"},
      {"@odata.type":"#microsoft.graph.fido2AuthenticationMethod","id":"m2","displayName":"Key",
       "createdDateTime":"2026-11-22T01:00:00Z"}]})");
  const ResidueLook look = Read(1);
  EXPECT_EQ(look.areas.size(), std::size(monitor::kAllResidueAreas));
  for (const auto& [area, findings] : look.areas) {
    EXPECT_EQ(findings.outcome, ResidueOutcome::kEvaluated) << ResidueAreaText(area);
    EXPECT_TRUE(findings.complete);
    EXPECT_GT(findings.at, absl::UnixEpoch());
  }
  const auto items = [&look](ResidueArea area) { return look.areas.at(area).items; };
  using Items = std::vector<ResidueItem>;
  EXPECT_EQ(items(ResidueArea::kDirectoryRoles),
            (Items{{"fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator", "directory_role",
                    "", std::nullopt}}));
  EXPECT_EQ(items(ResidueArea::kGroups),
            (Items{{"g1", "Payroll", "microsoft365", "cloud, dynamic", std::nullopt},
                   {"g2", "Admins", "security", "synced from AD, may carry roles", std::nullopt}}));
  EXPECT_EQ(items(ResidueArea::kEligibleRoles),
            (Items{{"d1", "Global Administrator", "eligible_role", "",
                    ParseRfc3339("2027-01-01T00:00:00Z")}}));
  EXPECT_EQ(items(ResidueArea::kApplications),
            (Items{{"a1", "Robot", "application", "1 secret, 1 certificate",
                    ParseRfc3339("2099-01-01T00:00:00Z")}}));
  EXPECT_EQ(items(ResidueArea::kGrants),
            (Items{{"c1", "", "oauth_grant", "Mail.Read Files.Read", std::nullopt}}));
  EXPECT_EQ(items(ResidueArea::kLicences), (Items{{"s1", "SPE_E5", "licence", "", std::nullopt}}));
  EXPECT_EQ(items(ResidueArea::kMethods),
            (Items{{"m1", "", "phone", "", std::nullopt},
                   {"m2", "Key", "fido2", "", ParseRfc3339("2026-11-22T01:00:00Z")}}))
      << "no telephone number, and the password is none";
  EXPECT_EQ(http.requests().size(), 1U);
  EXPECT_EQ(look.requests, TenantResidue::kRequestsAtLeast);
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantResidueTest, WhatMayNotBeReadIsToldAndNotTakenForNothing) {
  Control("fault", R"({"forbid":["owned_objects","oauth_grants","authentication_methods"]})");
  const ResidueLook look = Read(1);
  EXPECT_EQ(look.areas.at(ResidueArea::kApplications).outcome, ResidueOutcome::kPermission);
  EXPECT_EQ(look.areas.at(ResidueArea::kGrants).outcome, ResidueOutcome::kPermission);
  EXPECT_EQ(look.areas.at(ResidueArea::kMethods).outcome, ResidueOutcome::kPermission);
  EXPECT_NE(look.areas.at(ResidueArea::kMethods).detail, "");
  EXPECT_EQ(look.areas.at(ResidueArea::kGroups).outcome, ResidueOutcome::kEvaluated);
  EXPECT_EQ(look.areas.at(ResidueArea::kGroups).items.size(), 1U);
  ASSERT_EQ(sight_->findings().size(), 1U);
  const Finding finding = sight_->findings()[0];
  EXPECT_EQ(finding.name, kResidueUnread);
  EXPECT_TRUE(finding.text.ends_with("Directory.Read.All, UserAuthenticationMethod.Read.All"))
      << finding.text;
  Control("fault", R"({"clear":true})");
  EXPECT_EQ(Read(1).areas.at(ResidueArea::kMethods).outcome, ResidueOutcome::kEvaluated);
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantResidueTest, ReadsEveryPageAndKeepsAsManyAsItSays) {
  for (const size_t count : {100U, 101U, 250U}) {
    std::string list;
    for (size_t i = 0; i < count; ++i) {
      list += Cat(i == 0 ? "" : ",", R"({"id":"x","scope":"s","clientId":"c)", i, R"("})");
    }
    Give(1, Cat(R"({"oauth_grants":[)", list, "]}"));
    const ResidueLook look = Read(1);
    const ResidueFindings& grants = look.areas.at(ResidueArea::kGrants);
    EXPECT_EQ(grants.outcome, ResidueOutcome::kEvaluated) << grants.detail;
    EXPECT_EQ(grants.items.size(), monitor::kResidueKept);
    EXPECT_EQ(grants.complete, count == 100);
    EXPECT_EQ(look.requests, TenantResidue::kRequestsAtLeast + (count > 100 ? 1 : 0));
  }
}

TEST_F(TenantResidueTest, ARoleBehindManyGroupsIsFound) {
  std::string list;
  for (size_t i = 0; i < 230; ++i) {
    list += Cat(R"({"@odata.type":"#microsoft.graph.group","id":"g)", i, R"("},)");
  }
  Give(1, Cat(R"({"member_of":[)", list,
              R"({"@odata.type":"#microsoft.graph.directoryRole","id":"r"}]})"));
  const ResidueLook look = Read(1);
  EXPECT_FALSE(look.areas.at(ResidueArea::kGroups).complete);
  EXPECT_EQ(look.areas.at(ResidueArea::kGroups).items.size(), monitor::kResidueKept);
  EXPECT_TRUE(look.areas.at(ResidueArea::kDirectoryRoles).complete);
  EXPECT_EQ(look.areas.at(ResidueArea::kDirectoryRoles).items.size(), 1U);
  EXPECT_EQ(look.requests, TenantResidue::kRequestsAtLeast + 2);
}

TEST_F(TenantResidueTest, OfSomebodyWhoIsGoneNothingIsEvaluated) {
  Control("fault", R"({"forbid":["authentication_methods"]})");
  Read(1);
  ASSERT_EQ(Findings().size(), 1U);
  Control(Cat("people/", Sam(1), "/cloud"), R"({"do":"delete"})");
  const ResidueLook look = Read(1);
  for (const ResidueArea area :
       {ResidueArea::kDirectoryRoles, ResidueArea::kGroups, ResidueArea::kApplications,
        ResidueArea::kLicences, ResidueArea::kMethods}) {
    EXPECT_EQ(look.areas.at(area).outcome, ResidueOutcome::kGone) << ResidueAreaText(area);
  }
  EXPECT_EQ(Findings().size(), 1U) << "it proves no permission";
}

TEST_F(TenantResidueTest, ALicenceIsNoPermissionAndABrokenAnswerIsOneArea) {
  http.Reply(200, R"({"responses":[
    {"id":"0","status":200,"body":{"value":7}},
    {"id":"1","status":400,"body":{"error":{"code":"AadPremiumLicenseRequired","message":"no"}}},
    {"id":"2","status":400,"body":{"error":{"code":"BadRequest","message":"no"}}},
    {"id":"3","status":503,"body":{"error":{"code":"ServiceUnavailable","message":"no"}}},
    {"id":"4","status":200,"body":{"value":[{"skuId":"s"},7]}},
    {"id":"5","status":200,"body":{"value":[]}}]})");
  const ResidueLook look = Read(1);
  EXPECT_EQ(look.areas.at(ResidueArea::kGroups).outcome, ResidueOutcome::kFailed);
  EXPECT_EQ(look.areas.at(ResidueArea::kDirectoryRoles).outcome, ResidueOutcome::kFailed);
  EXPECT_EQ(look.areas.at(ResidueArea::kEligibleRoles).outcome, ResidueOutcome::kLicence);
  EXPECT_EQ(look.areas.at(ResidueArea::kApplications).outcome, ResidueOutcome::kUnsupported);
  EXPECT_EQ(look.areas.at(ResidueArea::kGrants).outcome, ResidueOutcome::kFailed);
  EXPECT_FALSE(look.areas.at(ResidueArea::kLicences).complete);
  EXPECT_EQ(look.areas.at(ResidueArea::kMethods).outcome, ResidueOutcome::kEvaluated);
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantResidueTest, AThrottledPartIsAskedForLater) {
  http.Reply(200, R"({"responses":[{"id":"0","status":429,"headers":{"Retry-After":"7"},
    "body":{"error":{"code":"TooManyRequests","message":"no"}}},{"id":"1","status":200},
    {"id":"2","status":200},{"id":"3","status":200},{"id":"4","status":200},
    {"id":"5","status":200}]})");
  const auto look = Run(reader_.Read(Id(1), "batch-1"));
  EXPECT_EQ(look.status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryAfter(look.status()), absl::Seconds(7));
}

TEST(ResidueJson, HostileAnswersEndInOneError) {
  for (const char* body : {"", "null", "[]", "{", "{\"value\":{}}", "{\"value\":null}",
                           "{\"value\":[1]} x", "{\"value\":[\xff]}"}) {
    EXPECT_EQ(graph::DecodeMemberships(body).status().code(), StatusCode::kDataLoss) << body;
    EXPECT_EQ(graph::DecodeMethods(body).status().code(), StatusCode::kDataLoss) << body;
    EXPECT_EQ(graph::DecodeOwnedCredentials(body, absl::UnixEpoch()).status().code(),
              StatusCode::kDataLoss)
        << body;
  }
}

}  // namespace
}  // namespace driftwarden::watchers
