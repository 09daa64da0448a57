#include "monitor/guards.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/evaluate.h"
#include "monitor/exemption.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kBreakerWindow = absl::Hours(24);
constexpr double kBreakerAtLeast = 5;
// How soon to ask again when something passing stands in the way.
constexpr absl::Duration kRetrySoon = absl::Seconds(30);

// Collects gates and what the worst of them leads to.
class Gates {
 public:
  explicit Gates(PermitResult& result) : result_(result) {}

  bool Check(std::string name, bool ok, std::string observed,
             Permission when_not = Permission::kNo) {
    result_.gates.push_back({std::move(name), ok, std::move(observed)});
    if (!ok) worst_ = std::max(worst_, when_not);
    return ok;
  }
  bool all_ok() const { return worst_ == Permission::kAllow; }
  Permission worst() const { return worst_; }

 private:
  PermitResult& result_;
  Permission worst_ = Permission::kAllow;
};

// Calls of the window, oldest first, that a predicate counts.
template <typename Predicate>
std::vector<absl::Time> CallsWithin(const LinkState& link, absl::Time now, absl::Duration window,
                                    Predicate counts) {
  std::vector<absl::Time> at;
  for (const CallStamp& call : link.calls) {
    if (call.at > now - window && counts(call)) at.push_back(call.at);
  }
  std::sort(at.begin(), at.end());
  return at;
}

// When the window has room for one more.
absl::Time RoomAt(const std::vector<absl::Time>& calls, int limit, absl::Duration window) {
  if (limit <= 0) return absl::InfiniteFuture();
  return calls[calls.size() - static_cast<size_t>(limit)] + window;
}

void CheckBudget(Gates& gates, PermitResult& result, const char* name,
                 const std::vector<absl::Time>& calls, int limit, absl::Duration window) {
  const auto used = static_cast<int64_t>(calls.size());
  const bool ok = used < limit;
  gates.Check(name, ok, Cat(used, " of ", limit, " within ", HumanDuration(window)),
              Permission::kQueue);
  if (ok) return;
  const absl::Time room = RoomAt(calls, limit, window);
  // Several budgets may be spent: the last one to have room again decides.
  const bool first = result.retry_at == absl::InfiniteFuture();
  result.retry_at = first ? room : std::max(result.retry_at, room);
}

void CheckBudgets(Gates& gates, PermitResult& result, const Person& person,
                  const WantedAction& wanted, const LinkState& link, const Policy& policy,
                  absl::Time now) {
  const Budgets& budgets = policy.remediation.budgets;
  const auto any = [](const CallStamp&) { return true; };
  CheckBudget(gates, result, "budget_10m", CallsWithin(link, now, absl::Minutes(10), any),
              budgets.per_10m, absl::Minutes(10));
  CheckBudget(gates, result, "budget_hour", CallsWithin(link, now, absl::Hours(1), any),
              budgets.per_hour, absl::Hours(1));
  const auto same = [&](const CallStamp& call) {
    return call.person == person.ordinal && call.reason == wanted.reason;
  };
  CheckBudget(gates, result, "budget_person",
              CallsWithin(link, now, budgets.per_person_window, same), budgets.per_person,
              budgets.per_person_window);
  if (wanted.reason != ActionReason::kLag) return;
  const uint32_t revokes = person.episode ? person.episode->revokes : 0;
  gates.Check("budget_episode", static_cast<int64_t>(revokes) < budgets.max_revokes_per_episode,
              Cat(revokes, " of ", budgets.max_revokes_per_episode, " in this episode"));
}

std::string GuardText(const LinkState& link, const char* guard) {
  const auto found = link.guards.find(guard);
  if (found == link.guards.end() || !found->second.tripped) return "not tripped";
  return Cat("tripped at ", FormatRfc3339(found->second.since), ": ", found->second.detail);
}

// People acted on since the window began or the guard was last reset.
std::set<PersonOrdinal> PeopleOfTheDay(const LinkState& link, absl::Time now) {
  absl::Time from = now - kBreakerWindow;
  const auto guard = link.guards.find(kGuardPercent);
  if (guard != link.guards.end()) from = std::max(from, guard->second.since);
  std::set<PersonOrdinal> people;
  for (const CallStamp& call : link.calls) {
    if (call.at > from) people.insert(call.person);
  }
  return people;
}

void CheckBreakers(Gates& gates, PermitResult& result, const Person& person, const LinkState& link,
                   const Policy& policy, absl::Time now) {
  for (const char* guard : {kGuardVerification, kGuardOwnCalls}) {
    gates.Check(GateOf(guard), !IsTripped(link, guard), GuardText(link, guard));
  }
  for (const char* guard : {kGuardMassDisable, kGuardMassScopeExit}) {
    const bool held = IsHeldByGuard(person, link, guard);
    gates.Check(GateOf(guard), !held,
                held || !IsTripped(link, guard) ? GuardText(link, guard) : "not of that crowd",
                Permission::kApproval);
  }
  if (!gates.Check("breaker_max_percent_per_day", !IsTripped(link, kGuardPercent),
                   GuardText(link, kGuardPercent))) {
    return;
  }
  const double percent = policy.remediation.breakers.max_percent_per_day;
  if (percent <= 0 || !gates.all_ok()) return;  // only what would go out is counted against it
  std::set<PersonOrdinal> people = PeopleOfTheDay(link, now);
  people.insert(person.ordinal);
  const double most =
      std::max(kBreakerAtLeast, percent / 100 * static_cast<double>(link.linked_people));
  if (static_cast<double>(people.size()) <= most) return;
  result.gates.back() = {"breaker_max_percent_per_day", false,
                         Cat(people.size(), " people within a day, at most ",
                             static_cast<int64_t>(most))};  // of whole people
  result.trip_guard = kGuardPercent;
}

