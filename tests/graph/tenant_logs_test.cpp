// A tenant's logs and devices, read from the simulated one, which shares no code with the reader.

#include "watchers/graph_tenant_logs.h"

#include <algorithm>

#include "tests/graph/simulated_tenant.h"

namespace driftwarden::watchers {
namespace {

using monitor::AccountChange;
using monitor::AuditRecord;
using monitor::LogLimit;
using monitor::LogLook;
using monitor::TenantLog;

class TenantLogsTest : public SimulatedTenantTest {
 protected:
  TenantLogsTest() : start_(scheduler.clock().Wall()) {
    world_->sync().SetCycle(absl::Seconds(30), start_);
    world_->sync().SetProcessing(absl::Seconds(1));
    Unlimited();
  }
  void Unlimited() { Control("fault", R"({"clear":true,"report_limit":0})"); }
  void Do(uint64_t person, const std::string& verb, const std::string& body = "") {
    Control(Cat("people/", Sam(person), "/", verb), body);
  }
  // Every page.
  std::vector<LogLook> Pages(TenantLog which, absl::Time from) {
    std::vector<LogLook> looks;
    LogPage page;
    do {
      auto look = Run(logs_.ReadChanges(which, from, monitor::BatchId("batch-1"), &page));
      EXPECT_TRUE(look.ok()) << look.status();
      if (!look.ok()) break;
      looks.push_back(*std::move(look));
    } while (!page.next.empty());
    return looks;
  }
  std::vector<AuditRecord> Changes(TenantLog which = TenantLog::kDirectoryAudits) {
    std::vector<AuditRecord> all;
    for (LogLook& look : Pages(which, start_)) {
      EXPECT_EQ(look.limit, LogLimit::kNone) << look.limit_detail;
      for (AuditRecord& record : look.audits) all.push_back(std::move(record));
    }
    return all;
  }
  LogLook SignIns(TenantLog which, uint64_t person) {
    LogPage page;
    auto look =
        Run(logs_.ReadSignIns(which, Id(person), start_, monitor::BatchId("batch-1"), &page));
    EXPECT_TRUE(look.ok()) << look.status();
    return look.ok() ? *std::move(look) : LogLook();
  }
  static std::vector<AccountChange> Kinds(const std::vector<AuditRecord>& records) {
    std::vector<AccountChange> kinds;
    for (const AuditRecord& record : records) kinds.push_back(record.change);
    return kinds;
  }

