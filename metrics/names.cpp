#include "metrics/names.h"

#include "base/check.h"

namespace driftwarden::metrics {
namespace {

using enum MetricType;

// Lags run from seconds (Cloud Sync, our own revocation) to hours (a stalled engine).
const std::vector<double> kLagBounds = {5,    15,   30,   60,   120,  300,  600,   900,
                                        1200, 1800, 2400, 3600, 4200, 7200, 14400, 43200};
const std::vector<double> kDetectionBounds = {0.05, 0.1, 0.25, 0.5, 1,   2.5, 5,   10,
                                              15,   20,  30,   60,  120, 300, 900, 3600};
const std::vector<double> kCallBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                         1,     2.5,  5,     10,   30,  60};

std::vector<MetricSpec> MakeSpecs() {
  return {
      {"users", kGauge, "People by state.", {"link", "state"}},
      {"open_episodes",
       kGauge,
       "Open drift kinds of open episodes.",
       {"link", "kind", "tier", "severity"}},
      {"oldest_open_episode_start_timestamp_seconds",
       kGauge,
       "When the longest open drift of a kind began; 0 when there is none.",
       {"link", "kind", "tier"}},
      {"episodes_opened_total", kCounter, "Episodes opened.", {"link", "kind", "tier"}},
      {"episodes_closed_total", kCounter, "Episodes closed.", {"link", "kind", "tier", "result"}},
      {"disable_lag_seconds",
       kHistogram,
       "From the AD disable (originating time) to the Entra disable.",
       {"link", "tier"},
       kLagBounds},
      {"revocation_lag_seconds",
       kHistogram,
       "From the AD disable to the first attributed revocation.",
       {"link", "tier", "by"},
       kLagBounds},
      {"detection_lag_seconds",
       kHistogram,
       "From a change's own time to the commit that knows it.",
       {"source"},
       kDetectionBounds},
      {"negative_lags_total",
       kCounter,
       "Lags that came out negative and were clamped to 0.",
       {"link"}},
      {"source_up", kGauge, "1 when the last poll succeeded.", {"source"}},
      {"source_finding",
       kGauge,
       "1 while the service account is not shown something that it should read.",
       {"source", "finding"}},
      {"source_verified_total",
       kCounter,
       "Known accounts that were compared with the directory, by result.",
       {"source", "result"}},
      {"source_verification_pass_timestamp_seconds",
       kGauge,
       "When everybody was last compared; 0: not yet.",
       {"source"}},
      {"source_last_success_timestamp_seconds",
       kGauge,
       "End of the last complete poll.",
       {"source"}},
      {"source_last_change_timestamp_seconds",
       kGauge,
       "When the last watched change was read.",
       {"source"}},
      {"source_polls_total", kCounter, "Polls by result.", {"source", "result"}},
      {"source_poll_duration_seconds",
       kHistogram,
       "Duration of one complete poll.",
       {"source"},
       kCallBounds},
      {"source_changes_total",
       kCounter,
       "Delivered objects by what they meant.",
       {"source", "change"}},
      {"source_resets_total",
       kCounter,
       "Full reads that replaced a cursor, by reason.",
       {"source", "reason"}},
      {"source_clock_offset_seconds", kGauge, "The source's clock minus ours.", {"source"}},
      {"source_snapshot_objects",
       kGauge,
       "Objects read by the running or last full read.",
       {"source"}},
      {"source_snapshot_in_progress", kGauge, "1 while a full read runs.", {"source"}},
      {"source_change_tracking",
       kGauge,
       "1 for the way in which an AD source's changes are tracked now.",
       {"source", "tracking"}},
      {"source_notify_up",
       kGauge,
       "1 while the domain controller tells of changes as they happen.",
       {"source"}},
      {"source_notifications_total",
       kCounter,
       "Objects that the domain controller told of.",
       {"source", "outcome"}},
      {"source_notify_rearms_total",
       kCounter,
       "Notification searches that had to be begun anew.",
       {"source", "reason"}},
      {"tenant_last_sync_timestamp_seconds",
       kGauge,
       "The tenant's last directory sync; NaN while it is not read.",
       {"entra"}},
      {"graph_requests_total",
       kCounter,
       "Requests to Graph by route and status.",
       {"entra", "route", "code"}},
      {"graph_throttled_total", kCounter, "Answers that asked us to slow down.", {"entra"}},
      {"actions_total", kCounter, "Actions by step and end.", {"link", "action", "outcome"}},
      {"actions_pending", kGauge, "Live actions.", {"link", "action"}},
      {"action_duration_seconds",
       kHistogram,
       "wait=call: intent to the answered call; wait=verify: call to read-back.",
       {"link", "action", "wait"},
       kLagBounds},
      {"guard_tripped", kGauge, "1 while a latching guard is tripped.", {"link", "guard"}},
      {"automation_mode", kGauge, "1 for the mode in force.", {"link", "mode"}},
      {"alerts_sent_total",
       kCounter,
       "Deliveries to a receiver by outcome.",
       {"receiver", "outcome"}},
      {"alerts_last_success_timestamp_seconds", kGauge, "Last accepted delivery.", {"receiver"}},
      {"evidence_chain_ok", kGauge, "1 while the chain of evidence verifies.", {"link"}},
      {"inherited_live_users",
       kGauge,
       "People who drifted before the first look and are live in Entra.",
       {"link"}},
      {"memory_bytes", kGauge, "Memory by part; budget is the configured limit.", {"part"}},
      {"store_bytes", kGauge, "State store by part.", {"part"}},
      {"store_commits_total", kCounter, "Commits by outcome.", {"link", "outcome"}},
      {"store_commit_duration_seconds",
       kHistogram,
       "Duration of one atomic commit.",
       {"link"},
       kCallBounds},
      {"engine_queue_length", kGauge, "Commands waiting for a link's engine.", {"link"}},
      {"build_info", kGauge, "Always 1.", {"version", "revision"}},
  };
}

}  // namespace

const std::vector<MetricSpec>& Specs() {
  static const std::vector<MetricSpec> specs = MakeSpecs();
  return specs;
}

const MetricSpec& SpecOf(Metric metric) {
  DW_CHECK(Specs().size() == static_cast<size_t>(Metric::kCount));
  return Specs()[static_cast<size_t>(metric)];
}

}  // namespace driftwarden::metrics
