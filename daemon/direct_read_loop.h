#pragma once

// Looks people up one by one where the change feeds are not enough: everybody with an open episode
// on the Entra side (the feed does not tell when sessions were revoked), on the AD side too while a
// disable has not settled, and both sides of whoever contradictory looks were found of. Inherited
// people are not open. Bounded: a round reads at most `per_round` people and the next one goes on
// behind them.

#include <map>
#include <string>
#include <vector>

#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/engine.h"
#include "watchers/change_source.h"

namespace driftwarden::daemon {

struct DirectReadOptions {
  absl::Duration interval = absl::Seconds(15);  // the tenant's poll interval
  size_t batch = 20;                            // people in one request to the tenant
  size_t per_round = 500;
};

class DirectReadLoop {
 public:
  using DirectoryReaders = std::map<monitor::SourceName, watchers::DirectoryReader*>;

  // Everything must outlive it.
  DirectReadLoop(Engine& engine, DirectoryReaders directories, watchers::TenantReader& tenant,
                 Scheduler& scheduler, Rng& rng, Logger& log, DirectReadOptions options);

  // Until cancelled, or until the engine is stopped.
  asio::awaitable<void> Run();
  // One round. The first error; what could be read is delivered all the same.
  asio::awaitable<Status> ReadOnce();

 private:
  asio::awaitable<Status> ReadAndDeliver(std::vector<DirectTarget> targets);
  asio::awaitable<Status> ReadTenant(const std::vector<DirectTarget>* targets,
                                     std::vector<monitor::Observation>* seen);
  asio::awaitable<Status> ReadDirectories(const std::vector<DirectTarget>* targets,
                                          std::vector<monitor::Observation>* seen);
  void Note(const Status& status);

  Engine& engine_;
  DirectoryReaders directories_;
  watchers::TenantReader& tenant_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  DirectReadOptions options_;
  monitor::PersonOrdinal after_ = 0;  // the next round goes on behind this one
  std::string last_error_;            // logged only when the text changes
};

}  // namespace driftwarden::daemon
