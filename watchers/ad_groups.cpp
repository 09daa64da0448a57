#include "watchers/ad_groups.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "watchers/directory/account_kind.h"
#include "watchers/directory/schema.h"

namespace driftwarden::watchers {
namespace {

using directory::Entry;
using directory::SearchPage;
using directory::SearchRequest;

// groupType: a security group, not a distribution list (MS-ADTS 2.2.12).
constexpr int64_t kSecurityEnabled = 0x80000000;
constexpr int kMaxPages = 10'000;

// A value inside a filter (RFC 4515).
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = c > ' ' && c < '\x7f' && c != '*' && c != '(' && c != ')' && c != '\\';
    out += plain ? std::string(1, c) : Cat('\\', HexEncode(std::string_view(&c, 1)));
  }
  return out;
}

AdSourceOptions FollowingThePin(AdSourceOptions options) {
  options.follows_pin = true;
  return options;
}

std::string FilterFor(const std::string& name) {
  if (monitor::Sid::Parse(name)) return Cat("(&(objectClass=group)(objectSid=", name, "))");
  if (name.find('=') != std::string::npos) {
    return Cat("(&(objectClass=group)(distinguishedName=", Escaped(name), "))");
  }
  return Cat("(&(objectClass=group)(|(sAMAccountName=", Escaped(name), ")(cn=", Escaped(name),
             ")))");
}

}  // namespace

AdGroups::AdGroups(AdSourceOptions options, directory::SessionFactory& sessions, const Clock& clock,
                   Logger& log)
    : options_(FollowingThePin(std::move(options))),
      clock_(clock),
      connection_(options_, sessions, clock, log) {}

void AdGroups::SetWanted(std::vector<std::string> groups) {
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  if (groups == wanted_) return;
  wanted_ = std::move(groups);
  looked_ = false;
}

asio::awaitable<StatusOr<std::vector<monitor::Observation>>> AdGroups::Refresh() {
  TimeBounds at;
  at.lo = clock_.Wall();
  const std::vector<std::string> asked = wanted_;
  std::map<std::string, Group> found;
  std::vector<std::string> unknown;
  const Status looked = co_await Look(&found, &unknown);
  connection_.Drop();
  if (!looked.ok()) co_return looked;
  if (asked != wanted_) co_return std::vector<monitor::Observation>();  // changed meanwhile
  at.hi = std::max(at.lo, clock_.Wall());
  for (const std::string& name : unknown) {
    const auto known = groups_.find(name);
    if (known != groups_.end()) found.emplace(*known);
  }
  groups_ = std::move(found);
  looked_ = true;
  TellUnknown(unknown);
  co_return Changes(at);
}

asio::awaitable<Status> AdGroups::Look(std::map<std::string, Group>* found,
                                       std::vector<std::string>* unknown) {
  const Status ready = co_await connection_.Ensure();
  if (!ready.ok()) co_return ready;
  const std::vector<std::string> names = wanted_;
  for (const std::string& name : names) {
    std::string copy = name;
    StatusOr<std::optional<Group>> group = co_await Resolve(std::move(copy));
    if (!group.ok()) co_return group.status();
    if (!group->has_value()) {
      unknown->push_back(name);
      continue;
    }
    Group known = **std::move(group);
    const Status read = co_await ReadMembers(&known);
    if (!read.ok()) co_return read;
    found->emplace(name, std::move(known));
  }
  co_return OkStatus();
}

asio::awaitable<StatusOr<std::optional<AdGroups::Group>>> AdGroups::Resolve(std::string name) {
  SearchRequest request;
  request.base = connection_.state().naming_context;
  request.filter = FilterFor(name);
  request.attributes = {"objectSid", "groupType"};
  request.page_size = 10;
  StatusOr<SearchPage> page = co_await connection_.session().Search(std::move(request));
  if (!page.ok()) co_return page.status();
  if (page->entries.size() != 1) co_return std::optional<Group>();
  const Entry& entry = page->entries.front();
  Group group;
  group.dn = entry.dn;
  const std::string* const sid = entry.First(directory::kObjectSid);
  const std::string* const type = entry.First("grouptype");
  if (sid != nullptr) group.sid = monitor::Sid::FromBytes(*sid).value_or(monitor::Sid());
  const auto bits = type == nullptr ? std::nullopt : ParseInt64(*type);
  group.security = bits && (*bits & kSecurityEnabled) != 0;
  co_return std::optional<Group>(std::move(group));
}

