// A link's engine as the loops that read a tenant's logs see it: from when on, whose, and what is
// written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::LogLimit;
using monitor::LogLook;
using monitor::TenantLog;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kAudits = TenantLog::kDirectoryAudits;
constexpr auto kInteractive = TenantLog::kInteractiveSignIns;

std::vector<std::string> SignInIds(EngineFixture& f, size_t limit = 10,
                                   TenantLog log = kInteractive) {
  const auto targets = f.Await(f.engine->SignInTargets(log, limit));
  EXPECT_TRUE(targets.ok()) << targets.status();
  std::vector<std::string> ids;
  for (const LogTarget& target : *targets) ids.push_back(target.entra_id);
  return ids;
}

std::vector<std::string> DeviceIds(EngineFixture& f) {
  const auto targets = f.Await(f.engine->DeviceTargets(10));
  EXPECT_TRUE(targets.ok()) << targets.status();
  std::vector<std::string> ids;
  for (const LogTarget& target : *targets) ids.push_back(target.entra_id);
  return ids;
}

LogLook ReadTo(TenantLog log, absl::Time lo, absl::Time hi, const std::string& entra_id = "") {
  LogLook look;
  look.log = log;
  look.entra_id = entra_id;
  look.covers = TimeBounds{lo, hi};
  return look;
}

void Deliver(EngineFixture& f, LogLook look) {
  const Status done = f.Await(f.engine->DeliverLog(std::move(look)));
  EXPECT_TRUE(done.ok()) << done;
}

size_t OpenOnes(EngineFixture& f) {
  const auto open = f.Await(f.engine->OpenPeople(0, 10));
  EXPECT_TRUE(open.ok()) << open.status();
  return open->size();
}

LogLook Refused(TenantLog log, LogLimit limit) {
  LogLook look;
  look.log = log;
  look.limit = limit;
  return look;
}

TEST(EngineLogs, ChangesAreReadFromTheEarliestOpenDepartureThenFromWhereItEndedWithAnOverlap) {
  EngineFixture f;
  f.Baseline(3);
  EXPECT_EQ(f.engine->ChangesFrom(kAudits), f.clock.Wall() - absl::Minutes(30));
  const absl::Time left = f.clock.Wall();
  f.Disable(1);
  f.scheduler.RunFor(absl::Hours(2));
  f.Disable(2);
  const absl::Time first = f.engine->ChangesFrom(kAudits);
  EXPECT_LE(first, left - absl::Minutes(30));
  EXPECT_GE(first, left - absl::Minutes(31));
  Deliver(f, ReadTo(kAudits, first, f.clock.Wall()));
  EXPECT_EQ(f.engine->ChangesFrom(kAudits), f.clock.Wall() - absl::Minutes(30));
  f.scheduler.RunFor(absl::Hours(24 * 30));
  EXPECT_EQ(f.engine->ChangesFrom(kAudits), f.clock.Wall() - absl::Hours(7 * 24));
}

TEST(EngineLogs, ChangesAreNotReadFromLaterThanNow) {
  EngineFixture f;
  f.Baseline(1);
  const absl::Time now = f.clock.Wall();
  Deliver(f, ReadTo(kAudits, now + absl::Hours(2), now + absl::Hours(7)));  // our clock was ahead
  EXPECT_EQ(f.engine->ChangesFrom(kAudits), now - absl::Minutes(30));
}

TEST(EngineLogs, AProcessThatStartsKnowsTheEarliestDeparture) {
  auto disk = std::make_shared<store::MemDisk>();
  absl::Time left;
  {
    EngineFixture f(TestPolicy(), "/dev/null", disk);
    f.Baseline(2);
    left = f.clock.Wall();
    f.Disable(1);
  }
  EngineFixture f(TestPolicy(), "/dev/null", disk);
  f.scheduler.RunFor(absl::Hours(3));
  EXPECT_LE(f.engine->ChangesFrom(kAudits), left - absl::Minutes(30));
  EXPECT_GE(f.engine->ChangesFrom(kAudits), left - absl::Minutes(31));
}

