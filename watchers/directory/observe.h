#pragma once

// From an entry as LDAP gave it to one look at an account. Pure and total: any bytes give a view,
// "not an account of a person", or DataLoss.

#include <optional>

#include "base/status.h"
#include "monitor/observation.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

struct ObserveOptions {
  // source_anchor begins with mS-DS-ConsistencyGuid. Otherwise the view says "there is none", so
  // that the anchor is objectGUID.
  bool use_consistency_guid = true;
};

// nullopt: not a person's account (computer, managed service account, trust, krbtgt and the other
// objects that are critical to the system, which no sync engine exports). DataLoss names the
// attribute and the DN: that object is to be quarantined, never its page.
//
// Attributes that were not returned stay unknown. Three are different where the object is alive and
// its userAccountControl could be read, as the directory has no other way to say "none": adminCount
// is then false, mS-DS-ConsistencyGuid empty, isDeleted false. Names that people read are cut and
// made safe instead of refused: a name must not hide its account from us.
StatusOr<std::optional<monitor::AdView>> ObserveAccount(const Entry& entry,
                                                        const ObserveOptions& options);

}  // namespace driftwarden::directory
