// Whom a pass that ends counts as open though nobody is told of them yet.

#include <gtest/gtest.h>

#include "monitor/advice.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

bool IsOpen(World& world, int i) {
  return IsOpenForOnePass(world.person(i), world.link, world.policy, world.now);
}

// One person, enabled on both sides and known for a while, leaves in AD.
void LeaveAfterAWhile(World& world) {
  world.AddPerson(1);
  world.ReadAll();
  world.Advance(absl::Minutes(2));
  world.SetAd(1, false);
}

void SeeInAd(World& world) {
  world.Apply(world.AdBatch({1}));
  ASSERT_EQ(world.person(1).state, State::kPending);
}

TEST(OnePass, CountsWhoIsLateByTheOnlyLook) {
  World world;
  LeaveAfterAWhile(world);
  world.now += absl::Hours(2);  // and nobody looks
  SeeInAd(world);
  EXPECT_TRUE(IsOpen(world, 1));
}

TEST(OnePass, DoesNotCountWhoLeftAMomentAgo) {
  World world;
  LeaveAfterAWhile(world);
  SeeInAd(world);
  EXPECT_FALSE(IsOpen(world, 1));
}

// Directories tell whole seconds.
TEST(OnePass, DoesNotCountWhoLeftInTheSecondOfTheFirstLook) {
  World world;
  world.AddPerson(1);
  world.now += absl::Milliseconds(300);
  world.ReadAll();
  world.SetAd(1, false);
  world.ad(1).uac_stamp->originating_time = T0();
  world.now += absl::Milliseconds(200);
  SeeInAd(world);
  EXPECT_FALSE(IsOpen(world, 1));
}

TEST(OnePass, CountsWhoWasOutBeforeTheFirstLookThoughItWasAcceptedAMomentAgo) {
  World world;
  world.AddPerson(1);
  world.SetAd(1, false);
  world.now += absl::Seconds(1);
  world.ReadAll();
  ASSERT_EQ(world.person(1).state, State::kInherited);
  EXPECT_FALSE(IsOpen(world, 1)) << "counted as inherited, not twice";
  world.Commit(
      ApplyBaselineAccept(world.context(), world.LoadPeople({world.person(1).ordinal}), "uid:0"));
  ASSERT_EQ(world.person(1).state, State::kPending);
  EXPECT_TRUE(IsOpen(world, 1));
  world.SetEntra(1, false);
  world.ReadDirect(1);
  EXPECT_FALSE(IsOpen(world, 1)) << "out on both sides";
}

}  // namespace
}  // namespace driftwarden::monitor
