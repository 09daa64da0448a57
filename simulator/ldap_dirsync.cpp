#include "simulator/ldap_dirsync.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

constexpr std::string_view kMagic = "SIMDIRSYNC1 ";
constexpr int32_t kObjectSecurity = 1;
constexpr int64_t kWindow = 2000;  // USNs looked at together
constexpr int kWindowsAnAnswer = 3;

std::optional<int64_t> UsnOf(const std::string& cookie) {
  if (cookie.empty()) return 0;
  if (!cookie.starts_with(kMagic)) return std::nullopt;
  return ParseInt64(std::string_view(cookie).substr(kMagic.size()));
}

std::string Refusal(std::string_view what) {
  return Cat("00002105: LdapErr: DSID-0C0907BE, comment: Error processing control, ", what,
             ", data 0, v4563");
}

LdapResult Permit(const World& world, size_t forest, const LdapSearchRequest& search,
                  const DirSyncRequest& request, const DirSyncRights& rights) {
  const bool by_object = (request.flags & kObjectSecurity) != 0;
  const bool head = search.scope == LdapSearchRequest::Scope::kSubtree &&
                    NormalizeDn(search.base) == NormalizeDn(world.people(forest).base_dn());
  if (!head) {
    return {by_object ? kLdapUnwillingToPerform : kLdapInsufficientAccess,
            Refusal("the base is no naming context")};
  }
  if (!rights.replicate && !by_object) {
    return {kLdapInsufficientAccess, Refusal("access denied")};
  }
  if (!UsnOf(request.cookie)) {
    return {kLdapUnavailableCriticalExtension, Refusal("the cookie is none of ours")};
  }
  return {};
}

// Lower-case names of what was written after `since`; of deletions also what they leave.
WantedNames ChangedNames(const AdUser& user, int64_t since) {
  WantedNames names;
  for (const auto& [attribute, stamp] : user.stamps) {
    if (stamp.local_usn > since) names.insert(ToLowerAscii(AttributeName(attribute)));
  }
  return names;
}

size_t SizeOf(const LdapEntry& entry) {
  size_t bytes = entry.dn.size();
  for (const auto& [name, attribute] : entry.attributes) {
    bytes += name.size();
    for (const std::string& value : attribute.values) bytes += value.size();
  }
  return bytes;
}

class Reader {
 public:
  Reader(const Directory& directory, const LdapSearchRequest& search, int64_t since)
      : directory_(directory), search_(search), since_(since) {
    for (const std::string& name : search.attributes) asked_.insert(ToLowerAscii(name));
    all_ = asked_.empty() || asked_.contains("*");
  }

  // nullopt: nothing that was asked for has changed, or the filter does not match.
  std::optional<LdapEntry> Row(uint64_t person) const {
    const AdUser user = directory_.Read(person);
    const WantedNames no_metadata;
    LdapEntry entry = UserEntry(user, directory_, nullptr, no_metadata);
    if (!Matches(search_.filter, entry)) return std::nullopt;
    const bool created = user.usn_created > since_;
    const WantedNames changed = ChangedNames(user, since_);
    // What was written and is gone is named without values.
    for (const std::string& name : changed) entry.attributes[name].name = name;
    bool any = false;
    std::erase_if(entry.attributes, [&](const auto& item) {
      const std::string& name = item.first;
      if (name == "objectguid" || name == "instancetype") return false;
      const bool keep = (all_ || asked_.contains(name)) &&
                        (changed.contains(name) || (created && !item.second.values.empty()));
      any = any || keep;
      return !keep;
    });
    if (!any) return std::nullopt;
    return entry;
  }

 private:
  const Directory& directory_;
  const LdapSearchRequest& search_;
  const int64_t since_;
  WantedNames asked_;
  bool all_ = false;
};

std::vector<std::pair<int64_t, uint64_t>> ByUsn(const Directory& directory, UsnRange range) {
  std::vector<std::pair<int64_t, uint64_t>> found;
  AdCursor cursor;
  while (!cursor.done) {
    for (const uint64_t person : directory.Page(range, cursor, static_cast<size_t>(kWindow))) {
      found.emplace_back(directory.Read(person).usn_changed, person);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

DirSyncAnswer ReadDirSync(World& world, size_t forest, const LdapSearchRequest& search,
                          const DirSyncRequest& request, const DirSyncRights& rights,
                          absl::Time now) {
  world.AdvanceTo(now);
  DirSyncAnswer answer;
  answer.result = Permit(world, forest, search, request, rights);
  if (!answer.result.ok()) return answer;
  const Directory& directory = world.directory(forest);
  const int64_t since = *UsnOf(request.cookie);
  const Reader reader(directory, search, since);
  const int64_t end = directory.dc().highest_usn;
  int64_t at = since;
  size_t bytes = 0;
  bool full = false;
  for (int window = 0; window < kWindowsAnAnswer && at < end && !full; ++window) {
    // Below the first account there is nothing.
    const int64_t floor = directory.base_usn() - static_cast<int64_t>(directory.people().count());
    at = std::max(at, floor - 1);
    const int64_t top = std::min(end, at + kWindow);
    for (const auto& [usn, person] : ByUsn(directory, {at + 1, top})) {
      if (answer.entries.size() >= rights.max_entries ||
          (request.max_bytes > 0 && bytes >= static_cast<size_t>(request.max_bytes))) {
        full = true;
        break;
      }
      at = usn;
      if (!rights.replicate && directory.IsDeleted(person)) continue;
      auto row = reader.Row(person);
      if (!row) continue;
      bytes += SizeOf(*row);
      answer.entries.push_back(*std::move(row));
    }
    if (!full) at = top;
  }
  answer.cookie = Cat(kMagic, at);
  answer.more = at < end;
  return answer;
}

}  // namespace driftwarden::simulator
