#pragma once

// The port through which it is learned what somebody still has in a tenant beside the account.

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/status.h"
#include "monitor/residue.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

struct ResidueLook {
  monitor::ResidueAreas areas;  // every one, each with what came of it
  size_t requests = 0;          // that the tenant counts
};

class TenantResidue {
 public:
  // The least that one reading asks of the tenant, for pacing after one that failed.
  static constexpr size_t kRequestsAtLeast = 6;

  virtual ~TenantResidue() = default;
  // Errors: Cancelled, and what concerns all of it (network, throttling, a broken batch). What one
  // area lacks is in the look.
  virtual asio::awaitable<StatusOr<ResidueLook>> Read(std::string entra_id,
                                                      std::string request_id) = 0;
};

}  // namespace driftwarden::watchers
