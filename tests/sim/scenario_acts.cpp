// What happens in a scenario while everything is in trouble.

#include <utility>

#include "base/strings.h"
#include "tests/sim/scenario.h"

namespace driftwarden::sim {

using simulator::Actor;

namespace {
constexpr absl::Duration kMostLeap = absl::Hours(3);
constexpr double kLeapsWhileDown = 0.6;
}  // namespace

void Scenario::Act() {
  if (controllers_ && Chance(0.25)) return ActOnController();
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

void Scenario::ForAWhile(const char* what, absl::Duration length, bool& switched) {
  Note(Cat(what, " for ", absl::ToInt64Seconds(length), " s"));
  switched = true;
  stage_->RunFor(length);
  switched = false;
}

// After a leap somebody sets the clock right, sooner or later.
template <typename SomeDice>
absl::Duration Scenario::Leap(SomeDice& dice) {
  const absl::Duration off = stage_->clock().Wall() - stage_->now();
  const absl::Duration most = dice.Chance(0.5) ? absl::Minutes(9) : kMostLeap;
  const int64_t seconds = absl::ToInt64Seconds(most);
  const absl::Duration by = absl::Seconds(dice.Between(-seconds, seconds));
  return absl::AbsDuration(off) > absl::Minutes(1) && dice.Chance(0.6) ? -off : by;
}

// Small steps stay.
void Scenario::StepClock() {
  absl::Duration by = absl::Seconds(Between(-20, 20));
  if (clock_leaps_) by = Leap(*this);
  Note(Cat("our clock steps ", absl::ToInt64Seconds(by), " s"));
  stage_->StepWall(by);
}

// Nobody sees it jump: the next process starts by a clock that is wrong, or right again.
void Scenario::KillAndRestart() {
  absl::Duration by;
  if (clock_leaps_ && restart_dice_.Chance(kLeapsWhileDown)) by = Leap(restart_dice_);
  Note(by == absl::ZeroDuration()
           ? "the monitor is killed"
           : Cat("the monitor is killed, and our clock steps ", absl::ToInt64Seconds(by), " s"));
  stage_->KillAndRestart(by);
}

void Scenario::ActOnMonitor() {
  if ((clock_steps_ || clock_leaps_) && Chance(0.5)) {
    StepClock();
  } else if (Chance(0.3)) {
    const absl::Duration length = absl::Seconds(Between(5, 60));
    Note(Cat("nothing is reached for ", absl::ToInt64Seconds(length), " s"));
    const double before = std::exchange(stage_->faults().error, 1);
    stage_->RunFor(length);
    stage_->faults().error = before;
  } else if (tokens_ && Chance(0.5)) {
    simulator::TenantFaults& faults =
        stage_->world().tenant(rng_.Below(stage_->world().tenants())).faults();
    const absl::Duration length = absl::Seconds(Between(5, 60));
    if (Chance(0.5)) {
      ForAWhile("no token is given", length, faults.refuse_token);
    } else {
      ForAWhile("no token is taken", length, faults.reject_bearer);
    }
  } else {
    KillAndRestart();
  }
}

// One of those that the monitor reads: it may go to another, and come back.
void Scenario::ActOnController() {
  const size_t number = rng_.Below(testing::Controllers::kOfForest);
  testing::Controller& controller = stage_->controllers().At(0, number);
  const absl::Time now = stage_->now();
  const absl::Time until = now + absl::Seconds(Between(5, absl::ToInt64Seconds(kMostLag)));
  const int64_t what = Between(0, 7);
  if (what <= 1) {
    controller.StopUntil(until);
  } else if (what <= 4) {
    controller.LagUntil(until);
  } else if (what == 5) {
    controller.BackUp();
  } else {
    controller.Restore(now);
    if (Chance(0.5)) controller.LagUntil(until);
  }
  constexpr const char* kWhat[] = {"stops", "stops",        "lags",        "lags",
                                   "lags",  "is backed up", "is restored", "is restored"};
  Note(Cat(controller.name(), " ", kWhat[what], ", until ", FormatRfc3339(until)));
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
