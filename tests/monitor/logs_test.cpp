// What the tenant's logs add to what looks show: when, by whom, and who signed in.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "monitor/attribution.h"
#include "monitor/evaluate.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kMinute = absl::Minutes(1);
constexpr auto kInteractive = TenantLog::kInteractiveSignIns;
constexpr auto kOther = TenantLog::kNonInteractiveSignIns;

AuditRecord Audit(const std::string& id, AccountChange change, absl::Time at,
                  const std::string& actor = "admin-1") {
  AuditRecord record;
  record.id = id;
  record.entra_id = World::Entra(1).id;
  record.change = change;
  record.at = at;
  record.actor_id = actor;
  return record;
}

SignIn Success(const std::string& id, absl::Time at, bool interactive = true) {
  SignIn sign_in;
  sign_in.id = id;
  sign_in.at = TimeBounds::Exactly(at);
  sign_in.interactive = interactive;
  return sign_in;
}

class LogsTest : public ::testing::Test {
 protected:
  LogsTest() {
    world.AddPerson(1);
    world.ReadAll();
    world.Advance(absl::Minutes(10));
  }

  void Leave() {
    world.SetAd(1, false);
    world.AdRound({1});
    left = world.now;
  }
  void DisableInEntra() {
    world.SetEntra(1, false);
    world.ReadDirect(1);
  }
  void Audits(std::vector<AuditRecord> records) {
    LogLook look;
    look.audits = std::move(records);
    look.covers = TimeBounds{left - absl::Hours(1), world.now};
    Apply(look);
  }
  void SignIns(TenantLog log, std::vector<SignIn> rows) {
    LogLook look;
    look.log = log;
    look.entra_id = World::Entra(1).id;
    look.sign_ins = std::move(rows);
    look.covers = TimeBounds{left - absl::Minutes(5), world.now};
    Apply(look);
  }
  void BothLogsShowNone() {
    SignIns(kInteractive, {});
    SignIns(kOther, {});
  }
  void Apply(const LogLook& look) {
    TouchedKeys keys;
    keys.entra_ids = {World::Entra(1).id};
    world.Commit(ApplyLog(world.context(), world.Load(keys), look));
    world.ReadWanted();
  }
  const EntraHalf& Half() { return *world.person(1).facts.entra; }
  std::optional<Severity> Shown() {
    const auto& episode = world.person(1).episode;
    if (!episode) return std::nullopt;
    for (const EpisodeKind& kind : episode->kinds) {
      if (kind.kind == DriftKind::kSignInAfterDisable && !kind.cleared) return kind.severity;
    }
    return std::nullopt;
  }
  std::string Input(const std::string& name) {
    for (const auto& [input, value] : world.Judge(1).because.inputs) {
      if (input == name) return value;
    }
    return "";
  }

  World world;
  absl::Time left;
};

TEST_F(LogsTest, ARecordNarrowsTheDisableAndNeverMovesItOutOfWhatLooksShowed) {
  Leave();
  world.Advance(absl::Minutes(5));
  DisableInEntra();
  const TimeBounds looks = Half().disabled_since;
  ASSERT_GT(looks.Width(), absl::ZeroDuration());
  const absl::Time inside = looks.lo + looks.Width() / 2;
  Audits({Audit("early", AccountChange::kDisabled, looks.lo - absl::Hours(1))});
  EXPECT_EQ(Half().disabled_since, looks) << "of another disable";
  Audits({Audit("it", AccountChange::kDisabled, inside)});
  EXPECT_EQ(Half().disabled_since, TimeBounds::Exactly(inside));
  EXPECT_EQ(Half().logs.disabled_looks, looks);
}

