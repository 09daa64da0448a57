#pragma once

// One libldap handle and how it comes to be bound. Blocking; for session_openldap.cpp only.

#include <memory>
#include <string>

#include "base/time.h"
#include "watchers/directory/ldap_result.h"
#include "watchers/directory/patience.h"
#include "watchers/directory/renewal_watch.h"
#include "watchers/directory/session.h"

struct ldap;

namespace driftwarden::directory {

struct LdapUnbind {
  void operator()(struct ldap* handle) const;
};
using LdapHandle = std::unique_ptr<struct ldap, LdapUnbind>;

// A connection that is secured, bound and set non-blocking.
struct BoundHandle {
  BoundHandle() = default;
  BoundHandle(BoundHandle&&) = default;
  // Would free the patience that the old handle still uses to say goodbye.
  BoundHandle& operator=(BoundHandle&&) = delete;

  std::unique_ptr<Patience> patience;  // outlives the handle
  LdapHandle handle;
  int fd = -1;  // owned by `handle`
  Peer peer;
  std::string protection;  // see Session
  std::unique_ptr<RenewalWatch> renewal;
};

StatusOr<BoundHandle> OpenHandleBlocking(const SessionOptions& options, const Clock& clock);

// The diagnostic text of the last operation.
std::string LdapDiagnostic(struct ldap* handle);

}  // namespace driftwarden::directory
