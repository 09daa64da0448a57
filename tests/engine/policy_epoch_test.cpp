// A policy that changes: in the evidence before anything is decided by it, and everybody is judged
// by it although the process dies in between.

#include "monitor/policy_epoch.h"

#include <gtest/gtest.h>

#include "monitor/evidence.h"
#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::EvidenceEntry;

constexpr int kPeople = 12;
constexpr char kVip[] = "vip";

EngineOptions FewAtOnce() {
  EngineOptions options;
  options.review_limit = 5;
  return options;
}

// Everybody is in another tier.
std::shared_ptr<monitor::Policy> Edited() {
  auto policy = TestPolicy();
  monitor::TierPolicy vip;
  vip.name = monitor::TierName(kVip);
  vip.match.ous = {"DC=corp,DC=example"};
  policy->tiers = {vip};
  return policy;
}

std::vector<EvidenceEntry> Entries(EngineFixture& f, const std::string& type) {
  std::vector<EvidenceEntry> entries = *f.store->Evidence(f.engine->link(), 1, 1000);
  uint64_t seq = 0;
  Sha256Digest hash{};
  for (const EvidenceEntry& entry : entries) {
    EXPECT_TRUE(monitor::VerifyEvidence(entry, seq, hash).ok());
    seq = entry.seq;
    hash = entry.hash;
  }
  std::erase_if(entries, [&](const EvidenceEntry& entry) { return entry.type != type; });
  return entries;
}

int InTier(EngineFixture& f, const std::string& tier) {
  int count = 0;
  for (const auto& [key, people] : f.engine->State()->users) {
    if (key.tier.value == tier) count += static_cast<int>(people);
  }
  return count;
}

TEST(PolicyEpoch, TheFirstPolicyIsRecordedWithTheFirstCommit) {
  EngineFixture f;
  f.Baseline(1);
  const auto epochs = Entries(f, "policy_epoch");
  ASSERT_EQ(epochs.size(), 1u);
  EXPECT_EQ(epochs[0].seq, 1u);
  EXPECT_EQ(epochs[0].details.at("actor"), "start");
  EXPECT_EQ(epochs[0].details.at("epoch"), "1");
  EXPECT_EQ(epochs[0].details.count("changed"), 0u);
  EXPECT_TRUE(monitor::IsJudged(f.engine->State()->policy)) << "nobody was there before it";
}

TEST(PolicyEpoch, AChangeStandsInTheEvidenceBeforeWhatIsDecidedByIt) {
  EngineFixture f;
  f.Baseline(2);
  f.scheduler.RunFor(absl::Seconds(5));
  ASSERT_TRUE(f.Await(f.engine->SetPolicy(Edited(), "uid:ada")).ok());
  f.Disable(1);
  const auto epochs = Entries(f, "policy_epoch");
  const auto changes = Entries(f, "state_changed");
  ASSERT_EQ(epochs.size(), 2u);
  ASSERT_FALSE(changes.empty());
  EXPECT_LT(epochs[1].seq, changes[0].seq);
  EXPECT_EQ(epochs[1].details.at("actor"), "uid:ada");
  EXPECT_EQ(epochs[1].details.at("changed"), "tiers");
  EXPECT_NE(epochs[1].details.at("policy"), epochs[0].details.at("policy"));
  EXPECT_FALSE(monitor::IsJudged(f.engine->State()->policy)) << "the other one is not judged yet";
  EXPECT_EQ(InTier(f, kVip), 1);
}

TEST(PolicyEpoch, EverybodyIsJudgedThoughTheProcessDiesAtAnyCommitOfIt) {
  bool died = true;
  for (uint64_t n = 1; died; ++n) {
    for (const bool after : {false, true}) {
      const auto disk = std::make_shared<store::MemDisk>();
      uint64_t judged_before = 0;
      {
        EngineFixture first(TestPolicy(), "/dev/null", disk);
        first.Baseline(kPeople);
      }
      {
        EngineFixture second(TestPolicy(), "/dev/null", disk, {n, after}, FewAtOnce());
        ASSERT_TRUE(second.Await(second.engine->SetPolicy(Edited(), "uid:ada")).ok());
        const Status judged = second.Await(second.engine->ReviewAll());
        died = second.store->dead();
        EXPECT_EQ(judged.ok(), !died) << judged;
        judged_before = std::min<uint64_t>(5 * (after ? n : n - 1), kPeople);
      }
      EngineFixture third(Edited(), "/dev/null", disk, {}, FewAtOnce());
      EXPECT_EQ(third.engine->State()->policy.judged, judged_before) << n << after;
      ASSERT_TRUE(third.Await(third.engine->ReviewAll()).ok());
      EXPECT_EQ(InTier(third, kVip), kPeople);
      EXPECT_EQ(third.store->commits(), (kPeople - judged_before + 4) / 5) << "nobody twice";
      const auto epochs = Entries(third, "policy_epoch");
      ASSERT_EQ(epochs.size(), 2u) << n << after;
      EXPECT_EQ(epochs[1].details.at("actor"), judged_before > 0 ? "uid:ada" : "start");
      EXPECT_EQ(epochs[1].details.at("changed"), "tiers");
      const auto faults = third.store->Check();
      ASSERT_TRUE(faults.ok());
      EXPECT_TRUE(faults->empty()) << faults->front();
      if (!died) break;
    }
  }
}

TEST(PolicyEpoch, ARestartWithTheSamePolicyHasNothingToDo) {
  const auto disk = std::make_shared<store::MemDisk>();
  {
    EngineFixture first(TestPolicy(), "/dev/null", disk);
    first.Baseline(3);
  }
  EngineFixture second(TestPolicy(), "/dev/null", disk);
  EXPECT_TRUE(second.Await(second.engine->ReviewAll()).ok());
  EXPECT_EQ(second.store->commits(), 0u);
}

TEST(PolicyEpoch, AChangeInTheMiddleOfJudgingBeginsAgain) {
  const auto disk = std::make_shared<store::MemDisk>();
  {
    EngineFixture first(TestPolicy(), "/dev/null", disk);
    first.Baseline(kPeople);
    ASSERT_TRUE(first.Await(first.engine->SetPolicy(Edited(), "uid:ada")).ok());
  }
  {
    EngineFixture second(Edited(), "/dev/null", disk, {2, true}, FewAtOnce());
    EXPECT_FALSE(second.Await(second.engine->ReviewAll()).ok());
  }
  EngineFixture third(TestPolicy(), "/dev/null", disk, {}, FewAtOnce());
  ASSERT_TRUE(third.Await(third.engine->ReviewAll()).ok());
  EXPECT_EQ(InTier(third, kVip), 0);
  EXPECT_EQ(third.engine->State()->policy.number, 3u);
  EXPECT_EQ(Entries(third, "policy_epoch").size(), 3u);
}

}  // namespace
}  // namespace driftwarden::daemon
