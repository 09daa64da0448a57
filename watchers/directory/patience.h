#pragma once

// A time limit for the TLS handshake and the bind. libldap's network timeout ends with the TCP
// connection: under GnuTLS, a peer that accepts and then says nothing would keep the handshake
// spinning for ever. This layer between TLS and the socket waits for the descriptor instead, and
// fails the read when the time is over (tests: APeerThatAnswersNothingIsGivenUp).

#include <memory>

#include "absl/time/time.h"
#include "base/time.h"

struct ldap;

namespace driftwarden::directory {

// Must outlive the handle it is installed on. One thread at a time.
class Patience {
 public:
  Patience(const Clock& clock, absl::Duration limit);
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  // Before the handle connects. The limit starts anew with each TCP connection.
  bool Install(struct ldap* handle);
  // From here reads and writes pass through: the session has limits of its own.
  void Release();
  bool expired() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwarden::directory
