#include "watchers/directory/connect_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <list>
#include <string>
#include <utility>

#include "base/strings.h"
#include "tests/directory/run.h"
#include "tests/simulator/live_service.h"

namespace driftwarden::directory {
namespace {

using Tcp = asio::ip::tcp;
using ::testing::HasSubstr;

class SettableClock final : public Clock {
 public:
  absl::Time Wall() const override { return absl::FromUnixSeconds(0); }
  absl::Duration Steady() const override { return now; }
  absl::Duration now = absl::Seconds(1000);
};

class Gate : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    simulator::SimulatorOptions options;
    options.users = 20;
    live_ = new simulator::LiveService(options);
  }
  static void TearDownTestSuite() {
    delete live_;
    live_ = nullptr;
  }
  static const simulator::ConfigTargets::Forest& Live() { return live_->at().forests[0]; }
  // Its kernel accepts; nobody reads.
  std::string Silent() {
    silent_.emplace_back(context_, Tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    return Cat("ldaps://127.0.0.1:", silent_.back().local_endpoint().port());
  }
  // Nobody there.
  std::string Closed() {
    Tcp::acceptor gone(context_, Tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    return Cat("ldaps://127.0.0.1:", gone.local_endpoint().port());
  }
  StatusOr<ConnectGate::Pass> Enter(const std::string& server,
                                    absl::Duration patience = absl::Milliseconds(200)) {
    SessionOptions options;
    options.source = "corp";
    options.server = server;
    options.network_timeout = patience;
    return RunOn(context_, gate_.Enter(options));
  }
  // Threads that others hold.
  void Crowd() {
    while (auto turn = turns_.TakeFree()) others_.push_back(*std::move(turn));
  }

  asio::io_context context_;
  SettableClock clock_;
  InlineLane lane_;
  LaneTurns turns_{lane_, 4};
  ConnectGate gate_{turns_, clock_};
  std::list<LaneTurns::Turn> others_;
  std::list<Tcp::acceptor> silent_;
  static simulator::LiveService* live_;
};

simulator::LiveService* Gate::live_ = nullptr;

TEST_F(Gate, NobodyIsKnockedAtWhereThreadsAreIdle) {
  const auto pass = Enter(Silent());
  EXPECT_TRUE(pass.ok()) << pass.status();
  EXPECT_EQ(turns_.taken(), 1u);
}

TEST_F(Gate, TheSilentGetNoThreadWhereThreadsAreScarce) {
  Crowd();
  const auto pass = Enter(Silent());
  EXPECT_EQ(pass.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(Message(pass.status())), HasSubstr("and then said nothing for 200 ms"));
  EXPECT_EQ(turns_.taken(), 2u);
}

TEST_F(Gate, WhoAnswersGetsOneOfTheThreadsThatAreKept) {
  Crowd();
  for (const std::string& server : {Live().ldaps_url, Live().ldap_url}) {
    const auto pass = Enter(server, absl::Seconds(20));
    EXPECT_TRUE(pass.ok()) << server << ": " << pass.status();
    EXPECT_EQ(turns_.taken(), 3u);
  }
  EXPECT_EQ(turns_.taken(), 2u);
}

TEST_F(Gate, WhoRefusesIsToldApartByTrying) {
  Crowd();
  const auto pass = Enter(Closed());
  EXPECT_TRUE(pass.ok()) << pass.status();
}

TEST_F(Gate, WhoKeptAThreadForLongIsKnockedAtNextTime) {
  const std::string server = Silent();
  {
    const auto pass = Enter(server);
    ASSERT_TRUE(pass.ok());
    clock_.now += absl::Seconds(10);
  }
  EXPECT_EQ(Enter(server).status().code(), StatusCode::kUnavailable) << "though threads are idle";
}

TEST_F(Gate, OneThatAnswersAKnockAndHangsAfterIsTrustedNoMore) {
  const std::string server = Live().ldaps_url;
  {
    const auto pass = Enter(server, absl::Seconds(20));
    ASSERT_TRUE(pass.ok());
    clock_.now += absl::Seconds(10);
  }
  Crowd();
  const auto pass = Enter(server, absl::Milliseconds(500));
  EXPECT_THAT(std::string(Message(pass.status())), HasSubstr("no thread came free"));
  others_.clear();
  EXPECT_TRUE(Enter(server, absl::Seconds(20)).ok());
  Crowd();
  EXPECT_TRUE(Enter(server, absl::Seconds(20)).ok()) << "it was quick once more";
}

TEST_F(Gate, ANameWithoutAnAddressIsSaidToBeOne) {
  Crowd();
  others_.pop_back();  // a thread to ask on
  const std::string server = "ldaps://no-such-host.invalid";
  {
    const auto pass = Enter(server, absl::Seconds(30));
    ASSERT_TRUE(pass.ok());
    clock_.now += absl::Seconds(10);
  }
  const auto pass = Enter(server, absl::Seconds(30));
  EXPECT_EQ(pass.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(Message(pass.status())), HasSubstr("cannot be resolved"));
}

}  // namespace
}  // namespace driftwarden::directory