// LDAP_MATCHING_RULE_IN_CHAIN follows the nesting on the server; a primary group is no membership.
asio::awaitable<Status> AdGroups::ReadMembers(Group* group) {
  SearchRequest request;
  request.base = connection_.state().naming_context;
  std::string primary;
  if (!group->sid.bytes.empty())
    primary = Cat("(primaryGroupID=", directory::RidOf(group->sid), ")");
  request.filter =
      Cat("(&(objectCategory=person)(objectClass=user)(|(memberOf:1.2.840.113556.1.4.1941:=",
          Escaped(group->dn), ")", primary, "))");
  request.attributes = {"objectGUID"};
  request.page_size = options_.page_size;
  for (int pages = 0; pages < kMaxPages; ++pages) {
    SearchRequest next = request;
    StatusOr<SearchPage> page = co_await connection_.session().Search(std::move(next));
    if (!page.ok()) co_return page.status();
    for (const Entry& entry : page->entries) {
      const std::string* const raw = entry.First(directory::kObjectGuid);
      const auto guid = raw == nullptr ? std::nullopt : monitor::Guid::FromBytes(*raw);
      if (guid) group->members.insert(*guid);
    }
    if (page->cookie.empty()) co_return OkStatus();
    request.cookie = std::move(page->cookie);
  }
  co_return DataLossError(
      Cat(options_.name.value, ": ", connection_.server(), " sends pages of a group without end"));
}

void AdGroups::TellUnknown(const std::vector<std::string>& unknown) {
  if (options_.sight == nullptr) return;
  if (unknown.empty()) {
    options_.sight->Lower(kGroupUnknown);
    return;
  }
  std::vector<std::string> names;
  for (const std::string& name : unknown) names.push_back(Cat("\"", Printable(name, 100), "\""));
  options_.sight->Raise(
      kGroupUnknown, Cat("no group, or more than one, is called ", JoinStrings(names, ", "),
                         ": nobody gets a tier by it; write its DN or SID in tiers[].match.groups, "
                         "or let the service account read it"));
}

AdGroups::Memberships AdGroups::ByAccount() const {
  Memberships accounts;
  for (const auto& [name, group] : groups_) {
    for (const monitor::Guid& member : group.members) accounts[member].push_back(name);
  }
  return accounts;
}

std::vector<monitor::Observation> AdGroups::Changes(TimeBounds at) const {
  std::vector<monitor::Observation> changes;
  const auto add = [&](const monitor::Guid& guid, std::vector<std::string> groups) {
    monitor::AdView view;
    view.object_guid = guid;
    view.partial = true;
    view.groups = std::move(groups);
    monitor::Observation observation;
    observation.look.source = options_.name;
    observation.look.at = at;
    observation.look.kind = monitor::LookKind::kDirect;
    observation.view = std::move(view);
    changes.push_back(std::move(observation));
  };
  const Memberships now = ByAccount();
  for (const auto& [guid, groups] : now) {
    const auto known = told_.find(guid);
    if (known == told_.end() || known->second != groups) add(guid, groups);
  }
  for (const auto& [guid, groups] : told_) {
    if (!now.contains(guid)) add(guid, {});
  }
  return changes;
}

std::optional<std::vector<std::string>> AdGroups::GroupsOf(
    const monitor::Guid& account, const std::vector<std::string>* token_sids) const {
  if (!looked_) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& [name, group] : groups_) {
    const bool by_token = token_sids != nullptr && group.security && !group.sid.bytes.empty();
    const bool member = by_token ? std::find(token_sids->begin(), token_sids->end(),
                                             group.sid.bytes) != token_sids->end()
                                 : group.members.contains(account);
    if (member) names.push_back(name);
  }
  return names;
}

}  // namespace driftwarden::watchers
