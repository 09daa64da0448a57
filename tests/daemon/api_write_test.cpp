// Writes: who may, with what body, and what reaches the engines.

#include <gmock/gmock.h>

#include "tests/daemon/api_fixture.h"

namespace driftwarden::daemon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kAccept[] = "/api/v1/baseline/accept";
constexpr char kReset[] = "/api/v1/guards/max_percent_per_day/reset";

class ApiWrites : public ApiTest {
 protected:
  net::ServerResponse PostAs(const std::string& token, const std::string& path,
                             const std::string& body) {
    net::ServerRequest request = Request("POST", path);
    request.body = body;
    request.headers.emplace_back("Authorization", "Bearer " + token);
    return Call(std::move(request));
  }
  void AddToken(const std::string& name, Role role) {
    tokens_.push_back({name, role, Sha256("secret of " + name)});
  }
};

TEST_F(ApiWrites, ABaselineIsAcceptedInEveryLinkOrInOne) {
  EXPECT_EQ(Post(kAccept, "").status, 200);
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("accept by uid:")));
  EXPECT_THAT(b_.writes, SizeIs(1));
  const auto response = Post(kAccept, R"({"link": "emea-contoso"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(a_.writes, SizeIs(1));
  EXPECT_THAT(b_.writes, SizeIs(2));
  EXPECT_THAT(Items(Json(response), "link"), ElementsAre("corp-contoso", "emea-contoso"));
}

TEST_F(ApiWrites, AGuardIsResetForAReason) {
  ExpectProblem(Post(kReset, ""), 400, "for a reason");
  ExpectProblem(Post(kReset, R"({"reason": "  "})"), 400, "for a reason");
  EXPECT_THAT(a_.writes, IsEmpty());
  const auto response = Post(kReset, R"({"reason": "a drill", "link": "corp-contoso"})");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("reset max_percent_per_day by uid:")));
  EXPECT_THAT(a_.writes[0], HasSubstr(": a drill"));
  EXPECT_THAT(b_.writes, IsEmpty());
}

constexpr char kAutomation[] = "/api/v1/automation";

TEST_F(ApiWrites, TheAutomationIsPausedAndResumedInEveryLinkOrInOne) {
  EXPECT_EQ(Post(kAutomation, R"({"paused": true, "reason": " a drill "})").status, 200);
  EXPECT_THAT(a_.writes, ElementsAre(AllOf(HasSubstr("pause by uid:"), HasSubstr(": a drill"))));
  EXPECT_THAT(b_.writes, SizeIs(1));
  EXPECT_EQ(Post(kAutomation, R"({"paused": false, "link": "emea-contoso"})").status, 200);
  EXPECT_THAT(a_.writes, SizeIs(1));
  ASSERT_THAT(b_.writes, SizeIs(2));
  EXPECT_THAT(b_.writes[1], HasSubstr("reset paused by uid:"));
}

TEST_F(ApiWrites, APauseSaysWhetherAndNothingElse) {
  ExpectProblem(Post(kAutomation, ""), 400, "paused");
  ExpectProblem(Post(kAutomation, R"({"paused": "yes"})"), 400, "paused");
  ExpectProblem(Post(kAutomation, R"({"mode": "auto"})"), 400, "remediation.mode");
  EXPECT_THAT(a_.writes, IsEmpty());
}

TEST_F(ApiWrites, AnOperatorPausesAndAnApproverResumes) {
  AddToken("ops", Role::kOperator);
  AddToken("lead", Role::kApprover);
  EXPECT_EQ(PostAs("secret of ops", kAutomation, R"({"paused": true})").status, 200);
  EXPECT_EQ(PostAs("secret of ops", kAutomation, R"({"paused": false})").status, 403);
  EXPECT_EQ(PostAs("secret of lead", kAutomation, R"({"paused": false})").status, 200);
  EXPECT_THAT(a_.writes, ElementsAre("pause by ops: ", "reset paused by lead: "));
}

TEST_F(ApiWrites, FaultyBodiesReachNobody) {
  for (const std::string path : {kAccept, kReset}) {
    ExpectProblem(Post(path, "{"), 400, "JSON object");
    ExpectProblem(Post(path, "[]"), 400, "JSON object");
    ExpectProblem(Post(path, R"({"link": 7, "reason": "x"})"), 400, "link must be a text");
    ExpectProblem(Post(path, R"({"link": "x", "reason": "x"})"), 404, "no link \"x\"");
  }
  EXPECT_THAT(a_.writes, IsEmpty());
  EXPECT_THAT(b_.writes, IsEmpty());
}

TEST_F(ApiWrites, WhatTheEngineRefusesIsTold) {
  b_.answer = PreconditionError("there is no baseline yet");
  ExpectProblem(Post(kAccept, ""), 409, "emea-contoso: there is no baseline yet");
  b_.answer = CancelledError("stopping");
  ExpectProblem(Post(kAccept, ""), 503, "stopping");
}

TEST_F(ApiWrites, ALoopbackListenerWithoutTokensOnlyReads) {
  ExpectProblem(Call(Request("POST", kAccept)), 403, "control.sock");
  ExpectProblem(Call(Request("POST", "/api/v1/nothing")), 403, "control.sock");
  EXPECT_THAT(a_.writes, IsEmpty());
}

TEST_F(ApiWrites, ATokensRoleDecides) {
  AddToken("grafana", Role::kViewer);
  AddToken("ops", Role::kOperator);
  AddToken("lead", Role::kApprover);
  ExpectProblem(PostAs("secret of grafana", kAccept, ""), 403, "\"grafana\" is viewer");
  EXPECT_EQ(PostAs("secret of ops", kAccept, "").status, 200);
  EXPECT_THAT(a_.writes, ElementsAre("accept by ops"));
  const std::string reason = R"({"reason": "a drill"})";
  ExpectProblem(PostAs("secret of ops", kReset, reason), 403, "this needs approver");
  EXPECT_EQ(PostAs("secret of lead", kReset, reason).status, 200);
  EXPECT_THAT(a_.writes, SizeIs(2));
  const auto wrong = PostAs("secret of nobody", kAccept, "");
  ExpectProblem(wrong, 401, "unknown token");
  ASSERT_NE(net::FindHeader(wrong.headers, "WWW-Authenticate"), nullptr);
}

TEST_F(ApiWrites, NothingElseTakesAPost) {
  ExpectProblem(Post("/api/v1/users", "{}"), 404, "nothing to POST at /api/v1/users");
  ExpectProblem(Post("/api/v1/guards/x", "{}"), 404, "nothing to POST");
}

}  // namespace
}  // namespace driftwarden::daemon