TEST(EngineLogs, WhatIsRefusedForGoodIsTriedAgainEveryHour) {
  EngineFixture f;
  f.Baseline(1);
  f.Disable(1);
  Deliver(f, Refused(kAudits, LogLimit::kPermission));
  Deliver(f, Refused(kInteractive, LogLimit::kLicence));
  EXPECT_EQ(f.engine->ChangesFrom(kAudits), absl::InfiniteFuture());
  EXPECT_NE(f.engine->ChangesFrom(TenantLog::kProvisioning), absl::InfiniteFuture());
  EXPECT_THAT(SignInIds(f), IsEmpty());
  f.scheduler.RunFor(absl::Minutes(61));
  EXPECT_NE(f.engine->ChangesFrom(kAudits), absl::InfiniteFuture());
  EXPECT_THAT(SignInIds(f), ElementsAre(EntraIdOf(1)));
  Deliver(f, Refused(kAudits, LogLimit::kSwitchedOff));
  EXPECT_NE(f.engine->ChangesFrom(kAudits), absl::InfiniteFuture()) << "the loop knows";
}

TEST(EngineLogs, SignInsAreWantedOfThoseWhoLeftTheMostNeededFirst) {
  EngineFixture f;
  f.Baseline(4);
  EXPECT_THAT(SignInIds(f), IsEmpty());
  f.Disable(1);
  f.Disable(2);
  EXPECT_THAT(SignInIds(f, 1), ElementsAre(EntraIdOf(1)));
  EXPECT_THAT(SignInIds(f, 10), ElementsAre(EntraIdOf(2))) << "the other was given out just now";
  EXPECT_THAT(SignInIds(f), IsEmpty());
  EXPECT_THAT(SignInIds(f, 10, TenantLog::kNonInteractiveSignIns),
              ElementsAre(EntraIdOf(1), EntraIdOf(2)));
  f.scheduler.RunFor(absl::Hours(1));
  const absl::Time now = f.clock.Wall();
  Deliver(f, ReadTo(kInteractive, now - absl::Hours(1), now, EntraIdOf(1)));
  EXPECT_THAT(SignInIds(f), ElementsAre(EntraIdOf(2)));
  f.scheduler.RunFor(absl::Minutes(11));
  const auto targets = f.Await(f.engine->SignInTargets(kInteractive, 10));
  ASSERT_EQ(targets->size(), 2u);
  for (const LogTarget& target : *targets) {
    const bool read = target.entra_id == EntraIdOf(1);
    EXPECT_EQ(target.from == now - absl::Minutes(30), read) << target.entra_id;
  }
}

TEST(EngineLogs, AFewPeopleAreReadSoonerThanMany) {
  EngineFixture f;
  f.Baseline(60);
  f.Disable(1);
  EXPECT_THAT(SignInIds(f), ElementsAre(EntraIdOf(1)));
  f.scheduler.RunFor(absl::Seconds(20));
  EXPECT_THAT(SignInIds(f), ElementsAre(EntraIdOf(1)));
  for (int i = 2; i <= 60; ++i) f.Disable(i);
  EXPECT_EQ(SignInIds(f, 100).size(), 59u);
  f.scheduler.RunFor(absl::Minutes(5));
  EXPECT_THAT(SignInIds(f, 100), IsEmpty());
  f.scheduler.RunFor(absl::Minutes(5));
  EXPECT_EQ(SignInIds(f, 100).size(), 60u);
}

TEST(EngineLogs, PeopleAreLookedAtInTurnsAndNobodyIsLeftOut) {
  EngineOptions options;
  options.review_limit = 2;
  EngineFixture f(TestPolicy(), "/dev/null", nullptr, {}, options);
  f.Baseline(5);
  for (int i = 1; i <= 5; ++i) f.Disable(i);
  std::vector<std::string> all;
  for (int call = 0; call < 3; ++call) {
    for (std::string& id : SignInIds(f)) all.push_back(std::move(id));
  }
  EXPECT_THAT(all,
              ElementsAre(EntraIdOf(1), EntraIdOf(2), EntraIdOf(3), EntraIdOf(4), EntraIdOf(5)));
}

TEST(EngineLogs, SomebodyWhoseEpisodeClosedIsReadForADay) {
  auto policy = TestPolicy();
  policy->require_revocation = false;
  EngineFixture f(policy);
  f.Baseline(1);
  f.Disable(1);
  f.scheduler.RunFor(absl::Seconds(20));
  std::vector<monitor::Observation> seen = {
      Seen("contoso", EntraPerson(1, false), f.clock.Wall(), monitor::LookKind::kDirect)};
  ASSERT_TRUE(f.Await(f.engine->DeliverReads(seen, monitor::BatchId())).ok());
  EXPECT_THAT(DeviceIds(f), IsEmpty()) << "no open episode";
  EXPECT_THAT(SignInIds(f), ElementsAre(EntraIdOf(1)));
  f.scheduler.RunFor(absl::Hours(25));
  ASSERT_TRUE(f.Await(f.engine->ReviewDue()).ok());
  EXPECT_THAT(SignInIds(f), IsEmpty());
}

