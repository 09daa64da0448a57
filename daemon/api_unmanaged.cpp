#include "daemon/api_unmanaged.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/strings.h"
#include "monitor/unmanaged.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::EntraHalf;
using monitor::Tri;
using monitor::UnmanagedKind;

namespace {

json::value KnownJson(Tri value) {
  return value == Tri::kUnknown ? json::value(nullptr) : json::value(value == Tri::kYes);
}

json::value TextOrNull(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(SafeText(text));
}

json::object ObservedJson(const monitor::Facts& facts) {
  const EntraHalf& entra = *facts.entra;
  json::object out;
  out["enabled"] = KnownJson(entra.enabled);
  out["synced"] = KnownJson(entra.sync_enabled);
  out["ever_synced"] = KnownJson(entra.ever_synced);
  out["guest"] = KnownJson(entra.guest);
  out["on_premises_domain"] = TextOrNull(entra.on_premises_domain);
  out["anchor"] = TextOrNull(entra.immutable_id.value);
  const bool has_sid = !entra.on_premises_sid.bytes.empty();
  out["on_premises_sid"] = TextOrNull(has_sid ? entra.on_premises_sid.ToString() : "");
  const monitor::AdHalf* const ad = facts.DecidingAd();
  out["ad_upn"] = TextOrNull(ad != nullptr ? ad->upn : "");
  const bool deleted = !facts.ad.empty() && !monitor::HasAdObject(facts);
  out["ad_deleted"] =
      deleted && ad != nullptr ? BoundsJson(ad->deleted_since) : json::value(nullptr);
  return out;
}

std::string WhatOf(UnmanagedKind kind, const monitor::Facts& facts) {
  const EntraHalf& entra = *facts.entra;
  const std::string ad = facts.ad.empty() ? "there is no AD account" : "the AD account was deleted";
  switch (kind) {
    case UnmanagedKind::kOrphanSynced:
      return Cat("synced from ", entra.on_premises_domain, ", ", ad);
    case UnmanagedKind::kCloudOnlyUnmanaged:
      return entra.ever_synced == Tri::kNo ? "enabled, never synced"
                                           : "enabled, nothing shows that it was ever synced";
    case UnmanagedKind::kFormerlySyncedLive:
      return Cat("enabled, no longer synced, ", ad);
    case UnmanagedKind::kUpnDrift:
      return Cat("AD says ", facts.DecidingAd()->upn);
  }
  return "";
}

}  // namespace

json::object UnmanagedJson(const monitor::Person& person, const PersonContext& context) {
  json::object out;
  const auto listed = monitor::UnmanagedAs(person, context.link, context.policy, context.now);
  if (!listed) return out;
  const EntraHalf& entra = *person.facts.entra;
  out["id"] = monitor::PersonIdText(context.link.name, person.ordinal);
  out["link"] = context.link.name.value;
  out["kind"] = json::string(std::string(monitor::UnmanagedKindText(listed->kind)));
  out["upn"] = SafeText(entra.upn);
  out["entra_id"] = entra.id;
  out["class"] = TextOrNull(std::string(monitor::PersonClassText(person.person_class)));
  out["since"] = TimeJson(listed->since);
  out["what"] = SafeText(WhatOf(listed->kind, person.facts));
  out["observed"] = ObservedJson(person.facts);
  return out;
}

json::value NotEvaluatedJson(const monitor::LinkState& link, const monitor::Policy& policy) {
  if (monitor::BothSidesRead(link, policy)) return nullptr;
  std::vector<std::string> missing;
  const auto look = [&](const monitor::SourceName& name) {
    const auto found = link.sources.find(name);
    if (found == link.sources.end() || !found->second.snapshot_complete) {
      missing.push_back(name.value);
    }
  };
  std::for_each(policy.ad_sources.begin(), policy.ad_sources.end(), look);
  look(policy.entra_source);
  json::object out;
  out["link"] = policy.link.value;
  out["why"] = Cat("not read completely yet: ", JoinStrings(missing, ", "));
  return out;
}

}  // namespace driftwarden::daemon
