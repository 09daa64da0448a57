// Whom a full read of the tenant did not return, and the slow comparison with the tenant, on
// virtual time.

#include "daemon/tenant_verification_loop.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::EntraDeletion;
using monitor::Observation;

constexpr int kPeople = 50;

// Accounts as a test sets them; who is absent is in neither place.
class MapTenant final : public watchers::TenantReader {
 public:
  explicit MapTenant(const Clock& clock) : clock_(clock) {}
  asio::awaitable<StatusOr<Observation>> ReadUser(std::string id, monitor::ActionId) override {
    co_return Read(id);
  }
  asio::awaitable<std::vector<StatusOr<Observation>>> ReadUsers(std::vector<std::string> ids,
                                                                monitor::BatchId) override {
    ++requests;
    std::vector<StatusOr<Observation>> seen;
    for (const std::string& id : ids) seen.push_back(Read(id));
    co_return seen;
  }
  std::map<std::string, monitor::EntraView> accounts;
  std::map<std::string, int> asked;
  std::map<std::string, Status> failures;
  int requests = 0;

 private:
  StatusOr<Observation> Read(const std::string& id) {
    ++asked[id];
    if (failures.contains(id)) return failures.at(id);
    monitor::EntraView view;
    view.id = id;
    view.deletion = EntraDeletion::kHard;
    if (accounts.contains(id)) view = accounts.at(id);
    return Seen("contoso", view, clock_.Wall(), monitor::LookKind::kDirect);
  }
  const Clock& clock_;
};

class Counts final : public VerificationObserver {
 public:
  void OnVerified(const monitor::SourceName&, Verified result) override { ++of[result]; }
  void OnPass(const monitor::SourceName&, absl::Time) override { ++passes; }
  std::map<Verified, int> of;
  int passes = 0;
};

// A monitor's process over a store; the tenant and the store outlive it.
struct Process {
  explicit Process(std::shared_ptr<store::MemDisk> disk = nullptr)
      : fixture(TestPolicy(), "/dev/null", std::move(disk)), tenant(fixture.clock) {
    for (int n = 1; n <= kPeople; ++n) tenant.accounts[EntraIdOf(n)] = EntraPerson(n, true);
    loop = std::make_unique<TenantVerificationLoop>(
        VerificationParts{*fixture.engine, *fixture.store, fixture.lane, fixture.scheduler,
                          fixture.rng, fixture.log, counts},
        monitor::SourceName("contoso"), tenant, TenantVerificationOptions());
  }
  // A full read that replaces the cursor, and returns everybody but these.
  void Reset(const std::vector<int>& missing) {
    fixture.scheduler.RunFor(absl::Minutes(1));
    std::vector<Observation> seen;
    for (int n = 1; n <= kPeople; ++n) {
      if (std::find(missing.begin(), missing.end(), n) != missing.end()) continue;
      seen.push_back(Seen("contoso", EntraPerson(n, true), fixture.clock.Wall()));
    }
    const Status taken =
        fixture.Deliver(Round("contoso", fixture.clock.Wall(), std::move(seen), "again", true));
    EXPECT_TRUE(taken.ok()) << taken;
  }
  void EmptyRound() {
    const absl::Time now = fixture.clock.Wall();
    const Status taken =
        fixture.Deliver(Round("contoso", now, {}, Cat("delta-", absl::ToUnixMillis(now))));
    EXPECT_TRUE(taken.ok()) << taken;
  }
  Status Slice() { return fixture.Await(loop->VerifySlice()); }
  void Pass() {
    const int before = counts.passes;
    for (int i = 0; i < 100 && counts.passes == before; ++i) EXPECT_TRUE(Slice().ok());
  }
  bool Owed() { return fixture.engine->State()->unreturned_since.has_value(); }
  monitor::EntraHalf Known(int n) {
    store::PeopleKeys keys;
    keys.entra_ids = {EntraIdOf(n)};
    const auto people = fixture.store->LoadPeople(fixture.engine->link(), keys);
    return *people->by_ordinal.begin()->second.facts.entra;
  }

  EngineFixture fixture;
  MapTenant tenant;
  Counts counts;
  std::unique_ptr<TenantVerificationLoop> loop;
};

TEST(TenantReset, WhoWasNotReturnedIsReadAndNothingIsInferredFromAbsence) {
  Process process;
  process.fixture.Baseline(kPeople);
  process.tenant.accounts.erase(EntraIdOf(7));
  process.tenant.accounts[EntraIdOf(8)].deletion = EntraDeletion::kSoft;
  process.Reset({7, 8, 9});
  ASSERT_TRUE(process.Owed());
  EXPECT_EQ(process.Known(7).deletion, EntraDeletion::kLive) << "missing from a page says nothing";
  ASSERT_TRUE(process.Slice().ok());
  EXPECT_EQ(process.tenant.asked.size(), 3u) << "nobody else is asked for";
  EXPECT_EQ(process.Known(7).deletion, EntraDeletion::kHard);
  EXPECT_EQ(process.Known(8).deletion, EntraDeletion::kSoft);
  EXPECT_EQ(process.Known(9).deletion, EntraDeletion::kLive);
  EXPECT_EQ(process.counts.of[Verified::kAbsent], 2);
  EXPECT_EQ(process.counts.of[Verified::kSame], 1);
  EXPECT_FALSE(process.Owed());
}

