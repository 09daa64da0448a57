#include "watchers/directory/bind_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <krb5/krb5.h>

#include <fstream>

#include "base/async/lane.h"
#include "tests/directory/fake_controller.h"
#include "tests/directory/hostile_dc.h"
#include "tests/directory/run.h"
#include "watchers/directory/kerberos_fault.h"
#include "watchers/directory/ldap_result.h"
#include "watchers/directory/session_openldap.h"

namespace driftwarden::directory {
namespace {

using simulator::LdapMessage;
using ::testing::HasSubstr;

Peer Corp() {
  Peer peer;
  peer.source = "corp";
  peer.server = "dc1:636";
  peer.user = "svc";
  peer.credentials = "bind.user and password_file";
  return peer;
}

Status Refused(const std::string& data) {
  return BindRefused(Corp(),
                     {49, Cat("80090308: AcceptSecurityContext error, data ", data, ", v4563")});
}

class Guard : public ::testing::Test {
 protected:
  Guard() {
    Write("wrong");
    options_.source = "corp";
    options_.bind.user = "svc";
    options_.bind.password_file = folder_.path() + "/password";
  }
  void Write(const std::string& text) { std::ofstream(folder_.path() + "/password") << text; }
  // A session of the source is opened: what it is told, and whether the controller was asked.
  Status Try(const Status& answer) { return Try(options_, answer); }
  Status Try(const SessionOptions& options, const Status& answer) {
    const auto attempt = guard_.Begin(options);
    if (!attempt.ok()) return attempt.status();
    ++asked_;
    return guard_.End(*attempt, options, answer);
  }

