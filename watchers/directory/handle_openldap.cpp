#include "watchers/directory/handle_openldap.h"

#include <fcntl.h>
#include <ldap.h>
#include <sys/time.h>

#include <optional>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/secret.h"
#include "base/strings.h"
#include "base/units.h"
#include "watchers/directory/bind_openldap.h"
#include "watchers/directory/kerberos.h"
#include "watchers/directory/server_address.h"
#include "watchers/directory/tcp_probe.h"
#include "watchers/directory/tickets_in_time.h"

namespace driftwarden::directory {
namespace {

// Of one message. Entries have some KiB, with a photograph kept some hundred.
constexpr ber_len_t kMaxMessage = 16 << 20;
constexpr const char* kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";

bool Set(LDAP* handle, int option, const void* value) {
  return ldap_set_option(handle, option, value) == LDAP_OPT_SUCCESS;
}

// Everything is set on the handle: a machine's ldap.conf must not change what we do. `ca_file` is
// empty where there is no TLS.
Status Configure(LDAP* handle, const SessionOptions& options, const Peer& peer,
                 const std::string& ca_file) {
  const int version = LDAP_VERSION3;
  const int never = LDAP_DEREF_NEVER;
  const int unlimited = LDAP_NO_LIMIT;
  const timeval timeout = absl::ToTimeval(options.network_timeout);
  bool ok =
      Set(handle, LDAP_OPT_PROTOCOL_VERSION, &version) &&
      Set(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) && Set(handle, LDAP_OPT_DEREF, &never) &&
      Set(handle, LDAP_OPT_SIZELIMIT, &unlimited) && Set(handle, LDAP_OPT_TIMELIMIT, &unlimited) &&
      Set(handle, LDAP_OPT_NETWORK_TIMEOUT, &timeout) && Set(handle, LDAP_OPT_TIMEOUT, &timeout);

  // A dead peer is silent; without this an idle session would never notice.
  const int idle = 60;
  const int probes = 3;
  const int interval = 10;
  ok = ok && Set(handle, LDAP_OPT_X_KEEPALIVE_IDLE, &idle) &&
       Set(handle, LDAP_OPT_X_KEEPALIVE_PROBES, &probes) &&
       Set(handle, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval);

  if (!ok) return InternalError(Cat(peer.source, ": libldap refuses an option"));
  if (ca_file.empty()) return OkStatus();
  const int demand = LDAP_OPT_X_TLS_DEMAND;
  const int lowest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
  ok = Set(handle, LDAP_OPT_X_TLS_CACERTFILE, ca_file.c_str()) &&
       Set(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) &&
       Set(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, &lowest);
  if (!ok) return InternalError(Cat(peer.source, ": libldap refuses an option"));

  const int client = 0;  // applies what was set above, so it comes last
  if (!Set(handle, LDAP_OPT_X_TLS_NEWCTX, &client)) {
    return InvalidError(
        Cat(peer.source, ": ", ca_file, " holds no usable certificate; check ca_file"));
  }
  return OkStatus();
}

Status NoTls(const Peer& peer, const std::string& diagnostic) {
  return UnavailableError(
      Cat(peer.source, ": TLS with ", peer.server, " failed",
          diagnostic.empty() ? "" : Cat(" (", Printable(diagnostic, 200), ")"),
          ": the certificate is not trusted or its name does not match, or the port speaks no TLS;"
          " check ca_file and the server name"));
}

Status NoContact(const Peer& peer, const ServerAddress& address, const SessionOptions& options,
                 const std::string& diagnostic) {
  const Status tcp = ProbeTcpBlocking(address, options.network_timeout);
  if (tcp.ok()) return NoTls(peer, diagnostic);
  return UnavailableError(Cat(peer.source, ": ", peer.server, " is unreachable: ", Message(tcp)));
}

Status Secure(LDAP* handle, const ServerAddress& address, const SessionOptions& options,
              const Peer& peer) {
  if (const int code = ldap_connect(handle); code != LDAP_SUCCESS) {
    return NoContact(peer, address, options, LdapDiagnostic(handle));
  }
  // Unless told, libldap makes room for whatever length a message claims to have.
  Sockbuf* socket = nullptr;
  ber_len_t most = kMaxMessage;
  if (ldap_get_option(handle, LDAP_OPT_SOCKBUF, &socket) != LDAP_OPT_SUCCESS ||
      ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &most) != 1) {
    return InternalError(Cat(peer.source, ": libldap refuses a bound for messages"));
  }
  if (!options.start_tls && !address.ldaps) return OkStatus();
  if (!address.ldaps) {
    const int code = ldap_start_tls_s(handle, nullptr, nullptr);
    if (code > 0) {
      return UnavailableError(Cat(peer.source, ": StartTLS refused by ", peer.server, " (",
                                  LdapCodeName(code), ": ", Printable(LdapDiagnostic(handle), 200),
                                  ")"));
    }
    if (code != LDAP_SUCCESS) return NoTls(peer, LdapDiagnostic(handle));
  }
  if (ldap_tls_inplace(handle) == 0) return NoTls(peer, "");
  return OkStatus();
}

// What can be refused before anything is sent.
Status CheckOptions(const SessionOptions& options, const ServerAddress& address) {
  const BindOptions& bind = options.bind;
  if (bind.method == BindOptions::Method::kGssapi) {
    if (bind.keytab_file.empty() == bind.credential_cache.empty()) {
      return InvalidError(
          Cat(options.source, ": gssapi needs bind.keytab_file or bind.credential_cache"));
    }
    return OkStatus();
  }
  if (!address.ldaps && !options.start_tls) {
    return InvalidError(Cat(options.source, ": ", options.server,
                            " has no TLS, and a simple bind would send the password in the clear;"
                            " use ldaps:// or start_tls: true"));
  }
  // An empty name or password makes a bind that succeeds as nobody (RFC 4513, 5.1).
  if (bind.user.empty()) return InvalidError(Cat(options.source, ": bind.user is empty"));
  return OkStatus();
}

Peer MakePeer(const SessionOptions& options, const ServerAddress& address) {
  const BindOptions& bind = options.bind;
  const bool simple = bind.method == BindOptions::Method::kSimple;
  Peer peer;
  peer.source = options.source;
  peer.server = address.HostPort();
  peer.user = bind.Account();
  peer.credentials = simple                     ? "bind.user and password_file"
                     : bind.keytab_file.empty() ? "bind.credential_cache"
                                                : "bind.principal and keytab_file";
  return peer;
}

// What the account is proven with, taken before the connection is made: it may take a while.
struct Proof {
  Secret password;
  std::optional<Tickets> tickets;
};

StatusOr<Proof> TakeProof(const SessionOptions& options, const ServerAddress& address,
                          const Peer& peer) {
  Proof proof;
  const BindOptions& bind = options.bind;
  if (bind.method == BindOptions::Method::kGssapi) {
    DW_ASSIGN_OR_RETURN(proof.tickets,
                        GetTicketsInTime(peer, bind, address.host, options.network_timeout));
    return proof;
  }
  auto password = ReadSecretFile(bind.password_file);
  if (!password.ok()) return Annotate(password.status(), options.source);
  if (password->empty()) {
    return InvalidError(Cat(options.source, ": ", bind.password_file,
                            " is empty; write the password of ", bind.user, " there"));
  }
  proof.password = *std::move(password);
  return proof;
}

Status Bind(LDAP* handle, const Proof& proof, BoundHandle& bound) {
  const bool tls = ldap_tls_inplace(handle) != 0;
  if (!proof.tickets) {
    bound.protection = "TLS";
    return BindSimple(handle, proof.password, bound.peer);
  }
  DW_ASSIGN_OR_RETURN(const int bits, BindGssapi(handle, *proof.tickets, tls, bound.peer));
  bound.protection = tls ? std::string("TLS, Kerberos") : Cat("Kerberos (", bits, " bits)");
  return OkStatus();
}

std::unique_ptr<RenewalWatch> Watch(const SessionOptions& options, const std::string& ca_file,
                                    bool tls, const Clock& clock) {
  const BindOptions& bind = options.bind;
  std::vector<std::string> files = {bind.method == BindOptions::Method::kSimple ? bind.password_file
                                    : bind.keytab_file.empty() ? bind.credential_cache
                                                               : bind.keytab_file};
  if (tls) files.push_back(ca_file);
  return std::make_unique<RenewalWatch>(clock, std::move(files));
}

}  // namespace

