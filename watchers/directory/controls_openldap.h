#pragma once

// Values of the LDAP controls that libldap has no functions for, to and from bytes. Pure.

#include <string>
#include <string_view>

#include "base/status.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

inline constexpr const char* kShowDeletedControl = "1.2.840.113556.1.4.417";
inline constexpr const char* kDirSyncControl = "1.2.840.113556.1.4.841";
inline constexpr const char* kNotificationControl = "1.2.840.113556.1.4.528";

struct DirSyncResponse {
  bool more = false;
  std::string cookie;
};

std::string EncodeDirSyncRequest(const DirSyncRequest& request);
// DataLoss for anything that is no DirSync response.
StatusOr<DirSyncResponse> DecodeDirSyncResponse(std::string_view bytes);

}  // namespace driftwarden::directory
