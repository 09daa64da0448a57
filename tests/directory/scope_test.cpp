// What is meant by a configured scope, and that whoever it takes in or leaves out is still read.

#include "watchers/directory/scope.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/directory/fake_controller.h"
#include "tests/directory/run.h"
#include "watchers/ad_reading_source.h"
#include "watchers/ad_usn_source.h"
#include "watchers/directory/observe.h"

namespace driftwarden::watchers {
namespace {

using directory::Scope;
using directory::ScopeOptions;

std::shared_ptr<const Scope> ScopeOf(const ScopeOptions& options, const std::string& base = "") {
  auto scope = Scope::New(options, base);
  EXPECT_TRUE(scope.ok()) << scope.status();
  return scope.ok() ? *scope : nullptr;
}

TEST(Scope, IsAPlaceWithoutThePlacesThatAreExcluded) {
  ScopeOptions options;
  options.include = {"OU=People, DC=corp", "OU=Abroad,DC=corp"};
  options.exclude = {"ou=robots,ou=people,dc=corp"};
  const auto scope = ScopeOf(options, "DC=corp");
  EXPECT_TRUE(scope->HoldsPlace("CN=Ada,OU=People,DC=corp"));
  EXPECT_TRUE(scope->HoldsPlace("CN=Ada,OU=Deep,OU=ABROAD,DC=corp"));
  EXPECT_FALSE(scope->HoldsPlace("CN=R2,OU=Robots,OU=People,DC=corp"));
  EXPECT_FALSE(scope->HoldsPlace("CN=Ada,OU=NoPeople,DC=corp"));
  EXPECT_FALSE(scope->HoldsPlace("CN=Ada,OU=People,DC=corp,DC=other"));
  EXPECT_TRUE(ScopeOf({})->HoldsPlace("CN=anybody"));
}

directory::Entry Account(const std::string& parent, const std::string& type) {
  directory::Entry entry;
  entry.dn = Cat("CN=Ada,", parent);
  entry.attributes = {{"objectclass", {"user"}},
                      {"objectguid", {std::string(16, 'g')}},
                      {"useraccountcontrol", {"512"}},
                      {"employeetype", {type}}};
  return entry;
}

std::optional<bool> InScope(const directory::Entry& entry,
                            const directory::ObserveOptions& options) {
  const auto view = directory::ObserveAccount(entry, options);
  EXPECT_TRUE(view.ok() && view->has_value());
  return (*view)->in_scope;
}

TEST(Scope, IsSaidOfEveryLook) {
  directory::ObserveOptions options;
  EXPECT_EQ(InScope(Account("OU=Staff,DC=corp", "person"), options), true);
  ScopeOptions scope;
  scope.exclude = {"OU=Out,DC=corp"};
  scope.filter = "(!(employeeType=service))";
  options.scope = ScopeOf(scope);
  EXPECT_EQ(InScope(Account("OU=Staff,DC=corp", "person"), options), true);
  EXPECT_EQ(InScope(Account("OU=Staff,DC=corp", "Service"), options), false);
  EXPECT_EQ(InScope(Account("OU=Out,DC=corp", "person"), options), false);
  const std::vector<std::string> names = RequestedAttributes(options);
  EXPECT_NE(std::find(names.begin(), names.end(), "employeeType"), names.end());
  // Of a deleted account only its place is left; where that is unknown too, nobody is left out.
  directory::Entry gone = Account("CN=Deleted Objects,DC=corp", "service");
  gone.attributes["isdeleted"] = {"TRUE"};
  EXPECT_EQ(InScope(gone, options), true);
  gone.attributes["lastknownparent"] = {"OU=Out,DC=corp"};
  EXPECT_EQ(InScope(gone, options), false);
  // Not readable is not out of scope.
  directory::Entry hidden = Account("OU=Out,DC=corp", "person");
  hidden.attributes.erase("useraccountcontrol");
  EXPECT_FALSE(InScope(hidden, options).has_value());
}

class KeepingSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (!batch.cursor.empty()) cursor = batch.cursor;
    if (!batch.snapshot_reason.empty()) reason = batch.snapshot_reason;
    for (const monitor::Observation& seen : batch.observations) {
      views.push_back(std::get<monitor::AdView>(seen.view));
    }
    co_return OkStatus();
  }
  std::string cursor;
  std::string reason;
  std::vector<monitor::AdView> views;
};

class Reading : public ::testing::Test {
 protected:
  Reading() {
    options_.name = monitor::SourceName("corp");
    options_.servers = {"ldaps://dc1"};
    FakeAccount ada;
    ada.name = "ada";
    forest_.controllers["ldaps://dc1"].Put(ada);
  }
  void Poll(std::string cursor) {
    options_.scope = ScopeOf(options_.scope_options, options_.base_dn);
    AdUsnSource follower(options_, forest_, clock_, quiet_);
    AdReadingSource source(follower, options_);
    sink_.views.clear();
    sink_.reason.clear();
    asio::io_context context;
    const Status polled =
        RunOn(context, source.Poll(std::move(cursor), monitor::BatchId("b"), sink_));
    EXPECT_TRUE(polled.ok()) << polled;
  }

  AdSourceOptions options_;
  FakeForest forest_;
  FakeClock clock_;
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  KeepingSink sink_;
};

TEST_F(Reading, EverybodyIsReadAgainWhenAnotherScopeIsConfigured) {
  Poll("");
  EXPECT_EQ(sink_.reason, monitor::kFirstRead);
  ASSERT_EQ(sink_.views.size(), 1u);
  EXPECT_EQ(sink_.views.front().in_scope, true);
  Poll(sink_.cursor);
  EXPECT_EQ(sink_.reason, "") << "nothing changed";
  EXPECT_TRUE(sink_.views.empty());
  options_.scope_options.exclude = {"OU=Staff,DC=corp"};
  Poll(sink_.cursor);
  EXPECT_EQ(sink_.reason, monitor::kReadingChanged);
  ASSERT_EQ(sink_.views.size(), 1u);
  EXPECT_EQ(sink_.views.front().in_scope, false);
  Poll(sink_.cursor);
  EXPECT_TRUE(sink_.views.empty());
  options_.kept_attributes = {"employeetype"};
  Poll(sink_.cursor);
  EXPECT_EQ(sink_.reason, monitor::kReadingChanged);
}

TEST_F(Reading, ACursorOfAnEarlierVersionIsReadAnew) {
  AdUsnSource bare(options_, forest_, clock_, quiet_);
  asio::io_context context;
  ASSERT_TRUE(RunOn(context, bare.Poll("", monitor::BatchId("b"), sink_)).ok());
  Poll(sink_.cursor);
  EXPECT_EQ(sink_.reason, monitor::kReadingChanged);
  EXPECT_EQ(sink_.views.size(), 1u);
  Poll("nonsense");
  EXPECT_EQ(sink_.reason, monitor::kCursorUnreadable);
}

}  // namespace
}  // namespace driftwarden::watchers
