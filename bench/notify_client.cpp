// A bare libldap client of change notifications, nothing between the socket and its clock: what the
// daemon's latency is measured against. Prints "ready", then "MICROSECONDS NAME" for each object.
//
//   notify_client URL CA_FILE USER PASSWORD_FILE BASE_DN

#include <ldap.h>
#include <sys/time.h>

#include <cstdio>
#include <string>

#include "base/files.h"

namespace {

int Fail(const char* what, int code) {
  std::fprintf(stderr, "notify_client: %s: %s\n", what, ldap_err2string(code));
  return 1;
}

long long NowMicros() {
  timeval now{};
  gettimeofday(&now, nullptr);
  return static_cast<long long>(now.tv_sec) * 1000000 + now.tv_usec;
}

LDAP* Open(const std::string& url, const std::string& ca_file) {
  LDAP* ldap = nullptr;
  if (ldap_initialize(&ldap, url.c_str()) != LDAP_SUCCESS) return nullptr;
  const int version = LDAP_VERSION3;
  const int client = 0;
  ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
  ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  ldap_set_option(ldap, LDAP_OPT_X_TLS_CACERTFILE, ca_file.c_str());
  ldap_set_option(ldap, LDAP_OPT_X_TLS_NEWCTX, &client);
  return ldap;
}

void Print(LDAP* ldap, LDAPMessage* message) {
  const long long now = NowMicros();
  berval** values = ldap_get_values_len(ldap, message, "sAMAccountName");
  if (values == nullptr) return;
  std::printf("%lld %.*s\n", now, static_cast<int>(values[0]->bv_len), values[0]->bv_val);
  std::fflush(stdout);
  ldap_value_free_len(values);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: notify_client URL CA_FILE USER PASSWORD_FILE BASE_DN\n");
    return 2;
  }
  const auto password = driftwarden::ReadFile(argv[4]);
  LDAP* const ldap = Open(argv[1], argv[2]);
  if (ldap == nullptr || !password.ok()) return Fail("setting up", LDAP_PARAM_ERROR);
  berval secret{password->size(), const_cast<char*>(password->data())};
  int code = ldap_sasl_bind_s(ldap, argv[3], LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, nullptr);
  if (code != LDAP_SUCCESS) return Fail("bind", code);

  LDAPControl notify{};
  notify.ldctl_oid = const_cast<char*>("1.2.840.113556.1.4.528");
  notify.ldctl_iscritical = 1;
  LDAPControl* controls[] = {&notify, nullptr};
  char name[] = "sAMAccountName";
  char uac[] = "userAccountControl";
  char* attributes[] = {name, uac, nullptr};
  int id = 0;
  code = ldap_search_ext(ldap, argv[5], LDAP_SCOPE_SUBTREE, "(objectClass=*)", attributes, 0,
                         controls, nullptr, nullptr, LDAP_NO_LIMIT, &id);
  if (code != LDAP_SUCCESS) return Fail("search", code);
  LDAPMessage* root = nullptr;  // answered after the registration
  code = ldap_search_ext_s(ldap, "", LDAP_SCOPE_BASE, nullptr, nullptr, 0, nullptr, nullptr,
                           nullptr, LDAP_NO_LIMIT, &root);
  if (code != LDAP_SUCCESS) return Fail("rootDSE", code);
  ldap_msgfree(root);
  std::printf("ready\n");
  std::fflush(stdout);
  while (true) {
    LDAPMessage* message = nullptr;
    const int kind = ldap_result(ldap, id, LDAP_MSG_ONE, nullptr, &message);
    if (kind == LDAP_RES_SEARCH_ENTRY) Print(ldap, message);
    ldap_msgfree(message);
    if (kind != LDAP_RES_SEARCH_ENTRY && kind != LDAP_RES_SEARCH_REFERENCE) return 1;
  }
}
