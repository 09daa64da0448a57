#include "watchers/directory/kerberos_fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <krb5/krb5.h>

#include <string>

namespace driftwarden::directory {
namespace {

using ::testing::HasSubstr;

Peer Corp() {
  Peer peer;
  peer.source = "corp";
  peer.server = "dc1.corp.example:389";
  return peer;
}

BindOptions Keytab() {
  BindOptions bind;
  bind.method = BindOptions::Method::kGssapi;
  bind.principal = "svc@CORP.EXAMPLE";
  bind.keytab_file = "/etc/svc.keytab";
  return bind;
}

Status Failed(int code, const std::string& host = "", const BindOptions& bind = Keytab()) {
  KerberosFault fault;
  fault.code = code;
  fault.text = "the library's words\n";
  fault.host = host;
  return KerberosFailed(Corp(), bind, fault);
}

TEST(KerberosFault, IsOneLineThatNamesTheMend) {
  EXPECT_EQ(std::string(Failed(KRB5KDC_ERR_PREAUTH_FAILED).message()),
            "corp: no Kerberos ticket for svc@CORP.EXAMPLE (the library's words\\x0a); the keys in "
            "/etc/svc.keytab are not the account's: after a change of its password the keytab has "
            "to be exported anew");
  EXPECT_EQ(std::string(Failed(KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, "10.0.0.1").message()),
            "corp: no Kerberos ticket of svc@CORP.EXAMPLE for ldap/10.0.0.1 (the library's "
            "words\\x0a); the realm knows no ldap/10.0.0.1; write the controller's full DNS name "
            "in servers, no address and no alias");
}

TEST(KerberosFault, WhatIsTheAccountsFaultIsNotTriedElsewhere) {
  for (const int code :
       {KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, KRB5KDC_ERR_PREAUTH_FAILED, KRB5KRB_AP_ERR_BAD_INTEGRITY,
        KRB5KDC_ERR_CLIENT_REVOKED, KRB5KDC_ERR_NAME_EXP, KRB5KDC_ERR_KEY_EXP, KRB5_KT_NOTFOUND,
        KRB5_KT_KVNONOTFOUND, KRB5_KT_IOERR, KRB5_KEYTAB_BADVNO}) {
    EXPECT_EQ(Failed(code).code(), StatusCode::kUnauthenticated) << code;
  }
}

TEST(KerberosFault, WhatAnotherControllerMayAnswerIsTriedThere) {
  for (const int code : {KRB5_KDC_UNREACH, KRB5_REALM_UNKNOWN, KRB5_REALM_CANT_RESOLVE}) {
    EXPECT_EQ(Failed(code).code(), StatusCode::kUnavailable) << code;
  }
  for (const int code : {KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, KRB5KRB_AP_ERR_SKEW, KRB5_KDCREP_SKEW,
                         KRB5KDC_ERR_ETYPE_NOSUPP, KRB5KDC_ERR_POLICY}) {
    EXPECT_EQ(Failed(code, "dc1").code(), StatusCode::kFailedPrecondition) << code;
  }
}

TEST(KerberosFault, ClocksAreNamedWhenTheyDiffer) {
  EXPECT_THAT(std::string(Failed(KRB5KRB_AP_ERR_SKEW).message()), HasSubstr("NTP"));
}

TEST(KerberosFault, TheConfigurationIsNamedWhenItIsToBlame) {
  BindOptions bind = Keytab();
  EXPECT_THAT(std::string(Failed(KRB5_KDC_UNREACH, "", bind).message()),
              HasSubstr("the system's krb5.conf"));
  bind.krb5_config = "/etc/corp.conf";
  const Status failed = Failed(KRB5_CONFIG_BADFORMAT, "", bind);
  EXPECT_EQ(failed.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("check /etc/corp.conf"));
}

TEST(KerberosFault, AnEndedCacheIsToBeRenewed) {
  BindOptions bind = Keytab();
  bind.keytab_file = "";
  bind.credential_cache = "/run/cc";
  for (const int code :
       {KRB5KRB_AP_ERR_TKT_EXPIRED, KRB5_FCC_NOFILE, KRB5_CC_NOTFOUND, KRB5_CCACHE_BADVNO}) {
    const Status failed = Failed(code, "", bind);
    EXPECT_EQ(failed.code(), StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(failed.message()), HasSubstr("/run/cc holds no ticket"));
  }
}

TEST(KerberosFault, AKeytabOfSomebodyElseSaysWhose) {
  KerberosFault fault;
  fault.code = KRB5_KT_NOTFOUND;
  fault.text = "no key";
  fault.keytab_holds = {"a@X", "b@X"};
  EXPECT_THAT(std::string(KerberosFailed(Corp(), Keytab(), fault).message()),
              HasSubstr("/etc/svc.keytab holds keys of a@X, b@X; check bind.principal"));
}

}  // namespace
}  // namespace driftwarden::directory
