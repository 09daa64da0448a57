#pragma once

// Looks people up one by one where the change feeds are not enough: everybody with an open episode
// on the Entra side (the feed does not tell when sessions were revoked), on the AD side too while a
// disable has not settled, and both sides of whoever contradictory looks were found of. Inherited
// people are not open. How often somebody is read depends on what is expected (ReadPlan) and on how
// much of the tenant's allowance is in use; a round reads at most `per_round` people. Whom the core
// asks for (contradictions, a return that must be confirmed, everybody open after a gap) is read in
// every round for as long as it asks.
//
// The tenant and every directory are read for themselves: what fails in one ends that one's round
// and puts off its next, and neither stops nor slows another.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/async/backoff.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/engine.h"
#include "daemon/read_plan.h"
#include "watchers/change_source.h"

namespace driftwarden::daemon {

struct DirectReadOptions {
  absl::Duration interval = absl::Seconds(15);  // the tenant's poll interval
  size_t batch = 20;                            // people in one request to the tenant
  size_t per_round = 500;
  // The share of the tenant's allowance that is in use. Empty: not known.
  std::function<double()> share = {};
};

class DirectReadLoop {
 public:
  using DirectoryReaders = std::map<monitor::SourceName, watchers::DirectoryReader*>;

  // Everything must outlive it.
  DirectReadLoop(Engine& engine, DirectoryReaders directories, watchers::TenantReader& tenant,
                 Scheduler& scheduler, Rng& rng, Logger& log, DirectReadOptions options);

  // Until cancelled, or until the engine is stopped.
  asio::awaitable<void> Run();
  // One round over the sources whose turn it is. The engine's error, else the tenant's, else a
  // directory's; what could be read is delivered all the same.
  asio::awaitable<Status> ReadOnce();

 private:
  struct Source {
    monitor::SourceName name;
    watchers::DirectoryReader* directory;  // null: the tenant
    Backoff backoff;
    Status error;                                      // of its last round
    absl::Duration not_before = absl::ZeroDuration();  // steady; while `error`
    monitor::PersonOrdinal resume_after = 0;           // whom its last failed round ended with
    // People who were not asked for yet; bounded.
    std::map<monitor::PersonOrdinal, DirectTarget> owed = {};
    std::string last_error = {};  // logged only when the text changes
  };
  // A run of targets asked for; `tried` of them before the source's error.
  struct Part {
    Status status;
    size_t tried = 0;
    std::vector<monitor::Observation> seen;
  };

  static bool Concerns(const Source& source, const DirectTarget& target);
  // Cancelled and the engine's errors only.
  asio::awaitable<Status> Round();
  asio::awaitable<Status> ReadSource(Source* source);
  asio::awaitable<Part> ReadTenant(std::vector<DirectTarget> targets);
  asio::awaitable<Part> ReadDirectory(const Source* source, std::vector<DirectTarget> targets);
  // Whoever has an open episode now, and of whom something is new; everybody after a gap in
  // reading, since nothing of an open case is believed before it was read again.
  asio::awaitable<Status> RefreshPlan();
  void HurryAfterGap();
  // Those whose turn it is are owed by every source that they concern.
  asio::awaitable<Status> Plan();
  void OweAndPlan(const DirectTarget& target, double share);
  // False: a source that they concern has no room.
  bool Owe(const DirectTarget& target);
  bool Waits(const Source& source) const;
  void Ended(Source* source, const Status& status);
  absl::Duration NextWait() const;
  void Note(std::string* last_error, const monitor::SourceName* source, const Status& status);

  Engine& engine_;
  watchers::TenantReader& tenant_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  DirectReadOptions options_;
  ReadPlan plan_;
  std::vector<Source> sources_;  // the tenant first
  absl::Time last_gap_ = absl::InfinitePast();
  monitor::PersonOrdinal after_ = 0;  // the next look for open episodes goes on behind this one
  monitor::BatchId round_;            // the present one
  std::string last_error_;            // the engine's
};

}  // namespace driftwarden::daemon
