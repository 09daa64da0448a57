#pragma once

// One libldap handle and how it comes to be bound. Blocking; for session_openldap.cpp only.

#include <memory>

#include "watchers/directory/ldap_result.h"
#include "watchers/directory/session.h"

struct ldap;

namespace driftwarden::directory {

struct LdapUnbind {
  void operator()(struct ldap* handle) const;
};
using LdapHandle = std::unique_ptr<struct ldap, LdapUnbind>;

// A connection that is secured, bound and set non-blocking.
struct BoundHandle {
  LdapHandle handle;
  int fd = -1;  // owned by `handle`
  Peer peer;
};

StatusOr<BoundHandle> OpenHandleBlocking(const SessionOptions& options);

// The diagnostic text of the last operation.
std::string LdapDiagnostic(struct ldap* handle);

}  // namespace driftwarden::directory
