#include "watchers/ad_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/directory/fake_controller.h"
#include "tests/directory/run.h"
#include "watchers/directory/dc_locator.h"

namespace driftwarden::watchers {
namespace {

using ::testing::HasSubstr;

class FakeLocator final : public directory::DcLocator {
 public:
  asio::awaitable<StatusOr<std::vector<directory::DcRecord>>> Locate(std::string domain) override {
    ++asked;
    asked_for = std::move(domain);
    if (!failure.ok()) co_return failure;
    co_return records;
  }
  std::vector<directory::DcRecord> records;
  Status failure;
  std::string asked_for;
  int asked = 0;
};

class Connection : public ::testing::Test {
 protected:
  Connection() {
    options.name = monitor::SourceName("corp");
    options.servers = {"ldaps://dc1", "ldaps://dc2", "ldaps://dc3"};
    options.pin = std::make_shared<AdPin>();
    char dsa = 'a';
    for (const char* server : {"ldaps://dc1", "ldaps://dc2", "ldaps://dc3"}) {
      forest.controllers[server].dsa = std::string(16, dsa++);
    }
    Make();
  }
  void Make() { connection = std::make_unique<AdConnection>(options, forest, clock, quiet); }
  Status Refresh(AdConnection& which) {
    asio::io_context context;
    return RunOn(context, which.Refresh()).status();
  }
  Status Refresh() { return Refresh(*connection); }
  FakeController& dc(int n) { return forest.controllers[Cat("ldaps://dc", n)]; }
  void Down(int n) { dc(n).open_error = UnavailableError(Cat("dc", n, " is unreachable")); }
  void Up(int n) { dc(n).open_error = OkStatus(); }

  AdSourceOptions options;
  FakeForest forest;
  FakeClock clock;
  Logger quiet{LogLevel::kError, LogFormat::kLogfmt};
  FakeLocator locator;
  std::unique_ptr<AdConnection> connection;
};

TEST_F(Connection, GoesBackToThePreferredControllerOnceItHasAnsweredForAWhile) {
  Down(1);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldaps://dc2");
  EXPECT_EQ(options.pin->server, "ldaps://dc2");
  Up(1);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldaps://dc2") << "not looked at in every poll";
  EXPECT_EQ(dc(1).opened, 1);
  clock.now += absl::Minutes(1);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(dc(1).opened, 2);
  EXPECT_EQ(connection->server(), "ldaps://dc2") << "it may be about to fail again";
  clock.now += absl::Minutes(4);
  Down(1);
  ASSERT_TRUE(Refresh().ok());
  Up(1);
  clock.now += absl::Minutes(2);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldaps://dc2") << "it did fail: counted anew";
  for (int minute = 0; minute < 5; ++minute) {
    EXPECT_EQ(connection->server(), "ldaps://dc2");
    clock.now += absl::Minutes(1);
    ASSERT_TRUE(Refresh().ok());
  }
  EXPECT_EQ(connection->server(), "ldaps://dc1");
  EXPECT_EQ(options.pin->server, "ldaps://dc1");
  const int opened = dc(1).opened;
  clock.now += absl::Hours(1);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(dc(1).opened, opened) << "at home there is nothing to look for";
}

TEST_F(Connection, ARefusedBindAtThePreferredControllerIsNotRepeated) {
  Down(1);
  ASSERT_TRUE(Refresh().ok());
  dc(1).open_error = UnauthenticatedError("bind refused");
  const int opened = dc(1).opened;
  for (int minute = 0; minute < 10; ++minute) {
    clock.now += absl::Minutes(1);
    ASSERT_TRUE(Refresh().ok());
  }
  EXPECT_EQ(dc(1).opened, opened + 1);
}

TEST_F(Connection, TheOtherSessionsFollowThePoller) {
  AdSourceOptions following = options;
  following.follows_pin = true;
  AdConnection reader(following, forest, clock, quiet);
  ASSERT_TRUE(Refresh(reader).ok());
  EXPECT_EQ(reader.server(), "ldaps://dc1") << "nothing is pinned yet";
  EXPECT_EQ(options.pin->server, "");
  Down(1);
  Down(2);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldaps://dc3");
  ASSERT_TRUE(Refresh(reader).ok());
  EXPECT_EQ(reader.server(), "ldaps://dc3");
  EXPECT_EQ(options.pin->server, "ldaps://dc3");
  // The reader cannot reach it for a while, and is back soon after.
  Down(3);
  Up(2);
  reader.Drop();
  clock.now += absl::Minutes(1);
  ASSERT_TRUE(Refresh(reader).ok());
  EXPECT_EQ(reader.server(), "ldaps://dc2");
  Up(3);
  ASSERT_TRUE(Refresh(reader).ok());
  clock.now += absl::Minutes(1);
  ASSERT_TRUE(Refresh(reader).ok());
  EXPECT_EQ(reader.server(), "ldaps://dc3");
}

TEST_F(Connection, WithoutServersThoseOfTheDomainAreTried) {
  options.servers.clear();
  options.domain = "corp.example";
  options.locator = &locator;
  Make();
  locator.records = {{0, 100, 389, "dc2"}, {0, 100, 389, "dc1"}};
  Down(2);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(locator.asked_for, "corp.example");
  EXPECT_EQ(connection->server(), "ldaps://dc1");
  EXPECT_EQ(dc(2).opened, 1);
  Up(2);
  clock.now += absl::Hours(1);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldaps://dc1") << "found ones have no order";
  // The session is lost: DNS is asked anew, the pinned one comes first.
  connection->Drop();
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(locator.asked, 2);
  EXPECT_EQ(connection->server(), "ldaps://dc1");
  // Without DNS those found before are good enough.
  locator.failure = UnavailableError("no name server answers");
  Down(1);
  connection->Drop();
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldaps://dc2");
  // A controller that DNS does not name any more was demoted.
  locator.failure = OkStatus();
  locator.records = {{0, 100, 389, "dc3"}};
  connection->Drop();
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldaps://dc3");
}

TEST_F(Connection, WhatIsFoundIsAskedByTheWayThatIsConfigured) {
  options.servers.clear();
  options.locator = &locator;
  locator.records = {{0, 100, 3389, "dc1.corp.example"}};
  options.start_tls = true;
  Make();
  EXPECT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldap://dc1.corp.example:3389");
  options.start_tls = false;
  options.bind.method = directory::BindOptions::Method::kGssapi;
  Make();
  EXPECT_TRUE(Refresh().ok());
  EXPECT_EQ(connection->server(), "ldap://dc1.corp.example:3389");
  locator.failure = NotFoundError("DNS: there is no such domain");
  Make();
  const Status status = Refresh();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("corp"));
}

TEST_F(Connection, ManyControllersThatAreDownDoNotTakeForEver) {
  options.servers.clear();
  options.locator = &locator;
  for (int i = 0; i < 40; ++i) {
    const std::string host = Cat("gone", i);
    locator.records.push_back({0, 100, 389, host});
    forest.controllers["ldaps://" + host].open_error = UnavailableError(host);
  }
  Make();
  EXPECT_EQ(Refresh().code(), StatusCode::kUnavailable);
  int opened = 0;
  for (const auto& [server, controller] : forest.controllers) opened += controller.opened;
  EXPECT_EQ(opened, 8);
}

}  // namespace
}  // namespace driftwarden::watchers
