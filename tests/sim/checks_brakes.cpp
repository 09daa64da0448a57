// Budgets and breakers: of everybody, of one person, of one episode, of a day.

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

using simulator::Call;

namespace {

// Budgets are counted from intents: the call may come so much later, after a death in between.
constexpr absl::Duration kIntentToCall = absl::Minutes(1);
// Nobody fewer than these stop a day's work.
constexpr double kBreakerAtLeast = 5;

}  // namespace

void CallChecker::CheckBudgets(const Call& call, size_t link) {
  const monitor::Budgets& budgets = stage_.link(link).policy->remediation.budgets;
  const absl::Duration late = Late();
  int in_10m = 0;
  int in_hour = 0;
  for (const Call& other : stage_.world().truth().calls) {
    if (other.tenant != call.tenant || other.client_request_id.empty() || other.at > call.at) {
      continue;
    }
    in_10m += other.at > call.at - absl::Minutes(10) + late ? 1 : 0;
    in_hour += other.at > call.at - absl::Hours(1) + late ? 1 : 0;
  }
  if (in_10m > budgets.per_10m || in_hour > budgets.per_hour) {
    faults.push_back(Cat(NameOf(stage_, link, call.person), ": over budget, ", in_10m,
                         " in 10 minutes, ", in_hour, " in an hour"));
  }
}

// By the true clock the window that our own counts may be longer by its errors, and a call later.
absl::Duration CallChecker::Late() const {
  const absl::Duration off =
      std::min(stage_.clock_error(), monitor::kMaxSkewForAction + kClocksDiffer);
  return kIntentToCall + 2 * off;
}

// One intent may be called twice, where nobody knows whether the first arrived.
void CallChecker::CheckBrakes(const Call& call, size_t link) {
  const LinkSetup& setup = stage_.link(link);
  const monitor::Remediation& remediation = setup.policy->remediation;
  const auto load = [&](const Call& of) {
    return stage_.store().LoadAction(setup.policy->link, monitor::ActionId(of.client_request_id));
  };
  const auto action = load(call);
  if (!action.ok() || !action->has_value()) return;  // CheckIntent tells
  const absl::Time of_person = call.at - remediation.budgets.per_person_window + Late();
  const absl::Time of_day = std::max(call.at - absl::Hours(24), stage_.guards_reset()) + Late();
  std::set<std::string> persons;
  std::set<std::string> episodes;
  std::set<uint64_t> people;
  for (const Call& other : stage_.world().truth().calls) {
    if (other.tenant != call.tenant || other.client_request_id.empty() || other.at > call.at) {
      continue;
    }
    if (other.at > of_day) people.insert(other.person);
    if (other.person != call.person) continue;
    const auto before = load(other);
    if (!before.ok() || !before->has_value() || (*before)->reason != (*action)->reason) continue;
    if (other.at > of_person) persons.insert(other.client_request_id);
    if ((*before)->episode == (*action)->episode) episodes.insert(other.client_request_id);
  }
  const std::string who = NameOf(stage_, link, call.person);
  if (std::ssize(persons) > remediation.budgets.per_person) {
    faults.push_back(Cat(who, ": over a person's budget, ", persons.size(), " within ",
                         absl::ToInt64Seconds(remediation.budgets.per_person_window), " s"));
  }
  if ((*action)->reason == monitor::ActionReason::kLag &&
      std::ssize(episodes) > remediation.budgets.max_revokes_per_episode) {
    faults.push_back(Cat(who, ": over an episode's budget, ", episodes.size()));
  }
  const double percent = remediation.breakers.max_percent_per_day;
  const auto all = static_cast<double>(stage_.world().people(setup.forest).count());
  const double most = std::max(kBreakerAtLeast, percent / 100 * all);
  if (percent > 0 && static_cast<double>(people.size()) > most) {
    faults.push_back(Cat(who, ": over a day's breaker, ", people.size(), " people"));
  }
}

}  // namespace driftwarden::sim
