#include "daemon/watchdog.h"

#include <utility>

#include "base/strings.h"

namespace driftwarden::daemon {

namespace {
constexpr absl::Duration kFirstRetry = absl::Milliseconds(250);
constexpr absl::Duration kLongestRetry = absl::Minutes(1);

// One label set, or the end would not be the end of it.
monitor::LabelSet StoreFailedLabels() {
  return {{"alertname", "DriftwardenStoreFailed"}, {"severity", "critical"}};
}
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
  alert.labels = StoreFailedLabels();
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

alerts::Alert StoreMendedAlert(absl::Time now, const std::string& external_url) {
  alerts::Alert alert;
  alert.labels = StoreFailedLabels();
  alert.annotations = {{"summary", "driftwarden runs again: its state store is open"}};
  alert.starts_at = now - absl::Seconds(1);
  alert.ends_at = now;
  alert.generator_url = external_url;
  return alert;
}

asio::awaitable<void> TellUntilTaken(alerts::AlertSink* sink, alerts::Alert alert, TellParts parts,
                                     absl::Duration give_up) {
  Backoff backoff(kFirstRetry, kLongestRetry, parts.rng);
  const absl::Duration end = parts.scheduler.clock().Steady() + give_up;
  std::string last_error;
  while (true) {
    std::vector<alerts::Alert> alerts(1, alert);
    const Status told = co_await sink->Deliver(std::move(alerts));
    if (told.code() == StatusCode::kCancelled) co_return;
    parts.observer.OnDelivery(sink->name(), told, 1);
    if (told.ok()) co_return;
    const std::string text(Message(told));
    if (text != last_error) {
      parts.log.Error("alert_delivery_failed", text,
                      {{"receiver", sink->name()}, {"address", sink->address()}});
    }
    last_error = text;
    const absl::Duration wait = backoff.Next();
    if (parts.scheduler.clock().Steady() + wait > end) co_return;
    const Status slept = co_await parts.scheduler.SleepFor(wait);
    if (!slept.ok()) co_return;
  }
}

}  // namespace driftwarden::daemon
