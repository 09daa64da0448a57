// What the tenant says of itself reaches the link, on virtual time over a scripted tenant.

#include "daemon/tenant_loop.h"

#include <gtest/gtest.h>

#include "base/async/task_group.h"
#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

class FakeTruth final : public watchers::TenantTruth {
 public:
  asio::awaitable<Status> ReadSync(monitor::TenantLook* look, bool jobs) override {
    ++syncs;
    with_jobs += jobs ? 1 : 0;
    if (!failure.ok()) co_return failure;
    look->organization.emplace();
    look->organization->last_sync = last_sync;
    co_return OkStatus();
  }
  asio::awaitable<Status> ReadRest(monitor::TenantLook* look,
                                   std::vector<std::string> asked) override {
    ++rests;
    roles = std::move(asked);
    if (!failure.ok()) co_return failure;
    look->roles = holders;
    look->synchronization.emplace();
    look->synchronization->password_sync = password_sync;
    look->federated_domains.emplace();
    co_return OkStatus();
  }
  asio::awaitable<Status> ReadTransfers(monitor::TenantLook* look,
                                        std::vector<std::string> ids) override {
    for (const std::string& id : ids) look->cloud_managed[id] = id == moved;
    co_return OkStatus();
  }

  Status failure;
  absl::Time last_sync;
  std::optional<bool> password_sync = true;
  std::map<std::string, std::vector<std::string>> holders;
  std::string moved;
  std::vector<std::string> roles;
  int syncs = 0;
  int rests = 0;
  int with_jobs = 0;
};

std::shared_ptr<monitor::Policy> PolicyWithRole() {
  auto policy = TestPolicy();
  monitor::TierPolicy tier0;
  tier0.name = monitor::TierName(monitor::kTier0);
  tier0.match.entra_roles = {"Global Administrator"};
  policy->tiers = {tier0};
  return policy;
}

class TenantLoopTest : public ::testing::Test {
 protected:
  TenantLoopTest() { truth_.last_sync = fixture_.clock.Wall(); }
  Status Look(bool everything) { return fixture_.Await(loop_.LookOnce(everything)); }
  monitor::Person Known(int n) {
    store::PeopleKeys keys;
    keys.guids = {GuidOf(n)};
    const auto people = fixture_.store->LoadPeople(fixture_.engine->link(), keys);
    return people->by_ordinal.begin()->second;
  }

  EngineFixture fixture_{PolicyWithRole()};
  FakeTruth truth_;
  TenantLoop loop_{*fixture_.engine, truth_,       fixture_.scheduler,
                   fixture_.rng,     fixture_.log, TenantLoopOptions()};
};

TEST_F(TenantLoopTest, TheLastSyncAndTheRolesReachTheLinkAndItsPeople) {
  fixture_.Baseline(3);
  truth_.holders[Known(2).facts.entra->id] = {"Global Administrator"};
  ASSERT_TRUE(Look(true).ok());
  EXPECT_EQ(fixture_.engine->State()->engine_last_sync, truth_.last_sync);
  EXPECT_EQ(truth_.roles, std::vector<std::string>{"Global Administrator"});
  EXPECT_EQ(Known(2).tier.value, monitor::kTier0);
  EXPECT_EQ(Known(1).tier.value, monitor::kStandard);
}

TEST_F(TenantLoopTest, WhatSaysNothingNewIsNotCommitted) {
  fixture_.Baseline(1);
  ASSERT_TRUE(Look(true).ok());
  const auto before = fixture_.engine->State();
  ASSERT_TRUE(Look(true).ok());
  EXPECT_EQ(fixture_.engine->State(), before) << "the very same value";
}

TEST_F(TenantLoopTest, TheCycleIsLearnedFromTheLoopsOwnLooks) {
  fixture_.Baseline(1);
  ASSERT_TRUE(Look(false).ok());
  for (int i = 0; i < 21; ++i) {
    fixture_.scheduler.RunFor(absl::Minutes(2));
    truth_.last_sync += absl::Minutes(2);
    ASSERT_TRUE(Look(false).ok());
  }
  EXPECT_EQ(fixture_.engine->State()->learned_cycle, absl::Minutes(2));
  EXPECT_EQ(fixture_.engine->State()->tenant.cycle_gaps.size(), 21u);
  fixture_.scheduler.RunFor(absl::Hours(3));  // nobody looked
  truth_.last_sync += absl::Hours(3);
  ASSERT_TRUE(Look(false).ok());
  EXPECT_EQ(fixture_.engine->State()->tenant.cycle_gaps.size(), 21u);
}

TEST_F(TenantLoopTest, PeopleWithAnOpenEpisodeAreAskedAbout) {
  fixture_.Baseline(3);
  fixture_.Disable(2);
  fixture_.scheduler.RunFor(absl::Minutes(1));
  ASSERT_TRUE(fixture_.Await(fixture_.engine->ReviewDue()).ok());
  truth_.moved = Known(2).facts.entra->id;
  ASSERT_TRUE(Look(true).ok());
  EXPECT_EQ(Known(2).facts.entra->cloud_managed, monitor::Tri::kYes);
  EXPECT_EQ(Known(1).facts.entra->cloud_managed, monitor::Tri::kUnknown);
}

TEST_F(TenantLoopTest, AFailureKeepsWhatWasKnownAndIsTriedAgain) {
  fixture_.Baseline(1);
  ASSERT_TRUE(Look(true).ok());
  const auto before = fixture_.engine->State();
  truth_.failure = UnavailableError("down");
  EXPECT_EQ(Look(true).code(), StatusCode::kUnavailable);
  EXPECT_EQ(fixture_.engine->State()->tenant, before->tenant);
  truth_.failure = OkStatus();
  truth_.password_sync = false;
  EXPECT_TRUE(Look(true).ok());
  EXPECT_EQ(fixture_.engine->State()->tenant.password_sync, false);
}

TEST_F(TenantLoopTest, TheRestIsReadSeldomButAtOnceForOtherRoles) {
  fixture_.Baseline(1);
  TaskGroup group(fixture_.io.get_executor());
  group.Spawn(loop_.Run());
  fixture_.scheduler.RunFor(absl::Minutes(11));
  EXPECT_EQ(truth_.rests, 1);
  EXPECT_GE(truth_.syncs, 10);
  EXPECT_EQ(truth_.with_jobs, 0) << "Connect has none";
  auto policy = PolicyWithRole();
  policy->tiers.front().match.entra_roles.push_back("User Administrator");
  ASSERT_TRUE(fixture_.Await(fixture_.engine->SetPolicy(policy, "test")).ok());
  fixture_.scheduler.RunFor(absl::Minutes(2));
  EXPECT_EQ(truth_.rests, 2);
  EXPECT_EQ(truth_.roles.size(), 2u);
  group.Cancel();
  fixture_.scheduler.Settle();
}

}  // namespace
}  // namespace driftwarden::daemon
