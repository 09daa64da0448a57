#include "daemon/metrics_wiring.h"

#include <algorithm>
#include <limits>

#include "base/strings.h"
#include "daemon/api_json.h"
#include "monitor/guards.h"

namespace driftwarden::daemon {

using metrics::Metric;
using monitor::LinkState;

namespace {

std::string Text(std::string_view view) {
  return std::string(view);
}

double Seconds(absl::Duration d) {
  return absl::ToDoubleSeconds(d);
}

// Unix seconds; 0 stands for never, as in the exporters that people know.
double Timestamp(absl::Time at) {
  if (at == absl::InfinitePast() || at == absl::InfiniteFuture()) return 0;
  return Seconds(at - absl::UnixEpoch());
}

// The tenant's logs, and the devices of its people: read alike, and refused alike.
void SetLogs(metrics::Registry& registry, const std::string& entra, const LinkState& link) {
  const auto set = [&](std::string_view name, const monitor::LogState& state) {
    registry.Set(Metric::kTenantLogReadTo, {entra, Text(name)}, Timestamp(state.read.hi));
    registry.Set(Metric::kTenantLogLimited, {entra, Text(name)},
                 state.limit == monitor::LogLimit::kNone ? 0 : 1);
  };
  for (const monitor::TenantLog log : monitor::kAllTenantLogs) {
    const auto found = link.logs.find(log);
    set(monitor::TenantLogText(log),
        found == link.logs.end() ? monitor::LogState() : found->second);
  }
  set("devices", link.devices);
}

constexpr std::string_view kChanges[] = {"watched", "unwatched", "replay", "deleted"};

}  // namespace

LinkMetrics::LinkMetrics(metrics::Registry& registry, const monitor::Policy& policy)
    : registry_(registry), link_(policy.link.value), actions_(policy.remediation.actions) {
  Declare();
  SetPolicy(policy);
  SetOpen(LinkState());
  SetCensus(LinkCensus());
}

void LinkMetrics::Declare() {
  for (const monitor::State state : monitor::kAllStates) {
    registry_.Set(Metric::kUsers, {link_, Text(monitor::StateText(state))}, 0);
  }
  for (const monitor::ActionKind action : actions_) {
    const std::string name = Text(monitor::ActionKindText(action));
    for (const monitor::ActionOutcome outcome : monitor::kAllActionOutcomes) {
      registry_.Declare(Metric::kActions, {link_, name, Text(ActionOutcomeText(outcome))});
    }
    registry_.Declare(Metric::kActionDuration, {link_, name, "call"});
    registry_.Declare(Metric::kActionDuration, {link_, name, "verify"});
  }
  registry_.Declare(Metric::kNegativeLags, {link_});
  registry_.Declare(Metric::kStoreCommits, {link_, "ok"});
  registry_.Declare(Metric::kStoreCommits, {link_, "error"});
  registry_.Declare(Metric::kStoreCommitDuration, {link_});
  registry_.Set(Metric::kEngineQueue, {link_}, 0);
  registry_.Set(Metric::kInheritedLiveUsers, {link_}, 0);
  SetChainWhole(true);
  for (const std::string guard : monitor::kAllGuards) {
    registry_.Set(Metric::kGuardTripped, {link_, guard}, 0);
  }
  registry_.Set(Metric::kAutomationPaused, {link_}, 0);
  SetCauses(LinkState());
}

void LinkMetrics::SetPolicy(const monitor::Policy& policy) {
  const auto named = [&policy](const std::string& tier) {
    return std::any_of(policy.tiers.begin(), policy.tiers.end(),
                       [&](const monitor::TierPolicy& each) { return each.name.value == tier; });
  };
  for (const std::string& tier : tiers_) {
    if (!named(tier)) leaving_.push_back(tier);
  }
  std::erase_if(tiers_, [&](const std::string& tier) { return !named(tier); });
  std::erase_if(leaving_, named);
  for (const monitor::TierPolicy& tier : policy.tiers) DeclareTier(tier.name.value);
  for (const monitor::Mode mode : monitor::kAllModes) {
    registry_.Set(Metric::kAutomationMode, {link_, Text(monitor::ModeText(mode))},
                  mode == monitor::StrongestMode(policy) ? 1 : 0);
  }
}

void LinkMetrics::DeclareTier(const std::string& tier) {
  if (std::find(tiers_.begin(), tiers_.end(), tier) != tiers_.end()) return;
  tiers_.push_back(tier);
  for (const monitor::DriftKind kind : monitor::kAllDriftKinds) {
    const std::string name = Text(monitor::DriftKindText(kind));
    registry_.Declare(Metric::kEpisodesOpened, {link_, name, tier});
    for (const monitor::EpisodeResult result : monitor::kAllEpisodeResults) {
      registry_.Declare(Metric::kEpisodesClosed,
                        {link_, name, tier, Text(monitor::EpisodeResultText(result))});
    }
  }
  registry_.Declare(Metric::kDisableLag, {link_, tier});
  registry_.Declare(Metric::kRevocationLag, {link_, tier, "driftwarden"});
  registry_.Declare(Metric::kRevocationLag, {link_, tier, "other"});
}

void LinkMetrics::SetOpen(const LinkState& link) {
  std::vector<std::string> tiers = tiers_;
  tiers.insert(tiers.end(), leaving_.begin(), leaving_.end());
  for (const std::string& tier : tiers) {
    for (const monitor::DriftKind kind : monitor::kAllDriftKinds) {
      for (const monitor::Severity severity : monitor::kAllSeverities) {
        const auto found =
            link.open.find(monitor::OpenCountKey{kind, monitor::TierName(tier), severity});
        registry_.Set(Metric::kOpenEpisodes,
                      {link_, Text(monitor::DriftKindText(kind)), tier,
                       Text(monitor::SeverityText(severity))},
                      found == link.open.end() ? 0 : static_cast<double>(found->second));
      }
    }
  }
}

void LinkMetrics::DropTiers(const LinkState& link) {
  std::erase_if(leaving_, [&](const std::string& tier) {
    for (const auto& [key, count] : link.open) {
      if (key.tier.value == tier) return false;
    }
    for (const monitor::DriftKind kind : monitor::kAllDriftKinds) {
      const std::string name = Text(monitor::DriftKindText(kind));
      registry_.Remove(Metric::kOldestOpenEpisode, {link_, name, tier});
      for (const monitor::Severity severity : monitor::kAllSeverities) {
        registry_.Remove(Metric::kOpenEpisodes,
                         {link_, name, tier, Text(monitor::SeverityText(severity))});
      }
    }
    return true;
  });
}

void LinkMetrics::SetSources(const LinkState& link) {
  for (const auto& [name, source] : link.sources) {
    registry_.Set(Metric::kSourceLastSuccess, {name.value}, Timestamp(source.last_success));
    registry_.Set(Metric::kSourceLastChange, {name.value}, Timestamp(source.last_change));
    registry_.Set(Metric::kSourceClockOffset, {name.value}, Seconds(source.clock_offset));
    registry_.Set(Metric::kSourceSnapshotObjects, {name.value},
                  static_cast<double>(source.snapshot_objects));
    registry_.Set(Metric::kSourceSnapshotInProgress, {name.value}, source.snapshot_running ? 1 : 0);
  }
}

void LinkMetrics::CountTally(const monitor::Tally& tally) {
  for (const auto& [kind, tier] : tally.episodes_opened) {
    registry_.Add(Metric::kEpisodesOpened, {link_, Text(monitor::DriftKindText(kind)), tier.value});
  }
  for (const monitor::Tally::Closed& closed : tally.episodes_closed) {
    registry_.Add(Metric::kEpisodesClosed,
                  {link_, Text(monitor::DriftKindText(closed.kind)), closed.tier.value,
                   Text(monitor::EpisodeResultText(closed.result))});
  }
  for (const monitor::Tally::Lag& lag : tally.disable_lags) {
    registry_.Observe(Metric::kDisableLag, {link_, lag.tier.value}, Seconds(lag.lag));
  }
  for (const monitor::Tally::Lag& lag : tally.revocation_lags) {
    registry_.Observe(Metric::kRevocationLag,
                      {link_, lag.tier.value, lag.by_driftwarden ? "driftwarden" : "other"},
                      Seconds(lag.lag));
  }
  for (const auto& [source, lag] : tally.detection_lags) {
    registry_.Observe(Metric::kDetectionLag, {source.value}, Seconds(lag));
  }
  for (const auto& [key, count] : tally.source_changes) {
    registry_.Add(Metric::kSourceChanges, {key.first.value, key.second},
                  static_cast<double>(count));
  }
  for (const auto& [key, count] : tally.source_resets) {
    registry_.Add(Metric::kSourceResets, {key.first.value, key.second}, static_cast<double>(count));
  }
  for (const auto& [key, count] : tally.actions) {
    registry_.Add(Metric::kActions,
                  {link_, Text(monitor::ActionKindText(key.first)),
                   Text(monitor::ActionOutcomeText(key.second))},
                  static_cast<double>(count));
  }
  for (const monitor::Tally::ActionWait& wait : tally.action_waits) {
    registry_.Observe(Metric::kActionDuration,
                      {link_, Text(monitor::ActionKindText(wait.action)),
                       wait.wait == monitor::Tally::Wait::kCall ? "call" : "verify"},
                      Seconds(wait.took));
  }
  if (tally.negative_lags > 0) {
    registry_.Add(Metric::kNegativeLags, {link_}, static_cast<double>(tally.negative_lags));
  }
}

void LinkMetrics::OnCommit(const LinkState& link, const monitor::Tally& tally) {
  SetOpen(link);
  DropTiers(link);
  SetSources(link);
  CountTally(tally);
  for (const std::string guard : monitor::kAllGuards) {
    registry_.Set(Metric::kGuardTripped, {link_, guard}, monitor::IsTripped(link, guard) ? 1 : 0);
  }
  registry_.Set(Metric::kAutomationPaused, {link_},
                monitor::IsTripped(link, monitor::kPaused) ? 1 : 0);
  SetCauses(link);
  registry_.Set(Metric::kInheritedLiveUsers, {link_}, static_cast<double>(link.inherited_live));
}

void LinkMetrics::SetCauses(const LinkState& link) {
  for (const monitor::CauseKind kind : monitor::kAllCauseKinds) {
    const auto& causes = link.causes.causes;
    const auto open = std::count_if(causes.begin(), causes.end(), [&](const auto& cause) {
      return cause.kind == kind && !cause.ended_at;
    });
    registry_.Set(Metric::kOpenCauses, {link_, Text(monitor::CauseKindText(kind))},
                  static_cast<double>(open));
  }
}

void LinkMetrics::OnWritten(absl::Duration took, const Status& status) {
  registry_.Add(Metric::kStoreCommits, {link_, status.ok() ? "ok" : "error"});
  registry_.Observe(Metric::kStoreCommitDuration, {link_}, Seconds(took));
}

void LinkMetrics::SetCensus(const LinkCensus& census) {
  registry_.Set(Metric::kExpectedLeavers, {link_, "waiting"},
                static_cast<double>(census.leavers_waiting));
  registry_.Set(Metric::kExpectedLeavers, {link_, "overdue"},
                static_cast<double>(census.leavers_overdue));
  for (const std::string& tier : tiers_) {
    for (const monitor::DriftKind kind : monitor::kAllDriftKinds) {
      const auto found = census.oldest_open.find({kind, monitor::TierName(tier)});
      registry_.Set(Metric::kOldestOpenEpisode, {link_, Text(monitor::DriftKindText(kind)), tier},
                    found == census.oldest_open.end() ? 0 : Timestamp(found->second));
    }
  }
  for (const monitor::ActionKind action : actions_) {
    const auto found = census.live_actions.find(action);
    registry_.Set(Metric::kActionsPending, {link_, Text(monitor::ActionKindText(action))},
                  found == census.live_actions.end() ? 0 : static_cast<double>(found->second));
  }
}

void LinkMetrics::SetChainWhole(bool whole) {
  registry_.Set(Metric::kEvidenceChainOk, {link_}, whole ? 1 : 0);
}

void LinkMetrics::Refresh(const LinkState& link, const monitor::Policy& policy, absl::Time now,
                          size_t waiting) {
  registry_.Set(Metric::kEngineQueue, {link_}, static_cast<double>(waiting));
  for (const auto& [state, count] : VisibleUserCounts(link, policy, now)) {
    registry_.Set(Metric::kUsers, {link_, Text(monitor::StateText(state))},
                  static_cast<double>(count));
  }
  SetLogs(registry_, policy.entra_source.value, link);
  if (link.engine_last_sync) {
    registry_.Set(Metric::kTenantLastSync, {policy.entra_source.value},
                  Timestamp(*link.engine_last_sync));
  }
}

TenantMetrics::TenantMetrics(metrics::Registry& registry, std::string entra)
    : registry_(registry), entra_(std::move(entra)) {
  for (const std::string route : {"token", "users_delta", "user", "deleted_user", "batch", "revoke",
                                  "organization", "directory_audits", "sign_ins"}) {
    registry_.Declare(Metric::kGraphRequests, {entra_, route, "200"});
    if (route != "token") registry_.Declare(Metric::kGraphResourceUnits, {entra_, route});
  }
  for (const std::string_view reason : graph::kThrottleReasons) {
    registry_.Declare(Metric::kGraphThrottled, {entra_, Text(reason)});
  }
  for (const graph::Priority priority : graph::kAllPriorities) {
    registry_.Declare(Metric::kGraphHeldSeconds, {entra_, graph::PriorityText(priority)});
  }
  registry_.Set(Metric::kGraphBudgetShare, {entra_}, 0);
  registry_.Set(Metric::kGraphResourceUnitLimit, {entra_}, 0);
  // Not read yet: no number is better than a wrong one.
  registry_.Set(Metric::kTenantLastSync, {entra_}, std::numeric_limits<double>::quiet_NaN());
  SetLogs(registry_, entra_, LinkState());
}

void TenantMetrics::OnRequest(std::string_view route, int code) {
  const std::string text = code == 0 ? "none" : std::to_string(code);
  registry_.Add(Metric::kGraphRequests, {entra_, Text(route), text});
}

void TenantMetrics::OnThrottled(std::string_view, std::string_view reason) {
  registry_.Add(Metric::kGraphThrottled, {entra_, Text(reason)});
}

void TenantMetrics::OnUnits(std::string_view route, double units) {
  registry_.Add(Metric::kGraphResourceUnits, {entra_, Text(route)}, units);
}

void TenantMetrics::OnHeld(std::string_view priority, absl::Duration waited) {
  registry_.Add(Metric::kGraphHeldSeconds, {entra_, Text(priority)}, Seconds(waited));
}

void TenantMetrics::SetBudget(const graph::Budget& budget) {
  registry_.Set(Metric::kGraphBudgetShare, {entra_}, budget.Share());
  registry_.Set(Metric::kGraphResourceUnitLimit, {entra_}, budget.unit_limit());
}

NotificationMetrics::NotificationMetrics(metrics::Registry& registry, std::string entra)
    : registry_(registry), entra_(std::move(entra)) {
  for (const watchers::GraphNotice notice : watchers::kAllGraphNotices) {
    registry_.Declare(Metric::kGraphNotifications,
                      {entra_, Text(watchers::GraphNoticeText(notice))});
  }
  registry_.Set(Metric::kGraphSubscriptionExpiry, {entra_}, 0);
}

void NotificationMetrics::OnNotice(watchers::GraphNotice notice) {
  registry_.Add(Metric::kGraphNotifications, {entra_, Text(watchers::GraphNoticeText(notice))});
}

void NotificationMetrics::OnSubscription(absl::Time expires) {
  const bool stands = expires != absl::InfinitePast();
  registry_.Set(Metric::kGraphSubscriptionExpiry, {entra_}, stands ? Timestamp(expires) : 0);
}

SourceMetrics::SourceMetrics(metrics::Registry& registry, const Config& config)
    : registry_(registry) {
  const auto declare = [&](const std::string& source, monitor::SourceKind kind) {
    registry_.Set(Metric::kSourceUp, {source}, 0);
    registry_.Set(Metric::kSourceLastSuccess, {source}, 0);
    registry_.Set(Metric::kSourceLastChange, {source}, 0);
    registry_.Set(Metric::kSourceClockOffset, {source}, 0);
    registry_.Set(Metric::kSourceSnapshotObjects, {source}, 0);
    registry_.Set(Metric::kSourceSnapshotInProgress, {source}, 0);
    for (const std::string result : {"ok", "error"}) {
      registry_.Declare(Metric::kSourcePolls, {source, result});
    }
    registry_.Declare(Metric::kSourcePollDuration, {source});
    registry_.Declare(Metric::kDetectionLag, {source});
    for (const std::string_view change : kChanges) {
      registry_.Declare(Metric::kSourceChanges, {source, Text(change)});
    }
    for (const std::string& reason : monitor::ResetReasonsOf(kind)) {
      registry_.Declare(Metric::kSourceResets, {source, reason});
    }
    for (const Verified result : kAllVerified) {
      registry_.Declare(Metric::kSourceVerified, {source, Text(VerifiedText(result))});
    }
    registry_.Set(Metric::kSourceVerificationPass, {source}, 0);
  };
  for (const DirectoryConfig& directory : config.directories) {
    declare(directory.name.value, monitor::SourceKind::kActiveDirectory);
    SetFindings(directory.name, {});
    DeclareDirectory(directory.name);
  }
  for (const EntraConfig& tenant : config.tenants) {
    declare(tenant.name.value, monitor::SourceKind::kEntra);
    SetTenantFindings(tenant.name, {});
  }
}

void SourceMetrics::OnPoll(const monitor::SourceName& source, const Status& status,
                           absl::Duration took) {
  registry_.Set(Metric::kSourceUp, {source.value}, status.ok() ? 1 : 0);
  registry_.Add(Metric::kSourcePolls, {source.value, status.ok() ? "ok" : "error"});
  if (status.ok()) registry_.Observe(Metric::kSourcePollDuration, {source.value}, Seconds(took));
}

void SourceMetrics::OnVerified(const monitor::SourceName& source, Verified result) {
  registry_.Add(Metric::kSourceVerified, {source.value, Text(VerifiedText(result))});
}

void SourceMetrics::OnPass(const monitor::SourceName& source, absl::Time ended) {
  registry_.Set(Metric::kSourceVerificationPass, {source.value}, Timestamp(ended));
}

void SourceMetrics::SetEach(const monitor::SourceName& source, std::span<const char* const> names,
                            const std::vector<watchers::Finding>& findings) {
  for (const char* name : names) {
    const bool found = std::any_of(findings.begin(), findings.end(),
                                   [&](const watchers::Finding& f) { return f.name == name; });
    registry_.Set(Metric::kSourceFinding, {source.value, name}, found ? 1 : 0);
  }
}

void SourceMetrics::SetFindings(const monitor::SourceName& source,
                                const std::vector<watchers::Finding>& findings) {
  SetEach(source, watchers::kAllFindings, findings);
}

void SourceMetrics::SetTenantFindings(const monitor::SourceName& source,
                                      const std::vector<watchers::Finding>& findings) {
  SetEach(source, watchers::kAllTenantFindings, findings);
}

void SourceMetrics::DeclareDirectory(const monitor::SourceName& source) {
  OnTracking(source, watchers::AdTracking::kUsn);
  OnNotifyUp(source, false);
  for (const watchers::AdNotice notice : watchers::kAllAdNotices) {
    registry_.Declare(Metric::kSourceNotifications,
                      {source.value, Text(watchers::AdNoticeText(notice))});
  }
  for (const watchers::AdRearm reason : watchers::kAllAdRearms) {
    registry_.Declare(Metric::kSourceNotifyRearms,
                      {source.value, Text(watchers::AdRearmText(reason))});
  }
}

void SourceMetrics::OnTracking(const monitor::SourceName& source, watchers::AdTracking tracking) {
  for (const watchers::AdTracking each : watchers::kAllAdTrackings) {
    registry_.Set(Metric::kSourceChangeTracking,
                  {source.value, Text(watchers::AdTrackingText(each))}, each == tracking ? 1 : 0);
  }
}

void SourceMetrics::OnNotifyUp(const monitor::SourceName& source, bool up) {
  registry_.Set(Metric::kSourceNotifyUp, {source.value}, up ? 1 : 0);
}

void SourceMetrics::OnNotice(const monitor::SourceName& source, watchers::AdNotice notice) {
  registry_.Add(Metric::kSourceNotifications, {source.value, Text(watchers::AdNoticeText(notice))});
}

void SourceMetrics::OnRearm(const monitor::SourceName& source, watchers::AdRearm reason) {
  registry_.Add(Metric::kSourceNotifyRearms, {source.value, Text(watchers::AdRearmText(reason))});
}

void DeliveryMetrics::Declare(const std::string& receiver) {
  registry_.Declare(Metric::kAlertsSent, {receiver, "ok"});
  registry_.Declare(Metric::kAlertsSent, {receiver, "error"});
  registry_.Set(Metric::kAlertsLastSuccess, {receiver}, 0);
}

void DeliveryMetrics::OnDelivery(const std::string& receiver, const Status& status, size_t alerts) {
  registry_.Add(Metric::kAlertsSent, {receiver, status.ok() ? "ok" : "error"},
                static_cast<double>(alerts));
  if (status.ok()) {
    registry_.Set(Metric::kAlertsLastSuccess, {receiver}, Timestamp(clock_.Wall()));
  }
}

}  // namespace driftwarden::daemon