  const absl::Time start_;
  GraphTenantLogs logs_{monitor::SourceName("contoso"), client, scheduler, sight_, quiet_};
};

using Kind = std::vector<AccountChange>;

TEST_F(TenantLogsTest, TellsWhatTheSyncEngineDidAndWhen) {
  Do(3, "disable");
  scheduler.manual().Advance(absl::Minutes(1));
  const auto records = Changes();
  ASSERT_EQ(records.size(), 1U) << "two records of one operation tell of one change";
  EXPECT_EQ(records[0].change, AccountChange::kDisabled);
  EXPECT_EQ(records[0].entra_id, Id(3));
  EXPECT_TRUE(records[0].by_sync);
  EXPECT_TRUE(records[0].actor_name.starts_with("Sync_"));
  EXPECT_EQ(records[0].actor_id, world_->tenant().ObjectId("connect"));
  EXPECT_TRUE(records[0].actor_app_id.empty());
  EXPECT_EQ(records[0].at, world_->truth().entra_changes.back().at);
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantLogsTest, TellsPeopleAndApplicationsApart) {
  Do(1, "cloud", R"({"do":"revoke"})");
  world_->tenant().Revoke(2, scheduler.clock().Wall(), "request-1");
  auto records = Changes();
  ASSERT_EQ(Kinds(records),
            (Kind{AccountChange::kSessionsRevoked, AccountChange::kSessionsRevoked}));
  std::sort(records.begin(), records.end(),
            [this](const auto& a, const auto&) { return a.entra_id == Id(1); });
  EXPECT_FALSE(records[0].by_sync);
  EXPECT_EQ(records[0].actor_id, world_->tenant().ObjectId("admin"));
  EXPECT_EQ(records[1].actor_app_id, simulator::GraphOptions().app.client_id);
  EXPECT_EQ(records[1].actor_id, world_->tenant().ObjectId("our app"));
  world_->tenant().faults().forbid_revoke = true;
  world_->tenant().Revoke(2, scheduler.clock().Wall(), "request-2");
  EXPECT_EQ(Changes().size(), 2U) << "what failed did not happen";
}

TEST_F(TenantLogsTest, APasswordThatIsSyncedIsNoRevocationByAnybodyElse) {
  Do(1, "password");
  scheduler.manual().Advance(absl::Seconds(2));
  const auto records = Changes();
  ASSERT_EQ(Kinds(records),
            (Kind{AccountChange::kSessionsRevoked, AccountChange::kPasswordChanged}));
  EXPECT_TRUE(records[0].by_sync && records[1].by_sync);
  EXPECT_EQ(records[0].correlation_id, records[1].correlation_id);
}

TEST_F(TenantLogsTest, ReadsEveryPageOnceAndSaysWhatItCovers) {
  for (uint64_t person = 0; person < 9; ++person) Do(person, "cloud", R"({"do":"delete"})");
  Do(2, "restore");
  Do(2, "cloud", R"({"do":"purge"})");
  Control("fault", R"({"report_page":4})");
  const absl::Time asked = scheduler.clock().Wall();
  const auto looks = Pages(TenantLog::kDirectoryAudits, start_);
  ASSERT_EQ(looks.size(), 3U);
  EXPECT_FALSE(looks[0].covers || looks[1].covers);
  EXPECT_EQ(looks[2].covers, (TimeBounds{start_, asked}));
  EXPECT_EQ(looks[0].audits[0].change, AccountChange::kPurged);
  EXPECT_EQ(looks[0].audits[1].change, AccountChange::kRestored);
  size_t sum = 0;
  for (const LogLook& look : looks) sum += look.audits.size();
  EXPECT_EQ(sum, 11U);
}

TEST_F(TenantLogsTest, AnyFormOfFilterThatTheTenantTakesWillDo) {
  Do(1, "cloud", R"({"do":"disable"})");
  Control("fault", R"({"refuse_query":["category"]})");
  EXPECT_EQ(Changes().size(), 1U);
  // Not even by time: the newest come first, and reading ends where they are too old.
  http.Reply(400, graph::ErrorBody("BadRequest", "Invalid filter clause"));
  EXPECT_EQ(Changes().size(), 1U);
  EXPECT_EQ(http.requests().back().url.find("$filter"), std::string::npos);
  EXPECT_TRUE(Findings().empty());
  http.Reply(400, graph::ErrorBody("BadRequest", "Resource not found for the segment"));
  EXPECT_EQ(Pages(TenantLog::kDirectoryAudits, start_)[0].limit, LogLimit::kUnsupported);
  EXPECT_EQ(Findings(), std::set<std::string>{kAuditsUnread});
  EXPECT_EQ(Changes().size(), 1U) << "and a limitation ends when the tenant answers again";
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantLogsTest, CloudSyncsLogTellsWhenItExported) {
  Control("tenant", R"({"cloud_sync":true})");
  Do(3, "disable");
  Do(4, "delete");
  scheduler.manual().Advance(absl::Minutes(1));
  auto records = Changes(TenantLog::kProvisioning);
  ASSERT_EQ(records.size(), 2U);
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.change < b.change; });
  EXPECT_EQ(Kinds(records), (Kind{AccountChange::kDisabled, AccountChange::kDeleted}));
  EXPECT_EQ(records[0].entra_id, Id(3));
  EXPECT_TRUE(records[0].by_sync);
  EXPECT_EQ(records[0].actor_id, world_->tenant().ObjectId("cloud sync"));
}

