#include "watchers/ad_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/directory/fake_controller.h"
#include "tests/directory/run.h"

namespace driftwarden::watchers {
namespace {

class Reader : public ::testing::Test {
 protected:
  Reader() {
    AdSourceOptions options;
    options.name = monitor::SourceName("corp");
    options.servers = {"ldaps://dc1"};
    reader = std::make_unique<AdReader>(options, forest, clock, quiet);
    FakeAccount ada;
    ada.name = "ada";
    ada.control = 514;
    dc().Put(ada);
  }
  FakeController& dc() { return forest.controllers["ldaps://dc1"]; }
  static monitor::Guid Guid(const std::string& name) {
    return *monitor::Guid::FromBytes(FakeController::GuidOf(name));
  }
  StatusOr<monitor::Observation> Read(const std::string& name) {
    return RunOn(context, reader->ReadAccount(Guid(name)));
  }

  FakeForest forest;
  FakeClock clock;
  Logger quiet{LogLevel::kError, LogFormat::kLogfmt};
  asio::io_context context;
  std::unique_ptr<AdReader> reader;
};

TEST_F(Reader, ReadsOneAccountDirectly) {
  const absl::Time before = clock.now;
  const auto read = Read("ada");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->look.kind, monitor::LookKind::kDirect);
  EXPECT_EQ(read->look.source.value, "corp");
  EXPECT_GT(read->look.at.lo, before);
  EXPECT_GT(read->look.at.hi, read->look.at.lo);
  EXPECT_EQ(std::get<monitor::AdView>(read->view).Disabled(), true);
  EXPECT_EQ(dc().searches.size(), 1u);
  EXPECT_TRUE(dc().searches[0].show_deleted);
}

TEST_F(Reader, ReadsATombstone) {
  dc().accounts["ada"].deleted = true;
  const auto read = Read("ada");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<monitor::AdView>(read->view).deleted, true);
}

TEST_F(Reader, LooksTwiceBeforeItSaysNotFound) {
  EXPECT_EQ(Read("bob").status().code(), StatusCode::kNotFound);
  ASSERT_EQ(dc().searches.size(), 2u);
  EXPECT_EQ(dc().searches[1].filter,
            "(objectGUID=\\62\\6f\\62\\2e\\2e\\2e\\2e\\2e\\2e\\2e\\2e\\2e\\2e\\2e\\2e\\2e)");
}

TEST_F(Reader, AnIdleSessionThatEndedIsReplacedAtOnce) {
  ASSERT_TRUE(Read("ada").ok());
  bool once = true;
  dc().before = [&once](const directory::SearchRequest&) {
    return std::exchange(once, false) ? UnavailableError("connection lost") : OkStatus();
  };
  EXPECT_TRUE(Read("ada").ok());
  EXPECT_EQ(dc().opened, 2);
}

TEST_F(Reader, ALostNewSessionIsAnError) {
  dc().before = [](const directory::SearchRequest&) { return UnavailableError("lost"); };
  EXPECT_EQ(Read("ada").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(dc().opened, 1);
}

TEST_F(Reader, CallsWaitForEachOther) {
  int answered = 0;
  auto done = [&answered](const std::exception_ptr& error, StatusOr<monitor::Observation> read) {
    if (error) std::rethrow_exception(error);
    EXPECT_TRUE(read.ok()) << read.status();
    ++answered;
  };
  for (int i = 0; i < 5; ++i) asio::co_spawn(context, reader->ReadAccount(Guid("ada")), done);
  context.run_for(std::chrono::seconds(20));
  EXPECT_EQ(answered, 5);
  EXPECT_EQ(dc().opened, 1);
}

}  // namespace
}  // namespace driftwarden::watchers
