#pragma once

// A link's chain of evidence, verified a page at a time: at one go by `evidence verify`, in turns
// by the running daemon. Everything blocks and belongs on a store lane.

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "base/status.h"
#include "store/state_store.h"

namespace driftwarden::daemon {

// The last entry found whole, or what stands before the first.
struct ChainPlace {
  uint64_t seq = 0;
  Sha256Digest hash{};
};

using VisitEvidence = std::function<void(const monitor::EvidenceEntry&)>;

// Verifies at most `limit` entries behind `place` and moves it on; how many there were. `visit`
// (null: nobody) sees each whole entry. DataLoss: the entry behind `place` breaks the chain.
StatusOr<size_t> VerifyPage(store::StateStore& store, const monitor::LinkName& link, size_t limit,
                            ChainPlace& place, const VisitEvidence& visit);

// Whether the chain may end at `place`. `record`: the link as it was read before the last page;
// more may have been committed since, less is truncation (DataLoss).
Status VerifyEnd(const ChainPlace& place, const monitor::LinkState& record);

struct ChainWatchOptions {
  size_t new_entries = 1000;   // a turn: what was committed since the last one
  size_t pass_entries = 2000;  // a turn: of the full pass
};

struct ChainReport {
  bool whole = true;     // false from a break on until a full pass found everything whole
  bool changed = false;  // `whole` is not what the turn before reported
  bool behind = false;   // more new entries wait than one turn takes
  uint64_t entry = 0;    // not whole: where the chain broke
  Status fault;          // not whole: DataLoss, in words
};

// Follows one link while its engine commits. New entries are verified against what was verified
// before them; a full pass goes over all of them again and again, a bounded number a turn. Not
// thread-safe: one turn at a time.
class ChainWatch {
 public:
  // The store must outlive it.
  ChainWatch(store::StateStore& store, monitor::LinkName link, ChainWatchOptions options = {})
      : store_(store), link_(std::move(link)), options_(options) {}

  // Errors that are not DataLoss say nothing about the chain; the next turn tries again.
  StatusOr<ChainReport> Turn();

 private:
  Status Look();
  Status FollowNew(const monitor::LinkState& record);
  Status GoOnWithPass(const monitor::LinkState& record);
  Status At(const ChainPlace& place, Status status);

  store::StateStore& store_;
  const monitor::LinkName link_;
  const ChainWatchOptions options_;
  std::optional<ChainPlace> newest_;  // up to here new entries were followed
  ChainPlace pass_;                   // how far the full pass came
  ChainReport report_;
};

}  // namespace driftwarden::daemon
