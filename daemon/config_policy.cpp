#include "daemon/config_sections.h"

namespace driftwarden::daemon {
namespace {

using monitor::TierName;
using monitor::TierPolicy;

// Matches nobody.
bool IsEmptyMatch(const monitor::TierMatch& match) {
  return match == monitor::TierMatch();
}

// What nobody is taken by would be told of by nothing that happens later. A tier without a match is
// advised about: configurations that have one are in use.
void CheckMatch(MapReader& section, const TierPolicy& tier) {
  const auto match = section.Take("match");
  if (tier.name.value != monitor::kStandard || !match || IsEmptyMatch(tier.match)) return;
  section.faults().Add(match->Mark(),
                       Cat(section.Path("match"),
                           ": tier \"standard\" takes whomever no other tier takes; remove match, "
                           "or name the tier otherwise"));
}

TierPolicy ReadTier(MapReader section) {
  TierPolicy tier;
  ReadName(section, &tier.name.value);
  MapReader match = section.Map("match");
  match.Flag("admin_count", &tier.match.admin_count);
  ReadOus(match, &tier.match.ous);
  match.Texts("groups", &tier.match.groups);
  match.Texts("entra_roles", &tier.match.entra_roles);
  match.Finish();
  CheckMatch(section, tier);
  section.Duration("warn_after", true, &tier.warn_after);
  section.Duration("revoke_after", true, &tier.revoke_after);
  section.Duration("breach_after", true, &tier.breach_after);
  section.Finish();
  return tier;
}

// In the order written.
std::vector<TierPolicy> ReadTiers(MapReader& section) {
  std::vector<TierPolicy> tiers;
  section.Each("tiers", [&](const YAML::Node& item) {
    MapReader entry(item, section.Path("tiers[]"), section.faults());
    const YAML::Mark place = entry.MarkOf("name");
    TierPolicy tier = ReadTier(std::move(entry));
    const bool twin = std::any_of(tiers.begin(), tiers.end(), [&](const TierPolicy& other) {
      return !tier.name.empty() && other.name == tier.name;
    });
    if (twin) {
      section.faults().Add(place, Cat(section.Path("tiers[].name"), ": tier \"", tier.name.value,
                                      "\" stands twice; make one entry of both, or give this one "
                                      "another name"));
    }
    tiers.push_back(std::move(tier));
  });
  return tiers;
}

// `standard` is always there and always last: it takes whom nothing else took.
void CompleteTiers(std::vector<TierPolicy>* tiers) {
  const auto standard = std::find_if(tiers->begin(), tiers->end(), [](const TierPolicy& tier) {
    return tier.name.value == monitor::kStandard;
  });
  TierPolicy last;
  last.name = TierName(monitor::kStandard);
  if (standard != tiers->end()) {
    last = *standard;
    tiers->erase(standard);
  }
  tiers->push_back(last);
}

void ReadModes(MapReader& section, monitor::Remediation* remediation,
               std::vector<ModePlaces>* places) {
  section.Each("modes", [&](const YAML::Node& item) {
    MapReader entry(item, "remediation.modes[]", section.faults());
    monitor::ModeRule rule;
    std::string link;
    std::string tier;
    entry.Text("link", &link);
    entry.Text("tier", &tier);
    if (!link.empty()) rule.link = monitor::LinkName(link);
    if (!tier.empty()) rule.tier = TierName(tier);
    if (entry.Choice("action", {"revoke_sessions"})) {
      rule.action = monitor::ActionKind::kRevokeSessions;
    }
    const auto mode = entry.Choice("mode", {"observe", "auto"});
    if (mode) rule.mode = *mode == 0 ? monitor::Mode::kObserve : monitor::Mode::kAuto;
    if (!entry.Take("mode")) {
      entry.faults().Add(entry.Mark(), "remediation.modes[].mode is missing; add mode: observe");
    }
    entry.Finish();
    remediation->modes.push_back(rule);
    places->push_back({entry.MarkOf("link"), entry.MarkOf("tier")});
  });
}

// Every kind of action that is not named is switched off; an empty list leaves none.
void ReadActions(MapReader& section, monitor::Remediation* remediation) {
  if (!section.Take("actions")) return;
  remediation->actions.clear();
  section.Each("actions", [&](const YAML::Node& item) {
    if (!item.IsScalar() || item.Scalar() != "revoke_sessions") {
      section.Wrong("actions", item, "revoke_sessions; other actions are not in this version");
    } else if (remediation->actions.empty()) {
      remediation->actions.push_back(monitor::ActionKind::kRevokeSessions);
    }
  });
}

std::string NoSuch(std::string_view key, const std::string& name,
                   const std::set<std::string>& names) {
  return Cat("remediation.modes[].", key, ": there is no ", key, " \"", Printable(name, 60),
             "\"; name one of ",
             JoinStrings(std::vector<std::string>(names.begin(), names.end()), ", "));
}

void ReadPerPerson(MapReader& section, monitor::Budgets* budgets) {
  std::string text;
  section.Text("per_person", &text);
  if (text.empty()) return;
  const size_t slash = text.find('/');
  const auto count = ParseUint64(text.substr(0, slash));
  const auto window = slash == std::string::npos ? StatusOr<absl::Duration>(InvalidError(""))
                                                 : ParseDuration(text.substr(slash + 1));
  if (!count || *count > 1000 || !window.ok() || *window < absl::Milliseconds(200)) {
    section.Wrong("per_person", *section.Take("per_person"), "COUNT/DURATION, such as 1/10m");
    return;
  }
  budgets->per_person = static_cast<int>(*count);
  budgets->per_person_window = *window;
}

// Within what a tenant can set.
void ReadTokenLifetime(MapReader& section, monitor::Policy* policy) {
  if (!section.Take("access_token_lifetime")) return;
  section.Duration("access_token_lifetime", false, &policy->access_token_lifetime);
  const auto& lifetime = policy->access_token_lifetime;
  if (lifetime && (*lifetime < absl::Minutes(10) || *lifetime > absl::Hours(24))) {
    section.Wrong("access_token_lifetime", *section.Take("access_token_lifetime"),
                  "a duration from 10m to 24h");
  }
}

}  // namespace

void ReadAuthModes(MapReader& section, monitor::Policy* link) {
  constexpr monitor::AuthMode kModes[] = {monitor::AuthMode::kPasswordHashSync,
                                          monitor::AuthMode::kPassThrough,
                                          monitor::AuthMode::kFederated};
  if (const auto mode = section.Choice(
          "auth_mode", {"auto", "password_hash_sync", "pass_through", "federated"})) {
    if (*mode > 0) link->auth_mode = kModes[*mode - 1];
  }
  const auto domains = section.Take("domains");
  if (!domains) return;
  if (!domains->IsMap()) {
    section.Wrong("domains", *domains, "a mapping of DOMAIN: MODE");
    return;
  }
  MapReader entries = section.Map("domains");
  for (const auto& entry : *domains) {
    const std::string domain = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    const auto mode = entries.Choice(domain, {"password_hash_sync", "pass_through", "federated"});
    if (mode) link->auth_domains[ToLowerAscii(domain)] = kModes[*mode];
  }
  entries.Finish();
}

void ReadPolicy(MapReader section, monitor::Policy* policy) {
  section.Flag("require_revocation", &policy->require_revocation);
  section.Flag("reset_without_revoke", &policy->reset_without_revoke);
  section.Flag("act_on_expired", &policy->act_on_expired);
  section.Duration("settle", true, &policy->settle);
  ReadTokenLifetime(section, policy);
  std::vector<TierPolicy> tiers = ReadTiers(section);
  if (!tiers.empty()) {
    policy->tiers = std::move(tiers);
  } else if (policy->tiers.empty()) {
    TierPolicy tier0;
    tier0.name = TierName(monitor::kTier0);
    tier0.match.admin_count = true;
    policy->tiers = {tier0};
  }
  CompleteTiers(&policy->tiers);
  ReadClasses(section.Map("classes"), &policy->classes);
  section.Finish();
}

void ReadRemediation(MapReader section, monitor::Remediation* remediation,
                     std::vector<ModePlaces>* places) {
  if (const auto mode = section.Choice("mode", {"observe", "auto", "shadow", "approve"})) {
    if (*mode >= 2) {
      section.Wrong("mode", *section.Take("mode"),
                    "observe or auto (shadow and approve are not in this version)");
    } else {
      remediation->mode = *mode == 0 ? monitor::Mode::kObserve : monitor::Mode::kAuto;
    }
  }
  ReadModes(section, remediation, places);
  ReadActions(section, remediation);
  absl::Duration approval;
  section.Duration("approval_expires_after", false, &approval);
  MapReader budgets = section.Map("budgets");
  budgets.Integer("per_10m", 0, 100'000, &remediation->budgets.per_10m);
  budgets.Integer("per_hour", 0, 100'000, &remediation->budgets.per_hour);
  ReadPerPerson(budgets, &remediation->budgets);
  budgets.Integer("max_revokes_per_episode", 0, 1000,
                  &remediation->budgets.max_revokes_per_episode);
  budgets.Finish();
  MapReader breakers = section.Map("breakers");
  breakers.Number("max_percent_per_day", 0, 100, &remediation->breakers.max_percent_per_day);
  breakers.Duration("quiet_after_first_baseline", true,
                    &remediation->breakers.quiet_after_first_baseline);
  breakers.Finish();
  section.Finish();
}

void CheckModes(const std::vector<monitor::Policy>& links, const std::vector<ModePlaces>& places,
                Faults& faults) {
  if (links.empty()) return;  // a fault of its own
  std::set<std::string> link_names;
  for (const monitor::Policy& link : links) link_names.insert(link.link.value);
  const std::vector<monitor::ModeRule>& modes = links.front().remediation.modes;
  for (size_t i = 0; i < modes.size(); ++i) {
    const monitor::ModeRule& rule = modes[i];
    const bool link_exists = !rule.link || link_names.contains(rule.link->value);
    if (!link_exists) faults.Add(places[i].link, NoSuch("link", rule.link->value, link_names));
    if (!rule.tier) continue;
    std::set<std::string> tier_names;  // of the link the rule is for, else of any
    for (const monitor::Policy& link : links) {
      if (rule.link && link_exists && link.link != *rule.link) continue;
      for (const TierPolicy& tier : link.tiers) tier_names.insert(tier.name.value);
    }
    if (tier_names.contains(rule.tier->value)) continue;
    faults.Add(places[i].tier, NoSuch("tier", rule.tier->value, tier_names));
  }
}

}  // namespace driftwarden::daemon
