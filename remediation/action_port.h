#pragma once

// How the runner gets work from a link's engine and reports to it. The engine commits each report
// before it answers; all state is the engine's.

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "monitor/apply.h"

namespace driftwarden::remediation {

namespace asio = boost::asio;

struct ActionWork {
  monitor::Action action;  // state intent, cleared (reconcile by reading) or called (verify)
  monitor::Person person;  // as stored
  absl::Duration tenant_clock_offset;  // the tenant's clock minus ours
};

class ActionPort {
 public:
  virtual ~ActionPort() = default;
  // Everything that is to be driven now: live actions whose retry_at has come. Queued ones are
  // tried against their budgets first, worst first, in the same commit.
  virtual asio::awaitable<StatusOr<std::vector<ActionWork>>> Claim() = 0;
  // Resumes when there may be new work, or after `at_most`.
  virtual asio::awaitable<Status> WaitForWork(absl::Duration at_most) = 0;
  // The gates after the re-reads, evaluated and committed by the engine. True: make the call now.
  virtual asio::awaitable<StatusOr<bool>> ReportGates(monitor::ActionId action,
                                                      monitor::ReReads reads) = 0;
  virtual asio::awaitable<Status> ReportCall(monitor::CallReport report) = 0;
  virtual asio::awaitable<Status> ReportVerify(monitor::VerifyReport report) = 0;
};

}  // namespace driftwarden::remediation
