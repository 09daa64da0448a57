#pragma once

// The dead man's switch: DriftwardenWatchdog fires for as long as every source is fresh and the
// store commits. It is never sent resolved while we run; when it stops, its end passes at the
// receiver, and whoever waits for it knows that the monitor itself is blind or gone.

#include <functional>
#include <string>
#include <vector>

#include "alerts/alert_sink.h"
#include "alerts/dispatcher.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"

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
// Ends it: the same label set, over by `now`. Harmless where it never fired.
alerts::Alert StoreMendedAlert(absl::Time now, const std::string& external_url);
// How long the former stands when nothing ends it: by then somebody has come.
inline constexpr absl::Duration kStoreFailedFor = absl::Hours(4);

// What telling stands on; everything must outlive it.
struct TellParts {
  Scheduler& scheduler;
  Rng& rng;
  Logger& log;
  alerts::DispatchObserver& observer;
};
// Gives one alert to one receiver, again and again with growing waits, until it took it, until
// cancelled, or until `give_up` has passed.
asio::awaitable<void> TellUntilTaken(alerts::AlertSink* sink, alerts::Alert alert, TellParts parts,
                                     absl::Duration give_up);

}  // namespace driftwarden::daemon
