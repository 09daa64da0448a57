#pragma once

// The story, scaled down: people appear on both sides, some are disabled in AD; most are disabled
// in Entra by the next sync, sealed and converge. One is skipped by the sync engine: warned about,
// revoked, contained, disabled by a later cycle, sealed. Another, with automation off for their
// tier, is breached and pages critical. A second tenant is fed by the same forest and skips nobody.

#include <memory>
#include <vector>

#include "tests/sim/stage.h"

namespace driftwarden::sim {

struct Cast {
  std::vector<uint64_t> leavers;  // disabled, carried by the next sync
  uint64_t skipped = 0;           // standard tier, skipped by the first tenant's sync
  uint64_t executive = 0;         // tier 0, automation off, never carried by the first tenant
};

struct StoryOptions {
  uint64_t people = 40;
  size_t leavers = 3;
  absl::Duration ad_poll = absl::Seconds(10);
  absl::Duration entra_poll = absl::Seconds(15);
  absl::Duration settle = absl::Seconds(5);
  uint64_t seed = 1;
  bool logs = false;  // the tenants' logs and devices are read too
};

// Timers of the story: everything is over after this.
constexpr absl::Duration kStoryLength = absl::Minutes(9);

std::shared_ptr<monitor::Policy> StoryPolicy(const std::string& link, const std::string& ad,
                                             const std::string& entra, const StoryOptions& options);
StageOptions StoryStage(const StoryOptions& options);
Cast CastOf(Stage& stage, const StoryOptions& options);

// Plays it from the stage's start to its end; the process may die as often as it likes.
void PlayStory(Stage& stage, const Cast& cast);
// Whether it came out as it must.
std::vector<std::string> JudgeStory(Stage& stage, const Cast& cast);

}  // namespace driftwarden::sim