TEST_F(TenantLogsTest, SignInsAreReadFromBothLogs) {
  Do(1, "signin");
  Do(2, "signin");
  Do(1, "cloud", R"({"do":"disable"})");
  scheduler.manual().Advance(absl::Seconds(5));
  Do(1, "signin");
  scheduler.manual().Advance(absl::Seconds(5));
  const auto interactive = SignIns(TenantLog::kInteractiveSignIns, 1);
  ASSERT_EQ(interactive.sign_ins.size(), 1U);
  EXPECT_EQ(interactive.sign_ins[0].error_code, 50057);
  EXPECT_EQ(interactive.sign_ins[0].at.Width(), absl::Seconds(1)) << "v1.0 cuts to the second";
  EXPECT_TRUE(interactive.covers.has_value());
  const auto background = SignIns(TenantLog::kNonInteractiveSignIns, 1);
  ASSERT_EQ(background.sign_ins.size(), 2U);
  EXPECT_EQ(background.sign_ins[0].error_code, 50057);
  EXPECT_EQ(background.sign_ins[1].error_code, 0);
  EXPECT_FALSE(background.sign_ins[1].interactive);
  EXPECT_NE(http.requests().back().url.find("/beta/auditLogs/signIns?"), std::string::npos);
}

TEST_F(TenantLogsTest, ARowThatSumsUpSpansItsSignIns) {
  Control("fault", R"({"aggregate_sign_ins":true})");
  for (int i = 0; i < 3; ++i) {
    Do(1, "signin", R"({"interactive":false})");
    scheduler.manual().Advance(absl::Minutes(10));
  }
  const auto look = SignIns(TenantLog::kNonInteractiveSignIns, 1);
  ASSERT_EQ(look.sign_ins.size(), 1U);
  EXPECT_GE(look.sign_ins[0].at.Width(), absl::Minutes(20));
}

TEST_F(TenantLogsTest, AMissingLicenceOrPermissionOrVersionIsALimitationAndNoError) {
  Control("tenant", R"({"premium":false})");
  EXPECT_EQ(SignIns(TenantLog::kInteractiveSignIns, 1).limit, LogLimit::kLicence);
  EXPECT_EQ(SignIns(TenantLog::kNonInteractiveSignIns, 1).limit, LogLimit::kLicence);
  EXPECT_EQ(Findings(), (std::set<std::string>{kSignInsUnread, kTokenRefreshesUnread}));
  Control("tenant", R"({"premium":true})");
  EXPECT_EQ(SignIns(TenantLog::kInteractiveSignIns, 1).limit, LogLimit::kNone);
  Control("fault", R"({"refuse_query":["beta"]})");
  EXPECT_EQ(SignIns(TenantLog::kNonInteractiveSignIns, 1).limit, LogLimit::kUnsupported);
  EXPECT_EQ(Findings(), std::set<std::string>{kTokenRefreshesUnread});
  Control("fault", R"({"forbid":["directory_audits","sign_ins","provisioning_logs","devices"]})");
  EXPECT_EQ(SignIns(TenantLog::kInteractiveSignIns, 1).limit, LogLimit::kPermission);
  for (const TenantLog which : {TenantLog::kDirectoryAudits, TenantLog::kProvisioning}) {
    const auto looks = Pages(which, start_);
    ASSERT_EQ(looks.size(), 1U);
    EXPECT_EQ(looks[0].limit, LogLimit::kPermission);
    EXPECT_NE(looks[0].limit_detail.find("Authorization_RequestDenied"), std::string::npos);
    EXPECT_FALSE(looks[0].covers.has_value());
  }
  const auto devices = Run(logs_.ReadDevices(Id(1), monitor::BatchId("batch-1")));
  ASSERT_TRUE(devices.ok()) << devices.status();
  EXPECT_EQ(devices->limit, LogLimit::kPermission);
  EXPECT_EQ(Findings().size(), 5U);
}

