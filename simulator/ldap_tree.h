#pragma once

// Searching and changing a forest in LDAP's terms, without the wire: the LDAP server speaks BER
// around it and tests may call it in process. Result codes are LDAP's (RFC 4511 appendix A).

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "simulator/ldap_entries.h"
#include "simulator/ldap_filter.h"
#include "simulator/world.h"

namespace driftwarden::simulator {

inline constexpr int kLdapSuccess = 0;
inline constexpr int kLdapOperationsError = 1;
inline constexpr int kLdapProtocolError = 2;
inline constexpr int kLdapSizeLimitExceeded = 4;
inline constexpr int kLdapStrongerAuthRequired = 8;
inline constexpr int kLdapAdminLimitExceeded = 11;
inline constexpr int kLdapUnavailableCriticalExtension = 12;
inline constexpr int kLdapInvalidAttributeSyntax = 21;
inline constexpr int kLdapNoSuchObject = 32;
inline constexpr int kLdapInvalidDnSyntax = 34;
inline constexpr int kLdapInvalidCredentials = 49;
inline constexpr int kLdapInsufficientAccess = 50;
inline constexpr int kLdapBusy = 51;
inline constexpr int kLdapUnavailable = 52;
inline constexpr int kLdapUnwillingToPerform = 53;

struct LdapResult {
  int code = kLdapSuccess;
  std::string message;
  bool ok() const { return code == kLdapSuccess; }
};

struct LdapSearchRequest {
  enum class Scope { kBase, kOne, kSubtree };
  std::string base;
  Scope scope = Scope::kSubtree;
  LdapFilter filter;
  std::vector<std::string> attributes;  // empty or "*": all but what must be named
  bool show_deleted = false;
};

// A search that can be read in pages. What changes meanwhile may come twice or with its new state.
// The tree and its world must outlive it.
class LdapSearch {
 public:
  // Up to `limit` more entries. It examines a bounded number of objects, so it can give fewer than
  // asked for and still not be at its end.
  std::vector<LdapEntry> Next(size_t limit, absl::Time now);
  bool done() const { return done_; }
  size_t given() const { return given_; }  // entries so far

 private:
  friend class LdapTree;
  LdapSearch(World& world, size_t forest, LdapSearchRequest request);
  void Plan();
  bool InScope(const std::string& dn) const;
  bool Select(LdapEntry& entry) const;  // false: does not match; else only what was asked for
  void Examine(uint64_t person, std::vector<LdapEntry>& out) const;
  void FillContainers();
  void FillPeople(size_t limit);

  World& world_;
  const size_t forest_;
  LdapSearchRequest request_;
  std::string base_;  // normalized
  bool root_dse_ = false;
  bool all_ = false;         // every attribute was asked for
  WantedNames needed_;       // what was asked for, and what the filter looks at
  bool everything_ = false;  // everybody is in scope
  bool containers_done_ = false;
  bool done_ = false;
  size_t given_ = 0;
  std::optional<uint64_t> only_person_;  // the plan found exactly one candidate, or nobody
  bool nobody_ = false;
  UsnRange range_;
  AdCursor cursor_;
  std::vector<LdapEntry> ready_;  // found and not given out yet
};

class LdapTree {
 public:
  LdapTree(World& world, size_t forest) : world_(world), forest_(forest) {}

  // On success `search` is set. `authenticated` false: the rootDSE and nothing more.
  LdapResult Open(LdapSearchRequest request, bool authenticated,
                  std::unique_ptr<LdapSearch>& search);

  // The person's object as the request's search would show it now, deleted or not; nullopt when it
  // is out of scope.
  std::optional<LdapEntry> Show(const LdapSearchRequest& request, uint64_t person);

  struct Change {
    enum class Kind { kAdd, kDelete, kReplace };
    Kind kind = Kind::kReplace;
    std::string attribute;
    std::vector<std::string> values;
  };
  // userAccountControl, description and accountExpires.
  LdapResult Modify(std::string_view dn, const std::vector<Change>& changes, absl::Time now);
  LdapResult Delete(std::string_view dn, absl::Time now);

 private:
  // The person behind a DN, a tombstone's DN or <GUID=...>.
  std::optional<uint64_t> FindPerson(std::string_view dn) const;
  std::optional<std::string> ResolveBase(std::string_view base, bool show_deleted) const;

  World& world_;
  const size_t forest_;
};

}  // namespace driftwarden::simulator