TEST_F(LogsTest, RecordsGiveTheSameFactsInAnyOrderAndHoweverOften) {
  Leave();
  world.Advance(absl::Minutes(30));
  DisableInEntra();
  const TimeBounds looks = Half().disabled_since;
  std::vector<AuditRecord> records;
  for (int i = 0; i < 12; ++i) {
    const auto change = i % 2 == 0 ? AccountChange::kDisabled : AccountChange::kEnabled;
    records.push_back(Audit(Cat("r", i), change, looks.lo + i * looks.Width() / 12));
  }
  EntraHalf first = Half();
  for (const AuditRecord& record : records) KeepAudit(first.logs, record);
  NarrowByAudits(first, absl::ZeroDuration());
  for (uint64_t seed = 1; seed < 20; ++seed) {
    SeededRng rng(seed);
    EntraHalf half = Half();
    for (size_t i = records.size() - 1; i > 0; --i)
      std::swap(records[i], records[rng.Below(i + 1)]);
    for (const AuditRecord& record : records) {
      KeepAudit(half.logs, record);
      NarrowByAudits(half, absl::ZeroDuration());
      EXPECT_FALSE(KeepAudit(half.logs, record)) << "known";
    }
    EXPECT_EQ(half.logs, first.logs) << seed;
    EXPECT_EQ(half.disabled_since, first.disabled_since) << seed;
  }
  EXPECT_EQ(first.logs.audits.size(), 2 * kAuditsKept);
}

TEST_F(LogsTest, ARecordThatContradictsChangesNoFactAndQueuesADirectRead) {
  Leave();
  world.Advance(absl::Minutes(5));
  LogLook look;
  look.audits = {Audit("d", AccountChange::kDisabled, world.now)};
  TouchedKeys keys;
  keys.entra_ids = {World::Entra(1).id};
  world.Commit(ApplyLog(world.context(), world.Load(keys), look));
  EXPECT_EQ(Half().enabled, Tri::kYes);
  EXPECT_TRUE(Half().needs_direct_read);
  EXPECT_THAT(world.reads_wanted, ::testing::Contains(world.person(1).ordinal));
  world.now += absl::Seconds(5);
  world.ReadDirect(1);
  EXPECT_FALSE(Half().needs_direct_read);
  world.Commit(ApplyLog(world.context(), world.Load(keys), look));
  EXPECT_FALSE(Half().needs_direct_read) << "what was read since then is later";
}

TEST_F(LogsTest, ARevocationByAnAdministratorContainsAndSealsAndIsCounted) {
  Leave();
  world.Advance(absl::Minutes(50));
  EXPECT_EQ(world.person(1).phase, State::kLagging);
  Audits({Audit("r1", AccountChange::kSessionsRevoked, world.now - kMinute)});
  EXPECT_EQ(world.person(1).phase, State::kContained);
  EXPECT_THAT(Input("revoked"), ::testing::EndsWith(" by user"));
  ASSERT_EQ(world.tally.revocation_lags.size(), 1u);
  EXPECT_FALSE(world.tally.revocation_lags[0].by_driftwarden);
  EXPECT_EQ(world.EvidenceOf("sessions_revoked"), 1u);
  DisableInEntra();
  EXPECT_EQ(world.person(1).phase, State::kUnsealed) << "revoked before it was disabled";
  world.Advance(kMinute);
  Audits({Audit("r2", AccountChange::kSessionsRevoked, world.now)});
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(world.person(1).phase, State::kConverged);
  EXPECT_EQ(world.tally.revocation_lags.size(), 1u) << "once an episode";
}

TEST_F(LogsTest, ADisableAndARevocationOfOneScriptSealThoughClocksDiffer) {
  world.link.sources[kTenant].clock_offset = absl::Seconds(3);
  Leave();
  world.Advance(absl::Minutes(5));
  const absl::Time at = world.now - absl::Seconds(5);
  DisableInEntra();
  Audits({Audit("d", AccountChange::kDisabled, at),
          Audit("r", AccountChange::kSessionsRevoked, at + absl::Milliseconds(300))});
  EXPECT_EQ(world.person(1).phase, State::kConverged);
}

