// Health, status, sources, guards, automation and baseline; and what is not there.

#include <gmock/gmock.h>

#include "daemon/api_json.h"
#include "daemon/verbs.h"
#include "tests/daemon/api_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::State;
using ::testing::ElementsAre;
using ::testing::SizeIs;

const monitor::TierName kAnyTier{"standard"};

class ApiStatus : public ApiTest {
 protected:
  boost::json::value StatusJson() { return GetJson("/api/v1/status"); }
  std::string Summary() { return TextAt(StatusJson(), "summary"); }
};

TEST_F(ApiStatus, ASourceWhoseClockIsOffIsTold) {
  const auto told = [&](absl::Duration offset) {
    sources_[0].clock_offset = offset;
    const auto status = StatusJson();
    const auto& source = ListAt(status, "sources")[0];
    EXPECT_EQ(NumberAt(source, "clock_offset_seconds"), absl::ToInt64Seconds(offset));
    const auto& findings = ListAt(source, "findings");
    if (findings.empty()) return std::string();
    EXPECT_EQ(TextAt(findings[0], "finding"), "clock_off");
    return TextAt(findings[0], "text");
  };
  EXPECT_EQ(told(absl::Seconds(30)), "");
  EXPECT_THAT(told(absl::Seconds(-31)), ::testing::HasSubstr("31 s behind ours: its times are"));
  EXPECT_EQ(told(absl::Seconds(-31)).find("nothing is done"), std::string::npos);
  EXPECT_THAT(told(absl::Minutes(6)), ::testing::HasSubstr("6 min ahead of ours: nothing is done"));
}

TEST_F(ApiStatus, HealthAndReadinessNeedNoToken) {
  tokens_ = {Token{"a", Role::kViewer, {}}};
  EXPECT_EQ(Get("/-/healthy").status, 200);
  EXPECT_EQ(Get("/-/ready").status, 200);
  ready_ = false;
  EXPECT_EQ(Get("/-/ready").status, 503);
  EXPECT_EQ(Get("/-/healthy").status, 200);
  EXPECT_EQ(Get("/metrics").status, 401);
}

TEST_F(ApiStatus, MetricsAreTheTextFormat) {
  const auto response = Get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "driftwarden_up 1\n");
  EXPECT_EQ(Call(Request("POST", "/metrics")).status, 405);
}

TEST_F(ApiStatus, HasTheContractsShape) {
  a_.state().users = {{{State::kAligned, kAnyTier}, 40}, {{State::kBreached, kAnyTier}, 1}};
  a_.state().open = {
      {{monitor::DriftKind::kDisableLag, kAnyTier, monitor::Severity::kCritical}, 1}};
  const auto status = StatusJson();
  EXPECT_EQ(TextAt(status, "version"), "1.2.3");
  EXPECT_TRUE(FlagAt(status, "ready"));
  EXPECT_EQ(TextAt(status, "mode"), "observe");
  EXPECT_FALSE(FlagAt(status, "paused"));
  ASSERT_THAT(ListAt(status, "sources"), SizeIs(2));
  const auto& source = ListAt(status, "sources")[0];
  EXPECT_EQ(TextAt(source, "name"), "corp");
  EXPECT_EQ(TextAt(source, "kind"), "active_directory");
  EXPECT_TRUE(FlagAt(source, "up"));
  EXPECT_TRUE(FlagAt(source, "fresh"));
  EXPECT_EQ(TextAt(source, "last_success"), "2027-01-15T08:00:00Z");
  EXPECT_TRUE(Field(source, "last_change").is_null());
  EXPECT_EQ(TextAt(source, "snapshot"), "complete");
  EXPECT_TRUE(Field(source, "error").is_null());
  EXPECT_EQ(TextAt(ListAt(status, "sources")[1], "kind"), "entra");
  ASSERT_THAT(ListAt(status, "links"), SizeIs(2));
  const auto& link = ListAt(status, "links")[0];
  EXPECT_EQ(TextAt(link, "name"), "corp-contoso");
  EXPECT_EQ(NumberAt(Field(link, "users"), "aligned"), 40);
  EXPECT_EQ(NumberAt(Field(link, "users"), "breached"), 1);
  EXPECT_EQ(NumberAt(Field(link, "open"), "disable_lag"), 1);
  EXPECT_TRUE(Field(link, "open").as_object().contains("deleted_live"));
  EXPECT_FALSE(FlagAt(Field(link, "engine"), "stalled"));
  const auto policy = Field(link, "policy");
  for (const char* key : {"epoch", "since", "actor", "hash", "judged", "of", "complete"}) {
    EXPECT_TRUE(policy.as_object().contains(key)) << key;
  }
  ASSERT_THAT(ListAt(status, "guards"), SizeIs(10));
  EXPECT_EQ(TextAt(ListAt(status, "guards")[0], "link"), "corp-contoso");
  EXPECT_FALSE(FlagAt(ListAt(status, "guards")[0], "tripped"));
}

