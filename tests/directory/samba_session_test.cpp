// Sessions against a real Samba domain controller.

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <fstream>
#include <set>
#include <string>

#include "base/strings.h"
#include "base/time.h"
#include "tests/directory/relay.h"
#include "tests/directory/run.h"
#include "tests/directory/samba_fixture.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/root_dse.h"
#include "watchers/directory/schema.h"

namespace driftwarden::directory {
namespace {

using Sessions = SambaTest;

std::string Text(const Status& status) {
  return std::string(status.message());
}

TEST_F(Sessions, LdapsReadsRootDse) {
  auto session = Open(Options());
  ASSERT_TRUE(session.ok()) << session.status();
  const SystemClock clock;
  const auto state = RunOn(context_, ReadServerState(**session, clock));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(state->synchronized);
  EXPECT_EQ(state->naming_context, Base());
  EXPECT_GT(state->highest_usn, 0u);
  EXPECT_FALSE(state->dsa.IsZero());
  EXPECT_FALSE(state->invocation_id.IsZero());
  EXPECT_LT(absl::AbsDuration(state->clock_offset), absl::Seconds(5));
}

TEST_F(Sessions, StartTlsReadsRootDse) {
  SessionOptions options = Options();
  options.server = PlainUrl();
  options.start_tls = true;
  auto session = Open(options);
  ASSERT_TRUE(session.ok()) << session.status();
  const SystemClock clock;
  const auto state = RunOn(context_, ReadServerState(**session, clock));
  EXPECT_TRUE(state.ok()) << state.status();
}

TEST_F(Sessions, PlainLdapIsRefusedBeforeAnythingIsSent) {
  SessionOptions options = Options();
  options.server = PlainUrl();
  const auto session = Open(options);
  EXPECT_EQ(session.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Text(session.status()).find("start_tls"), std::string::npos) << session.status();
}

TEST_F(Sessions, AnUntrustedCertificateIsNamedAsSuch) {
  for (const bool start_tls : {false, true}) {
    SessionOptions options = Options();
    options.ca_file = Environment("OTHER_CA");
    if (start_tls) options.server = PlainUrl();
    options.start_tls = start_tls;
    const auto session = Open(options);
    EXPECT_EQ(session.status().code(), StatusCode::kUnavailable);
    EXPECT_NE(Text(session.status()).find("certificate is not trusted"), std::string::npos)
        << session.status();
    EXPECT_NE(Text(session.status()).find("ca_file"), std::string::npos);
  }
}

TEST_F(Sessions, ANameThatTheCertificateLacksIsRefused) {
  SessionOptions options = Options();
  const Relay relay(context_, options.server);
  options.server = relay.url();
  const auto session = Open(options);
  EXPECT_EQ(session.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(Text(session.status()).find("TLS with"), std::string::npos) << session.status();
}

TEST_F(Sessions, APeerThatAnswersNothingIsGivenUp) {
  SessionOptions options = Options();
  options.server = "ldaps://127.9.9.9:";
  asio::ip::tcp::acceptor silent(context_, {asio::ip::make_address("127.9.9.9"), 0});
  options.server += std::to_string(silent.local_endpoint().port());
  options.network_timeout = absl::Seconds(1);
  const auto session = Open(options);
  EXPECT_EQ(session.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(Text(session.status()).find("said nothing for 1 s"), std::string::npos)
      << session.status();
}

TEST_F(Sessions, SystemRootsDoNotTrustThePrivateAuthority) {
  SessionOptions options = Options();
  options.ca_file = "";
  EXPECT_EQ(Open(options).status().code(), StatusCode::kUnavailable);
}

TEST_F(Sessions, AWrongPasswordIsNamedAsSuch) {
  SessionOptions options = Options();
  options.bind.password_file = Cat(::testing::TempDir(), Unique("/wrong"));
  std::ofstream(options.bind.password_file) << "not the password\n";
  const auto session = Open(options);
  EXPECT_EQ(session.status().code(), StatusCode::kUnauthenticated);
  EXPECT_NE(Text(session.status())
                .find("data 52e: wrong user or password); check bind.user and password_file"),
            std::string::npos)
      << session.status();
}

TEST_F(Sessions, ThePasswordIsReadAtEveryBind) {
  const std::string path = Cat(::testing::TempDir(), Unique("/password"));
  SessionOptions options = Options();
  options.bind.password_file = path;
  EXPECT_NE(Text(Open(options).status()).find(path), std::string::npos) << "no such file";
  std::ofstream(path) << "";
  EXPECT_EQ(Open(options).status().code(), StatusCode::kInvalidArgument) << "would bind as nobody";
  std::ofstream(path) << std::ifstream(Options().bind.password_file).rdbuf();
  EXPECT_TRUE(Open(options).ok());
}

TEST_F(Sessions, NoServerThereIsNamedAsSuch) {
  SessionOptions options = Options();
  options.server = Cat(Environment("URL"), ":1");
  const auto session = Open(options);
  EXPECT_EQ(session.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(Text(session.status()).find("unreachable"), std::string::npos) << session.status();
  options.server = "ldaps://no-such-host.invalid";
  EXPECT_NE(Text(Open(options).status()).find("cannot be resolved"), std::string::npos);
}

TEST_F(Sessions, MissingBaseIsNotFound) {
  auto session = Open(Options());
  ASSERT_TRUE(session.ok()) << session.status();
  SearchRequest request;
  request.base = Cat("OU=absent,", Base());
  EXPECT_EQ(Search(**session, request).status().code(), StatusCode::kNotFound);
  request.base = Base();
  EXPECT_TRUE(Search(**session, request).ok()) << "a refused search leaves the session usable";
}

TEST_F(Sessions, PagesFollowEachOtherToTheEnd) {
  auto session = Open(Options());
  ASSERT_TRUE(session.ok()) << session.status();
  SearchRequest request;
  request.base = Base();
  request.page_size = 50;
  request.attributes = {"objectGUID"};
  std::set<std::string> names;
  int pages = 0;
  do {
    const auto page = Search(**session, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->entries.size(), 50u);
    for (const Entry& entry : page->entries) {
      EXPECT_TRUE(names.insert(entry.dn).second) << entry.dn;
    }
    request.cookie = page->cookie;
    ++pages;
  } while (!request.cookie.empty());
  EXPECT_GT(pages, 3);
  EXPECT_GT(names.size(), 150u);
}

TEST_F(Sessions, ACookieOfAnotherConnectionIsRefused) {
  auto first = Open(Options());
  auto second = Open(Options());
  ASSERT_TRUE(first.ok() && second.ok());
  SearchRequest request;
  request.base = Base();
  request.page_size = 10;
  const auto page = Search(**first, request);
  ASSERT_TRUE(page.ok());
  request.cookie = page->cookie;
  EXPECT_EQ(Search(**second, request).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(Sessions, ACancelledSearchIsAbandoned) {
  auto session = Open(Options());
  ASSERT_TRUE(session.ok()) << session.status();
  SearchRequest request;
  request.base = Base();
  request.page_size = 1000;
  asio::cancellation_signal signal;
  std::optional<StatusOr<SearchPage>> result;
  auto done = [&result](const std::exception_ptr& error, StatusOr<SearchPage> page) {
    if (error) std::rethrow_exception(error);
    result = std::move(page);
  };
  asio::co_spawn(context_, (*session)->Search(request),
                 asio::bind_cancellation_slot(signal.slot(), std::move(done)));
  asio::post(context_, [&signal] { signal.emit(asio::cancellation_type::terminal); });
  context_.restart();
  context_.run_for(std::chrono::seconds(20));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), StatusCode::kCancelled);
  EXPECT_EQ(Search(**session, request).status().code(), StatusCode::kUnavailable);
}

TEST_F(Sessions, ADisabledPersonIsReadWithTheTimeOfTheDisable) {
  const std::string dn = AddUser(Unique("disabled"));
  const absl::Time before = SystemClock().Wall() - absl::Seconds(1);
  Modify(dn, "userAccountControl", "546");
  auto session = Open(Options());
  ASSERT_TRUE(session.ok()) << session.status();
  SearchRequest request;
  request.base = dn;
  request.scope = SearchRequest::Scope::kBase;
  request.page_size = 0;
  request.attributes = AccountAttributes();
  const auto page = Search(**session, request);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->entries.size(), 1u);
  const auto view = ObserveAccount(page->entries[0], {});
  ASSERT_TRUE(view.ok() && view->has_value()) << view.status();
  EXPECT_EQ((*view)->Disabled(), true);
  ASSERT_TRUE((*view)->uac_stamp.has_value());
  EXPECT_GE((*view)->uac_stamp->originating_time, before);
  EXPECT_LE((*view)->uac_stamp->originating_time, SystemClock().Wall() + absl::Seconds(1));
  EXPECT_GT((*view)->uac_stamp->version, 1u);
  EXPECT_EQ((*view)->account_expires, absl::InfiniteFuture());
  EXPECT_TRUE((*view)->sid.has_value());
}

}  // namespace
}  // namespace driftwarden::directory