TEST_F(LogsTest, WhatComesWithAPasswordChangeOrFromTheEngineIsNoRevocation) {
  Leave();
  world.Advance(absl::Minutes(50));
  const absl::Time at = world.now - absl::Minutes(2);
  Audits({Audit("r1", AccountChange::kSessionsRevoked, at),
          Audit("p1", AccountChange::kPasswordChanged, at + absl::Seconds(1))});
  EXPECT_EQ(world.person(1).phase, State::kLagging) << "partial";
  AuditRecord by_sync = Audit("r2", AccountChange::kSessionsRevoked, at + kMinute);
  by_sync.by_sync = true;
  Audits({by_sync});
  EXPECT_EQ(world.person(1).phase, State::kLagging);
  world.link.tenant.actors = {{"sync-1", "", "Sync_X", ActorVia::kRole}};
  Audits({Audit("r3", AccountChange::kSessionsRevoked, at + kMinute, "sync-1")});
  EXPECT_EQ(world.person(1).phase, State::kLagging);
  // Another hand's password change has nothing to do with it.
  Audits({Audit("p2", AccountChange::kPasswordChanged, world.now, "admin-2"),
          Audit("r4", AccountChange::kSessionsRevoked, world.now, "admin-1")});
  EXPECT_EQ(world.person(1).phase, State::kContained);
}

TEST_F(LogsTest, OfSomebodyPresentLittleIsKept) {
  left = world.now;
  AuditRecord daily = Audit("p1", AccountChange::kPasswordChanged, world.now);
  daily.by_sync = true;
  Audits({daily, Audit("p2", AccountChange::kPasswordChanged, world.now - absl::Hours(60)),
          Audit("p3", AccountChange::kPasswordChanged, world.now)});
  ASSERT_EQ(Half().logs.audits.size(), 1u);
  EXPECT_EQ(Half().logs.audits[0].id, "p3");
  EXPECT_EQ(world.EvidenceOf("audit_record"), 0u);
  Leave();
  Audits({daily});
  EXPECT_EQ(Half().logs.audits.size(), 2u);
}

TEST_F(LogsTest, ARevocationBeforeTheDepartureDoesNotCount) {
  left = world.now;
  Audits({Audit("r1", AccountChange::kSessionsRevoked, world.now)});
  world.Advance(kMinute);
  Leave();
  world.Advance(absl::Minutes(50));
  EXPECT_EQ(world.person(1).phase, State::kLagging);
}

TEST_F(LogsTest, TheRecordOfOurOwnCallCountsOnce) {
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.own_app_id = "aa-own";
  Leave();
  world.Advance(absl::Minutes(46));
  world.RunActions();
  ASSERT_TRUE(world.person(1).facts.last_revocation.has_value());
  AuditRecord ours = Audit("r1", AccountChange::kSessionsRevoked, world.now, "");
  ours.actor_app_id = "AA-OWN";
  Audits({ours});
  EXPECT_EQ(ActorOf(ours, world.policy, world.link), ActorKind::kDriftwarden);
  EXPECT_EQ(world.tally.revocation_lags.size(), 1u);
  EXPECT_TRUE(world.tally.revocation_lags[0].by_driftwarden);
  EXPECT_THAT(RevocationsByOthers(world.person(1).facts, world.policy, world.link),
              ::testing::IsEmpty());
}

TEST_F(LogsTest, WhoIsNotKnownStaysUnknown) {
  const Policy& policy = world.policy;
  AuditRecord record = Audit("r", AccountChange::kDisabled, world.now, "");
  EXPECT_EQ(ActorOf(record, policy, world.link), ActorKind::kUnknown);
  record.actor_app_id = "aa-7";
  EXPECT_EQ(ActorOf(record, policy, world.link), ActorKind::kApplication);
  world.policy.sync_actors = {"AA-7"};
  EXPECT_EQ(ActorOf(record, policy, world.link), ActorKind::kSync);
}