  testing::TempDirectory folder_;
  watchers::FakeClock clock_;
  BindGuard guard_{clock_};
  SessionOptions options_;
  int asked_ = 0;
};

TEST_F(Guard, AWrongPasswordIsTriedAfterPausesThatGrow) {
  const Status first = Try(Refused("52e"));
  EXPECT_EQ(first.code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(Message(first)), HasSubstr("data 52e: wrong user or password"));
  EXPECT_THAT(std::string(Message(first)), HasSubstr("not tried again before 2026-11-21T02:04:"));
  EXPECT_THAT(std::string(Message(first)), HasSubstr(options_.bind.password_file));
  std::vector<int> minutes;
  const absl::Time begun = clock_.now;
  for (int i = 0; i < 24 * 60 * 12; ++i) {
    clock_.now += absl::Seconds(5);
    const int before = asked_;
    const Status told = Try(Refused("52e"));
    EXPECT_EQ(told.code(), StatusCode::kUnauthenticated);
    if (asked_ > before) {
      minutes.push_back(static_cast<int>(absl::ToInt64Minutes(clock_.now - begun)));
    }
  }
  ASSERT_GE(minutes.size(), 5U);
  minutes.resize(5);
  EXPECT_THAT(minutes, ::testing::ElementsAre(2, 8, 23, 38, 53));
  EXPECT_LE(asked_, 100) << "in a day";
}

TEST_F(Guard, WhatIsToldMeanwhileStaysTheSame) {
  const Status first = Try(Refused("52e"));
  clock_.now += absl::Seconds(30);
  EXPECT_EQ(Try(OkStatus()), first);
  EXPECT_EQ(asked_, 1);
}

TEST_F(Guard, AChangedPasswordIsTriedAtOnce) {
  EXPECT_FALSE(Try(Refused("52e")).ok());
  EXPECT_FALSE(Try(OkStatus()).ok());
  Write("the right one");
  EXPECT_TRUE(Try(OkStatus()).ok());
  EXPECT_EQ(asked_, 2);
  EXPECT_TRUE(Try(OkStatus()).ok()) << "and it is forgotten";
  EXPECT_EQ(asked_, 3);
}

TEST_F(Guard, AChangedPasswordThatIsWrongTooWaitsLonger) {
  EXPECT_FALSE(Try(Refused("52e")).ok());
  Write("wrong too");
  EXPECT_FALSE(Try(Refused("52e")).ok());
  EXPECT_EQ(asked_, 2);
  clock_.now += absl::Minutes(3);
  EXPECT_FALSE(Try(OkStatus()).ok());
  clock_.now += absl::Minutes(4);
  EXPECT_TRUE(Try(OkStatus()).ok());
}

TEST_F(Guard, SessionsOpenedSideBySideAreRefusedOnce) {
  const auto poll = guard_.Begin(options_);
  const auto direct = guard_.Begin(options_);
  ASSERT_TRUE(poll.ok() && direct.ok());
  clock_.now += absl::Milliseconds(20);
  const Status first = guard_.End(*poll, options_, Refused("52e"));
  EXPECT_EQ(guard_.End(*direct, options_, Refused("52e")), first);
  clock_.now += absl::Minutes(3);
  EXPECT_TRUE(Try(OkStatus()).ok()) << "2 minutes, not 6";
}

TEST_F(Guard, AfterARefusalOneTriesForAll) {
  EXPECT_FALSE(Try(Refused("52e")).ok());
  Write("another");
  {
    const auto poll = guard_.Begin(options_);
    ASSERT_TRUE(poll.ok());
    EXPECT_FALSE(guard_.Begin(options_).ok());
  }
  EXPECT_TRUE(Try(OkStatus()).ok()) << "whoever tried gave up, and said nothing";
  const auto poll = guard_.Begin(options_);
  EXPECT_TRUE(poll.ok() && guard_.Begin(options_).ok()) << "proven";
}

TEST_F(Guard, OtherSourcesAndAccountsAreNotHeld) {
  EXPECT_FALSE(Try(Refused("52e")).ok());
  SessionOptions other = options_;
  other.source = "branch";
  EXPECT_TRUE(Try(other, OkStatus()).ok());
  other = options_;
  other.bind.user = "svc2";
  EXPECT_TRUE(Try(other, OkStatus()).ok());
  other = options_;
  other.server = "ldaps://dc2";
  EXPECT_FALSE(Try(other, OkStatus()).ok()) << "the same account elsewhere";
}

TEST_F(Guard, OnlyAWrongSecretIsHeld) {
  for (const char* const data : {"530", "532", "533", "701", "773", "775"}) {
    EXPECT_FALSE(Try(Refused(data)).ok());
    EXPECT_TRUE(Try(OkStatus()).ok()) << data;
  }
  EXPECT_FALSE(Try(UnavailableError("corp: dc1 is unreachable")).ok());
  EXPECT_FALSE(Try(BindRefused(Corp(), {51, "busy"})).ok());
  EXPECT_TRUE(Try(OkStatus()).ok());
  for (const char* const data : {"52e", "525", "of no meaning"}) {
    EXPECT_FALSE(Try(Refused(data)).ok());
    EXPECT_FALSE(Try(OkStatus()).ok()) << data;
    clock_.now += absl::Minutes(15);
    EXPECT_TRUE(Try(OkStatus()).ok());
  }
}

TEST_F(Guard, AnOutageBetweenDoesNotMakeThePausesShort) {
  EXPECT_FALSE(Try(Refused("52e")).ok());
  clock_.now += absl::Minutes(3);
  EXPECT_FALSE(Try(UnavailableError("unreachable")).ok());
  EXPECT_FALSE(Try(Refused("52e")).ok());
  clock_.now += absl::Minutes(3);
  EXPECT_FALSE(Try(OkStatus()).ok()) << "6 minutes now";
}

TEST_F(Guard, AWrongKeytabIsHeldAsWell) {
  options_.bind.method = BindOptions::Method::kGssapi;
  options_.bind.principal = "svc@CORP.EXAMPLE";
  options_.bind.keytab_file = options_.bind.password_file;
  KerberosFault fault;
  fault.code = KRB5KDC_ERR_PREAUTH_FAILED;
  EXPECT_FALSE(Try(KerberosFailed(Corp(), options_.bind, fault)).ok());
  EXPECT_FALSE(Try(OkStatus()).ok());
  Write("another keytab");
  EXPECT_TRUE(Try(OkStatus()).ok());
  fault.code = KRB5KDC_ERR_CLIENT_REVOKED;
  EXPECT_FALSE(Try(KerberosFailed(Corp(), options_.bind, fault)).ok());
  EXPECT_TRUE(Try(OkStatus()).ok()) << "locked: trying does no more harm";
}

TEST(GuardedSessions, AControllerSeesAWrongPasswordOnce) {
  asio::io_context context;
  HostileDc dc(context);
  dc.OnBind([](const LdapMessage& m) {
    return HostileDc::Reply{simulator::EncodeLdapResult(
        m, {49, "80090308: LdapErr: DSID-0C090446, comment: error, data 52e, v4563"})};
  });
  SystemClock clock;
  ThreadLane lane("ldap", 2);
  LaneTurns turns(lane, 2);
  const auto factory = MakeOpenLdapSessionFactory(turns, clock);
  for (int i = 0; i < 5; ++i) {
    const auto opened = RunOn(context, factory->Open(dc.Options()));
    EXPECT_EQ(opened.status().code(), StatusCode::kUnauthenticated) << opened.status();
  }
  EXPECT_EQ(dc.binds(), 1U);
  dc.OnBind([](const LdapMessage& m) { return HostileDc::Reply{HostileDc::Done(m)}; });
  std::ofstream(dc.password_file()) << "the right one";
  EXPECT_TRUE(RunOn(context, factory->Open(dc.Options())).ok());
  EXPECT_EQ(dc.binds(), 2U);
}

}  // namespace
}  // namespace driftwarden::directory
