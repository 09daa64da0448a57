#include "watchers/directory/kerberos_fault.h"

#include <krb5/krb5.h>

#include <cerrno>

#include "base/strings.h"

namespace driftwarden::directory {
namespace {

struct Verdict {
  StatusCode code;
  std::string mend;
};

Verdict Account(std::string mend) {
  return {StatusCode::kUnauthenticated, std::move(mend)};
}

std::string KeytabHolds(const BindOptions& bind, const KerberosFault& fault) {
  if (fault.keytab_holds.empty()) {
    return Cat(bind.keytab_file, " holds no key; export the account's keytab anew");
  }
  return Cat(bind.keytab_file, " holds keys of ",
             Printable(JoinStrings(fault.keytab_holds, ", "), 300),
             "; check bind.principal, or export its keytab");
}

// What is wrong with the account, its keytab or its cache.
Verdict JudgeAccount(const BindOptions& bind, const KerberosFault& fault) {
  switch (fault.code) {
    case KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN:
      return Account("the realm knows no such account; check bind.principal");
    case KRB5KDC_ERR_PREAUTH_FAILED:
    case KRB5_PREAUTH_FAILED:
    case KRB5KRB_AP_ERR_BAD_INTEGRITY:
      return Account(Cat("the keys in ", bind.keytab_file,
                         " are not the account's: after a change of its password the keytab has "
                         "to be exported anew"));
    case KRB5KDC_ERR_CLIENT_REVOKED:
      return Account("the account is disabled or locked");
    case KRB5KDC_ERR_NAME_EXP:
      return Account("the account has expired");
    case KRB5KDC_ERR_KEY_EXP:
      return Account("the account's password has expired; change it and export the keytab anew");
    case KRB5_KT_NOTFOUND:
    case KRB5_KT_KVNONOTFOUND:
      return Account(KeytabHolds(bind, fault));
    case KRB5_KT_IOERR:
    case KRB5_KT_END:
    case KRB5_KEYTAB_BADVNO:
      return Account(Cat(bind.keytab_file, " is no keytab; export the account's keytab anew"));
    case KRB5KRB_AP_ERR_TKT_EXPIRED:
    case KRB5_CC_NOTFOUND:
    case KRB5_CC_END:
    case KRB5_CC_FORMAT:
    case KRB5_CCACHE_BADVNO:
    case KRB5_FCC_NOFILE:
      if (bind.credential_cache.empty()) break;
      return Account(Cat(bind.credential_cache,
                         " holds no ticket that is still good; renew it (kinit -c), or use "
                         "keytab_file and have tickets renewed here"));
    default:
      break;
  }
  return {StatusCode::kOk, ""};
}

Verdict Judge(const BindOptions& bind, const KerberosFault& fault) {
  Verdict account = JudgeAccount(bind, fault);
  if (account.code != StatusCode::kOk) return account;
  const std::string config =
      bind.krb5_config.empty() ? std::string("the system's krb5.conf") : bind.krb5_config;
  switch (fault.code) {
    case KRB5_KDC_UNREACH:
    case KRB5_REALM_UNKNOWN:
    case KRB5_REALM_CANT_RESOLVE:
      return {StatusCode::kUnavailable,
              Cat("check that port 88 of the controllers can be reached, and the realm in ", config,
                  " or in DNS")};
    case KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN:
      return {StatusCode::kFailedPrecondition,
              Cat("the realm knows no ldap/", fault.host,
                  "; write the controller's full DNS name in servers, no address and no alias")};
    case KRB5KRB_AP_ERR_SKEW:
    case KRB5_KDCREP_SKEW:
      return {StatusCode::kFailedPrecondition,
              "the clocks here and there differ by more than Kerberos allows (5 minutes); "
              "synchronise them (NTP)"};
    case KRB5KDC_ERR_ETYPE_NOSUPP:
    case KRB5_BAD_ENCTYPE:
    case KRB5_CONFIG_ETYPE_NOSUPP:
      return {StatusCode::kFailedPrecondition,
              "account and keytab have no cipher in common with this machine; allow AES for the "
              "account and export its keytab anew"};
    case KRB5_CONFIG_NODEFREALM:
    case KRB5_PARSE_MALFORMED:
      return {StatusCode::kInvalidArgument, "write bind.principal as NAME@REALM"};
    case KRB5_CONFIG_CANTOPEN:
    case KRB5_CONFIG_BADFORMAT:
      return {StatusCode::kInvalidArgument, Cat("check ", config)};
    default:
      return {StatusCode::kFailedPrecondition, Cat("check bind and ", config)};
  }
}

// Counted by the KDC as a wrong password.
bool IsWrongKey(int code) {
  return code == KRB5KDC_ERR_PREAUTH_FAILED || code == KRB5_PREAUTH_FAILED ||
         code == KRB5KRB_AP_ERR_BAD_INTEGRITY;
}

}  // namespace

Status KerberosFailed(const Peer& peer, const BindOptions& bind, const KerberosFault& fault) {
  const Verdict verdict = Judge(bind, fault);
  const std::string what = fault.host.empty()
                               ? Cat("no Kerberos ticket for ", Printable(bind.Account()))
                               : Cat("no Kerberos ticket of ", Printable(bind.Account()),
                                     " for ldap/", Printable(fault.host));
  Status failed = MakeStatus(verdict.code, Cat(peer.source, ": ", what, " (",
                                               Printable(fault.text, 200), "); ", verdict.mend));
  return IsWrongKey(fault.code) ? WrongSecret(std::move(failed)) : failed;
}

}  // namespace driftwarden::directory
