#include "watchers/ad_direct_reads.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <string>

#include "tests/directory/fake_controller.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::watchers {
namespace {

class DirectReads : public ::testing::Test {
 protected:
  DirectReads() {
    AdSourceOptions options;
    options.name = monitor::SourceName("corp");
    options.servers = {"ldaps://dc1", "ldaps://dc2"};
    reads_ = std::make_unique<AdDirectReads>(options, forest_, scheduler_, quiet_);
    Disabled("ldaps://dc1", "1", 514);
    Disabled("ldaps://dc2", "2", 514);
  }
  void Disabled(const std::string& server, const std::string& dsa, uint32_t control) {
    FakeController& dc = forest_.controllers[server];
    dc.dsa = std::string(16, dsa[0]);
    FakeAccount ada;
    ada.name = "ada";
    ada.control = control;
    dc.Put(ada);
  }
  FakeController& first() { return forest_.controllers["ldaps://dc1"]; }
  FakeController& second() { return forest_.controllers["ldaps://dc2"]; }
  static monitor::Guid Ada() { return *monitor::Guid::FromBytes(FakeController::GuidOf("ada")); }

  StatusOr<monitor::Observation> Run(asio::awaitable<StatusOr<monitor::Observation>> task) {
    std::optional<StatusOr<monitor::Observation>> result;
    auto done = [&result](const std::exception_ptr&, StatusOr<monitor::Observation> value) {
      result = std::move(value);
    };
    asio::co_spawn(io_, std::move(task), std::move(done));
    while (scheduler_.Step(absl::Minutes(1))) {
    }
    DW_CHECK(result.has_value());
    return *std::move(result);
  }
  StatusOr<monitor::Observation> Read() { return Run(reads_->ReadAccount(Ada())); }
  StatusOr<monitor::Observation> Elsewhere() { return Run(reads_->ReadAccountElsewhere(Ada())); }
  static bool IsOut(const StatusOr<monitor::Observation>& read) {
    return read.ok() && std::get<monitor::AdView>(read->view).Disabled().value_or(false);
  }

  asio::io_context io_;
  driftwarden::testing::SimClock clock_{*ParseRfc3339("2026-11-21T02:02:00Z")};
  driftwarden::testing::SimScheduler scheduler_{io_, clock_};
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  FakeForest forest_;
  std::unique_ptr<AdDirectReads> reads_;
};

TEST_F(DirectReads, ASecondOpinionComesFromAnotherController) {
  EXPECT_TRUE(IsOut(Read()));
  second().accounts["ada"].control = 512;
  const auto elsewhere = Elsewhere();
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_FALSE(IsOut(elsewhere));
  EXPECT_EQ(first().searches.size(), 1u);
  EXPECT_EQ(second().searches.size(), 1u);
  EXPECT_TRUE(Elsewhere().ok());
  EXPECT_EQ(second().opened, 1) << "its session is kept";
}

TEST_F(DirectReads, TheSameControllerUnderAnotherNameIsNoSecondOpinion) {
  second().dsa = first().dsa;
  EXPECT_TRUE(Read().ok());
  const auto elsewhere = Elsewhere();
  EXPECT_EQ(elsewhere.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(elsewhere.status()).find("the same controller"), std::string::npos);
  EXPECT_TRUE(second().searches.empty());
}

TEST_F(DirectReads, AReadOnlyControllerIsNoSecondOpinion) {
  second().read_only = true;
  EXPECT_TRUE(Read().ok());
  EXPECT_EQ(Elsewhere().status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(second().searches.empty());
}

TEST_F(DirectReads, ItFollowsWhenTheSourceGoesToTheSecondController) {
  EXPECT_TRUE(Read().ok());
  EXPECT_TRUE(Elsewhere().ok());
  first().before = [](const directory::SearchRequest&) { return UnavailableError("lost"); };
  first().open_error = UnavailableError("connection refused");
  EXPECT_TRUE(Read().ok());
  first().open_error = OkStatus();
  first().before = nullptr;
  const size_t asked = second().searches.size();
  EXPECT_TRUE(Elsewhere().ok());
  EXPECT_EQ(second().searches.size(), asked) << "it is the first opinion now";
}

TEST_F(DirectReads, ASecondControllerThatDoesNotAnswerIsGivenUpAfterTwoSeconds) {
  EXPECT_TRUE(Read().ok());
  second().silent = true;
  const absl::Duration begun = clock_.Steady();
  const auto elsewhere = Elsewhere();
  EXPECT_EQ(elsewhere.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(clock_.Steady() - begun, kSecondOpinionLimit);
  second().silent = false;
  EXPECT_TRUE(Elsewhere().ok());
}

}  // namespace
}  // namespace driftwarden::watchers
