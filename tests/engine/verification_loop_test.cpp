// The slow comparison of what is known with a scripted directory, on virtual time.

#include "daemon/verification_loop.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::Observation;

constexpr int kPeople = 60;  // more than two slices

// Accounts as a test sets them; who is absent has neither object nor tombstone.
class MapDirectory final : public watchers::DirectoryReader {
 public:
  explicit MapDirectory(const Clock& clock) : clock_(clock) {}
  asio::awaitable<StatusOr<Observation>> ReadAccount(monitor::Guid guid) override {
    ++alone;
    const auto found = accounts.find(guid);
    if (!failure.ok()) co_return failure;
    if (found == accounts.end()) co_return NotFoundError("neither object nor tombstone");
    co_return Seen("corp", found->second, clock_.Wall(), monitor::LookKind::kDirect);
  }
  asio::awaitable<StatusOr<Observation>> ReadAccountElsewhere(monitor::Guid) override {
    co_return UnavailableError("there is no other");
  }
  asio::awaitable<StatusOr<std::vector<Observation>>> ReadAccounts(
      std::vector<monitor::Guid> guids) override {
    ++slices;
    if (!failure.ok()) co_return failure;
    std::vector<Observation> seen;
    for (const monitor::Guid& guid : guids) {
      const auto found = accounts.find(guid);
      if (found == accounts.end()) continue;
      seen.push_back(Seen("corp", found->second, clock_.Wall(), monitor::LookKind::kDirect));
    }
    co_return seen;
  }
  std::map<monitor::Guid, monitor::AdView> accounts;
  Status failure;
  int alone = 0;
  int slices = 0;

 private:
  const Clock& clock_;
};

class Counts final : public VerificationObserver {
 public:
  void OnVerified(const monitor::SourceName&, Verified result) override { ++of[result]; }
  void OnPass(const monitor::SourceName&, absl::Time) override { ++passes; }
  std::map<Verified, int> of;
  int passes = 0;
};

class VerificationTest : public ::testing::Test {
 protected:
  VerificationTest() {
    fixture_.Baseline(kPeople);
    for (int n = 1; n <= kPeople; ++n) corp_.accounts[GuidOf(n)] = AdPerson(n, true);
    loop_ = std::make_unique<VerificationLoop>(
        VerificationParts{*fixture_.engine, *fixture_.store, fixture_.lane, fixture_.scheduler,
                          fixture_.rng, fixture_.log, counts_},
        VerificationLoop::DirectoryReaders{{monitor::SourceName("corp"), &corp_}},
        VerificationOptions());
  }
  void Slice() {
    const Status verified = fixture_.Await(loop_->VerifySlice());
    EXPECT_TRUE(verified.ok()) << verified;
  }
  void Pass() {
    const int before = counts_.passes;
    for (int i = 0; i < 100 && counts_.passes == before; ++i) Slice();
  }
  // A complete round of the feed that brings nothing.
  void EmptyRound() {
    fixture_.scheduler.RunFor(absl::Seconds(5));
    const absl::Time now = fixture_.clock.Wall();
    EXPECT_TRUE(
        fixture_.Deliver(Round("corp", now, {}, Cat("usn-", absl::ToUnixMillis(now)))).ok());
  }
  const monitor::AdHalf Known(int n) {
    store::PeopleKeys keys;
    keys.guids = {GuidOf(n)};
    const auto people = fixture_.store->LoadPeople(fixture_.engine->link(), keys);
    return people->by_ordinal.begin()->second.facts.ad.front();
  }

  EngineFixture fixture_;
  MapDirectory corp_{fixture_.clock};
  Counts counts_;
  std::unique_ptr<VerificationLoop> loop_;
};

TEST_F(VerificationTest, GoesThroughEverybodyInSlicesAgainAndAgain) {
  Pass();
  EXPECT_EQ(counts_.of[Verified::kSame], kPeople);
  EXPECT_EQ(corp_.slices, 3);
  Pass();
  EXPECT_EQ(counts_.of[Verified::kSame], 2 * kPeople);
  EXPECT_EQ(corp_.alone, 0);
}

TEST_F(VerificationTest, WhatTheFeedMissedIsAMismatchOnlyAfterALaterRound) {
  corp_.accounts[GuidOf(7)] = AdPerson(7, false, 2, fixture_.clock.Wall());
  Pass();
  EXPECT_EQ(counts_.of[Verified::kMismatch], 0);
  EXPECT_EQ(Known(7).disabled, monitor::Tri::kNo);
  Slice();
  EXPECT_EQ(counts_.of[Verified::kMismatch], 0) << "the feed may be about to bring it";
  EmptyRound();
  Slice();
  EXPECT_EQ(counts_.of[Verified::kMismatch], 1);
  EXPECT_EQ(Known(7).disabled, monitor::Tri::kYes) << "and it is mended";
}

TEST_F(VerificationTest, WhatTheFeedBringsIsNone) {
  const absl::Time written = fixture_.clock.Wall();
  corp_.accounts[GuidOf(7)] = AdPerson(7, false, 2, written);
  Pass();
  fixture_.scheduler.RunFor(absl::Seconds(5));
  const absl::Time now = fixture_.clock.Wall();
  ASSERT_TRUE(
      fixture_.Deliver(Round("corp", now, {Seen("corp", AdPerson(7, false, 2, written), now)}, "u"))
          .ok());
  EmptyRound();
  Slice();
  EXPECT_EQ(counts_.of[Verified::kMismatch], 0);
}

TEST_F(VerificationTest, OtherGroupsAreToldAtOnceAndAreNoMismatch) {
  corp_.accounts[GuidOf(7)].groups = std::vector<std::string>{"Admins"};
  Pass();
  EXPECT_EQ(Known(7).groups, std::vector<std::string>{"Admins"});
  EmptyRound();
  Slice();
  EXPECT_EQ(counts_.of[Verified::kMismatch], 0);
}

TEST_F(VerificationTest, AbsenceIsCountedAndIsNoDeletion) {
  corp_.accounts.erase(GuidOf(7));
  Pass();
  EmptyRound();
  Pass();
  EXPECT_EQ(counts_.of[Verified::kAbsent], 2);
  EXPECT_EQ(corp_.alone, 2) << "asked for alone, tombstones included";
  EXPECT_FALSE(Known(7).deleted);
  EXPECT_EQ(Known(7).disabled, monitor::Tri::kNo);
}

TEST_F(VerificationTest, WaitsWhileAFullReadRunsAndOverAFailure) {
  monitor::ChangeBatch batch = Round("corp", fixture_.clock.Wall(), {}, "", true);
  batch.snapshot_reason = monitor::kUsnWentBack;
  batch.completes_round = false;
  batch.round = TimeBounds::Exactly(fixture_.clock.Wall() + absl::Seconds(1));
  ASSERT_TRUE(fixture_.Deliver(std::move(batch)).ok());
  Slice();
  EXPECT_EQ(corp_.slices, 0);
  EmptyRound();
  monitor::ChangeBatch last =
      Round("corp", fixture_.clock.Wall() + absl::Seconds(1), {}, "usn-9", true);
  ASSERT_TRUE(fixture_.Deliver(std::move(last)).ok());
  corp_.failure = UnavailableError("down");
  EXPECT_FALSE(fixture_.Await(loop_->VerifySlice()).ok());
  corp_.failure = OkStatus();
  Pass();
  EXPECT_EQ(counts_.of[Verified::kMismatch], 0);
}

}  // namespace
}  // namespace driftwarden::daemon
