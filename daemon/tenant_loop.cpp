#include "daemon/tenant_loop.h"

#include <utility>

#include "daemon/outage.h"

namespace driftwarden::daemon {

TenantLoop::TenantLoop(Engine& engine, watchers::TenantTruth& truth, Scheduler& scheduler, Rng& rng,
                       Logger& log, TenantLoopOptions options)
    : engine_(engine),
      truth_(truth),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      options_(options) {}

asio::awaitable<void> TenantLoop::Run() {
  while (true) {
    const bool everything = RestIsDue();
    const Status looked = co_await LookOnce(everything);
    if (looked.code() == StatusCode::kCancelled) co_return;
    const Status slept = co_await scheduler_.SleepFor(options_.interval);
    if (!slept.ok()) co_return;
  }
}

bool TenantLoop::RestIsDue() const {
  // Who holds a role is no use before the people are known.
  if (!engine_.State()->baseline_at) return true;
  if (monitor::RolesNamed(*engine_.CurrentPolicy()) != roles_) return true;
  const absl::Duration since = scheduler_.clock().Steady() - rest_read_;
  return since >= options_.interval * options_.slow_every;
}

asio::awaitable<Status> TenantLoop::LookOnce(bool everything) {
  monitor::TenantLook look;
  look.batch = monitor::BatchId(MakeUuid(rng_));
  const auto policy = engine_.CurrentPolicy();
  const bool cloud_sync = policy->sync_engine == monitor::SyncEngine::kCloudSync;
  const absl::Duration began = scheduler_.clock().Steady();
  // Cloud Sync tells the time of its last success with its jobs; the rest reads those anyway.
  const Status synced = co_await truth_.ReadSync(&look, cloud_sync && !everything);
  if (synced.code() == StatusCode::kCancelled) co_return synced;
  if (synced.ok()) {
    look.watched = began - sync_read_ <= options_.interval * 3;
    sync_read_ = began;
  }
  Status rest;
  if (everything && synced.ok()) {
    std::vector<std::string> roles = monitor::RolesNamed(*policy);
    std::vector<std::string> asked = roles;
    rest = co_await truth_.ReadRest(&look, std::move(asked));
    if (rest.code() == StatusCode::kCancelled) co_return rest;
    if (rest.ok()) rest = co_await ReadTransfers(&look);
    if (rest.code() == StatusCode::kCancelled) co_return rest;
    // After a failure the next look tries again: nothing of it is expensive.
    if (rest.ok()) {
      rest_read_ = began;
      roles_ = std::move(roles);
    }
  }
  const std::string batch = look.batch.value;
  const bool review = std::exchange(first_, false);
  auto delivering = engine_.DeliverTenant(std::move(look), review);
  const Status delivered = co_await std::move(delivering);
  if (!delivered.ok()) co_return delivered;
  const Status failed = synced.ok() ? rest : synced;
  Note(failed, batch);
  co_return failed;
}

asio::awaitable<Status> TenantLoop::ReadTransfers(monitor::TenantLook* look) {
  auto targets = co_await engine_.OpenTargets(after_, options_.transfers_a_round);
  if (!targets.ok()) co_return targets.status();
  after_ = targets->size() < options_.transfers_a_round ? 0 : targets->back().person;
  std::vector<std::string> ids;
  for (const DirectTarget& target : *targets) {
    if (!target.entra_id.empty()) ids.push_back(target.entra_id);
  }
  if (ids.empty()) co_return OkStatus();
  const Status read = co_await truth_.ReadTransfers(look, std::move(ids));
  co_return read;
}

void TenantLoop::Note(const Status& status, const std::string& batch) {
  const std::string text(Message(status));
  if (text == last_error_) return;
  const bool again = !last_error_.empty() && !text.empty();
  last_error_ = text;
  if (again) return;  // request ids differ each time
  const std::vector<LogField> fields = {{"link", engine_.link().value}, {"batch", batch}};
  if (status.ok()) {
    log_.Info("tenant_read_again", "the tenant tells of itself again", fields);
  } else if (IsOutage(status)) {
    log_.Info("tenant_not_read", text, fields);  // the poll meets it too, and tells it
  } else {
    log_.Warn("tenant_not_read", text, fields);
  }
}

}  // namespace driftwarden::daemon
