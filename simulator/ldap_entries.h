#pragma once

// The directory's objects as LDAP entries, with the attributes and the spelling of Active
// Directory: users and tombstones, the rootDSE, the NTDS Settings object and a few containers.

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/directory.h"
#include "simulator/ldap_filter.h"

namespace driftwarden::simulator {

inline constexpr std::string_view kControlPaged = "1.2.840.113556.1.4.319";
inline constexpr std::string_view kControlShowDeleted = "1.2.840.113556.1.4.417";
inline constexpr std::string_view kControlDirSync = "1.2.840.113556.1.4.841";
inline constexpr std::string_view kControlNotification = "1.2.840.113556.1.4.528";
inline constexpr std::string_view kStartTlsOid = "1.3.6.1.4.1.1466.20037";

// Lower-case attribute names; null: all of them.
using WantedNames = std::set<std::string, std::less<>>;

// Builds only what is wanted; replication metadata, the largest part, only when it is named, and
// never by "all".
LdapEntry UserEntry(const AdUser& user, const Directory& directory, const WantedNames* wanted,
                    const WantedNames& named);
LdapEntry RootDseEntry(const Directory& directory, absl::Time now);
// NC head, units, Deleted Objects, the server and its NTDS Settings.
std::vector<LdapEntry> ContainerEntries(const Directory& directory);

std::string DeletedObjectsDn(const Directory& directory);
std::string NtdsSettingsDn(const Directory& directory);

// Lower case, no blanks after commas: DNs that mean the same compare equal.
std::string NormalizeDn(std::string_view dn);

}  // namespace driftwarden::simulator