TEST_F(TenantLogsTest, KeepsWithinTheLimitOfReports) {
  Control("fault", R"({"report_limit":5})");
  const absl::Duration before = scheduler.clock().Steady();
  for (uint64_t person = 0; person < 6; ++person) {
    (void)SignIns(TenantLog::kInteractiveSignIns, person);
    (void)SignIns(TenantLog::kNonInteractiveSignIns, person);
  }
  EXPECT_EQ(observer.throttled.size(), 0U);
  EXPECT_EQ(http.requests().size(), 12U);
  EXPECT_EQ(scheduler.clock().Steady() - before, 2 * graph::ReportPace::kWindow);
}

// Our clock is ahead: what happens until the tenant's is there was not read.
TEST_F(TenantLogsTest, AskedFromATimeThatTheTenantHasNotReachedItCoversNothing) {
  const absl::Time asked = scheduler.clock().Wall();
  for (const absl::Duration ahead : {absl::Hours(1), absl::ZeroDuration()}) {
    const auto looks = Pages(TenantLog::kDirectoryAudits, asked + ahead);
    ASSERT_EQ(looks.size(), 1U);
    EXPECT_EQ(looks[0].covers.has_value(), ahead == absl::ZeroDuration());
    EXPECT_TRUE(looks[0].audits.empty());
  }
}

TEST_F(TenantLogsTest, APageThatLeadsToItselfOrAwayEndsTheReading) {
  const std::string self = Cat(graph::kGraph, "/v1.0/auditLogs/directoryAudits?$skiptoken=1");
  for (const std::string& link : {self, std::string("https://evil.example/v1.0/auditLogs/x"),
                                  Cat(graph::kGraph, "/beta/users")}) {
    LogPage page;
    const std::string body = Cat(R"({"value":[],"@odata.nextLink":")", link, R"("})");
    http.Reply(200, body);
    if (link == self) http.Reply(200, body);  // the others are never asked for
    const monitor::BatchId batch("batch-1");
    auto first = Run(logs_.ReadChanges(TenantLog::kDirectoryAudits, start_, batch, &page));
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_FALSE(first->covers.has_value());
    auto second = Run(logs_.ReadChanges(TenantLog::kDirectoryAudits, start_, batch, &page));
    EXPECT_FALSE(second.ok()) << link;
    EXPECT_TRUE(page.next.empty());
  }
}

TEST_F(TenantLogsTest, AnExpiredPageTokenBeginsTheReadingAnew) {
  for (uint64_t person = 0; person < 3; ++person) Do(person, "cloud", R"({"do":"delete"})");
  Control("fault", R"({"report_page":2})");
  LogPage page;
  const monitor::BatchId batch("batch-1");
  EXPECT_TRUE(Run(logs_.ReadChanges(TenantLog::kDirectoryAudits, start_, batch, &page)).ok());
  http.Reply(400, graph::ErrorBody("BadRequest", "Skip token is expired."));
  const auto second = Run(logs_.ReadChanges(TenantLog::kDirectoryAudits, start_, batch, &page));
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable) << second.status();
  EXPECT_TRUE(page.next.empty());
  EXPECT_EQ(Changes().size(), 3U) << "the filter is still trusted";
}

TEST_F(TenantLogsTest, NothingThatAnswersIsAnErrorAndNoLimitation) {
  LogPage page;
  const monitor::BatchId batch("batch-1");
  http.Fail(UnavailableError("connection refused"));
  EXPECT_EQ(
      Run(logs_.ReadChanges(TenantLog::kDirectoryAudits, start_, batch, &page)).status().code(),
      StatusCode::kUnavailable);
  http.Reply(200, "{\"value\":");
  EXPECT_EQ(
      Run(logs_.ReadChanges(TenantLog::kDirectoryAudits, start_, batch, &page)).status().code(),
      StatusCode::kDataLoss);
  EXPECT_FALSE(
      Run(logs_.ReadSignIns(TenantLog::kInteractiveSignIns, "x' or 1 eq 1", start_, batch, &page))
          .ok());
  EXPECT_TRUE(Findings().empty());
}

