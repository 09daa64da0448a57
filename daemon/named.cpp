#include "daemon/named.h"

#include <algorithm>
#include <set>

#include "base/strings.h"

namespace driftwarden::daemon {
namespace {

// One AD account that feeds several tenants; a name alone may be two people's.
bool IsSamePerson(const monitor::Person& a, const monitor::Person& b) {
  if (!a.facts.anchor.empty() && a.facts.anchor == b.facts.anchor) return true;
  return std::any_of(a.facts.ad.begin(), a.facts.ad.end(), [&b](const monitor::AdHalf& half) {
    return std::any_of(b.facts.ad.begin(), b.facts.ad.end(), [&half](const monitor::AdHalf& other) {
      return other.object_guid == half.object_guid;
    });
  });
}

StatusOr<bool> AreOnePerson(store::StateStore& store, const Named& named) {
  std::set<std::string> links;
  std::vector<monitor::Person> people;
  for (const auto& [port, ordinal] : named.people) {
    if (!links.insert(port->link().value).second) return false;
    store::PeopleKeys keys;
    keys.ordinals = {ordinal};
    DW_ASSIGN_OR_RETURN(const auto loaded, store.LoadPeople(port->link(), keys));
    const auto found = loaded.by_ordinal.find(ordinal);
    if (found == loaded.by_ordinal.end()) return false;
    people.push_back(found->second);
    if (!IsSamePerson(people.front(), people.back())) return false;
  }
  return true;
}

}  // namespace

Status NobodyIs(const std::string& text) {
  return NotFoundError(Cat("nobody is known as \"", Printable(text, 120),
                           "\"; look up by UPN, sAMAccountName, anchor, SID, objectGUID, Entra id, "
                           "or the id of a person, episode or action"));
}

StatusOr<Named> FindNamed(store::StateStore& store, const std::vector<LinkPort*>& among,
                          const std::string& text) {
  DW_ASSIGN_OR_RETURN(const auto found, store.Find(text));
  Named named;
  for (const auto& [link, ordinal] : found) {
    for (LinkPort* port : among) {
      if (port->link() != link) continue;
      named.people.emplace_back(port, ordinal);
      named.ids.push_back(monitor::PersonIdText(link, ordinal));
    }
  }
  if (named.people.size() == 1) return named;
  if (!named.people.empty()) {
    DW_ASSIGN_OR_RETURN(const bool one, AreOnePerson(store, named));
    named.ambiguous = !one;
    return named;
  }
  return NobodyIs(text);
}

}  // namespace driftwarden::daemon