TEST_F(LogsTest, SilenceInBothLogsSealsAnEarlierRevocation) {
  Leave();
  world.Advance(absl::Minutes(50));
  Audits({Audit("r1", AccountChange::kSessionsRevoked, world.now - kMinute)});
  DisableInEntra();
  EXPECT_EQ(world.person(1).phase, State::kUnsealed);
  world.Advance(absl::Minutes(20));
  BothLogsShowNone();
  EXPECT_EQ(world.person(1).phase, State::kUnsealed) << "rows may still come";
  world.Advance(absl::Minutes(15));
  SignIns(kInteractive, {});
  EXPECT_EQ(world.person(1).phase, State::kUnsealed) << "not read is not none";
  SignIns(kOther, {});
  EXPECT_EQ(world.person(1).phase, State::kConverged);
}

TEST_F(LogsTest, SilenceWithoutARevocationSealsNothing) {
  Leave();
  world.Advance(absl::Minutes(5));
  DisableInEntra();
  world.Advance(absl::Hours(1));
  BothLogsShowNone();
  EXPECT_EQ(world.person(1).phase, State::kUnsealed);
}

TEST_F(LogsTest, ContainedIsAWarningAtMostWhileTheLogsShowNobody) {
  Leave();
  world.Advance(absl::Minutes(30));
  Audits({Audit("r1", AccountChange::kSessionsRevoked, world.now)});
  world.Advance(absl::Minutes(45));
  EXPECT_EQ(world.person(1).phase, State::kContained);
  EXPECT_EQ(WorstSeverity(*world.person(1).episode), Severity::kCritical);
  BothLogsShowNone();
  EXPECT_EQ(WorstSeverity(*world.person(1).episode), Severity::kWarning);
  world.Advance(absl::Minutes(16));
  EXPECT_EQ(WorstSeverity(*world.person(1).episode), Severity::kCritical) << "no longer fresh";
}

TEST_F(LogsTest, ASignInAfterTheEntraDisableIsCriticalUntilARevocation) {
  Leave();
  world.Advance(absl::Minutes(5));
  DisableInEntra();
  world.Advance(absl::Minutes(5));
  SignIns(kOther, {Success("before", Half().disabled_since.lo - kMinute, false)});
  EXPECT_EQ(Shown(), std::nullopt) << "it came late";
  SignIns(kOther, {Success("s1", world.now - kMinute, false)});
  EXPECT_EQ(Shown(), Severity::kCritical);
  EXPECT_EQ(world.IncidentOf(1)->labels.at("kind"), "signin_after_disable");
  EXPECT_EQ(world.EvidenceOf("sign_in"), 2u);
  world.Advance(kMinute);
  Audits({Audit("r1", AccountChange::kSessionsRevoked, world.now)});
  EXPECT_EQ(world.person(1).phase, State::kConverged);
  EXPECT_FALSE(world.person(1).episode.has_value());
}

TEST_F(LogsTest, RefusedSignInsAndRowsThatMayBeEarlierOpenNothing) {
  Leave();
  world.Advance(absl::Minutes(5));
  DisableInEntra();
  world.Advance(absl::Minutes(30));
  SignIn refused = Success("s1", world.now);
  refused.error_code = 50057;
  SignIn other = Success("s2", world.now);
  other.error_code = 50126;
  SignIn summed = Success("s3", world.now, false);
  summed.at.lo = left - kMinute;
  SignIns(kInteractive, {refused, other});
  SignIns(kOther, {summed});
  EXPECT_EQ(Shown(), std::nullopt);
  EXPECT_EQ(Half().logs.refused.size(), 1u);
  EXPECT_EQ(Half().logs.successes.size(), 1u);
}

