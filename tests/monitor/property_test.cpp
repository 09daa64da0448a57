// Random histories from a seed: applying every batch twice, or late, gives the same people;
// counters equal a recount, evidence verifies and no purpose has two live actions (World::Check,
// after every commit); and once everything is quiet, everybody ends where the truth says.

#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

constexpr int kPeople = 12;

class History {
 public:
  explicit History(uint64_t seed) : dice_(seed), world_("link", seed) {
    for (int i = 1; i <= kPeople; ++i) {
      world_.AddPerson(i);
      if (dice_.Below(6) == 0) world_.SetAd(i, false, 3);
      if (dice_.Below(6) == 0) world_.SetEntra(i, false);
      if (dice_.Below(8) == 0) world_.ad(i).admin_count = true;
    }
    world_.policy.remediation.mode = Mode::kAuto;
    world_.policy.remediation.budgets.per_10m = 3;
    world_.policy.tiers.back().warn_after = absl::Minutes(3);
    world_.policy.tiers.back().revoke_after = absl::Minutes(4);
    world_.policy.tiers.back().breach_after = absl::Minutes(8);
    ApplyTwice(world_.AdBatch(All(), true));
    world_.now += absl::Seconds(1);
    ApplyTwice(world_.EntraBatch(All(), true));
    world_.now += absl::Minutes(1);
  }

