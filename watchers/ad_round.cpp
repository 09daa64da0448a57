#include "watchers/ad_round.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace driftwarden::watchers {

AdRound::AdRound(monitor::SourceName source, AdRoundKind kind, TimeBounds begun,
                 absl::Duration clock_offset, size_t batch_size, uint64_t& next_number,
                 BatchSink& sink)
    : source_(std::move(source)),
      kind_(std::move(kind)),
      begun_(begun),
      clock_offset_(clock_offset),
      batch_size_(std::max<size_t>(batch_size, 1)),
      next_number_(next_number),
      sink_(sink) {}

asio::awaitable<Status> AdRound::Add(std::vector<monitor::AdView> views, TimeBounds at) {
  begun_.hi = std::max(begun_.hi, at.hi);
  for (monitor::AdView& view : views) {
    if (pending_.size() >= batch_size_) {
      const Status delivered = co_await Deliver("", false);
      if (!delivered.ok()) co_return delivered;
    }
    monitor::Observation observation;
    observation.look.source = source_;
    observation.look.at = at;
    observation.look.kind = monitor::LookKind::kFeed;
    observation.look.one_copy_since = kind_.one_copy_since;
    observation.view = std::move(view);
    pending_.push_back(std::move(observation));
  }
  co_return OkStatus();
}

asio::awaitable<Status> AdRound::Progress(std::string cursor) {
  const Status delivered = co_await Deliver(std::move(cursor), false);
  co_return delivered;
}

asio::awaitable<Status> AdRound::Finish(std::string cursor) {
  const Status delivered = co_await Deliver(std::move(cursor), true);
  co_return delivered;
}

asio::awaitable<Status> AdRound::Deliver(std::string cursor, bool last) {
  const bool first = !std::exchange(started_, true);
  monitor::ChangeBatch batch;
  batch.source = source_;
  batch.kind = monitor::SourceKind::kActiveDirectory;
  batch.number = next_number_++;
  batch.observations = std::exchange(pending_, {});
  batch.in_snapshot = !kind_.snapshot_reason.empty();
  batch.snapshot_reason = kind_.snapshot_reason;
  batch.starts_round = first && kind_.begins;
  batch.resumes_snapshot = first && kind_.resumes;
  batch.beside_snapshot = kind_.beside_snapshot;
  batch.completes_round = last;
  batch.cursor = std::move(cursor);
  batch.round = begun_;
  batch.base_dn = kind_.base_dn;
  batch.clock_offset = clock_offset_;
  const Status delivered = co_await sink_.Deliver(std::move(batch));
  co_return delivered;
}

}  // namespace driftwarden::watchers
