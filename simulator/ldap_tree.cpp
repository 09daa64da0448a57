#include "simulator/ldap_tree.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

constexpr std::string_view kDeletedObjectsWkGuid = "18e2ea80684f11d2b9aa00c04f79f805";

// "<GUID=...>": 32 hex digits of the raw bytes, or the dashed text.
std::optional<std::string> GuidOfBase(std::string_view base) {
  const std::string lower = ToLowerAscii(base);
  if (!lower.starts_with("<guid=") || !lower.ends_with('>')) return std::nullopt;
  const std::string inner = lower.substr(6, lower.size() - 7);
  if (inner.find('-') != std::string::npos) return GuidFromText(inner);
  return HexDecode(inner);
}

LdapResult FromStatus(const Status& status) {
  if (status.ok()) return {};
  return {kLdapNoSuchObject, std::string(Message(status))};
}

}  // namespace

std::optional<uint64_t> LdapTree::FindPerson(std::string_view dn) const {
  const Directory& directory = world_.directory(forest_);
  const People& people = directory.people();
  if (const auto raw = GuidOfBase(dn)) return people.ByGuid(*raw);
  const std::string normal = NormalizeDn(dn);
  const size_t mark = normal.find("\\0adel:");
  if (mark == std::string::npos) {
    const auto person = people.ByDn(normal);
    if (!person || directory.IsDeleted(*person)) return std::nullopt;
    return person;
  }
  const auto raw = GuidFromText(normal.substr(mark + 7, 36));
  const auto person = raw ? people.ByGuid(*raw) : std::nullopt;
  if (!person || !directory.IsDeleted(*person)) return std::nullopt;
  return person;
}

std::optional<std::string> LdapTree::ResolveBase(std::string_view base, bool show_deleted) const {
  const Directory& directory = world_.directory(forest_);
  if (const auto person = FindPerson(base)) {
    if (directory.IsDeleted(*person) && !show_deleted) return std::nullopt;
    return NormalizeDn(directory.Read(*person).dn);
  }
  std::string normal = NormalizeDn(base);
  if (normal ==
      Cat("<wkguid=", kDeletedObjectsWkGuid, ',', NormalizeDn(directory.people().base_dn()), '>')) {
    normal = NormalizeDn(DeletedObjectsDn(directory));
  }
  const auto raw = GuidOfBase(base);
  for (const LdapEntry& entry : ContainerEntries(directory)) {
    const bool hit =
        raw ? entry.Find("objectguid")->front() == *raw : NormalizeDn(entry.dn) == normal;
    if (hit && (show_deleted || entry.Find("isdeleted") == nullptr)) return NormalizeDn(entry.dn);
  }
  return std::nullopt;
}

LdapResult LdapTree::Open(LdapSearchRequest request, bool authenticated,
                          std::unique_ptr<LdapSearch>& search) {
  const bool root_dse = request.base.empty() && request.scope == LdapSearchRequest::Scope::kBase;
  if (!root_dse && !authenticated) {
    return {kLdapOperationsError,
            "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a "
            "successful bind must be completed on the connection., data 0, v4563"};
  }
  std::string base;
  if (!root_dse) {
    const auto resolved = ResolveBase(request.base, request.show_deleted);
    if (!resolved) {
      return {kLdapNoSuchObject, "0000208D: NameErr: DSID-03100245, problem 2001 (NO_OBJECT)"};
    }
    base = *resolved;
  }
  search.reset(new LdapSearch(world_, forest_, std::move(request)));
  search->root_dse_ = root_dse;
  search->base_ = std::move(base);
  search->Plan();
  return {};
}

std::optional<LdapEntry> LdapTree::Show(const LdapSearchRequest& request, uint64_t person) {
  LdapSearchRequest shown = request;
  shown.show_deleted = true;
  LdapSearch search(world_, forest_, std::move(shown));
  search.base_ = NormalizeDn(request.base);
  std::vector<LdapEntry> found;
  search.Examine(person, found);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

LdapResult LdapTree::Modify(std::string_view dn, const std::vector<Change>& changes,
                            absl::Time now) {
  world_.AdvanceTo(now);
  const auto person = FindPerson(dn);
  if (!person) return {kLdapNoSuchObject, "0000208D: NameErr: problem 2001 (NO_OBJECT)"};
  Directory& directory = world_.directory(forest_);
  for (const Change& change : changes) {
    const std::string name = ToLowerAscii(change.attribute);
    const bool clear = change.kind == Change::Kind::kDelete || change.values.empty();
    if (name == "description") {
      const std::string text = clear ? "" : change.values.front();
      const LdapResult result = FromStatus(directory.SetDescription(*person, text, now));
      if (!result.ok()) return result;
      continue;
    }
    const auto number = clear ? std::nullopt : ParseInt64(change.values.front());
    if (name != "useraccountcontrol" && name != "accountexpires") {
      return {kLdapUnwillingToPerform, Cat("00002035: ", change.attribute, " is not simulated")};
    }
    if (!number || *number < 0) {
      return {kLdapInvalidAttributeSyntax, Cat("00000057: ", change.attribute, " needs a number")};
    }
    const Status status =
        name == "accountexpires"
            ? directory.SetAccountExpires(*person, *number, now)
            : directory.SetUserAccountControl(*person, static_cast<uint32_t>(*number), now);
    const LdapResult result = FromStatus(status);
    if (!result.ok()) return result;
  }
  return {};
}

LdapResult LdapTree::Delete(std::string_view dn, absl::Time now) {
  world_.AdvanceTo(now);
  const auto person = FindPerson(dn);
  if (!person) return {kLdapNoSuchObject, "0000208D: NameErr: problem 2001 (NO_OBJECT)"};
  return FromStatus(world_.directory(forest_).DeletePerson(*person, now));
}

}  // namespace driftwarden::simulator
