#include "simulator/ldap_server.h"

#include <gtest/gtest.h>
#include <ldap.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "tests/simulator/live_service.h"

namespace driftwarden::simulator {
namespace {

// A blocking libldap handle.
class LdapClient {
 public:
  explicit LdapClient(const std::string& url, const std::string& ca_file = "") {
    EXPECT_EQ(ldap_initialize(&ld_, url.c_str()), LDAP_SUCCESS);
    const int version = LDAP_VERSION3;
    ldap_set_option(ld_, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(ld_, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    timeval limit{20, 0};
    ldap_set_option(ld_, LDAP_OPT_NETWORK_TIMEOUT, &limit);
    ldap_set_option(ld_, LDAP_OPT_TIMEOUT, &limit);
    const int demand = LDAP_OPT_X_TLS_DEMAND;
    ldap_set_option(ld_, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    if (!ca_file.empty()) ldap_set_option(ld_, LDAP_OPT_X_TLS_CACERTFILE, ca_file.c_str());
    const int client = 0;
    ldap_set_option(ld_, LDAP_OPT_X_TLS_NEWCTX, &client);
  }
  ~LdapClient() { ldap_unbind_ext_s(ld_, nullptr, nullptr); }
  LdapClient(const LdapClient&) = delete;
  LdapClient& operator=(const LdapClient&) = delete;

  LDAP* get() { return ld_; }
  int StartTls() { return ldap_start_tls_s(ld_, nullptr, nullptr); }
  int Bind(const std::string& user, const std::string& password) {
    berval secret{password.size(), const_cast<char*>(password.data())};
    return ldap_sasl_bind_s(ld_, user.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr,
                            nullptr);
  }
  std::string Diagnostic() {
    char* text = nullptr;
    ldap_get_option(ld_, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    std::string out = text == nullptr ? "" : text;
    ldap_memfree(text);
    return out;
  }

 private:
  LDAP* ld_ = nullptr;
};

SimulatorOptions Options() {
  SimulatorOptions options;
  options.users = 2300;
  options.cycle = absl::Seconds(3600);
  return options;
}

class LdapServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { live_ = new LiveService(Options()); }
  static void TearDownTestSuite() {
    delete live_;
    live_ = nullptr;
  }
  void TearDown() override {
    live_->On([] { live_->service().ldap().faults() = LdapFaults(); });
  }

  const ConfigTargets::Forest& forest() { return live_->at().forests[0]; }
  std::string Password() { return *ReadFile(live_->at().password_file); }
  std::unique_ptr<LdapClient> Bound() {
    auto client = std::make_unique<LdapClient>(forest().ldaps_url, live_->at().ca_file);
    EXPECT_EQ(client->Bind(forest().bind_user, Password()), LDAP_SUCCESS) << client->Diagnostic();
    return client;
  }
  struct Found {
    int code = 0;
    std::vector<std::string> dns;
    std::string cookie;
  };
  // One page; `page_size` 0: without the control.
  static Found Search(LdapClient& client, const std::string& filter, int page_size = 0,
                      const std::string& cookie = "",
                      const std::string& base = "DC=corp,DC=example",
                      int scope = LDAP_SCOPE_SUBTREE) {
    LDAPControl* paged = nullptr;
    berval state{cookie.size(), const_cast<char*>(cookie.data())};
    if (page_size > 0) {
      ldap_create_page_control(client.get(), page_size, cookie.empty() ? nullptr : &state, 1,
                               &paged);
    }
    LDAPControl* controls[] = {paged, nullptr};
    LDAPMessage* result = nullptr;
    Found found;
    found.code = ldap_search_ext_s(client.get(), base.c_str(), scope, filter.c_str(), nullptr, 0,
                                   controls, nullptr, nullptr, 0, &result);
    if (result == nullptr) {
      if (paged != nullptr) ldap_control_free(paged);
      return found;
    }
    for (LDAPMessage* entry = ldap_first_entry(client.get(), result); entry != nullptr;
         entry = ldap_next_entry(client.get(), entry)) {
      char* dn = ldap_get_dn(client.get(), entry);
      found.dns.emplace_back(dn);
      ldap_memfree(dn);
    }
    ReadCookie(client, result, found);
    if (paged != nullptr) ldap_control_free(paged);
    ldap_msgfree(result);
    return found;
  }
  static void ReadCookie(LdapClient& client, LDAPMessage* result, Found& found) {
    LDAPControl** returned = nullptr;
    int code = 0;
    if (result == nullptr || ldap_parse_result(client.get(), result, &code, nullptr, nullptr,
                                               nullptr, &returned, 0) != LDAP_SUCCESS) {
      return;
    }
    LDAPControl* page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, returned, nullptr);
    ber_int_t estimate = 0;
    berval next{};
    if (page != nullptr &&
        ldap_parse_pageresponse_control(client.get(), page, &estimate, &next) == LDAP_SUCCESS) {
      found.cookie.assign(next.bv_val == nullptr ? "" : next.bv_val, next.bv_len);
      ber_memfree(next.bv_val);
    }
    ldap_controls_free(returned);
  }

  static LiveService* live_;
};

LiveService* LdapServerTest::live_ = nullptr;

TEST_F(LdapServerTest, BindsOverLdapsAndRefusesAWrongPassword) {
  Bound();
  LdapClient client(forest().ldaps_url, live_->at().ca_file);
  EXPECT_EQ(client.Bind(forest().bind_user, "wrong"), LDAP_INVALID_CREDENTIALS);
  EXPECT_NE(client.Diagnostic().find("data 52e"), std::string::npos);
  live_->On([] { live_->service().ldap().faults().refuse_bind = true; });
  EXPECT_EQ(client.Bind(forest().bind_user, Password()), LDAP_INVALID_CREDENTIALS);
}

TEST_F(LdapServerTest, AnUntrustedCertificateEndsTheConnection) {
  LdapClient client(forest().ldaps_url);
  EXPECT_EQ(client.Bind(forest().bind_user, Password()), LDAP_SERVER_DOWN);
}

TEST_F(LdapServerTest, InClearABindNeedsStartTlsFirst) {
  LdapClient plain(forest().ldap_url, live_->at().ca_file);
  EXPECT_EQ(plain.Bind(forest().bind_user, Password()), LDAP_STRONG_AUTH_REQUIRED);
  LdapClient raised(forest().ldap_url, live_->at().ca_file);
  ASSERT_EQ(raised.StartTls(), LDAP_SUCCESS) << raised.Diagnostic();
  EXPECT_EQ(raised.Bind(forest().bind_user, Password()), LDAP_SUCCESS);
  EXPECT_EQ(Search(raised, "(sAMAccountName=u0000001)").dns.size(), 1U);
}

TEST_F(LdapServerTest, TheRootDseIsReadAnonymouslyAndNothingElse) {
  LdapClient client(forest().ldaps_url, live_->at().ca_file);
  const Found root = Search(client, "(objectClass=*)", 0, "", "", LDAP_SCOPE_BASE);
  EXPECT_EQ(root.code, LDAP_SUCCESS);
  EXPECT_EQ(root.dns, std::vector<std::string>{""});
  EXPECT_EQ(Search(client, "(objectClass=*)").code, LDAP_OPERATIONS_ERROR);
}

TEST_F(LdapServerTest, UnpagedAnswersEndAtTheSizeLimit) {
  auto client = Bound();
  const Found found = Search(*client, "(objectCategory=person)");
  EXPECT_EQ(found.code, LDAP_SIZELIMIT_EXCEEDED);
  EXPECT_EQ(found.dns.size(), 1000U);
}

TEST_F(LdapServerTest, PagesHoldEverybodyOnce) {
  auto client = Bound();
  std::set<std::string> dns;
  std::string cookie;
  int pages = 0;
  do {
    const Found page = Search(*client, "(objectCategory=person)", 500, cookie);
    ASSERT_EQ(page.code, LDAP_SUCCESS) << client->Diagnostic();
    EXPECT_LE(page.dns.size(), 500U);
    dns.insert(page.dns.begin(), page.dns.end());
    cookie = page.cookie;
  } while (!cookie.empty() && ++pages < 20);
  EXPECT_EQ(dns.size(), 2300U);
}

TEST_F(LdapServerTest, ACookieBelongsToItsConnection) {
  auto first = Bound();
  auto second = Bound();
  const Found page = Search(*first, "(objectCategory=person)", 10);
  ASSERT_FALSE(page.cookie.empty());
  EXPECT_EQ(Search(*second, "(objectCategory=person)", 10, page.cookie).code,
            LDAP_UNWILLING_TO_PERFORM);
}

TEST_F(LdapServerTest, OnlyTheAdministratorWrites) {
  const auto dn = live_->On([] { return live_->service().world().people().At(11).dn; });
  char value[] = "514";
  char* values[] = {value, nullptr};
  char name[] = "userAccountControl";
  LDAPMod change{};
  change.mod_op = LDAP_MOD_REPLACE;
  change.mod_type = name;
  change.mod_values = values;
  LDAPMod* changes[] = {&change, nullptr};
  auto reader = Bound();
  EXPECT_EQ(ldap_modify_ext_s(reader->get(), dn.c_str(), changes, nullptr, nullptr),
            LDAP_INSUFFICIENT_ACCESS);
  LdapClient admin(forest().ldaps_url, live_->at().ca_file);
  ASSERT_EQ(admin.Bind(live_->at().admin_user, *ReadFile(live_->at().admin_password_file)),
            LDAP_SUCCESS);
  EXPECT_EQ(ldap_modify_ext_s(admin.get(), dn.c_str(), changes, nullptr, nullptr), LDAP_SUCCESS)
      << admin.Diagnostic();
  EXPECT_FALSE(live_->On([] { return live_->service().world().directory().IsEnabled(11); }));
  EXPECT_EQ(ldap_delete_ext_s(admin.get(), dn.c_str(), nullptr, nullptr), LDAP_SUCCESS);
  EXPECT_TRUE(live_->On([] { return live_->service().world().directory().IsDeleted(11); }));
}

TEST_F(LdapServerTest, FaultsShowAsTheClientWouldSeeThem) {
  auto client = Bound();
  live_->On([] { live_->service().ldap().faults().busy = true; });
  EXPECT_EQ(Search(*client, "(objectClass=*)").code, LDAP_BUSY);
  live_->On([] { live_->service().ldap().faults().cut_connections = true; });
  EXPECT_EQ(Search(*client, "(objectClass=*)").code, LDAP_SERVER_DOWN);
}

// The tool of an administrator, as the documentation shows it.
TEST_F(LdapServerTest, LdapsearchReadsIt) {
  if (access("/usr/bin/ldapsearch", X_OK) != 0) GTEST_SKIP() << "ldap-utils is not installed";
  const std::string command =
      Cat("LDAPTLS_CACERT='", live_->at().ca_file, "' timeout 20 /usr/bin/ldapsearch -LLL -x -H ",
          forest().ldaps_url, " -D ", forest().bind_user, " -y '", live_->at().password_file,
          "' -b DC=corp,DC=example -E pr=1000/noprompt '(sAMAccountName=u0000042)' "
          "sAMAccountName userAccountControl replPropertyMetaData 2>&1");
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  char chunk[4096];
  for (size_t got = 0; (got = fread(chunk, 1, sizeof chunk, pipe)) > 0;) output.append(chunk, got);
  EXPECT_EQ(pclose(pipe), 0) << output;
  EXPECT_NE(output.find("sAMAccountName: u0000042"), std::string::npos) << output;
  EXPECT_NE(output.find("userAccountControl: 512"), std::string::npos) << output;
  EXPECT_NE(output.find("replPropertyMetaData:: "), std::string::npos) << output;
}

}  // namespace
}  // namespace driftwarden::simulator
