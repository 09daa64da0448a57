// The command line: what a mistyped one is answered with.

#include "daemon/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/strings.h"
#include "daemon/verbs.h"

namespace driftwarden::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// What goes to stderr of a command line that is refused before anything is done.
std::string Refusal(const std::vector<std::string>& words) {
  std::vector<std::string> all = {"driftwarden"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  const int code = RunCommandLine(static_cast<int>(argv.size()), argv.data());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(code, kExitUsage) << JoinStrings(words, " ");
  return ::testing::internal::GetCapturedStderr();
}

TEST(CommandLine, AnUnknownVerbIsNamedWithThoseThereAre) {
  EXPECT_THAT(Refusal({"frobnicate"}),
              StartsWith("driftwarden: there is no verb \"frobnicate\"; there are run, demo, "));
  EXPECT_THAT(Refusal({"frobnicate", "--config", "f.yaml"}), HasSubstr("\"frobnicate\""));
  EXPECT_THAT(Refusal({"drift", "lst"}),
              StartsWith("driftwarden: there is no verb \"lst\" under drift; there are list, mark, "
                         "unmark, show, explain\n"));
}

TEST(CommandLine, AMissingVerbIsAskedForWithThoseThereAre) {
  EXPECT_THAT(Refusal({}), StartsWith("driftwarden: name a verb: run, demo, "));
  EXPECT_THAT(Refusal({"guard"}),
              StartsWith("driftwarden: name a verb under guard: list, reset\n"));
  EXPECT_THAT(Refusal({"run"}), HasSubstr("--config is required"));
  EXPECT_THAT(Refusal({"drift", "show"}), HasSubstr("USER is required"));
}

TEST(CommandLine, ALimitIsAWholeNumberFromOne) {
  for (const std::string wrong : {"0", "-1", "ten", "1.5", "99999999999999999999"}) {
    for (const std::vector<std::string>& verb :
         {std::vector<std::string>{"drift", "list"}, {"report", "unmanaged"}}) {
      EXPECT_THAT(Refusal({verb[0], verb[1], "--limit=" + wrong}),
                  HasSubstr("is not a whole number from 1 to 100000000\n"))
          << wrong;
    }
    EXPECT_THAT(Refusal({"policy", "replay", "--limit=" + wrong}),
                HasSubstr("is not a whole number from 1 to 10000\n"))
        << wrong;
  }
  // A good one is not what is refused.
  EXPECT_THAT(Refusal({"drift", "list", "--limit=1", "--format=x"}), Not(HasSubstr("--limit")));
}

}  // namespace
}  // namespace driftwarden::daemon
