// Alertmanager's API v2 over a scripted HTTP client: the exact body, and what each answer means.

#include "alerts/alertmanager_sink.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/strings.h"
#include "tests/async/run_loop.h"
#include "tests/testing/fake_http.h"

namespace driftwarden::alerts {
namespace {

constexpr char kUrl[] = "http://am.example:9093";

Alert SomeAlert() {
  Alert alert;
  alert.labels = {{"alertname", "DriftwardenPerson"}, {"link", "corp"}};
  alert.annotations = {{"summary", "\"Zo\xc3\xab\"\nis live"}};
  alert.starts_at = absl::FromUnixSeconds(1'795'226'400);
  alert.ends_at = alert.starts_at + absl::Milliseconds(180'500);
  return alert;
}

struct Sent {
  Status status;
  std::vector<net::HttpRequest> requests;
};

Sent DeliverTo(const std::string& url, testing::FakeHttp& http, std::vector<Alert> alerts) {
  RunLoop loop;
  AlertmanagerSink sink("alertmanager-1", url, http);
  const Status status = loop.Await(sink.Deliver(std::move(alerts)));
  return {status, http.requests()};
}

Status StatusFor(int http_status, const std::string& body = "") {
  testing::FakeHttp http;
  http.Reply(http_status, body);
  return DeliverTo(kUrl, http, {SomeAlert()}).status;
}

TEST(AlertmanagerBody, IsTheApisListWithTimesInUtc) {
  Alert linked = SomeAlert();
  linked.annotations.clear();
  linked.generator_url = "https://drift.example/u/p1.corp";
  EXPECT_EQ(AlertmanagerBody({SomeAlert(), linked}),
            R"([{"labels":{"alertname":"DriftwardenPerson","link":"corp"},)"
            "\"annotations\":{\"summary\":\"\\\"Zo\xc3\xab\\\"\\nis live\"},"
            R"("startsAt":"2026-11-21T02:00:00Z","endsAt":"2026-11-21T02:03:00.5Z"},)"
            R"({"labels":{"alertname":"DriftwardenPerson","link":"corp"},"annotations":{},)"
            R"("startsAt":"2026-11-21T02:00:00Z","endsAt":"2026-11-21T02:03:00.5Z",)"
            R"("generatorURL":"https://drift.example/u/p1.corp"}])");
}

TEST(AlertmanagerBody, OfNothingIsAnEmptyList) {
  EXPECT_EQ(AlertmanagerBody({}), "[]");
}

TEST(AlertmanagerSink, PostsJsonAndTakesAny2xx) {
  for (const int code : {200, 202, 204}) {
    testing::FakeHttp http;
    http.Reply(code, "");
    const Sent sent = DeliverTo(kUrl, http, {SomeAlert()});
    EXPECT_TRUE(sent.status.ok()) << sent.status;
    ASSERT_EQ(sent.requests.size(), 1u);
    EXPECT_EQ(sent.requests[0].method, "POST");
    EXPECT_EQ(sent.requests[0].url, "http://am.example:9093/api/v2/alerts");
    const std::string* type = net::FindHeader(sent.requests[0].headers, "content-type");
    ASSERT_NE(type, nullptr);
    EXPECT_EQ(*type, "application/json");
    EXPECT_EQ(sent.requests[0].body, AlertmanagerBody({SomeAlert()}));
  }
}

TEST(AlertmanagerSink, KeepsThePathPrefixOfTheUrl) {
  for (const std::string url :
       {"https://am.example/prom/alert", "https://am.example/prom/alert//"}) {
    testing::FakeHttp http;
    http.Reply(200, "");
    const Sent sent = DeliverTo(url, http, {SomeAlert()});
    ASSERT_EQ(sent.requests.size(), 1u);
    EXPECT_EQ(sent.requests[0].url, "https://am.example/prom/alert/api/v2/alerts");
  }
}

TEST(AlertmanagerSink, HasTheGivenNameAndAnAddressWithoutUserInformation) {
  testing::FakeHttp http;
  const auto address = [&http](const std::string& url) {
    const AlertmanagerSink sink("alertmanager-2", url, http);
    EXPECT_EQ(sink.name(), "alertmanager-2");
    return sink.address();
  };
  EXPECT_EQ(address("http://am.example:9093/x"), "am.example:9093");
  EXPECT_EQ(address("https://ann:s3cret@am.example/x?y#z"), "am.example");
  EXPECT_EQ(address("https://ann:p@ss@am.example"), "am.example");
  EXPECT_EQ(address("am.example:1"), "am.example:1");
}

TEST(AlertmanagerSink, ARefusedContentIsAnInvalidArgumentWithTheReason) {
  const Status status = StatusFor(400, "start time must\nbe before end");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Message(status).find("am.example:9093 answered 400: start time must"),
            std::string_view::npos)
      << status;
  EXPECT_EQ(Message(status).find('\n'), std::string_view::npos) << status;
  EXPECT_EQ(StatusFor(404).code(), StatusCode::kInvalidArgument);
}

TEST(AlertmanagerSink, ThrottlingAndServerErrorsArePassing) {
  for (const int code : {429, 500, 502, 503, 301}) {
    EXPECT_EQ(StatusFor(code).code(), StatusCode::kUnavailable) << code;
  }
}

TEST(AlertmanagerSink, ATransportErrorNamesTheReceiver) {
  testing::FakeHttp http;
  http.Fail(UnavailableError("connection refused"));
  const Sent sent = DeliverTo(kUrl, http, {SomeAlert()});
  EXPECT_EQ(sent.status.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(sent.status).find("am.example:9093"), std::string_view::npos) << sent.status;
  EXPECT_NE(Message(sent.status).find("connection refused"), std::string_view::npos);
}

TEST(AlertmanagerSink, ManyAlertsLeaveInBoundedRequestsUntilOneFails) {
  const std::vector<Alert> many(1201, SomeAlert());
  testing::FakeHttp http;
  http.Reply(200, "").Reply(200, "").Reply(200, "");
  const Sent sent = DeliverTo(kUrl, http, many);
  EXPECT_TRUE(sent.status.ok()) << sent.status;
  size_t alerts = 0;
  for (const net::HttpRequest& request : sent.requests) {
    boost::json::error_code error;
    const auto list = boost::json::parse(request.body, error);
    ASSERT_FALSE(error);
    EXPECT_LE(list.as_array().size(), 500u);
    alerts += list.as_array().size();
  }
  EXPECT_EQ(sent.requests.size(), 3u);
  EXPECT_EQ(alerts, many.size());

  testing::FakeHttp failing;
  failing.Reply(200, "").Reply(503, "");
  const Sent stopped = DeliverTo(kUrl, failing, many);
  EXPECT_EQ(stopped.status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(stopped.requests.size(), 2u);
}

TEST(AlertmanagerSink, NothingToTellIsNoRequest) {
  testing::FakeHttp http;
  const Sent sent = DeliverTo(kUrl, http, {});
  EXPECT_TRUE(sent.status.ok());
  EXPECT_TRUE(sent.requests.empty());
}

}  // namespace
}  // namespace driftwarden::alerts
