#pragma once

// The engine between one forest and one tenant. Each cycle imports what changed on either side and,
// after a processing time, exports what AD says: enabled or not, deleted. A cloud-side change of a
// synced account is undone by the next cycle, as Connect does. Single-threaded.

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "absl/time/time.h"
#include "simulator/directory.h"
#include "simulator/tenant.h"

namespace driftwarden::simulator {

struct SyncOptions {
  absl::Duration cycle = absl::Minutes(30);       // from start to start
  absl::Duration processing = absl::Seconds(20);  // from a cycle's import to its export
  size_t delete_threshold = 500;                  // a cycle with more deletions exports nothing
};

class SyncEngine {
 public:
  // `directory` and `tenant` must outlive it. The first cycle starts one cycle after `start`.
  SyncEngine(Directory& directory, Tenant& tenant, SyncOptions options, absl::Time start);

  const SyncOptions& options() const { return options_; }
  // When something is due next; InfiniteFuture while stalled and idle.
  absl::Time NextEventAt() const;
  // Does what is due at `at` == NextEventAt().
  void Step(absl::Time at);

  void RunNow(absl::Time now);  // also while stalled, once
  void Stall();                 // no cycle starts; one that runs ends
  void Resume(absl::Time now);  // the next cycle starts now
  void SetCycle(absl::Duration cycle, absl::Time now);
  void SetProcessing(absl::Duration processing) { options_.processing = processing; }
  // A skipped person's changes are held back until they are skipped no longer.
  void Skip(uint64_t person) { skipped_.insert(person); }
  void Unskip(uint64_t person) { skipped_.erase(person); }
  // The person's changes, or everybody's, are never carried.
  void Lose(uint64_t person) { lost_.insert(person); }
  void LoseNobody() { lost_.clear(); }
  void set_lose_all(bool lose) { lose_all_ = lose; }
  void set_blocked(bool blocked) { blocked_ = blocked; }  // cycles run, nothing is exported

  bool stalled() const { return stalled_; }
  uint64_t cycles_completed() const { return cycles_completed_; }
  absl::Time last_export() const { return last_export_; }
  const std::set<uint64_t>& skipped() const { return skipped_; }

 private:
  struct Export {
    uint64_t person = 0;
    bool enabled = false;
    bool deleted = false;
  };

  void Import(absl::Time at);
  void Apply(absl::Time at);

  Directory& directory_;
  Tenant& tenant_;
  SyncOptions options_;
  absl::Time next_start_;
  std::optional<absl::Time> export_at_;
  std::vector<Export> exports_;
  std::set<uint64_t> pending_;  // changed and not carried yet
  std::set<uint64_t> skipped_;
  std::set<uint64_t> lost_;
  bool lose_all_ = false;
  bool blocked_ = false;
  bool stalled_ = false;
  bool run_once_ = false;
  int64_t usn_;
  int64_t log_position_ = 0;
  uint64_t cycles_completed_ = 0;
  absl::Time last_start_;
  absl::Time last_export_ = absl::InfinitePast();
};

}  // namespace driftwarden::simulator
