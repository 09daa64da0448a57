#pragma once

// Turns what happens into metrics: set from committed changes, never from intentions. Every series
// known in advance exists from the start. Thread-safe, as the registry is.

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "alerts/dispatcher.h"
#include "daemon/census.h"
#include "daemon/commit_observer.h"
#include "daemon/config.h"
#include "daemon/verification_loop.h"
#include "metrics/registry.h"
#include "watchers/ad_observer.h"
#include "watchers/ad_sight.h"
#include "watchers/graph/budget.h"
#include "watchers/graph/observer.h"
#include "watchers/graph_subscription.h"
#include "watchers/source_loop.h"
#include "watchers/tenant_sight.h"

namespace driftwarden::daemon {

// Of one link.
class LinkMetrics final : public CommitObserver {
 public:
  // Both must outlive it. Declares the link's series.
  LinkMetrics(metrics::Registry& registry, const monitor::Policy& policy);
  void OnCommit(const monitor::LinkState& link, const monitor::Tally& tally) override;
  void OnWritten(absl::Duration took, const Status& status) override;
  // What depends on time and not on commits: called before each scrape. `waiting`: commands in the
  // engine's queue.
  void Refresh(const monitor::LinkState& link, const monitor::Policy& policy, absl::Time now,
               size_t waiting);
  void SetCensus(const LinkCensus& census);
  void SetChainWhole(bool whole);
  // After a reload, on the engine's strand: tiers that are new are declared, the mode is another.
  // The gauges of a tier that went go with its last open episode; its counters stay.
  void SetPolicy(const monitor::Policy& policy);

 private:
  void Declare();
  void DeclareTier(const std::string& tier);
  void SetOpen(const monitor::LinkState& link);
  void SetCauses(const monitor::LinkState& link);
  void DropTiers(const monitor::LinkState& link);
  void SetSources(const monitor::LinkState& link);
  void CountTally(const monitor::Tally& tally);

  metrics::Registry& registry_;
  std::string link_;
  std::vector<std::string> tiers_;
  std::vector<std::string> leaving_;  // tiers of an earlier policy that somebody may still be in
  std::vector<monitor::ActionKind> actions_;
};

// Of one Entra tenant's requests.
class TenantMetrics final : public graph::RequestObserver {
 public:
  TenantMetrics(metrics::Registry& registry, std::string entra);
  void OnRequest(std::string_view route, int code) override;
  void OnThrottled(std::string_view route, std::string_view reason) override;
  void OnUnits(std::string_view route, double units) override;
  void OnHeld(std::string_view priority, absl::Duration waited) override;
  // Called before each scrape.
  void SetBudget(const graph::Budget& budget);

 private:
  metrics::Registry& registry_;
  std::string entra_;
};

// Of one tenant's change notifications.
class NotificationMetrics final : public watchers::GraphNoticeObserver {
 public:
  NotificationMetrics(metrics::Registry& registry, std::string entra);
  void OnNotice(watchers::GraphNotice notice) override;
  void OnSubscription(absl::Time expires) override;

 private:
  metrics::Registry& registry_;
  std::string entra_;
};

class SourceMetrics final : public watchers::SourceObserver,
                            public watchers::AdObserver,
                            public VerificationObserver {
 public:
  SourceMetrics(metrics::Registry& registry, const Config& config);
  void OnPoll(const monitor::SourceName& source, const Status& status,
              absl::Duration took) override;
  void OnVerified(const monitor::SourceName& source, Verified result) override;
  void OnPass(const monitor::SourceName& source, absl::Time ended) override;
  void SetFindings(const monitor::SourceName& source,
                   const std::vector<watchers::Finding>& findings);
  void SetTenantFindings(const monitor::SourceName& source,
                         const std::vector<watchers::Finding>& findings);
  void OnTracking(const monitor::SourceName& source, watchers::AdTracking tracking) override;
  void OnNotifyUp(const monitor::SourceName& source, bool up) override;
  void OnNotice(const monitor::SourceName& source, watchers::AdNotice notice) override;
  void OnRearm(const monitor::SourceName& source, watchers::AdRearm reason) override;

 private:
  void SetEach(const monitor::SourceName& source, std::span<const char* const> names,
               const std::vector<watchers::Finding>& findings);
  void DeclareDirectory(const monitor::SourceName& source);

  metrics::Registry& registry_;
};

class DeliveryMetrics final : public alerts::DispatchObserver {
 public:
  DeliveryMetrics(metrics::Registry& registry, const Clock& clock)
      : registry_(registry), clock_(clock) {}
  void Declare(const std::string& receiver);
  void OnDelivery(const std::string& receiver, const Status& status, size_t alerts) override;

 private:
  metrics::Registry& registry_;
  const Clock& clock_;
};

}  // namespace driftwarden::daemon
