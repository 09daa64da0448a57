// The story, with a process that dies before and after every single commit of it; over RocksDB,
// whose own kills tests/store covers, before and after every tenth.

#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/story.h"

namespace driftwarden::sim {
namespace {

// One run that dies at that commit; the commits of the whole run are returned.
uint64_t RunKilled(store::FaultPlan plan, std::unique_ptr<Disk> (*disk)()) {
  StoryOptions options;
  options.logs = true;
  Stage stage(StoryStage(options), disk());
  const Cast cast = CastOf(stage, options);
  CallChecker calls(stage);
  stage.after_step = [&calls] { calls.Look(); };
  stage.Start(plan);
  PlayStory(stage, cast);
  stage.Stop();
  const std::string where =
      Cat("killed ", plan.after_commit ? "after" : "before", " commit ", plan.at_commit);
  EXPECT_EQ(Lines(calls.faults), "") << where;
  EXPECT_EQ(Lines(JudgeStory(stage, cast)), "") << where;
  EXPECT_EQ(stage.deaths(), plan.at_commit == 0 ? 0 : 1) << where;
  return stage.commits();
}

void KillAtCommits(std::unique_ptr<Disk> (*disk)(), uint64_t stride) {
  const uint64_t commits = RunKilled({}, disk);
  ASSERT_GT(commits, 50u);
  for (uint64_t n = 1; n <= commits; n += stride) {
    for (const bool after : {false, true}) {
      RunKilled({n, after}, disk);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(Kill, BeforeAndAfterEveryCommitOfTheStory) {
  KillAtCommits(NewMemoryDisk, kThinning);
}

TEST(Kill, BeforeAndAfterEveryTenthCommitOverRocks) {
  KillAtCommits(NewRocksDisk, 10 * kThinning);
}

}  // namespace
}  // namespace driftwarden::sim
