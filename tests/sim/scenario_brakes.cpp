// Budgets of one person and of one episode, and the breaker of a day, so tight that they hold.

#include "tests/sim/scenario.h"

namespace driftwarden::sim {

namespace {

constexpr double kBrakes = 0.3;
constexpr double kBreaker = 0.7;  // of those
// An operator looks at what latches.
constexpr absl::Duration kOperatorLooks = absl::Minutes(2);

}  // namespace

// Who expires and is not revoked in time has checks of their own, which know of no brakes.
void Scenario::RollBrakes() {
  brakes_ = !acts_on_expired_ && brake_dice_.Chance(kBrakes);
}

void Scenario::Tighten(monitor::Remediation& remediation) {
  if (!brakes_) return;
  remediation.budgets.per_person = static_cast<int>(brake_dice_.Between(1, 2));
  remediation.budgets.per_person_window = absl::Seconds(brake_dice_.Between(120, 480));
  remediation.budgets.max_revokes_per_episode = static_cast<int>(brake_dice_.Between(1, 2));
  // Five people a day, which is the least that it stands for.
  if (brake_dice_.Chance(kBreaker)) remediation.breakers.max_percent_per_day = 0.5;
}

void Scenario::PassInPeace(absl::Duration length) {
  const absl::Time end = stage_->now() + length;
  while (brakes_ && end - stage_->now() > kOperatorLooks) {
    stage_->RunFor(kOperatorLooks);
    stage_->ResetGuards();
  }
  if (stage_->now() < end) stage_->RunFor(end - stage_->now());
  if (brakes_) stage_->ResetGuards();
}

}  // namespace driftwarden::sim
