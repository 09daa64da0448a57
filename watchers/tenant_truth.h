#pragma once

// The port through which a link's engine hears what its tenant says of itself.

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/tenant.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

// Each call adds what it read to `look`, which must outlive it. Errors: Cancelled, and what may
// pass by itself (network, throttling, a broken answer); what was read before it is in the look.
class TenantTruth {
 public:
  virtual ~TenantTruth() = default;
  // The last sync; with `jobs` those of Cloud Sync too.
  virtual asio::awaitable<Status> ReadSync(monitor::TenantLook* look, bool jobs) = 0;
  // Everything that changes seldom. `roles`: names or template ids whose holders are wanted.
  virtual asio::awaitable<Status> ReadRest(monitor::TenantLook* look,
                                           std::vector<std::string> roles) = 0;
  // Which of these accounts were handed over to the cloud.
  virtual asio::awaitable<Status> ReadTransfers(monitor::TenantLook* look,
                                                std::vector<std::string> ids) = 0;
};

}  // namespace driftwarden::watchers