TEST(TenantReset, WhoWasDeletedAlreadyIsReadTooForNoFullReadTellsOfAPurge) {
  Process process;
  process.fixture.Baseline(kPeople);
  for (const int n : {7, 8}) process.tenant.accounts[EntraIdOf(n)].deletion = EntraDeletion::kSoft;
  process.Reset({7, 8});
  ASSERT_TRUE(process.Slice().ok());
  ASSERT_EQ(process.Known(7).deletion, EntraDeletion::kSoft);
  process.counts.of.clear();
  process.tenant.accounts.erase(EntraIdOf(7));
  process.Reset({7, 8});
  ASSERT_TRUE(process.Slice().ok());
  EXPECT_EQ(process.Known(7).deletion, EntraDeletion::kHard);
  EXPECT_EQ(process.Known(8).deletion, EntraDeletion::kSoft);
  EXPECT_EQ(process.counts.of[Verified::kAbsent], 1);
  EXPECT_EQ(process.counts.of[Verified::kSame], 1);
  process.tenant.asked.clear();
  process.Reset({7, 8});
  ASSERT_TRUE(process.Slice().ok());
  EXPECT_EQ(process.tenant.asked.size(), 1u) << "who is purged never comes back";
}

TEST(TenantReset, AFirstReadOwesNobodyAReading) {
  Process process;
  process.fixture.Baseline(kPeople);
  EXPECT_FALSE(process.Owed());
}

TEST(TenantReset, WhoCouldNotBeReadIsAskedAgainUntilTheAnswerIsKnown) {
  Process process;
  process.fixture.Baseline(kPeople);
  process.tenant.accounts.erase(EntraIdOf(7));
  process.tenant.failures[EntraIdOf(7)] = UnavailableError("busy");
  process.Reset({7, 9});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(process.Slice().ok());
  EXPECT_TRUE(process.Owed());
  EXPECT_EQ(process.tenant.asked[EntraIdOf(9)], 1);
  EXPECT_EQ(process.Known(7).deletion, EntraDeletion::kLive);
  process.tenant.failures.clear();
  EXPECT_TRUE(process.Slice().ok());
  EXPECT_EQ(process.Known(7).deletion, EntraDeletion::kHard);
  EXPECT_FALSE(process.Owed());
}

TEST(TenantReset, ANewProcessThatDoesNotKnowWhoWasReturnedAsksForEverybody) {
  const auto disk = std::make_shared<store::MemDisk>();
  {
    Process process(disk);
    process.fixture.Baseline(kPeople);
    process.Reset({7});
  }
  Process process(disk);
  process.tenant.accounts.erase(EntraIdOf(7));
  ASSERT_TRUE(process.Owed());
  for (int i = 0; i < 10 && process.Owed(); ++i) EXPECT_TRUE(process.Slice().ok());
  EXPECT_FALSE(process.Owed());
  EXPECT_EQ(process.tenant.asked.size(), static_cast<size_t>(kPeople));
  EXPECT_EQ(process.Known(7).deletion, EntraDeletion::kHard);
}

TEST(TenantReset, ASecondResetStartsTheAskingAnew) {
  Process process;
  process.fixture.Baseline(kPeople);
  std::vector<int> missing;
  for (int n = 1; n <= 30; ++n) missing.push_back(n);
  process.Reset(missing);
  EXPECT_TRUE(process.Slice().ok());
  ASSERT_TRUE(process.Owed()) << "two slices";
  process.Reset({7});
  EXPECT_TRUE(process.Slice().ok());
  EXPECT_EQ(process.tenant.asked[EntraIdOf(7)], 2);
  EXPECT_FALSE(process.Owed());
}

TEST(TenantVerification, GoesThroughEverybodyInSlicesAgainAndAgain) {
  Process process;
  process.fixture.Baseline(kPeople);
  process.Pass();
  EXPECT_EQ(process.counts.of[Verified::kSame], kPeople);
  EXPECT_EQ(process.tenant.requests, 3);
  process.Pass();
  EXPECT_EQ(process.counts.of[Verified::kSame], 2 * kPeople);
}

TEST(TenantVerification, WhatTheFeedMissedIsAMismatchOnlyWhenItHadItsTime) {
  Process process;
  process.fixture.Baseline(kPeople);
  process.tenant.accounts[EntraIdOf(7)].account_enabled = false;
  process.Pass();
  process.fixture.scheduler.RunFor(absl::Minutes(10));
  process.EmptyRound();
  process.Pass();
  EXPECT_EQ(process.counts.of[Verified::kMismatch], 0) << "a feed may lag";
  EXPECT_EQ(process.Known(7).enabled, monitor::Tri::kYes);
  process.fixture.scheduler.RunFor(absl::Minutes(10));
  process.EmptyRound();
  EXPECT_TRUE(process.Slice().ok());
  EXPECT_EQ(process.counts.of[Verified::kMismatch], 1);
  EXPECT_EQ(process.Known(7).enabled, monitor::Tri::kNo) << "and it is mended";
}

TEST(TenantVerification, ARevocationThatNoFeedPromisesIsNone) {
  Process process;
  process.fixture.Baseline(kPeople);
  monitor::SessionsValidFrom revoked;
  revoked.at = process.fixture.clock.Wall();
  process.tenant.accounts[EntraIdOf(7)].sessions_valid_from = revoked;
  process.Pass();
  EXPECT_EQ(process.counts.of[Verified::kSame], kPeople);
}

TEST(TenantVerification, SomebodyDeletedBehindTheFeedsBackIsFound) {
  Process process;
  process.fixture.Baseline(kPeople);
  process.tenant.accounts.erase(EntraIdOf(7));
  process.Pass();
  process.fixture.scheduler.RunFor(absl::Minutes(20));
  process.EmptyRound();
  EXPECT_TRUE(process.Slice().ok());
  EXPECT_EQ(process.counts.of[Verified::kMismatch], 1);
  EXPECT_EQ(process.Known(7).deletion, EntraDeletion::kHard);
}

}  // namespace
}  // namespace driftwarden::daemon