TEST_F(TenantLogsTest, TellsDevicesWithTheirTrustAndWhoElseUsesThem) {
  Do(1, "devices",
     Cat(R"({"devices":[{"name":"KIOSK","trust":"ServerAd","shared_with":[")", Sam(2),
         R"("]},{"name":"phone","os":"IPhone","trust":"Workplace",
      "enabled":false,"owned":false},{"name":"old","trust":""}]})"));
  for (const bool cast : {true, false}) {
    if (!cast) Control("fault", R"({"refuse_query":["device_cast"]})");
    const auto look = Run(logs_.ReadDevices(Id(1), monitor::BatchId("batch-1")));
    ASSERT_TRUE(look.ok()) << look.status();
    EXPECT_TRUE(look->complete);
    ASSERT_EQ(look->devices.size(), 3U);
    EXPECT_TRUE(std::is_sorted(look->devices.begin(), look->devices.end(),
                               [](const auto& a, const auto& b) { return a.id < b.id; }));
    std::map<std::string, monitor::Device> by_name;
    for (const monitor::Device& device : look->devices) by_name[device.name] = device;
    EXPECT_EQ(by_name["KIOSK"].trust, monitor::DeviceTrust::kHybrid);
    EXPECT_EQ(by_name["KIOSK"].users, 2);
    EXPECT_TRUE(by_name["KIOSK"].owned && by_name["KIOSK"].registered);
    EXPECT_EQ(by_name["phone"].operating_system, "IPhone");
    EXPECT_EQ(by_name["phone"].enabled, false);
    EXPECT_FALSE(by_name["phone"].owned);
    EXPECT_EQ(by_name["phone"].users, 1);
    EXPECT_EQ(by_name["old"].trust, monitor::DeviceTrust::kUnknown);
  }
  Do(1, "cloud", R"({"do":"delete"})");
  EXPECT_EQ(Run(logs_.ReadDevices(Id(1), monitor::BatchId("b"))).status().code(),
            StatusCode::kNotFound);
}

TEST_F(TenantLogsTest, MoreDevicesThanAreKeptAreNotComplete) {
  std::string list;
  for (int i = 0; i < 40; ++i) list += Cat(i == 0 ? "" : ",", R"({"name":"d)", i, R"("})");
  Do(1, "devices", Cat(R"({"devices":[)", list, "]}"));
  const auto look = Run(logs_.ReadDevices(Id(1), monitor::BatchId("batch-1")));
  ASSERT_TRUE(look.ok()) << look.status();
  EXPECT_FALSE(look->complete);
  EXPECT_EQ(look->devices.size(), monitor::kDevicesKept);
  EXPECT_EQ(look->devices.back().users, 1);
}

TEST(LogJson, HostileAnswersEndInOneErrorOrLeaveOnlyTheirOwnItemOut) {
  for (const char* body : {"", "null", "[]", "{", "{\"value\":{}}", "{\"value\":null}",
                           "{\"value\":[1]} x", "{\"value\":[\xff]}"}) {
    EXPECT_EQ(graph::DecodeDirectoryAudits(body).status().code(), StatusCode::kDataLoss) << body;
    EXPECT_EQ(graph::DecodeSignIns(body, true).status().code(), StatusCode::kDataLoss) << body;
  }
  std::string many = "{\"value\":[0";
  for (size_t i = 0; i < graph::kLogPageItems; ++i) many += ",0";
  EXPECT_FALSE(graph::DecodeProvisioning(many + "]}").ok());
  const auto page = graph::DecodeDirectoryAudits(R"({"value":[7,
    {"id":"1","result":"success","activityDisplayName":"Disable account."},
    {"id":"2","result":"success","activityDisplayName":"Disable account",
     "activityDateTime":"not a time","targetResources":[{"id":"u","type":"User"}]},
    {"id":"3","result":"success","activityDisplayName":"Disable account",
     "activityDateTime":"2026-11-21T02:00:00Z","targetResources":[{"id":null,"type":"User"}]},
    {"id":"4","result":"failure","activityDisplayName":"Disable account"},
    {"id":"5","result":"success","activityDisplayName":"Add member to group",
     "activityDateTime":"2026-11-21T01:00:00Z","targetResources":[{"type":"Group"}]},
    {"id":"6","result":"Success","activityDisplayName":"Disable account.",
     "activityDateTime":"2026-11-21T02:00:00.1234567Z","initiatedBy":{"user":null,"app":7},
     "targetResources":[3,{"id":"APP","type":"ServicePrincipal"},
       {"id":"U-1","type":"User","modifiedProperties":[null,{"displayName":"AccountEnabled",
         "newValue":"[true]"},{"displayName":"Action Client Name","newValue":"\"Azure AD\""}]}]}
    ]})");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->left_out, 4U);
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items[0].entra_id, "u-1");
  EXPECT_EQ(page->items[0].change, AccountChange::kEnabled) << "the value outranks the name";
  EXPECT_FALSE(page->items[0].by_sync);
  EXPECT_EQ(FormatRfc3339(page->oldest), "2026-11-21T01:00:00Z");
}