TEST_F(ApiStatus, OkWhenNobodyIsLeftBehind) {
  a_.state().users = {{{State::kConverged, kAnyTier}, 3}};
  EXPECT_EQ(Summary(), "OK: everybody who left AD is gone from Entra");
}

TEST_F(ApiStatus, BlindComesBeforeEverything) {
  a_.state().users = {{{State::kBreached, kAnyTier}, 1}};
  sources_[0].fresh = false;
  EXPECT_EQ(Summary(), "BLIND: cannot read corp");
  sources_[1].fresh = false;
  EXPECT_EQ(Summary(), "BLIND: cannot read corp, contoso");
}

TEST_F(ApiStatus, BlindWhenTheFirstReadCannotBegin) {
  sources_[1].snapshot_complete = sources_[1].fresh = sources_[1].up = false;
  sources_[1].error = "connection refused";
  EXPECT_EQ(Summary(), "BLIND: cannot read contoso");
  EXPECT_EQ(TextAt(ListAt(StatusJson(), "sources")[1], "error"), "connection refused");
}

TEST_F(ApiStatus, BreachedCountsPeopleOfAllLinks) {
  a_.state().users = {{{State::kBreached, kAnyTier}, 1}, {{State::kPending, kAnyTier}, 7}};
  EXPECT_EQ(Summary(), "BREACHED: 1 person is live in Entra past the limit");
  b_.state().users = {{{State::kRegressed, kAnyTier}, 2}};
  EXPECT_EQ(Summary(), "BREACHED: 3 people are live in Entra past the limit");
}

TEST_F(ApiStatus, DriftCountsDeparturesOfWhichSomebodyMustBeTold) {
  a_.state().users = {{{State::kLagging, kAnyTier}, 1}, {{State::kPending, kAnyTier}, 4}};
  a_.state().in_drift.departures = 1;
  EXPECT_EQ(Summary(), "DRIFT: 1 departure not closed");
  EXPECT_EQ(OpenDrift(StatusJson()), 1);  // what `driftwarden status` exits by
  a_.state().in_drift.departures = 2;
  b_.state().in_drift.departures = 1;
  EXPECT_EQ(Summary(), "DRIFT: 3 departures not closed");
  EXPECT_EQ(OpenDrift(StatusJson()), 3);
}

TEST_F(ApiStatus, WhoDiffersWithoutHavingLeftIsDriftToo) {
  b_.state().in_drift.others = 1;
  EXPECT_EQ(Summary(),
            "DRIFT: 1 person differs between AD and Entra without having left; see driftwarden "
            "drift list");
  const auto status = StatusJson();
  EXPECT_EQ(OpenDrift(status), 1);
  EXPECT_EQ(NumberAt(ListAt(status, "links")[1], "in_drift"), 1);
  EXPECT_EQ(NumberAt(ListAt(status, "links")[1], "without_departure"), 1);
}

// Info never counts for exit code 3: the departure is under way, and nobody is late.
TEST_F(ApiStatus, DeparturesWithNothingWorseThanInfoAreFineButSaid) {
  a_.state().users = {{{State::kPending, kAnyTier}, 1}};
  a_.state().open = {{{monitor::DriftKind::kDisableLag, kAnyTier, monitor::Severity::kInfo}, 1}};
  EXPECT_EQ(Summary(), "OK: nobody is late; 1 departure under way, 1 pending");
  EXPECT_EQ(OpenDrift(StatusJson()), 0);
  b_.state().users = {{{State::kUnsealed, kAnyTier}, 2}, {{State::kPending, kAnyTier}, 1}};
  EXPECT_EQ(Summary(), "OK: nobody is late; 4 departures under way, 2 pending, 2 unsealed");
  EXPECT_EQ(OpenDrift(StatusJson()), 0);
  b_.state().inherited_live = 1;
  EXPECT_EQ(Summary(),
            "OK, but 1 person drifted before the first look; see driftwarden baseline show; "
            "4 departures under way, 2 pending, 2 unsealed");
}

TEST_F(ApiStatus, StartingUntilEverythingWasReadOnce) {
  sources_[0].snapshot_complete = sources_[0].fresh = false;
  sources_[0].snapshot_running = true;
  EXPECT_EQ(Summary(), "STARTING: the first complete read has not ended");
  EXPECT_EQ(TextAt(ListAt(StatusJson(), "sources")[0], "snapshot"), "running");
}

TEST_F(ApiStatus, InheritedDriftIsPointedAt) {
  a_.state().inherited_live = 2;
  b_.state().inherited_live = 1;
  EXPECT_EQ(Summary(),
            "OK, but 3 people drifted before the first look; see driftwarden baseline show");
}

