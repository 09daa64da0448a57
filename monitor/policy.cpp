#include "monitor/policy.h"

#include <algorithm>

#include "base/strings.h"
#include "monitor/facts.h"
#include "monitor/person.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kMaxScaled = absl::Hours(3);

bool IsUnderAny(std::string_view dn, const std::vector<std::string>& ous) {
  if (ous.empty()) return false;
  const std::string normal = NormalDn(dn);
  return std::any_of(ous.begin(), ous.end(),
                     [&](const std::string& ou) { return IsUnderDn(normal, NormalDn(ou)); });
}

bool HoldsRole(const TierMatch& match, const Facts& facts) {
  if (!facts.entra) return false;
  const auto& roles = facts.entra->roles;
  return std::any_of(match.entra_roles.begin(), match.entra_roles.end(), [&](const auto& role) {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
  });
}

bool Matches(const TierMatch& match, const AdHalf& half) {
  if (half.scope == ScopeState::kNever) return false;
  if (match.admin_count && half.admin_count) return true;
  const auto is_member = [&](const std::string& group) {
    return std::find(half.groups.begin(), half.groups.end(), group) != half.groups.end();
  };
  if (std::any_of(match.groups.begin(), match.groups.end(), is_member)) return true;
  return IsUnderAny(half.dn, match.ous);
}

absl::Duration DefaultCycle(SyncEngine engine) {
  return engine == SyncEngine::kConnect ? absl::Minutes(30) : absl::Minutes(2);
}

Thresholds StandardDefaults(const Policy& policy, const LinkState& link) {
  Thresholds t;
  const bool connect = policy.sync_engine == SyncEngine::kConnect;
  t.warn_after = connect ? absl::Minutes(40) : absl::Minutes(8);
  t.revoke_after = connect ? absl::Minutes(45) : absl::Minutes(12);
  t.breach_after = connect ? absl::Minutes(70) : absl::Minutes(15);
  const double factor =
      std::max(1.0, absl::FDivDuration(link.learned_cycle, DefaultCycle(policy.sync_engine)));
  for (absl::Duration* d : {&t.warn_after, &t.revoke_after, &t.breach_after}) {
    *d = std::min(*d * factor, kMaxScaled);
  }
  return t;
}

Thresholds Tier0Defaults(const Policy& policy, const LinkState& link) {
  Thresholds t;
  t.warn_after = absl::Minutes(5);
  t.revoke_after = absl::Minutes(2);
  t.breach_after = std::min(CycleOf(policy, link) + absl::Minutes(10), kMaxScaled);
  return t;
}

}  // namespace

std::string_view ModeText(Mode m) {
  switch (m) {
    case Mode::kObserve:
      return "observe";
    case Mode::kShadow:
      return "shadow";
    case Mode::kApprove:
      return "approve";
    case Mode::kAuto:
      return "auto";
  }
  return "unknown";
}

std::optional<Mode> ParseMode(std::string_view text) {
  for (const Mode mode : kAllModes) {
    if (ModeText(mode) == text) return mode;
  }
  return std::nullopt;
}

absl::Duration Policy::StaleAfter(const SourceName& source) const {
  const auto found = poll_intervals.find(source);
  const absl::Duration poll = found == poll_intervals.end() ? absl::Seconds(15) : found->second;
  // Polls that short stand in compressed time; three of them would be a hiccup.
  if (poll < absl::Seconds(5)) return std::max(poll * 20, absl::Seconds(10));
  return std::max(poll * 3, absl::Minutes(2));
}

bool Policy::Reads(const SourceName& source) const {
  return source == entra_source ||
         std::find(ad_sources.begin(), ad_sources.end(), source) != ad_sources.end();
}

absl::Duration CycleOf(const Policy& policy, const LinkState& link) {
  if (link.learned_cycle > absl::ZeroDuration()) return link.learned_cycle;
  return DefaultCycle(policy.sync_engine);
}

std::string NormalDn(std::string_view dn) {
  std::string out;
  bool after_comma = true;
  for (size_t i = 0; i < dn.size(); ++i) {
    if (after_comma && dn[i] == ' ') continue;
    after_comma = dn[i] == ',' && (i == 0 || dn[i - 1] != '\\');
    out.push_back(dn[i]);
  }
  return ToLowerAscii(out);
}

bool IsUnderDn(std::string_view normal_dn, std::string_view normal_ou) {
  if (normal_ou.empty() || !normal_dn.ends_with(normal_ou)) return false;
  const size_t before = normal_dn.size() - normal_ou.size();
  return before == 0 || normal_dn[before - 1] == ',';
}

TierName TierOf(const Facts& facts, const Policy& policy) {
  for (const TierPolicy& tier : policy.tiers) {
    if (tier.name.value == kStandard) return tier.name;
    if (HoldsRole(tier.match, facts)) return tier.name;
    for (const AdHalf& half : facts.ad) {
      if (Matches(tier.match, half)) return tier.name;
    }
  }
  return TierName(kStandard);
}

Thresholds ThresholdsFor(const TierName& tier, const Policy& policy, const LinkState& link) {
  const bool tier0 = tier.value == kTier0;
  Thresholds t = tier0 ? Tier0Defaults(policy, link) : StandardDefaults(policy, link);
  t.settle = policy.settle.value_or(absl::Seconds(30));
  if (tier0) t.settle = std::min(t.settle, absl::Seconds(15));
  for (const TierPolicy& written : policy.tiers) {
    if (written.name != tier) continue;
    t.warn_after = written.warn_after.value_or(t.warn_after);
    t.revoke_after = written.revoke_after.value_or(t.revoke_after);
    t.breach_after = written.breach_after.value_or(t.breach_after);
    break;
  }
  return t;
}

Mode ModeFor(const Policy& policy, const TierName& tier, ActionKind action) {
  for (const ModeRule& rule : policy.remediation.modes) {
    if (rule.link && *rule.link != policy.link) continue;
    if (rule.tier && *rule.tier != tier) continue;
    if (rule.action && *rule.action != action) continue;
    return rule.mode;
  }
  return policy.remediation.mode;
}

Mode StrongestMode(const Policy& policy) {
  Mode strongest = Mode::kObserve;
  for (const ActionKind action : policy.remediation.actions) {
    strongest = std::max(strongest, ModeFor(policy, TierName(kStandard), action));
    for (const TierPolicy& tier : policy.tiers) {
      strongest = std::max(strongest, ModeFor(policy, tier.name, action));
    }
  }
  return strongest;
}

}  // namespace driftwarden::monitor
