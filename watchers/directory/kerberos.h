#pragma once

// Kerberos tickets for a bind, each in a private cache in memory that dies with the session it was
// got for: nothing of the process's environment (KRB5CCNAME, a default keytab) is used, and no
// session can take another one's tickets. Blocking. Wire: RFC 4120, by libkrb5.

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "watchers/directory/bind_options.h"
#include "watchers/directory/ldap_result.h"

namespace driftwarden::directory {

class Tickets {
 public:
  struct Impl;
  explicit Tickets(std::unique_ptr<Impl> impl);
  Tickets(Tickets&&) noexcept;
  Tickets& operator=(Tickets&&) noexcept;
  ~Tickets();  // wipes the cache

  const std::string& cache() const;   // "MEMORY:…", as GSSAPI takes it
  const std::string& client() const;  // the principal
  absl::Time begin() const;
  absl::Time end() const;  // of the ticket for the server

 private:
  std::unique_ptr<Impl> impl_;
};

// A ticket for ldap/`host`, by the keytab or from the credential cache that `bind` names. Errors as
// KerberosFailed says.
StatusOr<Tickets> GetTicketsBlocking(const Peer& peer, const BindOptions& bind,
                                     const std::string& host);

// Makes the Kerberos library of this process read `files` (an empty one stands for the system's),
// joined, and never DNS for the names of servers. The library knows one configuration a process, in
// its environment: call it before the first thread. The sources' own tickets are got with their own
// file alone (GetTicketsBlocking); what is left for the joined one is the handshake with a server.
Status UseKerberosConfigs(const std::vector<std::string>& files);

}  // namespace driftwarden::directory