TEST(EngineLogs, SignInsOfSomebodyGoneAreReadThoughADeviceIsLeft) {
  auto policy = TestPolicy();
  policy->require_revocation = false;
  EngineFixture f(policy);
  f.Baseline(1);
  f.scheduler.RunFor(absl::Seconds(10));
  f.Disable(1);
  f.scheduler.RunFor(absl::Seconds(10));
  const absl::Time now = f.clock.Wall();
  ASSERT_TRUE(
      f.Deliver(Round("contoso", now, {Seen("contoso", EntraPerson(1, false), now)}, "d-2")).ok());
  ASSERT_EQ(OpenOnes(f), 0u) << "converged";
  monitor::DeviceLook look;
  look.entra_id = EntraIdOf(1);
  look.at = TimeBounds::Exactly(f.clock.Wall());
  look.devices = {{"d-1", "", "LAPTOP", "Windows", monitor::DeviceTrust::kEntraJoined, true}};
  ASSERT_TRUE(f.Await(f.engine->DeliverDevices(look)).ok());
  ASSERT_EQ(OpenOnes(f), 1u);
  f.scheduler.RunFor(absl::Minutes(20));
  EXPECT_THAT(SignInIds(f), ElementsAre(EntraIdOf(1)));
  f.scheduler.RunFor(absl::Hours(25));
  ASSERT_TRUE(f.Await(f.engine->ReviewDue()).ok());
  EXPECT_THAT(SignInIds(f), IsEmpty()) << "late records have come";
}

TEST(EngineLogs, DevicesAreReadSoonerAtFirst) {
  EngineFixture f;
  f.Baseline(2);
  f.Disable(1);
  EXPECT_THAT(DeviceIds(f), ElementsAre(EntraIdOf(1)));
  monitor::DeviceLook look;
  look.entra_id = EntraIdOf(1);
  look.at = TimeBounds::Exactly(f.clock.Wall());
  look.devices = {{"d-1", "", "LAPTOP", "Windows", monitor::DeviceTrust::kEntraJoined, true}};
  ASSERT_TRUE(f.Await(f.engine->DeliverDevices(look)).ok());
  f.scheduler.RunFor(absl::Minutes(4));
  EXPECT_THAT(DeviceIds(f), IsEmpty());
  f.scheduler.RunFor(absl::Minutes(2));
  EXPECT_THAT(DeviceIds(f), ElementsAre(EntraIdOf(1)));
  f.scheduler.RunFor(absl::Hours(1));
  look.at = TimeBounds::Exactly(f.clock.Wall());
  ASSERT_TRUE(f.Await(f.engine->DeliverDevices(look)).ok());
  f.scheduler.RunFor(absl::Minutes(20));
  EXPECT_THAT(DeviceIds(f), IsEmpty());
  look.limit = LogLimit::kPermission;
  ASSERT_TRUE(f.Await(f.engine->DeliverDevices(look)).ok());
  f.scheduler.RunFor(absl::Minutes(40));
  EXPECT_THAT(DeviceIds(f), IsEmpty()) << "refused";
}

TEST(EngineLogs, AReadingThatBringsNothingIsWrittenOnceAWhile) {
  EngineFixture f;
  f.Baseline(1);
  const absl::Time begin = f.clock.Wall();
  Deliver(f, ReadTo(kAudits, begin, f.clock.Wall()));
  const uint64_t before = f.store->commits();
  for (int i = 0; i < 5; ++i) {
    f.scheduler.RunFor(absl::Seconds(5));
    Deliver(f, ReadTo(kAudits, begin, f.clock.Wall()));
  }
  EXPECT_EQ(f.store->commits(), before);
  EXPECT_EQ(f.engine->State()->logs.at(kAudits).read.hi, f.clock.Wall());
  // Of somebody nobody knows there is nothing to keep.
  LogLook look = ReadTo(kAudits, begin, f.clock.Wall());
  monitor::AuditRecord record;
  record.id = "r-1";
  record.entra_id = EntraIdOf(99);
  record.at = f.clock.Wall();
  look.audits = {record};
  Deliver(f, look);
  EXPECT_EQ(f.store->commits(), before);
  look.audits[0].entra_id = EntraIdOf(1);
  Deliver(f, look);
  EXPECT_EQ(f.store->commits(), before + 1);
  Deliver(f, look);
  EXPECT_EQ(f.store->commits(), before + 1) << "known";
}

}  // namespace
}  // namespace driftwarden::daemon
