#pragma once

// What the loops that read a tenant's logs need of a link's engine, so that they can be tried
// without one.

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/tenant_log.h"

namespace driftwarden::daemon {

namespace asio = boost::asio;

// Somebody whose part of a log is wanted.
struct LogTarget {
  monitor::PersonOrdinal person = 0;
  std::string entra_id;
  absl::Time from;  // sign-ins dated from here on, the tenant's clock; overlap included
};

class LogFeed {
 public:
  virtual ~LogFeed() = default;

  // From when on a log of changes is to be read next, the tenant's clock; overlap included.
  // InfiniteFuture: not at all now, since the tenant refused it for good not long ago.
  virtual absl::Time ChangesFrom(monitor::TenantLog log) const = 0;
  // People with an open episode, or one that closed not long ago, whose sign-ins were not read for
  // the longest time relative to how much depends on it; the first is the most wanted. Nobody while
  // the log is refused for good.
  virtual asio::awaitable<StatusOr<std::vector<LogTarget>>> SignInTargets(monitor::TenantLog log,
                                                                          size_t limit) = 0;
  // People with an open episode whose devices are wanted.
  virtual asio::awaitable<StatusOr<std::vector<LogTarget>>> DeviceTargets(size_t limit) = 0;

  // Committed when it says anything new. The engine's errors.
  virtual asio::awaitable<Status> DeliverLog(monitor::LogLook look) = 0;
  virtual asio::awaitable<Status> DeliverDevices(monitor::DeviceLook look) = 0;
};

}  // namespace driftwarden::daemon