TEST_F(ApiStatus, VisibleCountsMoveOpenDeparturesOfAStaleLinkToBlind) {
  a_.state().users = {{{State::kAligned, kAnyTier}, 40},
                      {{State::kPending, kAnyTier}, 1},
                      {{State::kBreached, monitor::TierName("tier0")}, 2},
                      {{State::kConverged, kAnyTier}, 5},
                      {{State::kInherited, kAnyTier}, 6}};
  auto counts = VisibleUserCounts(a_.state(), a_.policy(), clock_.Wall());
  EXPECT_EQ(counts[State::kBlind], 0);
  EXPECT_EQ(counts[State::kBreached], 2);
  EXPECT_EQ(counts.size(), std::size(monitor::kAllStates));
  const absl::Time later = clock_.Wall() + a_.policy().StaleAfter(kCorp) + absl::Seconds(1);
  counts = VisibleUserCounts(a_.state(), a_.policy(), later);
  EXPECT_EQ(counts[State::kBlind], 3);
  EXPECT_EQ(counts[State::kPending], 0);
  EXPECT_EQ(counts[State::kBreached], 0);
  EXPECT_EQ(counts[State::kAligned], 40);
  EXPECT_EQ(counts[State::kConverged], 5);
  EXPECT_EQ(counts[State::kInherited], 6);
}

TEST_F(ApiStatus, ATrippedGuardSaysSinceWhenAndWhy) {
  a_.state().guards[monitor::kGuardPercent] = {true, clock_.Wall(), "6 of 1000"};
  const auto list = GetJson("/api/v1/guards");
  const auto& guard = ListAt(list, "items")[0];
  EXPECT_EQ(TextAt(guard, "name"), "max_percent_per_day");
  EXPECT_TRUE(FlagAt(guard, "tripped"));
  EXPECT_EQ(TextAt(guard, "since"), "2027-01-15T08:00:00Z");
  EXPECT_EQ(TextAt(guard, "detail"), "6 of 1000");
  EXPECT_FALSE(FlagAt(ListAt(list, "items")[1], "tripped"));
}

TEST_F(ApiStatus, AutomationNamesTheModeInForceForEachTier) {
  a_.policy().remediation.modes = {
      {std::nullopt, monitor::TierName("tier0"), std::nullopt, monitor::Mode::kAuto}};
  const auto automation = GetJson("/api/v1/automation");
  ASSERT_THAT(ListAt(automation, "effective"), SizeIs(4));
  EXPECT_EQ(TextAt(ListAt(automation, "effective")[0], "mode"), "auto");
  EXPECT_EQ(TextAt(ListAt(automation, "effective")[1], "mode"), "observe");
  a_.policy().remediation.actions.clear();
  EXPECT_THAT(ListAt(GetJson("/api/v1/automation"), "effective"), SizeIs(2));
}

TEST_F(ApiStatus, BaselineAndSourcesAreLists) {
  a_.state().baseline_at = clock_.Wall();
  a_.state().inherited_live = 2;
  a_.state().users = {{{State::kInherited, kAnyTier}, 3}};
  const auto baseline = GetJson("/api/v1/baseline");
  EXPECT_THAT(Items(baseline, "link"), ElementsAre("corp-contoso", "emea-contoso"));
  const auto& first = ListAt(baseline, "items")[0];
  EXPECT_EQ(TextAt(first, "established_at"), "2027-01-15T08:00:00Z");
  EXPECT_TRUE(Field(first, "accepted_at").is_null());
  EXPECT_EQ(NumberAt(first, "inherited"), 3);
  EXPECT_EQ(NumberAt(first, "inherited_live"), 2);
  EXPECT_THAT(Items(GetJson("/api/v1/sources"), "name"), ElementsAre("corp", "contoso"));
}

TEST_F(ApiStatus, WhatIsNotThereIsA404) {
  ExpectProblem(Get("/"), 404, "/api/v1");
  ExpectProblem(Get("/api/v2/status"), 404, "/api/v1");
  ExpectProblem(Get("/api/v1/nothing"), 404, "/api/v1/nothing");
  ExpectProblem(Get("/api/v1/status/x"), 404, "/api/v1/status/x");
  ExpectProblem(Get("/api/v1/"), 404, "nothing at");
}

TEST_F(ApiStatus, OtherMethodsAreNotAllowed) {
  const auto response = Call(Request("PUT", "/api/v1/status"));
  ExpectProblem(response, 405, "GET, POST, DELETE");
  ASSERT_NE(net::FindHeader(response.headers, "Allow"), nullptr);
  EXPECT_EQ(*net::FindHeader(response.headers, "Allow"), "GET, POST, DELETE");
}

TEST_F(ApiStatus, HeadIsAGet) {
  EXPECT_EQ(Call(Request("HEAD", "/api/v1/status")).status, 200);
}

TEST_F(ApiStatus, AnswersAreNotCached) {
  const auto response = Get("/api/v1/status");
  ASSERT_NE(net::FindHeader(response.headers, "Cache-Control"), nullptr);
  EXPECT_EQ(*net::FindHeader(response.headers, "Cache-Control"), "no-store");
}

}  // namespace
}  // namespace driftwarden::daemon
