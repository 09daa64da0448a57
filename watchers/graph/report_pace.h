#pragma once

// Reports (audits, sign-ins, provisioning) have a limit of their own beside the tenant's budget:
// five requests in ten seconds for an application in a tenant.

#include <boost/asio/awaitable.hpp>
#include <deque>

#include "base/async/scheduler.h"
#include "base/status.h"

namespace driftwarden::graph {

namespace asio = boost::asio;

// One a tenant; one executor.
class ReportPace {
 public:
  static constexpr size_t kRequests = 5;
  // A second more than the limit's ten: requests are counted where they arrive, and some take
  // longer on the way than those behind them.
  static constexpr absl::Duration kWindow = absl::Seconds(11);

  // `scheduler` must outlive it.
  explicit ReportPace(Scheduler& scheduler) : scheduler_(scheduler) {}

  // Waits until one more request fits, and counts it. Error: Cancelled.
  asio::awaitable<Status> Turn();

 private:
  Scheduler& scheduler_;
  std::deque<absl::Duration> sent_;  // steady; at most kRequests
};

}  // namespace driftwarden::graph
