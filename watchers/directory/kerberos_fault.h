#pragma once

// Failures of Kerberos as our status codes and as one line that says what to do. Pure.

#include <string>
#include <vector>

#include "base/status.h"
#include "watchers/directory/bind_options.h"
#include "watchers/directory/ldap_result.h"

namespace driftwarden::directory {

struct KerberosFault {
  int code = 0;      // of libkrb5
  std::string text;  // the library's own words
  std::string host;  // the server whose ticket was asked for; empty: it was the account's own
  std::vector<std::string> keytab_holds;  // principals, when it was looked into
};

// Unauthenticated: the account's keys or tickets are at fault, and no other controller would answer
// differently. Unavailable: no KDC answers. FailedPrecondition: names, clocks, ciphers.
// InvalidArgument: krb5_config cannot be read.
Status KerberosFailed(const Peer& peer, const BindOptions& bind, const KerberosFault& fault);

}  // namespace driftwarden::directory
