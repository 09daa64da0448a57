// Kerberos against a real domain controller and its own KDC.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/strings.h"
#include "tests/directory/relay.h"
#include "tests/directory/run.h"
#include "tests/directory/samba_fixture.h"
#include "watchers/directory/root_dse.h"
#include "watchers/directory/session_openldap.h"

namespace driftwarden::directory {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const Status& status) {
  return std::string(status.message());
}

class Kerberos : public SambaTest {
 protected:
  // The plain port, by keytab.
  SessionOptions ByKeytab() const {
    SessionOptions options = Options();
    options.server = PlainUrl();
    options.ca_file = "/nonexistent";  // nothing of TLS is touched
    options.bind = BindOptions();
    options.bind.method = BindOptions::Method::kGssapi;
    options.bind.principal = Environment("PRINCIPAL");
    options.bind.keytab_file = Environment("KEYTAB");
    options.bind.krb5_config = Environment("KRB5_CONFIG");
    return options;
  }
  std::string Written(const std::string& stem, const std::string& text) const {
    std::string path = Cat(::testing::TempDir(), Unique(stem));
    std::ofstream(path) << text;
    return path;
  }
  void ExpectWorks(Session& session) {
    const SystemClock clock;
    const auto state = RunOn(context_, ReadServerState(session, clock));
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_FALSE(state->invocation_id.IsZero()) << "needs an authenticated read";
  }
  std::string Refusal(const SessionOptions& options, StatusCode code) {
    const auto session = Open(options);
    EXPECT_EQ(session.status().code(), code) << session.status();
    return Text(session.status());
  }
};