  void Step() {
    world_.now += absl::Milliseconds(static_cast<int64_t>(500 + dice_.Below(40'000)));
    switch (dice_.Below(12)) {
      case 0:
        world_.SetAd(Any(), false, 1 + static_cast<uint32_t>(dice_.Below(3)));
        break;
      case 1:
        world_.SetAd(Any(), true, 1 + static_cast<uint32_t>(dice_.Below(2)));
        break;
      case 2:
        world_.SetEntra(Any(), false);
        break;
      case 3:
        world_.SetEntra(Any(), true);
        break;
      case 4:
        ApplyTwice(world_.AdBatch({Any(), Any(), Any()}));
        break;
      case 5:
        ApplyTwice(world_.EntraBatch({Any(), Any(), Any()}));
        break;
      case 6:
        world_.ReadDirect(Any());
        break;
      case 7:
        world_.RunActions();
        break;
      case 8:
        world_.Deliver();
        break;
      case 9:
        DeleteSomebody();
        break;
      case 10:
        MoveAnchor();
        break;
      default:
        world_.Advance(absl::Minutes(1));
        break;
    }
    world_.ReviewDue();
  }

  // Reads everything until nothing changes any more.
  void Settle() {
    world_.policy.remediation.breakers.max_percent_per_day = 0;
    for (const char* guard : kAllGuards) {
      world_.Commit(ApplyGuardReset(world_.context(), {}, guard, "ann", "the end"));
    }
    world_.policy.remediation.budgets = {1000, 1000, 1000, absl::Minutes(1), 1000};
    for (int round = 0; round < 40; ++round) {
      world_.now += absl::Minutes(1);
      world_.AdRound(All());
      world_.EntraRound(All());
      for (int i = 1; i <= kPeople; ++i) world_.ReadDirect(i);
      world_.ReviewDue();
      world_.RunActions();
      world_.Deliver();
    }
  }

  World& world() { return world_; }

 private:
  std::vector<int> All() const {
    std::vector<int> all;
    for (int i = 1; i <= kPeople; ++i) all.push_back(i);
    return all;
  }
  int Any() { return 1 + static_cast<int>(dice_.Below(kPeople)); }

  void DeleteSomebody() {
    const int i = Any();
    if (dice_.Below(3) != 0) return;
    if (dice_.Below(2) == 0) {
      if (!world_.ad(i).deleted.value_or(false)) world_.DeleteAd(i);
    } else {
      world_.entra(i).deletion = EntraDeletion::kSoft;
    }
  }

  void MoveAnchor() {
    const int i = Any();
    if (dice_.Below(4) != 0 || world_.ad(i).deleted.value_or(false)) return;
    world_.ad(i).consistency_guid = std::string(World::Ad(i + 100).object_guid.Raw());
    ++world_.ad(i).usn_changed;
    world_.entra(i).immutable_id = AnchorOf(*world_.ad(i).consistency_guid);
  }

  void ApplyTwice(const ChangeBatch& batch) {
    world_.Apply(batch);
    const auto people = world_.people;
    const LinkState link = world_.link;
    const size_t evidence = world_.evidence.size();
    world_.Apply(batch);
    EXPECT_EQ(world_.people, people);
    EXPECT_EQ(world_.link, link);
    EXPECT_EQ(world_.evidence.size(), evidence);
  }

  SeededRng dice_;
  World world_;
};

TEST(Property, RandomHistoriesKeepEveryInvariantAndEndInTheTruth) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(Cat("seed ", seed));
    History history(seed);
    for (int step = 0; step < 200 && !::testing::Test::HasFailure(); ++step) history.Step();
    history.Settle();
    World& world = history.world();
    for (int i = 1; i <= kPeople; ++i) {
      const Person& person = world.person(i);
      ASSERT_TRUE(person.facts.entra.has_value()) << i;
      ASSERT_EQ(person.facts.ad.size(), 1u) << i;
      const bool gone = world.entra(i).deletion != EntraDeletion::kLive;
      EXPECT_EQ(person.facts.EntraGone(), gone) << i;
      EXPECT_EQ(Departed(person.facts.ad[0]),
                world.ad(i).deleted.value_or(false) || *world.ad(i).Disabled())
          << i;
      const bool departed = Departed(person.facts.ad[0]);
      const bool live = person.facts.EntraLive();
      const std::string_view phase = StateText(person.phase);
      if (!departed && live) {
        EXPECT_EQ(phase, "aligned") << i;
      }
      if (departed && gone) {
        EXPECT_EQ(phase, "converged") << i;
        EXPECT_FALSE(person.episode.has_value()) << i;
      }
      if (departed && live && !person.memory.inherited) {
        EXPECT_TRUE(person.episode.has_value()) << i;
        EXPECT_TRUE(phase == "breached" || phase == "contained" || phase == "regressed") << phase;
      }
      // A tombstone has lost an anchor that was written just before: then a human decides.
      const bool may_act = person.tier.value == kStandard && !person.memory.inherited &&
                           GradeOf(person.facts) == IdentityGrade::kStrong;
      if (departed && !live && !gone && may_act) {
        EXPECT_EQ(phase, "converged") << i;
      }
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Property, BatchesOfOneSourceInAnyOrderGiveTheSameFacts) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRng dice(seed);
    World in_order("link", 1);
    World shuffled("link", 1);
    for (World* world : {&in_order, &shuffled}) {
      world->AddPerson(1);
      world->ReadAll();
    }
    std::vector<ChangeBatch> batches;
    bool enabled = true;
    for (int i = 0; i < 5; ++i) {
      in_order.now += absl::Seconds(20);
      enabled = !enabled;
      in_order.SetAd(1, enabled);
      batches.push_back(in_order.AdBatch({1}));
    }
    for (const ChangeBatch& batch : batches) in_order.Apply(batch);
    shuffled.now = in_order.now;
    for (size_t i = batches.size(); i > 1; --i) std::swap(batches[i - 1], batches[dice.Below(i)]);
    for (const ChangeBatch& batch : batches) shuffled.Apply(batch);
    const AdHalf& a = in_order.person(1).facts.ad[0];
    const AdHalf& b = shuffled.person(1).facts.ad[0];
    EXPECT_EQ(a.disabled, b.disabled);
    EXPECT_EQ(a.uac_stamp, b.uac_stamp);
    EXPECT_LE(b.disabled_since.hi, a.disabled_since.hi) << "never moved forward";
    EXPECT_LE(b.disabled_since.lo, a.disabled_since.lo) << "bounds may only be wider";
  }
}

}  // namespace
}  // namespace driftwarden::monitor
