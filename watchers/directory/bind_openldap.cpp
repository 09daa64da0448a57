#include "watchers/directory/bind_openldap.h"

#include <gssapi/gssapi_ext.h>
#include <ldap.h>
#include <sasl/sasl.h>

#include "base/strings.h"
#include "watchers/directory/handle_openldap.h"

namespace driftwarden::directory {
namespace {

// The least that cyrus-sasl calls encryption: older versions say 56 whatever the cipher is.
constexpr ber_len_t kLeastStrength = 56;

// The tickets of a cache, as GSSAPI takes them.
class Credential {
 public:
  explicit Credential(const std::string& cache) {
    gss_key_value_element_desc where = {"ccache", cache.c_str()};
    const gss_key_value_set_desc store = {1, &where};
    OM_uint32 minor = 0;
    gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET, GSS_C_INITIATE,
                          &store, &id_, nullptr, nullptr);
  }
  ~Credential() {
    OM_uint32 minor = 0;
    if (id_ != GSS_C_NO_CREDENTIAL) gss_release_cred(&minor, &id_);
  }
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;
  gss_cred_id_t id() const { return id_; }
  bool given = false;  // to the connection

 private:
  gss_cred_id_t id_ = GSS_C_NO_CREDENTIAL;
};

// Nothing to ask a person: we act as who the ticket says. It is also the one moment at which
// libldap has made cyrus-sasl's connection and not used it yet: the credential is given to it
// here. Left to find its own, cyrus-sasl 2.1.28 would lose one with each bind inside TLS.
int Answer(LDAP* handle, unsigned, void* argument, void* questions) {
  for (auto* at = static_cast<sasl_interact_t*>(questions); at->id != SASL_CB_LIST_END; ++at) {
    at->result = "";
    at->len = 0;
  }
  auto* const credential = static_cast<Credential*>(argument);
  credential->given =
      ldap_set_option(handle, LDAP_OPT_X_SASL_GSS_CREDS, credential->id()) == LDAP_OPT_SUCCESS;
  return credential->given ? LDAP_SUCCESS : LDAP_LOCAL_ERROR;
}

bool Set(LDAP* handle, int option, const void* value) {
  return ldap_set_option(handle, option, value) == LDAP_OPT_SUCCESS;
}

// All of it, so that a machine's ldap.conf changes nothing.
bool Configure(LDAP* handle, bool tls) {
  const ber_len_t least = tls ? 0 : kLeastStrength;
  const ber_len_t most = tls ? 0 : 4096;
  const int binding = tls ? LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT : LDAP_OPT_X_SASL_CBINDING_NONE;
  return Set(handle, LDAP_OPT_X_SASL_SECPROPS, "noplain,noanonymous") &&
         Set(handle, LDAP_OPT_X_SASL_SSF_MIN, &least) &&
         Set(handle, LDAP_OPT_X_SASL_SSF_MAX, &most) &&
         Set(handle, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) &&
         Set(handle, LDAP_OPT_X_SASL_CBINDING, &binding);
}

Status NoAnswer(const Peer& peer, int code) {
  return UnavailableError(Cat(peer.source, ": bind with ", peer.server, " got no answer (",
                              ldap_err2string(code), ")"));
}

Status Refused(LDAP* handle, int code, const Peer& peer) {
  LdapResult result;
  result.code = code;
  result.diagnostic = LdapDiagnostic(handle);
  return BindRefused(peer, result);
}

// `code` is libldap's own: the server did not refuse, the handshake failed on our side.
Status HandshakeFailed(LDAP* handle, int code, const Peer& peer) {
  const std::string why = Printable(LdapDiagnostic(handle), 300);
  if (code == LDAP_AUTH_UNKNOWN) {
    return PreconditionError(
        Cat(peer.source, ": no GSSAPI for the bind with ", peer.server, " (", why,
            "); install cyrus-sasl's GSSAPI module (libsasl2-modules-gssapi-mit), or the server "
            "offers no encryption"));
  }
  if (code != LDAP_LOCAL_ERROR) return NoAnswer(peer, code);
  return PreconditionError(Cat(peer.source, ": bind as ", Printable(peer.user), " with ",
                               peer.server, " failed here (", why,
                               "); check that the server is who its name says, and the clocks"));
}

}  // namespace

Status BindSimple(LDAP* handle, const Secret& password, const Peer& peer) {
  berval credential;
  credential.bv_len = password.Reveal().size();
  credential.bv_val = const_cast<char*>(password.Reveal().data());
  const int code = ldap_sasl_bind_s(handle, peer.user.c_str(), LDAP_SASL_SIMPLE, &credential,
                                    nullptr, nullptr, nullptr);
  if (code == LDAP_SUCCESS) return OkStatus();
  return code < 0 ? NoAnswer(peer, code) : Refused(handle, code, peer);
}

StatusOr<int> BindGssapi(LDAP* handle, const Tickets& tickets, bool tls, const Peer& peer) {
  Credential credential(tickets.cache());
  if (credential.id() == GSS_C_NO_CREDENTIAL || !Configure(handle, tls)) {
    return InternalError(Cat(peer.source, ": libldap or GSSAPI refuses an option"));
  }
  const int code = ldap_sasl_interactive_bind_s(handle, nullptr, "GSSAPI", nullptr, nullptr,
                                                LDAP_SASL_QUIET, &Answer, &credential);
  if (code < 0) return HandshakeFailed(handle, code, peer);
  if (code != LDAP_SUCCESS) return Refused(handle, code, peer);
  if (!credential.given) {
    return InternalError(Cat(peer.source, ": GSSAPI would bind as somebody else"));
  }
  if (tls) return 0;
  ber_len_t strength = 0;
  if (ldap_get_option(handle, LDAP_OPT_X_SASL_SSF, &strength) != LDAP_OPT_SUCCESS ||
      strength < kLeastStrength) {
    return PreconditionError(Cat(peer.source, ": ", peer.server,
                                 " would not encrypt the connection; use ldaps:// or start_tls"));
  }
  return static_cast<int>(strength);
}

}  // namespace driftwarden::directory
