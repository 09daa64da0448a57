// The story, with a process that dies before and after every single commit of it.

#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/story.h"

namespace driftwarden::sim {
namespace {

// One run that dies at that commit; the commits of the whole run are returned.
uint64_t RunKilled(store::FaultPlan plan) {
  const StoryOptions options;
  Stage stage(StoryStage(options), NewMemoryDisk());
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

TEST(Kill, BeforeAndAfterEveryCommitOfTheStory) {
  const uint64_t commits = RunKilled({});
  RecordProperty("commits", static_cast<int>(commits));
  ASSERT_GT(commits, 50u);
  for (uint64_t n = 1; n <= commits; ++n) {
    for (const bool after : {false, true}) {
      RunKilled({n, after});
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace driftwarden::sim
