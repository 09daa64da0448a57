#pragma once

// The DirSync control (MS-ADTS 3.1.1.3.4.1.3) on a forest, without the wire: the objects of a
// naming context that changed since a cookie, with nothing but what changed of them. Pages as
// Windows does: an answer may hold nothing and say that there is more.

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/ldap_tree.h"

namespace driftwarden::simulator {

struct DirSyncRequest {
  int32_t flags = 0;
  int32_t max_bytes = 0;
  std::string cookie;
};

struct DirSyncRights {
  bool replicate = true;  // DS-Replication-Get-Changes; without it only with OBJECT_SECURITY
  size_t max_entries = 1000;
};

struct DirSyncAnswer {
  LdapResult result;
  std::vector<LdapEntry> entries;
  std::string cookie;
  bool more = false;
};

DirSyncAnswer ReadDirSync(World& world, size_t forest, const LdapSearchRequest& search,
                          const DirSyncRequest& request, const DirSyncRights& rights,
                          absl::Time now);

}  // namespace driftwarden::simulator
