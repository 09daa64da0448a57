#include <gtest/gtest.h>

#include "base/hex.h"
#include "tests/sim/checks.h"
#include "tests/sim/story.h"

namespace driftwarden::sim {
namespace {

struct Backend {
  const char* name;
  std::unique_ptr<Disk> (*make)();
};

class Story : public ::testing::TestWithParam<Backend> {};
INSTANTIATE_TEST_SUITE_P(Stores, Story,
                         ::testing::Values(Backend{"Memory", NewMemoryDisk},
                                           Backend{"Rocks", NewRocksDisk}),
                         [](const auto& backend) { return std::string(backend.param.name); });

TEST_P(Story, EndsAsItMust) {
  StoryOptions options;
  options.people = 200;
  options.leavers = 10;
  options.ad_poll = absl::Seconds(5);
  options.entra_poll = absl::Seconds(10);
  Stage stage(StoryStage(options), GetParam().make());
  const Cast cast = CastOf(stage, options);
  CallChecker calls(stage);
  stage.after_step = [&calls] { calls.Look(); };
  stage.Start({});
  PlayStory(stage, cast);
  stage.Stop();
  EXPECT_EQ(Lines(calls.faults), "");
  EXPECT_EQ(Lines(JudgeStory(stage, cast)), "");
  EXPECT_EQ(stage.deaths(), 0);
}

TEST_P(Story, EndsAsItMustAfterManyDeaths) {
  StoryOptions options;
  options.logs = true;
  Stage stage(StoryStage(options), GetParam().make());
  const Cast cast = CastOf(stage, options);
  CallChecker calls(stage);
  stage.after_step = [&calls] { calls.Look(); };
  SeededRng rng(7);
  stage.later = [&rng] {
    store::FaultPlan plan;
    plan.at_commit = 8 + rng.Below(25);
    plan.after_commit = rng.Below(2) == 0;
    return plan;
  };
  stage.Start(stage.later());
  PlayStory(stage, cast);
  stage.Stop();
  EXPECT_EQ(Lines(calls.faults), "");
  EXPECT_EQ(Lines(JudgeStory(stage, cast)), "");
  EXPECT_GT(stage.deaths(), 5);
}

TEST(Sim, TheSameSeedGivesTheSameRun) {
  std::string traces[2];
  for (std::string& trace : traces) {
    const StoryOptions options;
    Stage stage(StoryStage(options), NewMemoryDisk());
    const Cast cast = CastOf(stage, options);
    stage.Start({});
    PlayStory(stage, cast);
    stage.Stop();
    for (size_t link = 0; link < stage.links(); ++link) {
      const auto state = stage.store().LoadLink(stage.link(link).policy->link);
      ASSERT_TRUE(state.ok() && state->has_value());
      trace += HexEncode(DigestBytes((*state)->evidence_hash));
    }
  }
  EXPECT_EQ(traces[0], traces[1]);
}

}  // namespace
}  // namespace driftwarden::sim
