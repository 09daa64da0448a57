#include "daemon/config_advice.h"

#include "base/strings.h"
#include "base/units.h"
#include "monitor/person.h"

namespace driftwarden::daemon {
namespace {

// Nobody who disables an account means it to be live for longer.
constexpr absl::Duration kLongThreshold = absl::Hours(24 * 30);

void AdviseTier(const monitor::Policy& link, const monitor::TierPolicy& tier,
                std::vector<std::string>& out) {
  const std::string where = Cat("link ", link.link.value, ", tier ", tier.name.value, ": ");
  if (tier.name.value != monitor::kStandard && tier.match == monitor::TierMatch()) {
    out.push_back(Cat(where,
                      "its match is missing or empty, so it takes nobody; add match: "
                      "{admin_count: true}, or groups, entra_roles or ous, or remove the tier"));
  }
  const monitor::Thresholds t = monitor::ThresholdsFor(tier.name, link, monitor::LinkState());
  if (t.warn_after > t.breach_after) {
    out.push_back(
        Cat(where, "warn_after is later than breach_after: the critical page comes first"));
  }
  const auto advise_long = [&](const char* key, absl::Duration after, const char* what) {
    if (after <= kLongThreshold) return;
    out.push_back(Cat(where, key, " is ", HumanDuration(after), ": for so long ", what,
                      " who is live in Entra"));
  };
  advise_long("warn_after", t.warn_after, "nobody is paged about");
  advise_long("revoke_after", t.revoke_after, "no sessions are revoked of");
  advise_long("breach_after", t.breach_after, "nobody is paged critically about");
}

}  // namespace

std::vector<std::string> AdviceAbout(const Config& config) {
  std::vector<std::string> out;
  if (config.alerting.alertmanagers.empty()) {
    out.emplace_back(
        "alerting.alertmanagers is empty: nobody is told; add - url: http://ALERTMANAGER:9093");
  }
  for (const monitor::Policy& link : config.links) {
    for (const monitor::TierPolicy& tier : link.tiers) AdviseTier(link, tier, out);
  }
  return out;
}

}  // namespace driftwarden::daemon
