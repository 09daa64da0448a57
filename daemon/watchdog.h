#pragma once

// The dead man's switch: DriftwardenWatchdog fires for as long as every source is fresh and the
// store commits. It is never sent resolved while we run; when it stops, its end passes at the
// receiver, and whoever waits for it knows that the monitor itself is blind or gone.

#include <functional>
#include <string>
#include <vector>

#include "alerts/alert_sink.h"
#include "base/async/scheduler.h"

namespace driftwarden::daemon {

class WatchdogPort final : public alerts::IncidentPort {
 public:
  // `healthy` says whether it may fire; `scheduler` must outlive it.
  WatchdogPort(std::function<bool()> healthy, Scheduler& scheduler, absl::Duration resend_interval,
               std::string external_url);

  asio::awaitable<StatusOr<std::vector<alerts::PendingAlert>>> Pending() override;
  asio::awaitable<Status> WaitForChange(absl::Duration at_most) override;
  asio::awaitable<Status> ReportDeliveries(std::vector<monitor::DeliveryReport> reports) override;

 private:
  std::function<bool()> healthy_;
  Scheduler& scheduler_;
  absl::Duration resend_interval_;
  std::string external_url_;
  absl::Time started_;
};

// Sent from memory, straight before the daemon stops because its store failed.
alerts::Alert StoreFailedAlert(const Status& status, const std::string& data_dir, absl::Time now,
                               const std::string& external_url);

}  // namespace driftwarden::daemon
