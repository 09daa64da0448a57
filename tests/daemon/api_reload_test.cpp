// POST /-/reload, and the runbooks that alerts link to.

#include <gmock/gmock.h>

#include "daemon/alert_text.h"
#include "daemon/runbooks.h"
#include "tests/daemon/api_fixture.h"

namespace driftwarden::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using ApiReload = ApiTest;

std::vector<std::string> TextsAt(const boost::json::value& object, const std::string& key) {
  std::vector<std::string> out;
  for (const boost::json::value& item : ListAt(object, key)) {
    out.emplace_back(item.as_string());
  }
  return out;
}

TEST_F(ApiReload, SaysWhichLinksGotAnotherPolicy) {
  EXPECT_EQ(TextAt(Json(Post("/-/reload", "")), "result"), "unchanged");
  EXPECT_THAT(reloads, ElementsAre(HasSubstr("uid:")));
  reload_outcome.links = {"corp-contoso"};
  const auto response = Post("/-/reload", "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(TextAt(Json(response), "result"), "reloaded");
  EXPECT_THAT(TextsAt(Json(response), "links"), ElementsAre("corp-contoso"));
}

TEST_F(ApiReload, FaultsAreListedWithTheirPlaces) {
  reload_outcome.status = InvalidError("f.yaml:1:1: one\nf.yaml:2:3: two");
  reload_outcome.faults = {"f.yaml:1:1: one", "f.yaml:2:3: two"};
  const auto response = Post("/-/reload", "");
  ExpectProblem(response, 400, "f.yaml:2:3: two");
  EXPECT_THAT(TextsAt(Json(response), "faults"), ElementsAre("f.yaml:1:1: one", "f.yaml:2:3: two"));
}

TEST_F(ApiReload, KeysThatNeedARestartAreNamed) {
  reload_outcome.status = PreconditionError("only a restart takes over log.level");
  reload_outcome.restart_keys = {"log.level"};
  const auto response = Post("/-/reload", "");
  ExpectProblem(response, 409, "log.level");
  EXPECT_THAT(TextsAt(Json(response), "restart_keys"), ElementsAre("log.level"));
}

TEST_F(ApiReload, IsForAdministratorsAndByPostOnly) {
  EXPECT_EQ(Call(Request("POST", "/-/reload")).status, 403) << "loopback may read, not write";
  EXPECT_EQ(Get("/-/reload").status, 405);
  tokens_ = {{"ann", Role::kApprover, Sha256("secret of ann")},
             {"ada", Role::kAdmin, Sha256("secret of ada")}};
  EXPECT_EQ(Call(Request("POST", "/-/reload")).status, 401);
  for (const auto& [name, status] : {std::pair("ann", 403), std::pair("ada", 200)}) {
    net::ServerRequest request = Request("POST", "/-/reload");
    request.headers.emplace_back("Authorization", Cat("Bearer secret of ", name));
    EXPECT_EQ(Call(std::move(request)).status, status) << name;
  }
  EXPECT_THAT(reloads, ElementsAre("ada"));
}

TEST_F(ApiReload, TheStatusShowsTheModeInForce) {
  EXPECT_EQ(TextAt(GetJson("/api/v1/status"), "mode"), "observe");
  a_.policy().remediation.mode = monitor::Mode::kAuto;
  EXPECT_EQ(TextAt(GetJson("/api/v1/status"), "mode"), "auto");
}

using ApiRunbooks = ApiTest;

TEST_F(ApiRunbooks, TheLinkOfEveryKindOfAlertIsServed) {
  tokens_ = {{"ada", Role::kAdmin, Sha256("secret of ada")}};  // who is paged may have none
  const std::string base = "https://watch.example";
  const AlertContext context{a_.state(), a_.policy(), clock_.Wall(), absl::Minutes(1), base};
  for (const monitor::DriftKind kind : monitor::kAllDriftKinds) {
    monitor::Incident incident;
    incident.id = monitor::IncidentId("i1");
    incident.alertname = "DriftwardenPerson";
    incident.labels = {{"alertname", "DriftwardenPerson"},
                       {"kind", std::string(monitor::DriftKindText(kind))}};
    incident.starts_at = clock_.Wall();
    const auto alerts = PendingAlertsOf(incident, nullptr, Telling::kAlone, context);
    ASSERT_FALSE(alerts.empty());
    const std::string url = alerts[0].alert.annotations.at("runbook_url");
    ASSERT_TRUE(url.starts_with(base)) << url;
    const auto response = Get(url.substr(base.size()));
    EXPECT_EQ(response.status, 200) << url;
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_THAT(response.body, HasSubstr("**Means.**")) << url;
  }
}

TEST_F(ApiRunbooks, AnUnknownOneNamesThoseThereAre) {
  const auto response = Get("/runbooks/nonsense");
  ExpectProblem(response, 404, "\"nonsense\"");
  for (const Runbook& runbook : Runbooks()) {
    EXPECT_THAT(TextAt(Json(response), "detail"), HasSubstr(std::string(runbook.name)));
    EXPECT_FALSE(runbook.text.empty());
  }
  EXPECT_EQ(Get("/runbooks/").status, 404);
  EXPECT_EQ(Get("/runbooks/README").status, 404);
  EXPECT_EQ(Get("/runbooks/../etc/passwd").status, 404);
  EXPECT_EQ(Post("/runbooks/disable_lag", "").status, 405);
}

}  // namespace
}  // namespace driftwarden::daemon
