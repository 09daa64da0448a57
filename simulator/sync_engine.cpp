#include "simulator/sync_engine.h"

#include <algorithm>

namespace driftwarden::simulator {

SyncEngine::SyncEngine(Directory& directory, Tenant& tenant, SyncOptions options, absl::Time start)
    : directory_(directory),
      tenant_(tenant),
      options_(options),
      next_start_(start + options.cycle),
      usn_(directory.dc().highest_usn),
      last_start_(start) {}

absl::Time SyncEngine::NextEventAt() const {
  if (export_at_) return *export_at_;  // one cycle at a time
  return stalled_ && !run_once_ ? absl::InfiniteFuture() : next_start_;
}

void SyncEngine::Step(absl::Time at) {
  if (export_at_) {
    Apply(at);
  } else {
    Import(at);
  }
}

void SyncEngine::Import(absl::Time at) {
  run_once_ = false;
  last_start_ = at;
  next_start_ = at + options_.cycle;
  for (const uint64_t person : directory_.ChangedSince(usn_)) {
    if (!lose_all_ && !lost_.contains(person)) pending_.insert(person);
  }
  usn_ = directory_.dc().highest_usn;
  for (const uint64_t person : tenant_.ChangedSince(log_position_)) {
    if (!lose_all_ && !lost_.contains(person)) pending_.insert(person);
  }
  log_position_ = tenant_.log_position();
  size_t deletions = 0;
  exports_.clear();
  for (const uint64_t person : pending_) {
    // Nothing flows any more to an account that was handed to the cloud.
    if (skipped_.contains(person) || tenant_.settings().cloud_managed.contains(person)) continue;
    const EntraUser user = tenant_.Now(person);
    const Export wanted{person, directory_.IsEnabled(person), directory_.IsDeleted(person)};
    deletions += wanted.deleted && user.presence == Presence::kLive ? 1 : 0;
    exports_.push_back(wanted);
  }
  // The accidental-delete guard stops the whole export, disables too.
  if (blocked_ || deletions > options_.delete_threshold) exports_.clear();
  for (const Export& item : exports_) pending_.erase(item.person);
  export_at_ = at + options_.processing;
}

void SyncEngine::Apply(absl::Time at) {
  export_at_.reset();
  for (const Export& item : exports_) {
    const bool changed = item.deleted
                             ? tenant_.SoftDelete(item.person, Actor::kSync, at)
                             : tenant_.SetEnabled(item.person, item.enabled, Actor::kSync, at);
    if (changed) tenant_.TouchLastSync(item.person, at);
  }
  exports_.clear();
  tenant_.set_last_sync(at);
  last_export_ = at;
  ++cycles_completed_;
  next_start_ = std::max(next_start_, at);
}

void SyncEngine::RunNow(absl::Time now) {
  next_start_ = now;
  run_once_ = true;
}

void SyncEngine::Stall() {
  stalled_ = true;
}

void SyncEngine::Resume(absl::Time now) {
  if (!stalled_) return;
  stalled_ = false;
  next_start_ = now;
}

void SyncEngine::SetCycle(absl::Duration cycle, absl::Time now) {
  options_.cycle = cycle;
  next_start_ = std::max(now, last_start_ + cycle);
}

}  // namespace driftwarden::simulator
