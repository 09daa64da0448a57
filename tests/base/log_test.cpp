#include "base/log.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/strings.h"

namespace driftwarden {
namespace {

class Log : public ::testing::Test {
 protected:
  Log() {
    std::string pattern = ::testing::TempDir() + "/driftwarden-log-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/log";
  }
  ~Log() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> Lines() const {
    auto lines = SplitString(*ReadFile(path_), '\n');
    lines.pop_back();  // after the last line end
    return lines;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(Log, LogfmtQuotesOnlyWhatNeedsIt) {
  {
    Logger log(LogLevel::kInfo, LogFormat::kLogfmt, path_);
    log.Warn(
        "source_down", "cannot connect",
        {{"source", "corp"}, {"tries", 3}, {"up", false}, {"why", "a \"b\"\nc=\\"}, {"none", ""}});
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  const size_t level = lines[0].find(" level=");
  EXPECT_EQ(lines[0].substr(0, 5), "time=");
  EXPECT_EQ(lines[0].substr(level),
            " level=warn event=source_down msg=\"cannot connect\" source=corp tries=3 up=false "
            "why=\"a \\\"b\\\"\\\\x0ac=\\\\\" none=\"\"");
}

TEST_F(Log, JsonLinesAreJson) {
  {
    Logger log(LogLevel::kDebug, LogFormat::kJson, path_);
    log.Debug("poll", "tab\there \"quoted\"",
              {{"count", 12}, {"share", 0.5}, {"ok", true}, {"name", "J\xf6rg"}});
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  boost::json::error_code error;
  const auto parsed = boost::json::parse(lines[0], error);
  ASSERT_FALSE(error) << lines[0];
  EXPECT_EQ(parsed.at("level").as_string(), "debug");
  EXPECT_EQ(parsed.at("event").as_string(), "poll");
  EXPECT_EQ(parsed.at("msg").as_string(), "tab\\x09here \"quoted\"");
  EXPECT_EQ(parsed.at("count").as_int64(), 12);
  EXPECT_EQ(parsed.at("share").as_double(), 0.5);
  EXPECT_TRUE(parsed.at("ok").as_bool());
  EXPECT_EQ(parsed.at("name").as_string(), "J\\xf6rg");
}

TEST_F(Log, LinesBelowTheLevelAreLeftOut) {
  {
    Logger log(LogLevel::kWarn, LogFormat::kLogfmt, path_);
    log.Debug("a", "a");
    log.Info("b", "b");
    log.Error("c", "c");
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("event=c"), std::string::npos);
}

TEST_F(Log, ThreadsWriteWholeLines) {
  constexpr int kThreads = 4, kEach = 200;
  {
    Logger log(LogLevel::kInfo, LogFormat::kJson, path_);
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < kEach; ++i) log.Info("tick", "text", {{"thread", t}, {"i", i}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const auto lines = Lines();
  EXPECT_EQ(lines.size(), size_t{kThreads * kEach});
  for (const std::string& line : lines) {
    boost::json::error_code error;
    boost::json::parse(line, error);
    EXPECT_FALSE(error) << line;
  }
}

}  // namespace
}  // namespace driftwarden
