#include "alerts/dispatcher.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace driftwarden::alerts {
namespace {
// Changes that come close together leave in one request.
constexpr absl::Duration kGather = absl::Milliseconds(50);
}  // namespace

Dispatcher::Dispatcher(IncidentPort& port, std::vector<AlertSink*> sinks, Scheduler& scheduler,
                       Rng& rng, Logger& log, DispatchObserver& observer, DispatcherOptions options)
    : port_(port),
      scheduler_(scheduler),
      log_(log),
      observer_(observer),
      options_(std::move(options)),
      backoff_(std::min(absl::Seconds(1), options_.resend_interval), options_.resend_interval,
               rng) {
  for (AlertSink* sink : sinks) receivers_.push_back({sink, std::string()});
}

void Dispatcher::NoteOutcome(Receiver& receiver, const Status& status, size_t alerts) {
  const std::string& name = receiver.sink->name();
  const std::string& address = receiver.sink->address();
  observer_.OnDelivery(name, status, alerts);
  const std::string text(Message(status));
  if (text == receiver.last_error) return;
  if (status.ok()) {
    constexpr char kAgain[] = "alerts are delivered again";
    if (options_.link.empty()) {
      log_.Info("alert_receiver_recovered", kAgain, {{"receiver", name}, {"address", address}});
    } else {
      log_.Info("alert_receiver_recovered", kAgain,
                {{"link", options_.link}, {"receiver", name}, {"address", address}});
    }
  } else if (options_.link.empty()) {
    log_.Warn("alert_delivery_failed", text,
              {{"receiver", name}, {"address", address}, {"alerts", alerts}});
  } else {
    log_.Warn(
        "alert_delivery_failed", text,
        {{"link", options_.link}, {"receiver", name}, {"address", address}, {"alerts", alerts}});
  }
  receiver.last_error = text;
}

std::vector<monitor::DeliveryReport> Dispatcher::Settle(
    const std::vector<PendingAlert>& pending, const std::vector<std::string>& accepted_by) const {
  std::vector<monitor::DeliveryReport> reports;
  const bool everybody = accepted_by.size() == receivers_.size();
  const absl::Time now = scheduler_.clock().Wall();
  const std::string by = accepted_by.empty() ? std::string() : accepted_by.front();
  for (const PendingAlert& item : pending) {
    const bool given_up = now - item.alert.ends_at > options_.give_up_resolving;
    const bool told = item.firing ? !accepted_by.empty() : everybody || given_up;
    if (!told) continue;
    monitor::DeliveryReport report;
    report.incident = item.incident;
    report.labels = item.alert.labels;
    report.firing = item.firing;
    report.receiver = by;
    reports.push_back(std::move(report));
  }
  return reports;
}

asio::awaitable<Status> Dispatcher::DispatchOnce() {
  auto pending = co_await port_.Pending();
  if (!pending.ok()) co_return pending.status();
  if (pending->empty()) co_return OkStatus();
  std::vector<Alert> alerts;
  alerts.reserve(pending->size());
  for (const PendingAlert& item : *pending) alerts.push_back(item.alert);
  std::vector<std::string> accepted_by;
  Status first_error;
  for (Receiver& receiver : receivers_) {
    std::vector<Alert> copy = alerts;
    const Status status = co_await receiver.sink->Deliver(std::move(copy));
    if (status.code() == StatusCode::kCancelled) co_return status;
    NoteOutcome(receiver, status, alerts.size());
    if (status.ok()) accepted_by.push_back(receiver.sink->name());
    if (first_error.ok()) first_error = status;
  }
  std::vector<monitor::DeliveryReport> reports = Settle(*pending, accepted_by);
  if (!reports.empty()) {
    const Status reported = co_await port_.ReportDeliveries(std::move(reports));
    if (!reported.ok()) co_return reported;
  }
  co_return first_error;
}

asio::awaitable<void> Dispatcher::Run() {
  while (true) {
    const Status sent = co_await DispatchOnce();
    if (sent.code() == StatusCode::kCancelled) co_return;
    absl::Duration wait = options_.resend_interval;
    if (sent.ok()) {
      backoff_.Reset();
      const Status woken = co_await port_.WaitForChange(wait);
      if (!woken.ok()) co_return;
      wait = std::min(kGather, options_.resend_interval);
    } else {
      wait = std::min(wait, backoff_.Next());
    }
    const Status slept = co_await scheduler_.SleepFor(wait);
    if (!slept.ok()) co_return;
  }
}

}  // namespace driftwarden::alerts
