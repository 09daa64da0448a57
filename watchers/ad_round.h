#pragma once

// One round over a domain controller, handed on in bounded batches. What is pending waits for the
// cursor, so that a small round is one commit.

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "monitor/observation.h"
#include "watchers/change_source.h"

namespace driftwarden::watchers {

// What a round is, on every batch of it.
struct AdRoundKind {
  std::string snapshot_reason;   // empty: no full read
  bool begins = true;            // false: the full read began in an earlier poll
  bool resumes = false;          // ... of an earlier process
  bool beside_snapshot = false;  // no full read itself, but one goes on
  absl::Time one_copy_since = absl::InfinitePast();  // see monitor::Look
  std::string base_dn;                               // see monitor::ChangeBatch
};

class AdRound {
 public:
  // `sink` and `next_number` (the source's count of batches) must outlive it.
  AdRound(monitor::SourceName source, AdRoundKind kind, TimeBounds begun,
          absl::Duration clock_offset, size_t batch_size, uint64_t& next_number, BatchSink& sink);

  // One answer of the controller, asked and complete within `at`.
  asio::awaitable<Status> Add(std::vector<monitor::AdView> views, TimeBounds at);
  // A part of the round is finished: from here it can be resumed.
  asio::awaitable<Status> Progress(std::string cursor);
  asio::awaitable<Status> Finish(std::string cursor);

 private:
  asio::awaitable<Status> Deliver(std::string cursor, bool last);

  const monitor::SourceName source_;
  const AdRoundKind kind_;
  TimeBounds begun_;
  const absl::Duration clock_offset_;
  const size_t batch_size_;
  uint64_t& next_number_;
  BatchSink& sink_;
  std::vector<monitor::Observation> pending_;
  bool started_ = false;
};

}  // namespace driftwarden::watchers