void CheckPerson(Gates& gates, const Person& person, const Policy& policy, const Verdict& verdict,
                 absl::Time now) {
  const IdentityGrade grade = GradeOf(person.facts);
  if (grade == IdentityGrade::kAnchor) {
    gates.Check("grade", false, "anchor only, no SID agrees: needs an approval",
                Permission::kApproval);
  } else {
    const bool strong = grade == IdentityGrade::kStrong;
    gates.Check("grade", strong, strong ? "strong" : "anchor and SID do not agree");
  }
  gates.Check("not_inherited", !person.memory.inherited,
              person.memory.inherited ? "drift from before the first look" : "no");
  const bool quarantined = verdict.state == State::kQuarantined;
  gates.Check("not_quarantined", !quarantined, quarantined ? "conflict of identity" : "no");
  const GateResult not_exempt = NotExempt(person, policy, now);
  gates.Check("not_exempt", not_exempt.ok, not_exempt.observed);
  const bool flapping = IsFlapping(person.memory);
  gates.Check(
      "not_flapping", !flapping,
      Cat(person.memory.toggles.size(), " changes in AD within ", HumanDuration(kFlapWindow)));
}

void CheckTimes(Gates& gates, PermitResult& result, const Verdict& verdict, const LinkState& link,
                const Policy& policy, absl::Time now, bool clock_suspect) {
  const absl::Duration quiet = policy.remediation.breakers.quiet_after_first_baseline;
  const absl::Time quiet_until =
      link.baseline_at ? *link.baseline_at + quiet : absl::InfiniteFuture();
  const bool over = now >= quiet_until;
  gates.Check("quiet_after_first_baseline", over,
              link.baseline_at ? Cat("until ", FormatRfc3339(quiet_until))
                               : "the first complete read is not done");
  if (!over) result.retry_at = std::min(result.retry_at, quiet_until);
  gates.Check("clock", !clock_suspect, clock_suspect ? "our own clock is suspect" : "steady");
  gates.Check("not_blind", !verdict.blind, verdict.blind ? "a source is stale" : "sources fresh");
  const GateResult not_paused = NotPaused(link);
  gates.Check(not_paused.name, not_paused.ok, not_paused.observed);
  if ((clock_suspect || verdict.blind) && over) {
    result.retry_at = std::min(result.retry_at, now + kRetrySoon);
  }
}

// Whether there is one to be asked at all; what it says is asked for straight before the call.
GateResult SecondDc(const Person& person, const Policy& policy) {
  const char* name = "second_dc";
  if (person.tier.value != kTier0) return {name, true, "not required for this tier"};
  for (const AdHalf& half : person.facts.ad) {
    const auto& lone = policy.ad_sources_with_one_dc;
    if (std::find(lone.begin(), lone.end(), half.source) != lone.end()) {
      return {name, false,
              Cat("this tier needs a second domain controller's word, and only one is configured "
                  "for ",
                  half.source.value)};
    }
  }
  return {name, true, "asked before the call"};
}

}  // namespace

bool IsFlapping(const Memory& memory) {
  return memory.toggles.size() > kFlapToggles;
}

PermitResult PermitAction(const Person& person, const Verdict& verdict, const WantedAction& wanted,
                          const LinkState& link, const Policy& policy, absl::Time now,
                          bool clock_suspect) {
  PermitResult result;
  Gates gates(result);
  const Mode mode = ModeFor(policy, person.tier, wanted.action);
  if (!gates.Check("mode", mode != Mode::kObserve, std::string(ModeText(mode)))) {
    return result;
  }
  CheckPerson(gates, person, policy, verdict, now);
  const GateResult second = SecondDc(person, policy);
  gates.Check("second_dc", second.ok, second.observed);
  CheckTimes(gates, result, verdict, link, policy, now, clock_suspect);
  CheckBudgets(gates, result, person, wanted, link, policy, now);
  CheckBreakers(gates, result, person, link, policy, now);
  result.permission = result.trip_guard.empty() ? gates.worst() : Permission::kNo;
  if (result.permission != Permission::kAllow) return result;
  if (mode == Mode::kShadow) result.permission = Permission::kShadow;
  if (mode == Mode::kApprove) result.permission = Permission::kApproval;
  return result;
}

bool IsTripped(const LinkState& link, const std::string& guard) {
  const auto found = link.guards.find(guard);
  return found != link.guards.end() && found->second.tripped;
}

GateResult NotPaused(const LinkState& link) {
  if (!IsTripped(link, kPaused)) return {GateOf(kPaused), true, "not paused"};
  const GuardState& pause = link.guards.at(kPaused);
  return {GateOf(kPaused), false, Cat("since ", FormatRfc3339(pause.since), ", ", pause.detail)};
}

std::string GateOf(const std::string& guard) {
  if (guard == kPaused) return "not_paused";
  return Cat("breaker_", guard);
}

bool AllOk(const std::vector<GateResult>& gates) {
  return std::all_of(gates.begin(), gates.end(), [](const GateResult& g) { return g.ok; });
}

}  // namespace driftwarden::monitor
