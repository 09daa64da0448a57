// What the committed changes of a link make of its metrics.

#include "daemon/metrics_wiring.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "base/strings.h"
#include "daemon/census.h"
#include "store/mem_store.h"
#include "tests/store/sample_records.h"

namespace driftwarden::daemon {
namespace {

using metrics::Metric;
using monitor::DriftKind;
using monitor::Severity;
using monitor::State;
using monitor::TierName;

const TierName kStandardTier{"standard"};

class FixedClock final : public Clock {
 public:
  absl::Time Wall() const override { return absl::FromUnixSeconds(1'800'000'000); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

monitor::Policy SomePolicy() {
  monitor::Policy policy;
  policy.link = monitor::LinkName("main");
  policy.ad_sources = {monitor::SourceName("corp")};
  policy.entra_source = monitor::SourceName("contoso");
  policy.tiers.push_back({TierName("tier0"), {}, {}, {}, {}});
  policy.tiers.push_back({kStandardTier, {}, {}, {}, {}});
  policy.remediation.mode = monitor::Mode::kAuto;
  return policy;
}

class LinkMetricsTest : public ::testing::Test {
 protected:
  // The value of a line of the exposition; NaN when there is no such line.
  double Exported(const std::string& series) {
    for (const std::string& line : SplitString(registry_.Render(), '\n')) {
      if (!line.starts_with(Cat("driftwarden_", series, " "))) continue;
      return std::stod(line.substr(line.rfind(' ') + 1));
    }
    return std::nan("");
  }

  metrics::Registry registry_;
  monitor::Policy policy_ = SomePolicy();
  LinkMetrics link_{registry_, policy_};
};

TEST_F(LinkMetricsTest, EverySeriesKnownInAdvanceIsZeroFromTheStart) {
  for (
      const std::string series : {
          R"(users{link="main",state="breached"})",
          R"(open_episodes{kind="disable_lag",link="main",severity="critical",tier="tier0"})",
          R"(oldest_open_episode_start_timestamp_seconds{kind="deleted_live",link="main",tier="standard"})",
          R"(episodes_opened_total{kind="disable_lag",link="main",tier="standard"})",
          R"(episodes_closed_total{kind="disable_lag",link="main",result="converged",tier="standard"})",
          R"(disable_lag_seconds_count{link="main",tier="tier0"})",
          R"(revocation_lag_seconds_count{by="driftwarden",link="main",tier="tier0"})",
          R"(negative_lags_total{link="main"})",
          R"(actions_total{action="revoke_sessions",link="main",outcome="verified"})",
          R"(actions_pending{action="revoke_sessions",link="main"})",
          R"(action_duration_seconds_count{action="revoke_sessions",link="main",wait="call"})",
          R"(action_duration_seconds_count{action="revoke_sessions",link="main",wait="verify"})",
          R"(guard_tripped{guard="max_percent_per_day",link="main"})",
          R"(open_causes{kind="engine_stalled",link="main"})",
          R"(automation_mode{link="main",mode="observe"})",
          R"(store_commits_total{link="main",outcome="ok"})",
          R"(store_commits_total{link="main",outcome="error"})",
          R"(store_commit_duration_seconds_count{link="main"})",
          R"(engine_queue_length{link="main"})",
          R"(inherited_live_users{link="main"})",
          R"(expected_leavers{link="main",state="overdue"})",
      }) {
    EXPECT_EQ(Exported(series), 0) << series;
  }
  EXPECT_EQ(Exported(R"(automation_mode{link="main",mode="auto"})"), 1);
  EXPECT_EQ(Exported(R"(evidence_chain_ok{link="main"})"), 1);
}

TEST_F(LinkMetricsTest, ANewPolicyDeclaresItsTiersAndShowsItsModeAndResetsNoCounter) {
  monitor::Tally tally;
  tally.episodes_opened = {{DriftKind::kDisableLag, kStandardTier}};
  link_.OnCommit(monitor::LinkState(), tally);
  monitor::Policy next = policy_;
  next.tiers.insert(next.tiers.begin() + 1, {TierName("finance"), {}, {}, {}, {}});
  next.remediation.mode = monitor::Mode::kObserve;
  link_.SetPolicy(next);
  link_.OnCommit(monitor::LinkState(), monitor::Tally());
  EXPECT_EQ(Exported(R"(automation_mode{link="main",mode="auto"})"), 0);
  EXPECT_EQ(Exported(R"(automation_mode{link="main",mode="observe"})"), 1);
  EXPECT_EQ(Exported(R"(episodes_opened_total{kind="disable_lag",link="main",tier="finance"})"), 0);
  EXPECT_EQ(
      Exported(
          R"(open_episodes{kind="disable_lag",link="main",severity="critical",tier="finance"})"),
      0);
  EXPECT_EQ(registry_.Value(Metric::kEpisodesOpened, {"main", "disable_lag", "standard"}), 1);
}

TEST_F(LinkMetricsTest, TheGaugesOfATierThatWentGoWithItsLastOpenEpisode) {
  const std::string series =
      R"(open_episodes{kind="disable_lag",link="main",severity="warning",tier="finance"})";
  const std::string oldest =
      R"(oldest_open_episode_start_timestamp_seconds{kind="disable_lag",link="main",tier="finance"})";
  monitor::Policy with = policy_;
  with.tiers.insert(with.tiers.begin() + 1, {TierName("finance"), {}, {}, {}, {}});
  link_.SetPolicy(with);
  link_.SetCensus(LinkCensus());
  monitor::LinkState state;
  state.open = {{{DriftKind::kDisableLag, TierName("finance"), Severity::kWarning}, 1}};
  monitor::Tally tally;
  tally.episodes_opened = {{DriftKind::kDisableLag, TierName("finance")}};
  link_.OnCommit(state, tally);
  link_.SetPolicy(policy_);
  link_.OnCommit(state, monitor::Tally());
  EXPECT_EQ(Exported(series), 1) << "not judged anew yet";
  EXPECT_EQ(Exported(oldest), 0);
  link_.OnCommit(monitor::LinkState(), monitor::Tally());
  const std::string after = registry_.Render();
  EXPECT_EQ(after.find(series), std::string::npos);
  EXPECT_EQ(after.find(oldest), std::string::npos);
  EXPECT_EQ(registry_.Value(Metric::kEpisodesOpened, {"main", "disable_lag", "finance"}), 1);
  link_.SetPolicy(with);
  link_.OnCommit(state, monitor::Tally());
  EXPECT_EQ(Exported(series), 1);
}

TEST_F(LinkMetricsTest, ACommitSetsTheGaugesOfItsLinkState) {
  monitor::LinkState state;
  state.open = {{{DriftKind::kDisableLag, kStandardTier, Severity::kWarning}, 3}};
  state.inherited_live = 4;
  state.guards[monitor::kGuardPercent].tripped = true;
  monitor::SourceState& source = state.sources[monitor::SourceName("corp")];
  source.last_success = absl::FromUnixSeconds(1000);
  source.clock_offset = absl::Milliseconds(-1500);
  source.snapshot_running = true;
  source.snapshot_objects = 5000;
  link_.OnCommit(state, monitor::Tally());
  const std::string open = R"(open_episodes{kind="disable_lag",link="main",severity="warning",)";
  EXPECT_EQ(Exported(open + R"(tier="standard"})"), 3);
  EXPECT_EQ(registry_.Value(Metric::kInheritedLiveUsers, {"main"}), 4);
  EXPECT_EQ(registry_.Value(Metric::kGuardTripped, {"main", monitor::kGuardPercent}), 1);
  EXPECT_EQ(registry_.Value(Metric::kGuardTripped, {"main", monitor::kGuardVerification}), 0);
  EXPECT_EQ(registry_.Value(Metric::kSourceLastSuccess, {"corp"}), 1000);
  EXPECT_EQ(registry_.Value(Metric::kSourceLastChange, {"corp"}), 0);  // never
  EXPECT_EQ(registry_.Value(Metric::kSourceClockOffset, {"corp"}), -1.5);
  EXPECT_EQ(registry_.Value(Metric::kSourceSnapshotInProgress, {"corp"}), 1);
  EXPECT_EQ(registry_.Value(Metric::kSourceSnapshotObjects, {"corp"}), 5000);
  state.open.clear();
  state.guards[monitor::kGuardPercent].tripped = false;
  link_.OnCommit(state, monitor::Tally());
  EXPECT_EQ(Exported(open + R"(tier="standard"})"), 0);
  EXPECT_EQ(registry_.Value(Metric::kGuardTripped, {"main", monitor::kGuardPercent}), 0);
}

TEST_F(LinkMetricsTest, ATallyIsCounted) {
  monitor::Tally tally;
  tally.episodes_opened = {{DriftKind::kDisableLag, kStandardTier}};
  tally.episodes_closed = {
      {DriftKind::kDisableLag, kStandardTier, monitor::EpisodeResult::kConverged}};
  tally.disable_lags = {{kStandardTier, absl::Minutes(20), false}};
  tally.revocation_lags = {{kStandardTier, absl::Minutes(3), true}};
  tally.detection_lags = {{monitor::SourceName("corp"), absl::Seconds(4)}};
  tally.source_changes = {{{monitor::SourceName("corp"), "watched"}, 7}};
  tally.source_resets = {{{monitor::SourceName("corp"), "invocation_id"}, 1}};
  tally.actions = {{{monitor::ActionKind::kRevokeSessions, monitor::ActionOutcome::kVerified}, 2}};
  tally.action_waits = {
      {monitor::ActionKind::kRevokeSessions, monitor::Tally::Wait::kCall, absl::Seconds(2)},
      {monitor::ActionKind::kRevokeSessions, monitor::Tally::Wait::kVerify, absl::Seconds(90)}};
  tally.negative_lags = 2;
  for (int i = 0; i < 2; ++i) link_.OnCommit(monitor::LinkState(), tally);
  EXPECT_EQ(registry_.Value(Metric::kEpisodesOpened, {"main", "disable_lag", "standard"}), 2);
  EXPECT_EQ(
      registry_.Value(Metric::kEpisodesClosed, {"main", "disable_lag", "standard", "converged"}),
      2);
  EXPECT_EQ(Exported(R"(disable_lag_seconds_sum{link="main",tier="standard"})"), 2400);
  EXPECT_EQ(Exported(R"(revocation_lag_seconds_sum{by="driftwarden",link="main",tier="standard"})"),
            360);
  EXPECT_EQ(Exported(R"(detection_lag_seconds_sum{source="corp"})"), 8);
  EXPECT_EQ(registry_.Value(Metric::kSourceChanges, {"corp", "watched"}), 14);
  EXPECT_EQ(registry_.Value(Metric::kSourceResets, {"corp", "invocation_id"}), 2);
  EXPECT_EQ(registry_.Value(Metric::kActions, {"main", "revoke_sessions", "verified"}), 4);
  const std::string wait = R"(action_duration_seconds_sum{action="revoke_sessions",link="main",)";
  EXPECT_EQ(Exported(wait + R"(wait="call"})"), 4);
  EXPECT_EQ(Exported(wait + R"(wait="verify"})"), 180);
  EXPECT_EQ(registry_.Value(Metric::kNegativeLags, {"main"}), 4);
}

TEST_F(LinkMetricsTest, WritesAreTimedAndCountedByOutcome) {
  link_.OnWritten(absl::Milliseconds(4), OkStatus());
  link_.OnWritten(absl::Milliseconds(6), OkStatus());
  link_.OnWritten(absl::Seconds(1), UnavailableError("disk full"));
  EXPECT_EQ(registry_.Value(Metric::kStoreCommits, {"main", "ok"}), 2);
  EXPECT_EQ(registry_.Value(Metric::kStoreCommits, {"main", "error"}), 1);
  EXPECT_EQ(Exported(R"(store_commit_duration_seconds_count{link="main"})"), 3);
  EXPECT_EQ(Exported(R"(store_commit_duration_seconds_bucket{link="main",le="0.005"})"), 1);
}

TEST_F(LinkMetricsTest, RefreshShowsBlindPeopleAndTheQueue) {
  monitor::LinkState state;
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  state.sources[monitor::SourceName("corp")].last_success = now;
  state.users = {{{State::kLagging, kStandardTier}, 2}, {{State::kAligned, kStandardTier}, 9}};
  link_.Refresh(state, policy_, now, 3);
  EXPECT_EQ(registry_.Value(Metric::kUsers, {"main", "lagging"}), 2);
  EXPECT_EQ(registry_.Value(Metric::kUsers, {"main", "blind"}), 0);
  EXPECT_EQ(registry_.Value(Metric::kEngineQueue, {"main"}), 3);
  link_.Refresh(state, policy_, now + absl::Hours(1), 0);
  EXPECT_EQ(registry_.Value(Metric::kUsers, {"main", "lagging"}), 0);
  EXPECT_EQ(registry_.Value(Metric::kUsers, {"main", "blind"}), 2);
  EXPECT_EQ(registry_.Value(Metric::kUsers, {"main", "aligned"}), 9);
  EXPECT_EQ(registry_.Value(Metric::kEngineQueue, {"main"}), 0);
}

monitor::Person Drifting(monitor::PersonOrdinal ordinal, int64_t since) {
  monitor::Person person = store::PlainPerson(ordinal);
  person.state = person.phase = State::kLagging;
  person.tier = kStandardTier;
  person.episode.emplace();
  person.episode->id = monitor::EpisodeId(Cat("e", ordinal, ".main"));
  person.episode->link = monitor::LinkName("main");
  person.episode->person = ordinal;
  person.episode->tier = kStandardTier;
  person.episode->kinds = {{DriftKind::kDisableLag, Severity::kWarning, store::At(since),
                            store::At(since), std::nullopt}};
  return person;
}

TEST_F(LinkMetricsTest, ACensusFindsTheOldestOpenDriftAndTheLiveActions) {
  auto store = *store::NewMemStore(std::make_shared<store::MemDisk>());
  const uint64_t lease = *store->AcquireLease();
  monitor::Changes changes;
  changes.link.name = policy_.link;
  for (monitor::PersonOrdinal i = 1; i <= 1203; ++i) {  // more than two pages
    changes.people.push_back(Drifting(i, 5000 - static_cast<int64_t>(i)));
  }
  monitor::Person& older = changes.people.front();  // cleared, so it does not count
  older.episode->kinds[0].since = store::At(1);
  older.episode->kinds[0].cleared = store::At(2);
  older.episode->kinds.push_back(
      {DriftKind::kTokenNotRevoked, Severity::kInfo, store::At(7), store::At(8), std::nullopt});
  monitor::Action action = store::SampleAction();
  for (int i = 0; i < 3; ++i) {
    action.id = monitor::ActionId(Cat("live-", i));
    action.state = monitor::ActionState::kQueued;
    changes.actions.push_back(action);
  }
  action.id = monitor::ActionId("ended");
  action.state = monitor::ActionState::kVerified;
  changes.actions.push_back(action);
  ASSERT_TRUE(store->Commit(lease, changes).ok());

  const auto census = TakeCensus(*store, policy_.link, absl::FromUnixSeconds(1'800'000'000));
  ASSERT_TRUE(census.ok()) << census.status();
  link_.SetCensus(*census);
  const auto seconds = [](int64_t at) {
    return absl::ToDoubleSeconds(store::At(at) - absl::UnixEpoch());
  };
  EXPECT_EQ(registry_.Value(Metric::kOldestOpenEpisode, {"main", "disable_lag", "standard"}),
            seconds(5000 - 1203));
  EXPECT_EQ(registry_.Value(Metric::kOldestOpenEpisode, {"main", "token_not_revoked", "standard"}),
            seconds(7));
  EXPECT_EQ(registry_.Value(Metric::kOldestOpenEpisode, {"main", "disable_lag", "tier0"}), 0);
  EXPECT_EQ(registry_.Value(Metric::kActionsPending, {"main", "revoke_sessions"}), 3);

  link_.SetCensus(LinkCensus());  // all closed
  EXPECT_EQ(registry_.Value(Metric::kOldestOpenEpisode, {"main", "disable_lag", "standard"}), 0);
  EXPECT_EQ(registry_.Value(Metric::kActionsPending, {"main", "revoke_sessions"}), 0);
}

TEST_F(LinkMetricsTest, EveryOutcomeThatTheCoreCountsIsZeroFromTheStart) {
  // As many as have a name: nobody is added to the core without being declared.
  std::set<std::string> named;
  for (int i = 0; i < 256; ++i) {
    named.emplace(monitor::ActionOutcomeText(static_cast<monitor::ActionOutcome>(i)));
  }
  named.erase("unknown");
  EXPECT_EQ(named.size(), std::size(monitor::kAllActionOutcomes));
  monitor::Tally tally;
  for (const std::string& outcome : named) {
    EXPECT_EQ(Exported(Cat(R"(actions_total{action="revoke_sessions",link="main",outcome=")",
                           outcome, R"("})")),
              0)
        << outcome;
  }
  const size_t lines = SplitString(registry_.Render(), '\n').size();
  for (const monitor::ActionOutcome outcome : monitor::kAllActionOutcomes) {
    tally.actions[{monitor::ActionKind::kRevokeSessions, outcome}] = 1;
  }
  link_.OnCommit(monitor::LinkState(), tally);
  EXPECT_EQ(SplitString(registry_.Render(), '\n').size(), lines) << "a new series came up";
}

TEST(SourceMetricsTest, EveryResetOfASourcesKindIsZeroFromTheStart) {
  metrics::Registry registry;
  Config config;
  config.directories.emplace_back();
  config.directories.back().name = monitor::SourceName("corp");
  config.tenants.emplace_back();
  config.tenants.back().name = monitor::SourceName("contoso");
  const SourceMetrics metrics(registry, config);
  const auto series = [&](const std::string& source, const std::string& reason) {
    const std::string text = registry.Render();
    const std::string line = Cat(R"(driftwarden_source_resets_total{reason=")", reason,
                                 R"(",source=")", source, R"("})");
    return text.find(Cat(line, " 0\n")) != std::string::npos;
  };
  for (const std::string reason :
       {"cursor_unreadable", "dc_changed", "invocation_id", "usn_went_back", "cookie_rejected"}) {
    EXPECT_TRUE(series("corp", reason)) << reason;
  }
  for (const std::string reason : {"cursor_unreadable", "token_expired", "token_refused",
                                   "paging_loop", "select_changed", "endpoint_changed"}) {
    EXPECT_TRUE(series("contoso", reason)) << reason;
  }
  EXPECT_FALSE(series("corp", "token_expired"));
  EXPECT_FALSE(series("contoso", "dc_changed"));
  EXPECT_FALSE(series("corp", "first")) << "a first read replaces nothing";
}

TEST(SourceMetricsTest, PollsAreCountedAndTimed) {
  metrics::Registry registry;
  Config config;
  config.directories.emplace_back();
  config.directories.back().name = monitor::SourceName("corp");
  SourceMetrics metrics(registry, config);
  metrics.OnPoll(monitor::SourceName("corp"), OkStatus(), absl::Seconds(1));
  EXPECT_EQ(registry.Value(Metric::kSourceUp, {"corp"}), 1);
  metrics.OnPoll(monitor::SourceName("corp"), UnavailableError("away"), absl::Seconds(1));
  EXPECT_EQ(registry.Value(Metric::kSourceUp, {"corp"}), 0);
  EXPECT_EQ(registry.Value(Metric::kSourcePolls, {"corp", "ok"}), 1);
  EXPECT_EQ(registry.Value(Metric::kSourcePolls, {"corp", "error"}), 1);
}

TEST(SourceMetricsTest, HowChangesReachUsIsShown) {
  metrics::Registry registry;
  Config config;
  config.directories.emplace_back();
  const monitor::SourceName corp("corp");
  config.directories.back().name = corp;
  SourceMetrics metrics(registry, config);
  const size_t lines = SplitString(registry.Render(), '\n').size();
  EXPECT_EQ(registry.Value(Metric::kSourceChangeTracking, {"corp", "usn"}), 1);
  EXPECT_EQ(registry.Value(Metric::kSourceNotifyUp, {"corp"}), 0);
  metrics.OnTracking(corp, watchers::AdTracking::kDirSync);
  metrics.OnNotifyUp(corp, true);
  metrics.OnNotice(corp, watchers::AdNotice::kApplied);
  metrics.OnRearm(corp, watchers::AdRearm::kMissed);
  EXPECT_EQ(registry.Value(Metric::kSourceChangeTracking, {"corp", "usn"}), 0);
  EXPECT_EQ(registry.Value(Metric::kSourceChangeTracking, {"corp", "dirsync"}), 1);
  EXPECT_EQ(registry.Value(Metric::kSourceNotifyUp, {"corp"}), 1);
  EXPECT_EQ(registry.Value(Metric::kSourceNotifications, {"corp", "applied"}), 1);
  EXPECT_EQ(registry.Value(Metric::kSourceNotifyRearms, {"corp", "missed"}), 1);
  EXPECT_EQ(SplitString(registry.Render(), '\n').size(), lines) << "all series were declared";
}

TEST(TenantMetricsTest, RequestsAreCountedByRouteAndCode) {
  metrics::Registry registry;
  TenantMetrics tenant(registry, "contoso");
  EXPECT_TRUE(std::isnan(registry.Value(Metric::kTenantLastSync, {"contoso"})));
  tenant.OnRequest("users_delta", 200);
  tenant.OnRequest("users_delta", 0);
  tenant.OnThrottled("users_delta", "writes");
  tenant.OnUnits("users_delta", 2.5);
  tenant.OnHeld("poll", absl::Seconds(3));
  EXPECT_EQ(registry.Value(Metric::kGraphRequests, {"contoso", "users_delta", "200"}), 1);
  EXPECT_EQ(registry.Value(Metric::kGraphRequests, {"contoso", "users_delta", "none"}), 1);
  EXPECT_EQ(registry.Value(Metric::kGraphThrottled, {"contoso", "writes"}), 1);
  EXPECT_EQ(registry.Value(Metric::kGraphThrottled, {"contoso", "unknown"}), 0);
  EXPECT_EQ(registry.Value(Metric::kGraphResourceUnits, {"contoso", "users_delta"}), 2.5);
  EXPECT_EQ(registry.Value(Metric::kGraphHeldSeconds, {"contoso", "poll"}), 3);
  EXPECT_EQ(registry.Value(Metric::kGraphBudgetShare, {"contoso"}), 0);
}

TEST(DeliveryMetricsTest, DeliveriesAreCountedByOutcome) {
  metrics::Registry registry;
  const FixedClock clock;
  DeliveryMetrics deliveries(registry, clock);
  deliveries.Declare("am:9093");
  EXPECT_EQ(registry.Value(Metric::kAlertsLastSuccess, {"am:9093"}), 0);
  deliveries.OnDelivery("am:9093", UnavailableError("away"), 3);
  EXPECT_EQ(registry.Value(Metric::kAlertsLastSuccess, {"am:9093"}), 0);
  deliveries.OnDelivery("am:9093", OkStatus(), 2);
  EXPECT_EQ(registry.Value(Metric::kAlertsSent, {"am:9093", "ok"}), 2);
  EXPECT_EQ(registry.Value(Metric::kAlertsSent, {"am:9093", "error"}), 3);
  EXPECT_EQ(registry.Value(Metric::kAlertsLastSuccess, {"am:9093"}), 1'800'000'000);
}

}  // namespace
}  // namespace driftwarden::daemon
