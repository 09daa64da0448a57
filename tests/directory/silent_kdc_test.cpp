// A KDC that accepts connections and answers nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <krb5/krb5.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fstream>
#include <optional>

#include "base/async/lane.h"
#include "base/strings.h"
#include "base/time.h"
#include "tests/directory/run.h"
#include "tests/testing/temp_directory.h"
#include "watchers/directory/session_openldap.h"
#include "watchers/directory/tickets_in_time.h"

namespace driftwarden::directory {
namespace {

using ::testing::HasSubstr;
using Tcp = boost::asio::ip::tcp;

constexpr const char* kAccount = "svc-drift@CORP.EXAMPLE";

// Keys of the account, of no use to any KDC.
void WriteKeytab(const std::string& path) {
  krb5_context library = nullptr;
  ASSERT_EQ(krb5_init_context(&library), 0);
  krb5_keytab_entry entry{};
  ASSERT_EQ(krb5_parse_name(library, kAccount, &entry.principal), 0);
  ASSERT_EQ(krb5_c_make_random_key(library, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &entry.key), 0);
  entry.vno = 1;
  krb5_keytab keytab = nullptr;
  ASSERT_EQ(krb5_kt_resolve(library, Cat("FILE:", path).c_str(), &keytab), 0);
  ASSERT_EQ(krb5_kt_add_entry(library, keytab, &entry), 0);
  krb5_kt_close(library, keytab);
  krb5_free_keytab_entry_contents(library, &entry);
  krb5_free_context(library);
}

class SilentKdc : public ::testing::Test {
 protected:
  SilentKdc() {
    // Listening is enough: the system accepts, and nobody ever reads.
    kdc_.emplace(context_, Tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
    const std::string config = folder_.path() + "/krb5.conf";
    std::ofstream(config) << "[libdefaults]\n default_realm = CORP.EXAMPLE\n"
                             " dns_lookup_kdc = false\n udp_preference_limit = 1\n"
                             "[realms]\n CORP.EXAMPLE = {\n  kdc = 127.0.0.1:"
                          << kdc_->local_endpoint().port() << "\n }\n";
    WriteKeytab(folder_.path() + "/keytab");
    options_.source = "corp";
    options_.server = "ldap://dc1.corp.example";
    options_.bind.method = BindOptions::Method::kGssapi;
    options_.bind.principal = kAccount;
    options_.bind.keytab_file = folder_.path() + "/keytab";
    options_.bind.krb5_config = config;
    options_.network_timeout = absl::Milliseconds(300);
  }
  // The system forgets the connections that it accepted, and libkrb5 finds out.
  void Hush() {
    kdc_.reset();
    const auto guard = boost::asio::make_work_guard(context_);
    for (int i = 0; i < 3000 && AbandonedTickets() > 0; ++i) {
      context_.restart();
      context_.run_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(AbandonedTickets(), 0U);
  }
  Status Open() { return RunOn(context_, factory_->Open(options_)).status(); }

  testing::TempDirectory folder_;
  boost::asio::io_context context_;
  std::optional<Tcp::acceptor> kdc_;
  SystemClock clock_;
  ThreadLane lane_{"ldap", 2};
  LaneTurns turns_{lane_, 2};
  std::unique_ptr<SessionFactory> factory_ = MakeOpenLdapSessionFactory(turns_, clock_);
  SessionOptions options_;
};

TEST_F(SilentKdc, HoldsNobodyLongerThanTheNetworkTimeout) {
  const absl::Duration begun = clock_.Steady();
  const Status opened = Open();
  EXPECT_LT(clock_.Steady() - begun, absl::Seconds(5));
  EXPECT_EQ(opened.code(), StatusCode::kDeadlineExceeded) << opened;
  EXPECT_THAT(std::string(Message(opened)), HasSubstr("corp: no Kerberos ticket for svc-drift"));
  EXPECT_THAT(std::string(Message(opened)), HasSubstr("port 88"));
  EXPECT_EQ(AbandonedTickets(), 1U);
  Hush();
}

TEST_F(SilentKdc, IsAskedByOneThreadASourceHoweverOftenItIsTried) {
  EXPECT_EQ(Open().code(), StatusCode::kDeadlineExceeded);
  const absl::Duration begun = clock_.Steady();
  for (int i = 0; i < 20; ++i) {
    const Status again = Open();
    EXPECT_EQ(again.code(), StatusCode::kUnavailable) << again;
    EXPECT_THAT(std::string(Message(again)), HasSubstr("not answered the last request yet"));
  }
  EXPECT_LT(clock_.Steady() - begun, absl::Seconds(4)) << "at once";
  EXPECT_EQ(AbandonedTickets(), 1U);
  options_.source = "branch";
  EXPECT_EQ(Open().code(), StatusCode::kDeadlineExceeded) << "another source is not held up";
  Hush();
  // Refused now, and asked anew.
  const Status refused = Open();
  EXPECT_THAT(std::string(Message(refused)), HasSubstr("port 88"));
}

TEST_F(SilentKdc, DoesNotHoldUpTheEnd) {
  EXPECT_EQ(Open().code(), StatusCode::kDeadlineExceeded);
  const absl::Duration begun = clock_.Steady();
  lane_.Stop();
  EXPECT_LT(clock_.Steady() - begun, absl::Seconds(1));
  Hush();
}

}  // namespace
}  // namespace driftwarden::directory
