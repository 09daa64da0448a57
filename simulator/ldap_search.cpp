// How a search finds its candidates without looking at everybody, and reads them in pages.

#include <algorithm>
#include <iterator>

#include "base/strings.h"
#include "simulator/guid.h"
#include "simulator/ldap_tree.h"

namespace driftwarden::simulator {
namespace {

constexpr size_t kExaminedAtOnce = 5000;

// What every match must fulfil, as far as it narrows the candidates.
struct Narrow {
  UsnRange range;
  bool tombstones_only = false;
  const LdapFilter* identity = nullptr;  // an equality on an indexed, unique attribute
};

bool IsIdentity(const std::string& attribute) {
  return attribute == "samaccountname" || attribute == "userprincipalname" ||
         attribute == "objectguid" || attribute == "objectsid";
}

void Collect(const LdapFilter& filter, Narrow& narrow) {
  if (filter.kind == LdapFilter::Kind::kAnd) {
    for (const LdapFilter& child : filter.children) Collect(child, narrow);
    return;
  }
  if (filter.kind == LdapFilter::Kind::kEqual && IsIdentity(filter.attribute)) {
    narrow.identity = &filter;
  }
  if (filter.kind == LdapFilter::Kind::kEqual && filter.attribute == "isdeleted" &&
      EqualsIgnoreCase(filter.value, "TRUE")) {
    narrow.tombstones_only = true;
  }
  if (filter.attribute != "usnchanged") return;
  const auto usn = ParseInt64(filter.value);
  if (!usn) return;
  const bool equal = filter.kind == LdapFilter::Kind::kEqual;
  if (equal || filter.kind == LdapFilter::Kind::kGreaterOrEqual) {
    narrow.range.lo = std::max(narrow.range.lo, *usn);
  }
  if (equal || filter.kind == LdapFilter::Kind::kLessOrEqual) {
    narrow.range.hi = std::min(narrow.range.hi, *usn);
  }
}

void CollectNames(const LdapFilter& filter, WantedNames& names) {
  if (!filter.attribute.empty()) names.insert(filter.attribute);
  for (const LdapFilter& child : filter.children) CollectNames(child, names);
}

std::optional<uint64_t> Identify(const People& people, const LdapFilter& filter) {
  if (filter.attribute == "samaccountname") return people.BySam(filter.value);
  if (filter.attribute == "userprincipalname") return people.ByUpn(filter.value);
  if (filter.attribute == "objectguid") return people.ByGuid(filter.value);
  return people.BySid(filter.value);
}

}  // namespace

LdapSearch::LdapSearch(World& world, size_t forest, LdapSearchRequest request)
    : world_(world), forest_(forest), request_(std::move(request)) {
  for (std::string& name : request_.attributes) name = ToLowerAscii(name);
  const auto& names = request_.attributes;
  all_ = names.empty() || std::find(names.begin(), names.end(), "*") != names.end();
  needed_.insert(names.begin(), names.end());
  CollectNames(request_.filter, needed_);
}

void LdapSearch::Plan() {
  if (root_dse_) return;
  const Directory& directory = world_.directory(forest_);
  const People& people = directory.people();
  if (request_.scope == LdapSearchRequest::Scope::kBase) {
    const size_t mark = base_.find("\\0adel:");
    const auto raw =
        mark == std::string::npos ? std::nullopt : GuidFromText(base_.substr(mark + 7, 36));
    only_person_ = raw ? people.ByGuid(*raw) : people.ByDn(base_);
    nobody_ = !only_person_.has_value();
    return;
  }
  everything_ = request_.scope == LdapSearchRequest::Scope::kSubtree &&
                base_ == NormalizeDn(people.base_dn());
  Narrow narrow;
  Collect(request_.filter, narrow);
  range_ = narrow.range;
  if (narrow.tombstones_only) range_.lo = std::max(range_.lo, directory.base_usn() + 1);
  // A SID may be written as text, which the arithmetic does not read; then everybody is examined.
  const bool textual_sid = narrow.identity != nullptr &&
                           narrow.identity->attribute == "objectsid" &&
                           narrow.identity->value.starts_with("S-");
  if (narrow.identity != nullptr && !textual_sid) {
    only_person_ = Identify(people, *narrow.identity);
    nobody_ = !only_person_.has_value();
  }
}

bool LdapSearch::InScope(const std::string& dn) const {
  const std::string normal = NormalizeDn(dn);
  switch (request_.scope) {
    case LdapSearchRequest::Scope::kBase:
      return normal == base_;
    case LdapSearchRequest::Scope::kOne: {
      const size_t comma = normal.find(',');
      return comma != std::string::npos && normal.substr(comma + 1) == base_;
    }
    case LdapSearchRequest::Scope::kSubtree:
      return normal == base_ || normal.ends_with(Cat(',', base_));
  }
  return false;
}

bool LdapSearch::Select(LdapEntry& entry) const {
  if (!Matches(request_.filter, entry)) return false;
  if (all_) return true;
  const auto& names = request_.attributes;
  for (auto it = entry.attributes.begin(); it != entry.attributes.end();) {
    const bool asked = std::find(names.begin(), names.end(), it->first) != names.end();
    it = asked ? std::next(it) : entry.attributes.erase(it);
  }
  return true;
}

void LdapSearch::Examine(uint64_t person, std::vector<LdapEntry>& out) const {
  const Directory& directory = world_.directory(forest_);
  const AdUser user = directory.Read(person);
  if (user.deleted && !request_.show_deleted) return;
  if (!everything_ && !InScope(user.dn)) return;
  LdapEntry entry = UserEntry(user, directory, all_ ? nullptr : &needed_, needed_);
  if (Select(entry)) out.push_back(std::move(entry));
}

void LdapSearch::FillContainers() {
  containers_done_ = true;
  for (LdapEntry& entry : ContainerEntries(world_.directory(forest_))) {
    const bool hidden = entry.Find("isdeleted") != nullptr && !request_.show_deleted;
    if (!hidden && InScope(entry.dn) && Select(entry)) ready_.push_back(std::move(entry));
  }
}

void LdapSearch::FillPeople(size_t limit) {
  if (nobody_ || only_person_) {
    if (only_person_) Examine(*only_person_, ready_);
    cursor_.done = true;
    return;
  }
  size_t examined = 0;
  const auto first_new = static_cast<std::ptrdiff_t>(ready_.size());
  while (ready_.size() < limit && examined < kExaminedAtOnce && !cursor_.done) {
    const auto candidates = world_.directory(forest_).Page(range_, cursor_, limit - ready_.size());
    examined += candidates.size();
    for (const uint64_t person : candidates) Examine(person, ready_);
  }
  // Active Directory promises no order by USN, so the two halves of a page change places.
  const auto begin = ready_.begin() + first_new;
  std::rotate(begin, begin + (ready_.end() - begin) / 2, ready_.end());
}

std::vector<LdapEntry> LdapSearch::Next(size_t limit, absl::Time now) {
  world_.AdvanceTo(now);
  if (root_dse_ && !done_) {
    LdapEntry entry = RootDseEntry(world_.directory(forest_), now);
    // The rootDSE has no class of its own, and everybody asks for (objectClass=*).
    entry.Add("objectClass", "top");
    if (Select(entry)) ready_.push_back(std::move(entry));
    cursor_.done = true;
  } else if (!done_) {
    if (!containers_done_) FillContainers();
    if (!cursor_.done && ready_.size() < limit) FillPeople(limit);
  }
  const size_t count = std::min(limit, ready_.size());
  const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<LdapEntry> out(std::make_move_iterator(ready_.begin()), std::make_move_iterator(end));
  ready_.erase(ready_.begin(), end);
  done_ = cursor_.done && ready_.empty();
  given_ += count;
  return out;
}

}  // namespace driftwarden::simulator
