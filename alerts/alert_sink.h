#pragma once

// One alert as a receiver gets it, where it is sent, and where the dispatcher learns what should be
// firing.

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/apply.h"

namespace driftwarden::alerts {

namespace asio = boost::asio;

struct Alert {
  monitor::LabelSet labels;
  std::map<std::string, std::string> annotations;
  absl::Time starts_at;
  absl::Time ends_at;  // firing: ahead of now; resolved: the end
  std::string generator_url;
};

class AlertSink {
 public:
  virtual ~AlertSink() = default;
  virtual const std::string& name() const = 0;     // the `receiver` label; no address
  virtual const std::string& address() const = 0;  // for the log; never a secret
  // Delivers all or nothing. Unavailable: try again; InvalidArgument: the receiver refuses them.
  virtual asio::awaitable<Status> Deliver(std::vector<Alert> alerts) = 0;
};

// What one link wants told now.
struct PendingAlert {
  monitor::IncidentId incident;
  Alert alert;
  bool firing = true;
};

class IncidentPort {
 public:
  virtual ~IncidentPort() = default;
  // Everything firing, and every announced label set that is to be resolved.
  virtual asio::awaitable<StatusOr<std::vector<PendingAlert>>> Pending() = 0;
  virtual asio::awaitable<Status> WaitForChange(absl::Duration at_most) = 0;
  virtual asio::awaitable<Status> ReportDeliveries(
      std::vector<monitor::DeliveryReport> reports) = 0;
};

}  // namespace driftwarden::alerts
