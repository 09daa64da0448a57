#include "monitor/advice.h"

#include "base/strings.h"
#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

// When the sync engine runs next, as far as the tenant tells.
std::string NextSyncText(const Situation& s) {
  if (!s.link->engine_last_sync) return "with the next sync";
  const absl::Time next = *s.link->engine_last_sync + CycleOf(*s.policy, *s.link);
  if (next > s.now) return Cat("at ", FormatRfc3339(next), ", with the next sync");
  return Cat("with the next sync, due since ", FormatRfc3339(next));
}

std::string ReverseAdvice(const Situation& s) {
  if (!s.ShutOutByHand()) return "the next sync may undo it";
  return Cat("your containment will be undone ", NextSyncText(s),
             ": disable the account in Active Directory too");
}

}  // namespace

std::string AdviceOf(const Person& person, const LinkState& link, const Policy& policy,
                     absl::Time now) {
  const Situation s = DescribeSituation(person, link, policy, now, {});
  // As it was judged last: the state that the alert is about.
  if (person.phase == State::kLagging) {
    const bool early = s.elapsed < CycleOf(policy, link);
    return s.tier.value == kTier0 && early ? "start a delta sync of the sync engine now" : "";
  }
  if (person.phase == State::kUnsealed) {
    return "sessions from before would come back to life if it were re-enabled: revoke them";
  }
  if (s.entra != nullptr && s.OpenSeverity(DriftKind::kReverseDrift)) return ReverseAdvice(s);
  return "";
}

bool IsOpenForOnePass(const Person& person, const LinkState& link, const Policy& policy,
                      absl::Time now) {
  if (person.state != State::kPending) return false;
  const Situation s = DescribeSituation(person, link, policy, now, {});
  if (!s.departed || !s.live) return false;
  // Before it is accepted they are `inherited`; whoever is pending then left since.
  if (link.baseline_accepted && s.departure.hi <= *link.baseline_at) return true;
  return !s.settled && s.elapsed >= s.thresholds.warn_after;
}

}  // namespace driftwarden::monitor
