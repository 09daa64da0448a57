#pragma once

// Every metric there is: name (without the prefix), type, help, label names and histogram bounds.
// The contract of /metrics; docs/metrics.md is checked against this table. No user, UPN, DN, device
// or address ever stands in a label.

#include <string_view>
#include <vector>

namespace driftwarden::metrics {

enum class MetricType { kGauge, kCounter, kHistogram };

struct MetricSpec {
  std::string_view name;
  MetricType type;
  std::string_view help;
  std::vector<std::string_view> labels;
  std::vector<double> bounds = {};  // seconds, histograms only
};

// Indexes into Specs(); the order is the table's.
enum class Metric {
  kUsers,
  kOpenEpisodes,
  kOldestOpenEpisode,
  kEpisodesOpened,
  kEpisodesClosed,
  kDisableLag,
  kRevocationLag,
  kDetectionLag,
  kNegativeLags,
  kSourceUp,
  kSourceFinding,
  kSourceVerified,
  kSourceVerificationPass,
  kSourceLastSuccess,
  kSourceLastChange,
  kSourcePolls,
  kSourcePollDuration,
  kSourceChanges,
  kSourceResets,
  kSourceClockOffset,
  kSourceSnapshotObjects,
  kSourceSnapshotInProgress,
  kSourceChangeTracking,
  kSourceNotifyUp,
  kSourceNotifications,
  kSourceNotifyRearms,
  kTenantLastSync,
  kTenantLogReadTo,
  kTenantLogLimited,
  kGraphRequests,
  kGraphThrottled,
  kGraphResourceUnits,
  kGraphResourceUnitLimit,
  kGraphBudgetShare,
  kGraphHeldSeconds,
  kGraphNotifications,
  kGraphSubscriptionExpiry,
  kActions,
  kActionsPending,
  kActionDuration,
  kGuardTripped,
  kOpenCauses,
  kAutomationMode,
  kAutomationPaused,
  kAlertsSent,
  kAlertsLastSuccess,
  kEvidenceChainOk,
  kInheritedLiveUsers,
  kExpectedLeavers,
  kMemoryBytes,
  kStoreBytes,
  kStoreCommits,
  kStoreCommitDuration,
  kEngineQueue,
  kBuildInfo,
  kCount
};

constexpr std::string_view kPrefix = "driftwarden_";

const std::vector<MetricSpec>& Specs();
const MetricSpec& SpecOf(Metric metric);

}  // namespace driftwarden::metrics
