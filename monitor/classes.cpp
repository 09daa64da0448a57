// Classes: accounts that are watched and shown, but of no person who could leave.

#include <algorithm>

#include "base/strings.h"
#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {
namespace {

bool IsOneOf(const std::vector<std::string>& names, const std::string& name) {
  return !name.empty() && std::any_of(names.begin(), names.end(), [&](const std::string& each) {
    return EqualsIgnoreCase(each, name);
  });
}

bool HasValue(const AdHalf& half, const std::string& name, const std::string& value) {
  const auto found = half.attributes.find(name);
  return found != half.attributes.end() && IsOneOf(found->second, value);
}

bool Matches(const ClassMatch& match, const AdHalf& half) {
  if (half.scope == ScopeState::kNever) return false;
  if (IsOneOf(match.upns, half.upn)) return true;
  const auto has = [&](const auto& entry) { return HasValue(half, entry.first, entry.second); };
  if (std::any_of(match.attribute.begin(), match.attribute.end(), has)) return true;
  const std::string dn = NormalDn(half.dn);
  return std::any_of(match.ous.begin(), match.ous.end(),
                     [&](const std::string& ou) { return IsUnderDn(dn, NormalDn(ou)); });
}

bool Matches(const ClassMatch& match, const Facts& facts) {
  if (facts.entra && IsOneOf(match.upns, facts.entra->upn)) return true;
  return std::any_of(facts.ad.begin(), facts.ad.end(),
                     [&](const AdHalf& half) { return Matches(match, half); });
}

// "MSOL_" and "AAD_" with the hexadecimal number that the sync engine's installation gives.
bool IsSyncAccount(const AdHalf& half) {
  for (const std::string_view prefix : {"msol_", "aad_"}) {
    const std::string name = ToLowerAscii(half.sam_account_name);
    if (!std::string_view(name).starts_with(prefix)) continue;
    const std::string_view number = std::string_view(name).substr(prefix.size());
    return number.size() >= 8 && number.size() <= 12 &&
           number.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }
  return false;
}

// Leavers' mailboxes are often turned into shared ones: that must not end their departure.
bool IsSharedMailbox(const Person& person, const AdHalf& half) {
  if (!IsMailboxStub(half) || !Departed(half) || person.episode) return false;
  // Only a mailbox whose account nobody can sign in to: one that comes back to life is a return.
  const bool never_enabled = half.enabled_seen == absl::InfinitePast();
  if (!never_enabled && person.facts.EntraLive()) return false;
  if (person.person_class == PersonClass::kSharedMailbox) return true;
  if (person.memory.exemption) return false;  // no episode is open, and no departure is over
  return never_enabled || person.memory.departure_handled;
}

}  // namespace

PersonClass ClassOf(const Person& person, const Policy& policy) {
  for (const auto& [person_class, match] : policy.classes) {
    if (Matches(match, person.facts)) return person_class;
  }
  const AdHalf* const half = person.facts.DecidingAd();
  if (half == nullptr) return PersonClass::kNone;
  if (IsSyncAccount(*half)) return PersonClass::kService;
  return IsSharedMailbox(person, *half) ? PersonClass::kSharedMailbox : PersonClass::kNone;
}

}  // namespace driftwarden::monitor
