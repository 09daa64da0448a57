#pragma once

// The port through which a link's engine hears what its tenant's logs hold.

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/tenant_log.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

// Where a reading that takes several pages goes on. Opaque, and of no use in another process.
struct LogPage {
  std::string next;  // empty: the first page
};

// Errors: Cancelled, and what may pass by itself (network, throttling, a broken answer). A log that
// cannot be read for good is a LogLook with a limit, not an error. A page's look has `covers` only
// when it is the last one and the tenant's clock had reached `from`; then page->next is empty
// again.
class TenantLogs {
 public:
  virtual ~TenantLogs() = default;
  // Audits or provisioning records dated at or after `from`, of everybody.
  virtual asio::awaitable<StatusOr<monitor::LogLook>> ReadChanges(monitor::TenantLog log,
                                                                  absl::Time from,
                                                                  monitor::BatchId batch,
                                                                  LogPage* page) = 0;
  // One person's sign-ins dated at or after `from`.
  virtual asio::awaitable<StatusOr<monitor::LogLook>> ReadSignIns(monitor::TenantLog log,
                                                                  std::string entra_id,
                                                                  absl::Time from,
                                                                  monitor::BatchId batch,
                                                                  LogPage* page) = 0;
  // One person's registered and owned devices.
  virtual asio::awaitable<StatusOr<monitor::DeviceLook>> ReadDevices(std::string entra_id,
                                                                     monitor::BatchId batch) = 0;
};

}  // namespace driftwarden::watchers
