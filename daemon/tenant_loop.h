#pragma once

// Looks at what a link's tenant says of itself: the last sync about every minute, the rest about
// every twelve, and sooner when a reload names other roles or nobody is known yet. What cannot be
// read for good is the reader's finding; what may pass by itself is logged once and tried again.

#include <string>
#include <vector>

#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/engine.h"
#include "watchers/tenant_truth.h"

namespace driftwarden::daemon {

struct TenantLoopOptions {
  absl::Duration interval = absl::Minutes(1);
  int slow_every = 12;             // looks at the last sync between two at the rest
  size_t transfers_a_round = 100;  // people with an open episode who are asked about
};

class TenantLoop {
 public:
  // Everything must outlive it.
  TenantLoop(Engine& engine, watchers::TenantTruth& truth, Scheduler& scheduler, Rng& rng,
             Logger& log, TenantLoopOptions options);

  // Until cancelled, or until the engine is stopped.
  asio::awaitable<void> Run();
  // One look; `everything`: at the rest too. The engine's error, else the reader's.
  asio::awaitable<Status> LookOnce(bool everything);

 private:
  bool RestIsDue() const;
  asio::awaitable<Status> ReadTransfers(monitor::TenantLook* look);
  void Note(const Status& status, const std::string& batch);

  Engine& engine_;
  watchers::TenantTruth& truth_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  const TenantLoopOptions options_;
  absl::Duration rest_read_ = -absl::InfiniteDuration();  // steady; when all of it was read
  absl::Duration sync_read_ = -absl::InfiniteDuration();  // steady; when the last sync was
  std::vector<std::string> roles_;                        // that were read with the rest
  monitor::PersonOrdinal after_ = 0;                      // who was asked about last
  bool first_ = true;
  std::string last_error_;  // logged only when the text changes
};

}  // namespace driftwarden::daemon