TEST_F(LogsTest, BeforeTheEntraDisableItDependsOnKindAndTime) {
  Leave();
  world.Advance(absl::Minutes(20));
  SignIns(kOther, {Success("n1", world.now - kMinute, false)});
  EXPECT_EQ(Shown(), std::nullopt) << "exposure";
  SignIns(kInteractive, {Success("i1", world.now - kMinute)});
  EXPECT_EQ(Shown(), Severity::kWarning);
  world.Advance(absl::Minutes(60));
  EXPECT_EQ(Shown(), Severity::kWarning) << "by when it was";
  SignIns(kOther, {Success("n2", world.now - kMinute, false)});
  EXPECT_EQ(Shown(), Severity::kCritical) << "past breach_after";
  DisableInEntra();
  EXPECT_EQ(Shown(), std::nullopt) << "it was disabled after that";
}

TEST_F(LogsTest, ASuccessTenMinutesAfterARevocationTakesContainmentBack) {
  Leave();
  world.Advance(absl::Minutes(41));
  Audits({Audit("r1", AccountChange::kSessionsRevoked, world.now)});
  const absl::Time revoked = world.now;
  world.Advance(absl::Minutes(12));
  SignIns(kOther, {Success("s1", revoked + absl::Minutes(9), false)});
  EXPECT_EQ(world.person(1).phase, State::kContained);
  SignIns(kOther, {Success("s2", revoked + absl::Minutes(11), false)});
  EXPECT_EQ(world.person(1).phase, State::kLagging);
  EXPECT_EQ(Shown(), Severity::kCritical);
}

TEST_F(LogsTest, AnInteractiveSuccessTakesContainmentBackAtOnce) {
  Leave();
  world.Advance(absl::Minutes(41));
  Audits({Audit("r1", AccountChange::kSessionsRevoked, world.now)});
  EXPECT_EQ(world.person(1).phase, State::kContained);
  const absl::Time revoked = world.now;
  world.Advance(absl::Minutes(5));
  SignIns(kInteractive, {Success("s1", revoked + absl::Minutes(3))});
  EXPECT_EQ(world.person(1).phase, State::kLagging) << "who types a password has one that works";
}

TEST_F(LogsTest, AnEnabledAccountInAdEndsIt) {
  Leave();
  world.Advance(absl::Minutes(5));
  SignIns(kInteractive, {Success("s1", world.now)});
  EXPECT_EQ(Shown(), Severity::kWarning);
  world.SetAd(1, true);
  world.AdRound({1});
  EXPECT_FALSE(world.person(1).episode.has_value());
}

TEST_F(LogsTest, ASignInAfterConvergenceOpensAnEpisodeOfItsOwn) {
  world.policy.require_revocation = false;
  Leave();
  world.Advance(absl::Minutes(5));
  DisableInEntra();
  world.Advance(kMinute);
  EXPECT_FALSE(world.person(1).episode.has_value());
  ASSERT_TRUE(world.person(1).memory.watch_until.has_value());
  EXPECT_EQ(world.person(1).review_at, *world.person(1).memory.watch_until);
  world.Advance(absl::Hours(1), absl::Minutes(1));
  SignIns(kInteractive, {Success("s1", world.now)});
  EXPECT_EQ(Shown(), Severity::kCritical);
  EXPECT_EQ(world.tally.episodes_opened.back().first, DriftKind::kSignInAfterDisable);
  EXPECT_FALSE(world.person(1).memory.watch_until.has_value());
  // Nobody signs in any more, and both logs are read past it.
  world.Advance(absl::Hours(3), absl::Minutes(1));
  SignIns(kInteractive, {});
  EXPECT_EQ(Shown(), Severity::kCritical) << "the other log was not read";
  SignIns(kOther, {});
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(world.closed.back().result, EpisodeResult::kConverged);
  world.Advance(absl::Hours(25), absl::Minutes(10));
  EXPECT_FALSE(world.person(1).memory.watch_until.has_value());
}

TEST_F(LogsTest, AnAuditRecordConfirmsThatSomebodyIsBack) {
  world.policy.require_revocation = false;
  Leave();
  world.Advance(absl::Minutes(5));
  DisableInEntra();
  world.Advance(absl::Minutes(5));
  world.SetEntra(1, true);
  world.ReadDirect(1);
  EXPECT_EQ(world.person(1).phase, State::kConverged) << "one look may be a replica that lags";
  Audits({Audit("e1", AccountChange::kEnabled, world.now - absl::Seconds(2))});
  EXPECT_EQ(world.person(1).phase, State::kRegressed);
}

