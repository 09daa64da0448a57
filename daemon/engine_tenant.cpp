// What the tenant says of itself, as a command of the link.

#include "daemon/engine.h"

namespace driftwarden::daemon {
namespace {

// Whether people with an open episode may be judged otherwise now, though no fact of theirs
// changed.
bool Judges(const monitor::LinkState& before, const monitor::LinkState& after) {
  return before.learned_cycle != after.learned_cycle ||
         before.tenant.federated_domains != after.tenant.federated_domains ||
         before.tenant.password_sync != after.tenant.password_sync;
}

}  // namespace

asio::awaitable<Status> Engine::DeliverTenant(monitor::TenantLook look, bool review) {
  auto body = TenantBody(std::move(look));
  const auto judges = co_await Command(Urgency::kBatch, std::move(body));
  if (!judges.ok()) co_return judges.status();
  if (!*judges && !review) co_return OkStatus();
  const Status reviewed = co_await ReviewOpen();
  co_return reviewed;
}

asio::awaitable<StatusOr<bool>> Engine::TenantBody(monitor::TenantLook look) {
  monitor::PeopleSet people;
  store::PeopleKeys keys;
  keys.entra_ids = monitor::TenantKeysOf(*state_, look);
  if (!keys.entra_ids.empty()) {
    auto loaded = co_await Load(std::move(keys));
    if (!loaded.ok()) co_return loaded.status();
    people = std::move(*loaded);
  }
  const absl::Time now = Now();
  monitor::Changes changes = monitor::ApplyTenant(MakeContext(now), std::move(people), look);
  const bool judges = Judges(*state_, changes.link);
  if (changes.people.empty() && changes.link == *state_) co_return judges;
  const Status committed = co_await Commit(std::move(changes));
  if (!committed.ok()) co_return committed;
  co_return judges;
}

}  // namespace driftwarden::daemon
