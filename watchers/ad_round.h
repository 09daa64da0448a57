#pragma once

// One round over a domain controller, handed on in bounded batches. The last batch carries the
// cursor; what is pending waits for it, so that a small round is one commit.

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "monitor/observation.h"
#include "watchers/change_source.h"

namespace driftwarden::watchers {

class AdRound {
 public:
  // `sink` and `next_number` (the source's count of batches) must outlive it.
  AdRound(monitor::SourceName source, std::string snapshot_reason, TimeBounds begun,
          absl::Duration clock_offset, size_t batch_size, uint64_t& next_number, BatchSink& sink);

  // One answer of the controller, asked and complete within `at`.
  asio::awaitable<Status> Add(std::vector<monitor::AdView> views, TimeBounds at);
  asio::awaitable<Status> Finish(std::string cursor);

 private:
  asio::awaitable<Status> Deliver(std::string cursor, bool last);

  const monitor::SourceName source_;
  const std::string snapshot_reason_;  // empty: no snapshot
  TimeBounds begun_;
  const absl::Duration clock_offset_;
  const size_t batch_size_;
  uint64_t& next_number_;
  BatchSink& sink_;
  std::vector<monitor::Observation> pending_;
  bool started_ = false;
};

}  // namespace driftwarden::watchers
