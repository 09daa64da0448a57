#pragma once

// Alertmanager's API v2: POST /api/v2/alerts with a list of alerts. Level-triggered: the same alert
// may be sent any number of times; Alertmanager tells them apart by labels and resolves one when
// its endsAt has passed.

#include <memory>
#include <string>

#include "alerts/alert_sink.h"
#include "net/http.h"

namespace driftwarden::alerts {

// The JSON body; times RFC 3339.
std::string AlertmanagerBody(const std::vector<Alert>& alerts);

class AlertmanagerSink final : public AlertSink {
 public:
  // `url` as configured (a path prefix is kept); `client` must outlive it.
  AlertmanagerSink(std::string name, std::string url, net::HttpClient& client);
  const std::string& name() const override { return name_; }
  const std::string& address() const override { return address_; }
  asio::awaitable<Status> Deliver(std::vector<Alert> alerts) override;

 private:
  std::string name_;
  std::string url_;
  std::string address_;  // host:port
  net::HttpClient& client_;
};

}  // namespace driftwarden::alerts
