#pragma once

// Reads what remains of a link's people in their tenant, behind everything else and within a budget
// of requests, so that many departures at once take days rather than the tenant's allowance. What
// it reads goes into the report; nothing waits for it.

#include <string>
#include <vector>

#include "base/async/backoff.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/residue_feed.h"
#include "watchers/tenant_residue.h"

namespace driftwarden::daemon {

struct ResidueOptions {
  absl::Duration interval = absl::Minutes(1);  // between two looks for somebody
  double requests_a_minute = 60;               // as the tenant counts them
  size_t people = 10;                          // of one look
};

class ResidueLoop {
 public:
  // Everything must outlive it.
  ResidueLoop(ResidueFeed& feed, watchers::TenantResidue& reader, monitor::LinkName link,
              Scheduler& scheduler, Rng& rng, Logger& log, ResidueOptions options);

  // Until cancelled.
  asio::awaitable<void> Run();
  // One look and everybody it names. The feed's error, else what keeps the tenant from being read.
  asio::awaitable<Status> ReadSome();

 private:
  asio::awaitable<Status> ReadOne(ResidueTarget target);
  void Note(const Status& status);

  ResidueFeed& feed_;
  watchers::TenantResidue& reader_;
  const monitor::LinkName link_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  const ResidueOptions options_;
  Backoff backoff_;
  bool more_ = false;       // the last look found as many as it may name
  std::string last_error_;  // logged when it begins and when it is over
};

}  // namespace driftwarden::daemon
