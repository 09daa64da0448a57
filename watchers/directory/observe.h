#pragma once

// From an entry as LDAP gave it to one look at an account. Pure and total: any bytes give a view,
// "not an account of a person", or DataLoss.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/observation.h"
#include "watchers/directory/scope.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

// Who is in the groups that tiers name.
class GroupSight {
 public:
  virtual ~GroupSight() = default;
  // The configured names of the groups the account is in, sorted; nullopt: not known yet.
  // `token_sids`: what the account's tokenGroups says, when that was read.
  virtual std::optional<std::vector<std::string>> GroupsOf(
      const monitor::Guid& account, const std::vector<std::string>* token_sids) const = 0;
};

struct ObserveOptions {
  // source_anchor begins with mS-DS-ConsistencyGuid. Otherwise the view says "there is none", so
  // that the anchor is objectGUID.
  bool use_consistency_guid = true;
  // Read and kept beyond what is always read, for classes: names as configured.
  std::vector<std::string> kept_attributes;
  // null: everybody is meant.
  std::shared_ptr<const Scope> scope;
  // null: no tier names a group. Must outlive the look.
  const GroupSight* groups = nullptr;
  // Ask for msDS-ReplAttributeMetaData as well: replPropertyMetaData was not to be had.
  bool xml_metadata = false;
};

// nullopt: not a person's account (account_kind.h). DataLoss names the attribute and the DN: that
// object is to be quarantined, never its page.
//
// Attributes that were not returned stay unknown. Some are different where the object is alive and
// its userAccountControl could be read, as the directory has no other way to say "none": adminCount
// is then false, mS-DS-ConsistencyGuid empty, isDeleted false; so for lockoutTime,
// msExchRecipientTypeDetails and kept attributes, and only then it is in scope or not. Names that
// people read are cut and made safe instead of refused: a name must not hide its account from us.
StatusOr<std::optional<monitor::AdView>> ObserveAccount(const Entry& entry,
                                                        const ObserveOptions& options);

// What a search must ask for, for ObserveAccount.
std::vector<std::string> RequestedAttributes(const ObserveOptions& options);

}  // namespace driftwarden::directory
