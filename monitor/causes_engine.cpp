// engine_stalled opens when the tenant's last sync is older than two cycles and ten minutes, and
// that was read a short while ago; it clears when the tenant names a newer sync.

#include "base/strings.h"
#include "base/units.h"
#include "monitor/attribution.h"
#include "monitor/cause_counts.h"
#include "monitor/causes.h"
#include "monitor/clocks.h"

namespace driftwarden::monitor {
namespace {

constexpr char kEngineCauseSentence[] =
    "engine_stalled opens when the tenant's last sync, read a short while ago, is older than two "
    "cycles and ten minutes; it clears when the tenant names a newer sync.";

// Longer ago, and what the tenant says may have changed.
constexpr absl::Duration kReadFresh = absl::Minutes(15);

std::vector<CauseFinding> FindEngineCause(const LinkSituation& s) {
  if (!s.link.engine_last_sync) return {};
  const absl::Duration cycle = CycleOf(s.policy, s.link);
  const bool fresh = s.now - s.link.causes.tenant_read <= kReadFresh;
  const bool off = s.link.tenant.sync_enabled && !*s.link.tenant.sync_enabled;
  CauseFinding finding;
  finding.holds = EngineStalled(s.policy, s.link, s.now);
  finding.opens = finding.holds && fresh && !off;
  finding.since = *s.link.engine_last_sync;
  finding.people = OwedPeople(s.link);
  const std::string says = EngineSays(s.link);
  finding.detail = Cat("the last sync was at ", FormatRfc3339(finding.since), "; a cycle takes ",
                       HumanDuration(cycle), says.empty() ? "" : "; ", says);
  const absl::Time stalls = StalledAt(s.policy, s.link);
  if (stalls <= s.link.causes.tenant_read + kReadFresh) finding.review_at = stalls;
  return {finding};
}

// Who left when the engine still ran, and was not carried, waits for a reason of their own.
bool EngineCauseExplains(const LinkCause& cause, const Person& person, const LinkSituation& s) {
  const absl::Time left = person.episode ? person.episode->departed.hi : absl::InfinitePast();
  const AdHalf* ad = person.facts.DecidingAd();
  // Whoever may have left too late for that sync, by either clock.
  absl::Duration skew = LogSkew(s.policy, s.link);
  if (ad != nullptr) skew += SkewOf(s.link, ad->source);
  return WaitsSince(person) && left + skew >= cause.since - CycleOf(s.policy, s.link);
}

}  // namespace

const CauseRule kEngineStalledCause = {
    CauseKind::kEngineStalled,
    absl::ZeroDuration(),
    kEngineCauseSentence,
    "the sync engine has stopped: no disable in Active Directory reaches Entra",
    "Start the engine again (Connect: the scheduler and the service on its server; Cloud Sync: the "
    "agents); meanwhile disable by hand in Entra whoever cannot wait.",
    nullptr,
    true,
    FindEngineCause,
    EngineCauseExplains};

}  // namespace driftwarden::monitor
