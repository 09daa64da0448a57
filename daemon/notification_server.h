#pragma once

// Where Graph's change notifications come in: listeners of their own, apart from the API, as they
// are what the internet may reach. They give nothing away and do nothing but wake polls. A request
// is told apart by the last part of its path, the source's name, so that a reverse proxy may put
// anything before it.
//
// One executor.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "net/http_server.h"
#include "watchers/graph_subscription.h"

namespace driftwarden::daemon {

class NotificationServer {
 public:
  explicit NotificationServer(asio::any_io_executor executor, const Clock& clock);

  // `subscription` must outlive it. Before Listen.
  void Add(const EntraConfig& tenant, watchers::GraphSubscription& subscription);
  // Tenants that name the same address share a listener. The error names it.
  Status Listen();
  asio::awaitable<void> Stop();
  // Of each tenant that was added, "http://ADDRESS:PORT" or https; after Listen.
  const std::map<std::string, std::string>& addresses() const { return addresses_; }

  net::ServerResponse Answer(const net::ServerRequest& request);

 private:
  struct Entry {
    GraphNotificationsConfig config;
    watchers::GraphSubscription* subscription = nullptr;
  };

  const Clock& clock_;
  std::map<std::string, Entry> tenants_;  // by source
  std::map<std::string, std::string> addresses_;
  net::HttpServer server_;
};

}  // namespace driftwarden::daemon
