#include "remediation/graph_actuator.h"

#include "base/unsent.h"
#include "tests/graph/graph_fixture.h"

namespace driftwarden::remediation {
namespace {

using graph::ErrorBody;
using graph::kAda;

class ActuatorTest : public graph::GraphTest {
 protected:
  CallResult Revoke() {
    return Run(actuator.RevokeSessions(kAda, monitor::ActionId("5f6c2e1a-0000-4000-8000-1"),
                                       absl::InfiniteDuration()));
  }
  GraphActuator actuator{client};
};

TEST_F(ActuatorTest, ARevocationIsOneEmptyPost) {
  http.Reply(200, R"({"@odata.context":"x","value":true})", {net::HttpHeader("request-id", "r-7")});
  const CallResult result = Revoke();
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.request_id, "r-7");
  const net::HttpRequest& sent = http.requests().at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url, Cat("https://graph.example.test/v1.0/users/", kAda, "/revokeSignInSessions"));
  EXPECT_TRUE(sent.body.empty());
  EXPECT_EQ(HeaderOf(0, "client-request-id"), "5f6c2e1a-0000-4000-8000-1");
  EXPECT_EQ(HeaderOf(0, "x-ms-throttle-priority"), "high");
  EXPECT_EQ(observer.requests["revoke 200"], 1);
}

TEST_F(ActuatorTest, AnySuccessIsSuccess) {
  http.Reply(204, "").Reply(202, "");
  EXPECT_TRUE(Revoke().status.ok());
  EXPECT_TRUE(Revoke().status.ok());
}

TEST_F(ActuatorTest, RefusalsAreToldApartAndNothingIsTriedAgain) {
  http.Reply(403, ErrorBody("Authorization_RequestDenied", "Insufficient privileges"));
  const CallResult denied = Revoke();
  EXPECT_TRUE(absl::IsPermissionDenied(denied.status)) << denied.status;
  EXPECT_EQ(denied.request_id, "req-1") << "from the body when no header has it";
  http.Reply(404, ErrorBody("Request_ResourceNotFound", "gone"));
  EXPECT_TRUE(absl::IsNotFound(Revoke().status));
  http.Reply(429, "", {net::HttpHeader("Retry-After", "5")});
  EXPECT_EQ(RetryAfter(Revoke().status), absl::Seconds(5));
  scheduler.manual().Advance(absl::Minutes(1));
  http.Reply(503, "");
  EXPECT_TRUE(absl::IsUnavailable(Revoke().status));
  http.Fail(DeadlineError("no answer"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Revoke().status));
  EXPECT_EQ(http.requests().size(), 5u);
  EXPECT_TRUE(scheduler.slept().empty());
}

TEST_F(ActuatorTest, WhatWasNeverSentIsToldFromWhatMayHaveArrived) {
  http.Fail(DeadlineError("no answer"));
  EXPECT_TRUE(Revoke().sent);
  http.Fail(Unsent(DeadlineError("all connections were busy")));
  const CallResult busy = Revoke();
  EXPECT_FALSE(busy.sent);
  EXPECT_TRUE(absl::IsUnavailable(busy.status)) << busy.status;
  http.Fail(UnavailableError("cut in the middle"));
  EXPECT_TRUE(Revoke().sent);
  http.Reply(503, "");
  EXPECT_TRUE(Revoke().sent);
  const size_t sent = http.requests().size();
  scheduler.manual().Advance(absl::Minutes(1));
  tokens.failure = DeadlineError("the login endpoint does not answer");
  const CallResult no_token = Revoke();
  EXPECT_FALSE(no_token.sent);
  EXPECT_TRUE(absl::IsUnavailable(no_token.status)) << no_token.status;
  EXPECT_EQ(http.requests().size(), sent);
}

TEST_F(ActuatorTest, AGatewaysWordIsNoAnswer) {
  http.Reply(502, "").Reply(504, "");
  EXPECT_TRUE(absl::IsDeadlineExceeded(Revoke().status));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Revoke().status));
}

TEST_F(ActuatorTest, WhatTheGatesSawIsNotActedOnLater) {
  http.Reply(429, "", {net::HttpHeader("Retry-After", "60")});
  EXPECT_FALSE(Revoke().status.ok());
  const size_t sent = http.requests().size();
  const absl::Duration soon = scheduler.clock().Steady() + absl::Seconds(10);
  const CallResult late = Run(actuator.RevokeSessions(kAda, monitor::ActionId("a-2"), soon));
  EXPECT_FALSE(late.status.ok());
  EXPECT_FALSE(absl::IsDeadlineExceeded(late.status)) << "it was not sent: " << late.status;
  EXPECT_FALSE(late.sent);
  EXPECT_EQ(http.requests().size(), sent);
}

TEST_F(ActuatorTest, AnEmptyIdIsNeverSent) {
  const CallResult result =
      Run(actuator.RevokeSessions("", monitor::ActionId("a"), absl::InfiniteDuration()));
  EXPECT_FALSE(result.status.ok());
  EXPECT_TRUE(http.requests().empty());
}

}  // namespace
}  // namespace driftwarden::remediation
