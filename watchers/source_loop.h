#pragma once

// Polls one source and hands what it finds to every link that reads it. Never gives up: an error
// backs off with jitter and the source heals by itself; no source waits for another.
//
// Every link commits its own copy of the source's cursor. When copies differ (one commit failed,
// the process died between two) each place is read on from, and what is read from the last of them
// all take, so that they stand at one again: what comes twice is harmless. A link that has none
// yet, or whose full read is under way, reads in a round of its own, unless another link stands at
// the very same place.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/async/scheduler.h"
#include "base/async/wake_up.h"
#include "base/log.h"
#include "base/rng.h"
#include "watchers/change_source.h"
#include "watchers/notice_port.h"

namespace driftwarden::watchers {

struct FeedPosition {
  std::string cursor;  // empty: nothing was read yet
  absl::Time last_success = absl::InfinitePast();
  bool in_snapshot = false;  // a full read is under way
};

// A link as its sources see it.
class LinkFeed : public BatchSink {
 public:
  // Where the link stands with that source. Thread-safe.
  virtual FeedPosition PositionOf(const monitor::SourceName& source) const = 0;
};

struct SourceHealth {
  bool up = false;    // the last poll succeeded
  std::string error;  // of the last poll, empty when up or not polled yet
  absl::Time last_attempt = absl::InfinitePast();
  absl::Time last_success = absl::InfinitePast();
  absl::Duration last_duration;
  uint64_t polls_ok = 0;
  uint64_t polls_failed = 0;
  int failures_in_a_row = 0;
};

// Told on the loop's executor, for metrics.
class SourceObserver {
 public:
  virtual ~SourceObserver() = default;
  virtual void OnPoll(const monitor::SourceName& source, const Status& status,
                      absl::Duration took) = 0;
};

struct SourceLoopOptions {
  absl::Duration poll_interval = absl::Seconds(5);
};

class SourceLoop final : public NoticePort {
 public:
  // Everything must outlive it. Lives on `executor` (a strand or a one-thread context).
  SourceLoop(asio::any_io_executor executor, ChangeSource& source, std::vector<LinkFeed*> links,
             Scheduler& scheduler, Rng& rng, Logger& log, SourceObserver& observer,
             SourceLoopOptions options);

  // Until cancelled.
  asio::awaitable<void> Run();
  // One round for every link. The first error; the cursor of whoever failed stays.
  asio::awaitable<Status> PollOnce();
  // NoticePort. DeliverAside gives to the links that have read everything once.
  void Wake() override;
  asio::awaitable<Status> DeliverAside(monitor::ChangeBatch batch) override;
  // Shown every batch of a poll from now on; it must outlive the loop. Before Run.
  void SetWitness(RoundWitness* witness) { witness_ = witness; }
  // A link's full read is not complete: another PollOnce goes on with it.
  bool InSnapshot() const;
  // Thread-safe.
  SourceHealth Health() const;
  const monitor::SourceName& name() const { return source_.name(); }

 private:
  class FanOut;
  // Links that take the same round.
  struct Group {
    std::vector<LinkFeed*> links;
    FeedPosition from;
  };

  std::vector<Group> Groups() const;
  asio::awaitable<Status> PollFor(std::vector<LinkFeed*> links, std::string cursor);
  void NoteStart();
  void NoteEnd(const Status& status, absl::Duration took);

  asio::any_io_executor executor_;
  ChangeSource& source_;
  std::vector<LinkFeed*> links_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  SourceObserver& observer_;
  SourceLoopOptions options_;
  WakeUp wake_;
  RoundWitness* witness_ = nullptr;
  uint64_t batch_number_ = 0;
  monitor::BatchId round_;    // the present one
  mutable std::mutex mutex_;  // of health_, which others read
  SourceHealth health_;
};

}  // namespace driftwarden::watchers
