// What happens in a scenario while everything is in trouble.

#include <utility>

#include "base/strings.h"
#include "tests/sim/scenario.h"

namespace driftwarden::sim {

using simulator::Actor;

void Scenario::Act() {
  const int64_t what = Between(0, 19);
  if (what <= 10) {
    ActOnPerson(AnyPerson());
  } else if (what <= 14 && administrators_) {
    ActInTenant(AnyPerson(), rng_.Below(stage_->world().tenants()));
  } else if (what <= 17) {
    ActOnTenant(rng_.Below(stage_->world().tenants()));
  } else {
    ActOnMonitor();
  }
}

void Scenario::ActOnMonitor() {
  if (clock_steps_ && Chance(0.5)) {
    const absl::Duration by = absl::Seconds(Between(-20, 20));
    Note(Cat("our clock steps ", absl::ToInt64Seconds(by), " s"));
    stage_->StepWall(by);
  } else if (Chance(0.3)) {
    const absl::Duration length = absl::Seconds(Between(5, 60));
    Note(Cat("nothing is reached for ", absl::ToInt64Seconds(length), " s"));
    const double before = std::exchange(stage_->faults().error, 1);
    stage_->RunFor(length);
    stage_->faults().error = before;
  } else {
    Note("the monitor is killed");
    stage_->KillAndRestart();
  }
}

void Scenario::ActOnPerson(uint64_t person) {
  simulator::World& world = stage_->world();
  simulator::Directory& directory = world.directory();
  const std::string sam = world.people().SamOf(person);
  const absl::Time now = stage_->now();
  const int64_t what = Between(0, 11);
  Status done;
  if (what <= 5) {
    done = directory.Disable(sam, now);
  } else if (what <= 7) {
    done = directory.Enable(sam, now);
  } else if (what == 8) {
    done = directory.Delete(sam, now);
  } else if (what == 9) {
    done = directory.Describe(sam, Cat("edited ", absl::ToUnixSeconds(now)), now);
  } else if (what == 10) {
    done = world.SignIn(sam, now, rng_.Below(world.tenants())).status();
  } else {
    world.tenant(rng_.Below(world.tenants())).ChangePassword(person, Actor::kSync, now);
  }
  constexpr const char* kWhat[] = {"disabled", "disabled", "disabled", "disabled",
                                   "disabled", "disabled", "enabled",  "enabled",
                                   "deleted",  "edited",   "signs in", "has a new password"};
  Note(Cat(sam, " ", kWhat[what]));
  static_cast<void>(done);  // whoever is deleted stays so
}

// Administrators interfere, each undone by nobody but the next sync or the next of them.
void Scenario::ActInTenant(uint64_t person, size_t number) {
  simulator::Tenant& tenant = stage_->world().tenant(number);
  const absl::Time now = stage_->now();
  const int64_t what = Between(0, 6);
  switch (what) {
    case 0:
      tenant.SetEnabled(person, true, Actor::kOperator, now);
      break;
    case 1:
      tenant.SetEnabled(person, false, Actor::kOperator, now);
      break;
    case 2:
    case 3:
      tenant.MoveSessions(person, Actor::kOperator, now);
      break;
    case 4:
      tenant.ChangePassword(person, Actor::kOperator, now);
      break;
    case 5:
      tenant.SoftDelete(person, Actor::kOperator, now);
      break;
    default:
      tenant.Restore(person, Actor::kOperator, now);
      break;
  }
  constexpr const char* kWhat[] = {"enabled",  "disabled",     "revoked", "revoked",
                                   "password", "soft deleted", "restored"};
  Note(Cat(person, " ", kWhat[what], " by an administrator of tenant ", number));
}

// The feed lost its place and will not tell of it.
void Scenario::Vanish(size_t tenant) {
  simulator::World& world = stage_->world();
  const uint64_t person = AnyPerson();
  const absl::Time now = stage_->now();
  Note(Cat(person, " vanishes from tenant ", tenant));
  world.tenant(tenant).SoftDelete(person, Actor::kOperator, now);
  if (Chance(0.5)) world.tenant(tenant).Purge(person, Actor::kOperator, now);
}

void Scenario::ActOnTenant(size_t tenant) {
  simulator::World& world = stage_->world();
  const absl::Time now = stage_->now();
  const int64_t what = Between(0, 6);
  Note(Cat("act ", what, " on tenant ", tenant));
  switch (what) {
    case 0:
      world.tenant(tenant).KillDeltaTokens(static_cast<simulator::DeadTokenShape>(Between(0, 3)));
      if (Chance(0.5)) Vanish(tenant);
      break;
    case 1:
      world.directory().ChangeInvocationId(now);
      break;
    case 2:
      world.sync(tenant).Stall();
      break;
    case 3:
      world.sync(tenant).Resume(now);
      break;
    case 4:
      world.sync(tenant).Skip(AnyPerson());
      break;
    case 5:
      world.sync(tenant).RunNow(now);
      break;
    default:
      stage_->faults().error = rng_.Unit() * 0.3;
      break;
  }
}

}  // namespace driftwarden::sim