void LdapUnbind::operator()(struct ldap* handle) const {
  if (handle != nullptr) ldap_unbind_ext_s(handle, nullptr, nullptr);
}

std::string LdapDiagnostic(struct ldap* handle) {
  char* text = nullptr;
  if (ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text) != LDAP_OPT_SUCCESS) return "";
  std::string out = text == nullptr ? "" : text;
  ldap_memfree(text);
  return out;
}

StatusOr<BoundHandle> OpenHandleBlocking(const SessionOptions& options, const Clock& clock) {
  auto address = ParseServerAddress(options.server);
  if (!address.ok()) return Annotate(address.status(), options.source);
  DW_RETURN_IF_ERROR(CheckOptions(options, *address));
  const bool tls = address->ldaps || options.start_tls;
  const std::string ca_file = options.ca_file.empty() ? kSystemRoots : options.ca_file;
  BoundHandle bound;
  bound.peer = MakePeer(options, *address);
  bound.renewal = Watch(options, ca_file, tls, clock);
  if (tls) {
    const auto roots = ReadFile(ca_file);
    if (!roots.ok()) return Annotate(roots.status(), Cat(options.source, ": ca_file"));
  }
  DW_ASSIGN_OR_RETURN(const Proof proof, TakeProof(options, *address, bound.peer));
  // With a cache it is the cache that changes when it gets new tickets.
  if (proof.tickets && !options.bind.keytab_file.empty()) {
    bound.renewal->TicketsEnd(proof.tickets->begin(), proof.tickets->end());
  }

  LDAP* raw = nullptr;
  if (const int code = ldap_initialize(&raw, address->Url().c_str()); code != LDAP_SUCCESS) {
    return InternalError(Cat(options.source, ": libldap refuses ", address->Url(), " (",
                             ldap_err2string(code), ")"));
  }
  bound.handle.reset(raw);
  bound.patience = std::make_unique<Patience>(clock, options.network_timeout);
  if (!bound.patience->Install(raw)) return InternalError("libldap refuses a connection callback");
  DW_RETURN_IF_ERROR(Configure(raw, options, bound.peer, tls ? ca_file : ""));
  Status made = Secure(raw, *address, options, bound.peer);
  if (made.ok()) made = Bind(raw, proof, bound);
  if (bound.patience->expired()) {
    return UnavailableError(Cat(options.source, ": ", bound.peer.server,
                                " accepted the connection and then said nothing for ",
                                HumanDuration(options.network_timeout)));
  }
  DW_RETURN_IF_ERROR(made);
  bound.patience->Release();
  if (ldap_get_option(raw, LDAP_OPT_DESC, &bound.fd) != LDAP_OPT_SUCCESS || bound.fd < 0) {
    return UnavailableError(
        Cat(options.source, ": ", bound.peer.server, " hung up after the bind"));
  }
  // From here libldap must never wait for the rest of a message: a strand drives it.
  const int flags = ::fcntl(bound.fd, F_GETFL);
  if (flags < 0 || ::fcntl(bound.fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return InternalError(Cat(options.source, ": cannot set the connection non-blocking"));
  }
  return bound;
}

}  // namespace driftwarden::directory
