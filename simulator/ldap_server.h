#pragma once

// The simulated domain controller on the wire: LDAPv3 (RFC 4511) over TLS (LDAPS), or in clear with
// StartTLS, on the world's forest. Simple bind only. Behaves like Windows where it differs from
// Samba: 1000 entries without paging, cookies bound to their connection. One executor: everything
// is called on it, and nothing else may use the world meanwhile.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "net/tls.h"
#include "simulator/world.h"

namespace driftwarden::simulator {

namespace asio = boost::asio;

struct LdapAccount {
  std::string user;  // any of the forms a client may bind with is listed by itself
  std::string password;
  bool admin = false;  // may modify and delete
};

struct LdapFaults {
  bool refuse_bind = false;      // 49, data 52e, whatever the password
  bool busy = false;             // 51 to every search
  bool unavailable = false;      // 52 to every search
  int page_limit = 0;            // MaxPageSize; 0: as configured
  int match_limit = 0;           // entries that a search, all of its pages, may give; 0: any
  int limit_code = 3;            // what ends it then: 3 MaxQueryDuration, 4 or 11
  int value_limit = 0;           // MaxValRange: values of an attribute at once; 0: all
  bool cut_connections = false;  // closes instead of answering a search
  bool refuse_dirsync = false;   // the right to replicate is missing
  bool forget_dirsync = false;   // 12 to every cookie
  int dirsync_page = 0;          // entries an answer; 0: as many as a page may have
  bool refuse_notify = false;    // 50 to a notification search
  bool mute_notify = false;      // accepts it and tells nothing
};

struct LdapServerOptions {
  size_t forest = 0;
  std::vector<LdapAccount> accounts;
  net::TlsServerConfig tls;
  size_t max_page_size = 1000;
};

class LdapServer {
 public:
  // `world` and `clock` must outlive it.
  LdapServer(asio::any_io_executor executor, World& world, const Clock& clock,
             LdapServerOptions options);
  ~LdapServer();  // Stop() must have been awaited if Listen succeeded
  LdapServer(const LdapServer&) = delete;
  LdapServer& operator=(const LdapServer&) = delete;

  // LDAPS, or LDAP in clear that can be raised by StartTLS. Returns the port.
  StatusOr<uint16_t> ListenTls(const std::string& address, uint16_t port);
  StatusOr<uint16_t> ListenPlain(const std::string& address, uint16_t port);
  asio::awaitable<void> Stop();

  LdapFaults& faults();
  uint64_t searches() const;   // answered so far
  size_t connections() const;  // open now

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwarden::simulator