TEST_F(LogsTest, ALimitIsStatedOnceAndLifted) {
  LogLook look;
  look.log = kOther;
  look.limit = LogLimit::kLicence;
  look.limit_detail = "premium needed";
  Apply(look);
  const absl::Time since = world.now;
  world.Advance(absl::Hours(1), absl::Minutes(10));
  Apply(look);
  EXPECT_EQ(world.EvidenceOf("log_limited"), 1u);
  EXPECT_EQ(world.link.logs.at(kOther).limit_since, since);
  EXPECT_EQ(world.link.logs.at(kOther).limit_seen, world.now);
  Leave();
  EXPECT_EQ(Input("non_interactive_sign_ins"), "not read: licence");
  SignIns(kOther, {});
  EXPECT_EQ(world.EvidenceOf("log_readable"), 1u);
  EXPECT_EQ(world.link.logs.at(kOther).limit, LogLimit::kNone);
}

TEST_F(LogsTest, DevicesAreKeptAsTheyWereReadLast) {
  Leave();
  DeviceLook look;
  look.entra_id = World::Entra(1).id;
  look.at = TimeBounds::Exactly(world.now);
  for (size_t i = 0; i < kDevicesKept + 1; ++i) look.devices.push_back({Cat("d", i)});
  TouchedKeys keys;
  keys.entra_ids = {look.entra_id};
  world.Commit(ApplyDevices(world.context(), world.Load(keys), look));
  ASSERT_TRUE(Half().logs.devices.has_value());
  EXPECT_EQ(Half().logs.devices->devices.size(), kDevicesKept);
  EXPECT_FALSE(Half().logs.devices->complete);
  DeviceLook older = look;
  older.at = TimeBounds::Exactly(world.now - kMinute);
  older.devices.clear();
  world.Commit(ApplyDevices(world.context(), world.Load(keys), older));
  EXPECT_EQ(Half().logs.devices->devices.size(), kDevicesKept);
}

TEST(KeepSignIn, ARowThatSumsUpGrowsAndStaysOne) {
  const absl::Time at = absl::FromUnixSeconds(1795219200);
  AccountLogs logs;
  SignIn row = Success("s1", at, false);
  EXPECT_TRUE(KeepSignIn(logs, row));
  EXPECT_TRUE(KeepSignIn(logs, Success("s2", at + absl::Minutes(1), false)));
  row.at = {at, at + absl::Minutes(20)};
  EXPECT_FALSE(KeepSignIn(logs, row));
  row.at.hi = at + absl::Minutes(10);  // an older answer that comes late
  EXPECT_FALSE(KeepSignIn(logs, row));
  ASSERT_EQ(logs.successes.size(), 2u);
  EXPECT_EQ(logs.successes.back().id, "s1");
  EXPECT_EQ(logs.successes.back().at, (TimeBounds{at, at + absl::Minutes(20)}));
}

TEST(Continue, KeepsWhatWasReadWithoutAGap) {
  const auto at = [](int minutes) { return T0() + minutes * kMinute; };
  EXPECT_EQ(Continue({}, {at(0), at(10)}), (TimeBounds{at(0), at(10)}));
  EXPECT_EQ(Continue({at(0), at(10)}, {at(5), at(20)}), (TimeBounds{at(0), at(20)}));
  EXPECT_EQ(Continue({at(0), at(10)}, {at(15), at(20)}), (TimeBounds{at(15), at(20)}));
  EXPECT_EQ(Continue({at(15), at(20)}, {at(0), at(10)}), (TimeBounds{at(15), at(20)}));
  EXPECT_EQ(Continue({at(15), at(20)}, {at(0), at(16)}), (TimeBounds{at(0), at(20)}));
}

}  // namespace
}  // namespace driftwarden::monitor
