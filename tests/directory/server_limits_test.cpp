// The limits that Windows has and Samba has not, over real sessions against the simulator's
// controller: nobody is lost to one, and nothing is asked for ever.

#include "tests/directory/simulated_controller.h"

namespace driftwarden::watchers {
namespace {

using ::testing::HasSubstr;

class ServerLimits : public SimulatedController {
 protected:
  // Rounds until everybody was read; false when one fails.
  ::testing::AssertionResult ReadAll(ChangeSource& source) {
    for (int round = 0; round < 200; ++round) {
      sink_.complete = false;
      const Status polled =
          RunOn(context_, source.Poll(sink_.cursor, monitor::BatchId("round"), sink_));
      if (!polled.ok()) return ::testing::AssertionFailure() << polled;
      if (sink_.complete) return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << "no end in 200 rounds";
  }
};

TEST_F(ServerLimits, AFullReadIsMadeOfWindowsThatTheServerGives) {
  for (const int code : {3, 4, 11}) {
    Restart();
    sink_ = CollectingSink();
    Faults([&](auto& faults) {
      faults.match_limit = 40;
      faults.limit_code = code;
    });
    EXPECT_TRUE(ReadAll(*usn_)) << code;
    EXPECT_GE(sink_.seen.size(), 290U) << code;
  }
}

TEST_F(ServerLimits, ManyChangesAreReadInWindowsThatTheServerGives) {
  ASSERT_TRUE(ReadAll(*usn_));
  for (int i = 100; i < 180; ++i) Disable(Cat("u0000", i));
  Delete("u0000190");
  for (const int code : {3, 4, 11}) {
    const std::string cursor = sink_.cursor;
    sink_.seen.clear();
    Faults([&](auto& faults) {
      faults.match_limit = 15;
      faults.limit_code = code;
    });
    EXPECT_TRUE(ReadAll(*usn_)) << code;
    EXPECT_EQ(sink_.seen.size(), 81U) << code;
    for (int i = 100; i < 180; ++i) EXPECT_EQ(sink_.seen[Cat("u0000", i)].Disabled(), true) << i;
    EXPECT_EQ(sink_.seen["u0000190"].deleted, true);
    sink_.cursor = cursor;
  }
}

TEST_F(ServerLimits, RowsOfDirSyncAreReadInSearchesThatTheServerGives) {
  ASSERT_TRUE(ReadAll(*dirsync_));
  for (int i = 200; i < 260; ++i) Disable(Cat("u0000", i));
  sink_.seen.clear();
  Faults([&](auto& faults) { faults.match_limit = 15; });
  EXPECT_TRUE(ReadAll(*dirsync_));
  EXPECT_EQ(sink_.seen.size(), 60U);
}

TEST_F(ServerLimits, PagesSmallerThanAskedForLoseNobody) {
  options_.page_size = 1000;
  Restart();
  Faults([](auto& faults) { faults.page_limit = 7; });
  EXPECT_TRUE(ReadAll(*usn_));
  EXPECT_GE(sink_.seen.size(), 290U);
}

TEST_F(ServerLimits, AServerThatIsBusyIsAskedAgainFromTheSamePlace) {
  ASSERT_TRUE(ReadAll(*usn_));
  Disable("u0000270");
  const std::string cursor = sink_.cursor;
  for (const bool busy : {true, false}) {
    Faults([&](auto& faults) {
      faults.busy = busy;
      faults.unavailable = !busy;
    });
    const Status polled =
        RunOn(context_, usn_->Poll(sink_.cursor, monitor::BatchId("round"), sink_));
    EXPECT_EQ(polled.code(), StatusCode::kUnavailable) << polled;
    EXPECT_THAT(std::string(Message(polled)), HasSubstr(busy ? "(busy" : "(unavailable"));
    EXPECT_EQ(sink_.cursor, cursor);
  }
  Faults([](auto& faults) { faults = {}; });
  sink_.seen.clear();
  EXPECT_TRUE(ReadAll(*usn_));
  EXPECT_EQ(sink_.seen["u0000270"].Disabled(), true);
}

TEST_F(ServerLimits, ValuesThatComeInPartsAreReadToTheirEnd) {
  const auto read = [this] {
    auto opened = Open();
    EXPECT_TRUE(opened.ok()) << opened.status();
    directory::SearchRequest request = Everything();
    request.filter = "(sAMAccountName=u0000003)";
    request.attributes = {"objectGUID", "objectClass", "msDS-ReplAttributeMetaData"};
    const auto page = RunOn(context_, (*opened)->Search(std::move(request)));
    EXPECT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->entries.size(), 1U);
    return page->entries.front().attributes;
  };
  const auto whole = read();
  EXPECT_GE(whole.at("msds-replattributemetadata").size(), 3U);
  for (const int limit : {1, 2, 3}) {
    Faults([&](auto& faults) { faults.value_limit = limit; });
    EXPECT_EQ(read(), whole) << limit;
  }
}

}  // namespace
}  // namespace driftwarden::watchers