TEST(LogJson, AnUpdateIsAChangeOnlyByItsValuesAndOnlyWhereNothingElseTellsIt) {
  constexpr char kUpdate[] = R"({"id":"a","result":"success","activityDisplayName":"Update user",
      "correlationId":"c","activityDateTime":"2026-11-21T02:00:00Z",
      "targetResources":[{"id":"u","type":"User","modifiedProperties":[
        {"displayName":"AccountEnabled","newValue":"[\"False\"]"},
        {"displayName":"StsRefreshTokensValidFrom","newValue":"[]"}]}]})";
  const auto alone = graph::DecodeDirectoryAudits(Cat(R"({"value":[)", kUpdate, "]}"));
  ASSERT_TRUE(alone.ok());
  ASSERT_EQ(alone->items.size(), 2U);
  EXPECT_EQ(alone->items[0].change, AccountChange::kDisabled);
  EXPECT_EQ(alone->items[1].change, AccountChange::kSessionsRevoked);
  EXPECT_NE(alone->items[0].id, alone->items[1].id) << "an id is of one change";
  const auto both =
      graph::DecodeDirectoryAudits(Cat(R"({"value":[)", kUpdate, R"(,{"id":"b","result":"success",
      "activityDisplayName":"Disable account","correlationId":"C",
      "activityDateTime":"2026-11-21T02:00:00Z","targetResources":[{"id":"U","type":"user"}]}]})"));
  ASSERT_TRUE(both.ok());
  ASSERT_EQ(both->items.size(), 2U);
  EXPECT_EQ(both->items[0].change, AccountChange::kSessionsRevoked);
  EXPECT_EQ(both->items[1].id, "b");
}

TEST(LogJson, OnlyWhatCloudSyncCarriedIntoTheTenantCounts) {
  constexpr char kRow[] = R"({"id":"p","jobId":"$J","provisioningAction":"$A",
      "activityDateTime":"2026-11-21T02:00:00Z","provisioningStatusInfo":{"status":"$S"},
      "targetIdentity":{"id":"U"},
      "modifiedProperties":[{"displayName":"accountEnabled","newValue":"False"}]})";
  const auto count = [&](const std::string& job, const std::string& action,
                         const std::string& status) {
    std::string row = kRow;
    for (const auto& [mark, text] :
         {std::pair("$J", job), std::pair("$A", action), std::pair("$S", status)}) {
      row.replace(row.find(mark), 2, text);
    }
    const auto page = graph::DecodeProvisioning(Cat(R"({"value":[)", row, "]}"));
    EXPECT_TRUE(page.ok() && page->left_out == 0) << row;
    return page->items.size();
  };
  EXPECT_EQ(count("AD2AADProvisioning.x.y", "update", "success"), 1U);
  EXPECT_EQ(count("AD2AADProvisioning.x.y", "delete", "success"), 1U);
  EXPECT_EQ(count("AD2AADProvisioning.x.y", "disable", "failure"), 0U);
  EXPECT_EQ(count("salesforce.x.y", "disable", "success"), 0U);
}

}  // namespace
}  // namespace driftwarden::watchers
