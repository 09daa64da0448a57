#include "daemon/watchdog.h"

#include <utility>

#include "base/strings.h"

namespace driftwarden::daemon {

namespace {
// As long as a person takes to come: the daemon is gone and cannot send it again.
constexpr absl::Duration kStoreFailedFor = absl::Hours(4);
}  // namespace

WatchdogPort::WatchdogPort(std::function<bool()> healthy, Scheduler& scheduler,
                           absl::Duration resend_interval, std::string external_url)
    : healthy_(std::move(healthy)),
      scheduler_(scheduler),
      resend_interval_(resend_interval),
      external_url_(std::move(external_url)),
      started_(scheduler.clock().Wall()) {}

asio::awaitable<StatusOr<std::vector<alerts::PendingAlert>>> WatchdogPort::Pending() {
  std::vector<alerts::PendingAlert> pending;
  if (healthy_()) {
    alerts::PendingAlert item;
    item.incident = monitor::IncidentId("watchdog");
    item.alert.labels = {{"alertname", "DriftwardenWatchdog"}, {"severity", "none"}};
    item.alert.annotations = {
        {"summary", "driftwarden reads its sources and its store commits"},
        {"description", "Always firing. Page when it stops: the monitor is blind or gone."}};
    item.alert.starts_at = started_;
    item.alert.ends_at = scheduler_.clock().Wall() + 3 * resend_interval_;
    item.alert.generator_url = external_url_;
    pending.push_back(std::move(item));
  }
  co_return pending;
}

asio::awaitable<Status> WatchdogPort::WaitForChange(absl::Duration at_most) {
  const Status slept = co_await scheduler_.SleepFor(at_most);
  co_return slept;
}

asio::awaitable<Status> WatchdogPort::ReportDeliveries(std::vector<monitor::DeliveryReport>) {
  co_return OkStatus();
}

alerts::Alert StoreFailedAlert(const Status& status, const std::string& data_dir, absl::Time now,
                               const std::string& external_url) {
  alerts::Alert alert;
  alert.labels = {{"alertname", "DriftwardenStoreFailed"}, {"severity", "critical"}};
  alert.annotations = {
      {"summary", "driftwarden stopped: its state store cannot be written"},
      {"description",
       Cat("The state store in ", data_dir, " failed: ", Printable(Message(status)),
           ". Nothing was half-written. Mend the disk, then start driftwarden again; it goes on "
           "where it stopped.")}};
  alert.starts_at = now;
  alert.ends_at = now + kStoreFailedFor;
  alert.generator_url = external_url;
  return alert;
}

}  // namespace driftwarden::daemon
