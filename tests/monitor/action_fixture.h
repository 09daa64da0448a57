#pragma once

// Forty people, the last of them of tier 0, and a link that acts by itself a minute after a
// disable.

#include <gtest/gtest.h>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {

class ActionTest : public ::testing::Test {
 protected:
  ActionTest() {
    for (int i = 1; i <= 40; ++i) world.AddPerson(i);
    world.ad(40).admin_count = true;
    world.ReadAll();
    world.policy.remediation.mode = Mode::kAuto;
    world.policy.tiers.back().revoke_after = absl::Minutes(1);
    world.Advance(absl::Minutes(1));
  }

  void Disable(int i) {
    world.SetAd(i, false);
    world.now += absl::Seconds(1);
    world.AdRound({i});
  }

  const Action& Only(int i) {
    EXPECT_EQ(world.ActionsOf(i).size(), 1u);
    for (const auto& [id, action] : world.actions) {
      if (action.person == world.person(i).ordinal) return action;
    }
    static const Action kNone;
    return kNone;
  }

  const GateResult* Failed(const Action& action) {
    for (const GateResult& gate : action.gates) {
      if (!gate.ok) return &gate;
    }
    return nullptr;
  }

  World world;
};

}  // namespace driftwarden::monitor