TEST_F(Kerberos, TheConnectionIsSealedOnThePlainPort) {
  SessionOptions options = ByKeytab();
  Relay relay(context_, options.server);
  options.server = Cat("ldap", relay.url().substr(relay.url().find(':')));
  auto session = Open(options);
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ((*session)->Protection(), "Kerberos (256 bits)");
  ExpectWorks(**session);
  SearchRequest request;
  request.base = Base();
  request.page_size = 1000;
  const auto page = Search(**session, request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_GT(page->entries.size(), 150u);
  EXPECT_GT(relay.seen().size(), 100'000u) << "the relay did not carry the answers";
  for (const char* word : {"highestCommittedUSN", "objectGUID", "sAMAccountName", "DC=ad"}) {
    EXPECT_EQ(relay.seen().find(word), std::string::npos) << word << " crossed the wire in clear";
  }
}

TEST_F(Kerberos, InsideTlsItProvesAndTlsSeals) {
  for (const bool start_tls : {false, true}) {
    SessionOptions options = ByKeytab();
    options.start_tls = start_tls;
    if (!start_tls) options.server = Environment("URL");
    options.ca_file = Environment("CA");
    auto session = Open(options);
    ASSERT_TRUE(session.ok()) << session.status();
    EXPECT_EQ((*session)->Protection(), "TLS, Kerberos");
    ExpectWorks(**session);
  }
}

// The KDC gives no tickets short enough for a test to see their end: our clock goes ahead instead.
TEST_F(Kerberos, ASessionIsRenewedBeforeItsTicketEnds) {
  class Ahead final : public Clock {
   public:
    absl::Time Wall() const override { return clock_.Wall() + by; }
    absl::Duration Steady() const override { return clock_.Steady(); }
    absl::Duration by;

   private:
    SystemClock clock_;
  };
  SessionOptions options = ByKeytab();
  std::ifstream in(options.bind.krb5_config);
  const std::string config(std::istreambuf_iterator<char>(in), {});
  options.bind.krb5_config =
      Written("/short.conf", Cat("[libdefaults]\n\tticket_lifetime = 1h\n", config));
  Ahead clock;
  const auto factory = MakeOpenLdapSessionFactory(turns_, clock);
  auto session = RunOn(context_, factory->Open(options));
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_FALSE((*session)->RenewalDue());
  clock.by = absl::Minutes(54);
  EXPECT_FALSE((*session)->RenewalDue());
  clock.by = absl::Minutes(55) + absl::Seconds(1);
  EXPECT_TRUE((*session)->RenewalDue());
  clock.by = absl::ZeroDuration();
  auto next = RunOn(context_, factory->Open(options));
  ASSERT_TRUE(next.ok()) << next.status();
  ExpectWorks(**session);
  ExpectWorks(**next);
}

TEST_F(Kerberos, ACredentialCacheIsReadAndNotWritten) {
  SessionOptions options = ByKeytab();
  options.bind.keytab_file = "";
  options.bind.credential_cache = Environment("CACHE");
  options.bind.principal = "";
  const auto content = [&] {
    std::ifstream in(options.bind.credential_cache);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string before = content();
  auto session = Open(options);
  ASSERT_TRUE(session.ok()) << session.status();
  ExpectWorks(**session);
  EXPECT_EQ(content(), before);
  options.bind.principal = "somebody@ELSE.TEST";
  EXPECT_THAT(Refusal(options, StatusCode::kUnauthenticated), HasSubstr("not of bind.principal"));
  options.bind.credential_cache = Written("/broken", "no cache");
  EXPECT_THAT(Refusal(options, StatusCode::kUnauthenticated),
              HasSubstr("no ticket that is still good"));
}

TEST_F(Kerberos, AKeytabThatIsNotTheAccountsIsNamedAsSuch) {
  SessionOptions options = ByKeytab();
  options.bind.keytab_file = Environment("STALE_KEYTAB");
  EXPECT_THAT(Refusal(options, StatusCode::kUnauthenticated),
              AllOf(HasSubstr(Cat("corp: no Kerberos ticket for ", options.bind.principal)),
                    HasSubstr("are not the account's"), Not(HasSubstr("\n"))));
  options = ByKeytab();
  options.bind.principal = Cat("other-", options.bind.principal);
  EXPECT_THAT(Refusal(options, StatusCode::kUnauthenticated),
              HasSubstr(Cat("holds keys of ", ByKeytab().bind.principal)));
  options.bind.keytab_file = "/nonexistent/keytab";
  EXPECT_THAT(Refusal(options, StatusCode::kUnauthenticated),
              HasSubstr("keytab_file: cannot read /nonexistent/keytab"));
  options = ByKeytab();
  options.bind.keytab_file = Written("/broken", "no keytab");
  EXPECT_THAT(Refusal(options, StatusCode::kUnauthenticated), HasSubstr("is no keytab"));
}

TEST_F(Kerberos, AServerThatTheRealmDoesNotKnowIsNamedAsSuch) {
  SessionOptions options = ByKeytab();
  options.server = "ldap://unregistered.ad.example.test";
  EXPECT_THAT(Refusal(options, StatusCode::kFailedPrecondition),
              AllOf(HasSubstr("for ldap/unregistered.ad.example.test"),
                    HasSubstr("full DNS name in servers")));
}

TEST_F(Kerberos, ASourceUsesItsOwnConfigurationAlone) {
  SessionOptions lost = ByKeytab();
  lost.bind.krb5_config =
      Written("/lost.conf",
              "[libdefaults]\n dns_lookup_kdc = false\n udp_preference_limit = 1\n"
              "[realms]\n AD.EXAMPLE.TEST = {\n  kdc = 127.0.0.1:1\n }\n");
  EXPECT_THAT(Refusal(lost, StatusCode::kUnavailable), HasSubstr("port 88"));
  EXPECT_TRUE(Open(ByKeytab()).ok()) << "another source of the same process";
  lost.bind.krb5_config = Written("/broken.conf", "[libdefaults\n");
  EXPECT_THAT(Refusal(lost, StatusCode::kInvalidArgument), HasSubstr(lost.bind.krb5_config));
}

}  // namespace
}  // namespace driftwarden::directory
