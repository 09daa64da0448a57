#pragma once

// Looks at the groups of one directory that tiers name, every few minutes, and tells the links.

#include <string>
#include <vector>

#include "base/async/scheduler.h"
#include "base/async/wake_up.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/engine.h"
#include "watchers/ad_groups.h"

namespace driftwarden::daemon {

class GroupLoop {
 public:
  // Everything must outlive it. `engines`: the links that read the directory.
  GroupLoop(asio::any_io_executor executor, watchers::AdGroups& groups, monitor::SourceName source,
            std::vector<Engine*> engines, Scheduler& scheduler, Rng& rng, Logger& log,
            absl::Duration interval);

  // Until cancelled.
  asio::awaitable<void> Run();
  asio::awaitable<Status> RefreshOnce();
  // Other groups are asked for from now on. On the executor.
  void SetWanted(std::vector<std::string> groups);

 private:
  // Whom a link does not know yet cannot be told of: until it has read everybody once, all are told
  // again.
  bool EverybodyIsKnown() const;

  watchers::AdGroups& groups_;
  const monitor::SourceName source_;
  const std::vector<Engine*> engines_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  const absl::Duration interval_;
  WakeUp wake_;
  std::string last_error_;
};

}  // namespace driftwarden::daemon
