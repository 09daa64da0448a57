#include "daemon/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::SourceName;

TEST(Engine, CommitsABatchAndShowsWhatIsCommitted) {
  EngineFixture f;
  f.Baseline(3);
  const auto state = f.engine->State();
  EXPECT_EQ(state->linked_people, 3u);
  EXPECT_TRUE(state->baseline_at.has_value());
  EXPECT_EQ(f.engine->PositionOf(SourceName("corp")).cursor, "usn-1");
  EXPECT_EQ(f.engine->PositionOf(SourceName("contoso")).cursor, "delta-1");
  const auto stored = f.store->LoadLink(f.engine->link());
  ASSERT_TRUE(stored.ok() && stored->has_value());
  EXPECT_EQ(**stored, *state);
}

TEST(Engine, AQuietRoundMovesTimesInMemoryAndIsWrittenOnceAWhile) {
  EngineFixture f;
  f.Baseline(1);
  const uint64_t before = f.store->commits();
  for (int i = 0; i < 6; ++i) {
    f.scheduler.RunFor(absl::Seconds(5));
    ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), {}, Cat("usn-q", i))).ok());
  }
  EXPECT_EQ(f.store->commits(), before);
  EXPECT_EQ(f.engine->PositionOf(SourceName("corp")).cursor, "usn-q5");
  EXPECT_EQ(f.engine->PositionOf(SourceName("corp")).last_success, f.clock.Wall());
  f.scheduler.RunFor(absl::Minutes(1));
  ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), {}, "usn-r")).ok());
  EXPECT_EQ(f.store->commits(), before + 1);
  const auto stored = f.store->LoadLink(f.engine->link());
  EXPECT_EQ((*stored)->sources.at(SourceName("corp")).cursor, "usn-r");
}

TEST(Engine, ABatchOutsideOfAnyRoundIsAppliedAndMovesNoCursor) {
  EngineFixture f;
  f.Baseline(2);
  f.scheduler.RunFor(absl::Seconds(5));
  const auto before = f.engine->State();
  std::vector<monitor::Observation> seen = {
      Seen("corp", AdPerson(1, false, 2, f.clock.Wall()), f.clock.Wall())};
  monitor::ChangeBatch aside = Round("corp", f.clock.Wall(), seen, "");
  aside.starts_round = false;
  aside.completes_round = false;
  ASSERT_TRUE(f.Deliver(aside).ok());
  const auto after = f.engine->State();
  EXPECT_GT(after->evidence_seq, before->evidence_seq) << "the departure is known";
  monitor::SourceState expected = before->sources.at(SourceName("corp"));
  expected.last_change = after->sources.at(SourceName("corp")).last_change;
  EXPECT_EQ(after->sources.at(SourceName("corp")), expected);
  // The poll brings it again.
  const uint64_t known = after->evidence_seq;
  ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), seen, "usn-2")).ok());
  EXPECT_EQ(f.engine->State()->evidence_seq, known);
  EXPECT_EQ(f.engine->PositionOf(SourceName("corp")).cursor, "usn-2");
}

TEST(Engine, ADiskThatRefusesStopsItForGoodAndSaysSoOnce) {
  EngineFixture f;
  f.Baseline(1);
  f.disk->RefuseWrites("No space left on device");
  std::vector<monitor::Observation> seen = {
      Seen("corp", AdPerson(1, false, 2, f.clock.Wall()), f.clock.Wall())};
  EXPECT_FALSE(f.Deliver(Round("corp", f.clock.Wall(), seen, "usn-2")).ok());
  EXPECT_FALSE(f.Deliver(Round("corp", f.clock.Wall(), seen, "usn-2")).ok());
  ASSERT_EQ(f.failures.size(), 1u);
  EXPECT_NE(f.failures[0].ToString().find("No space left"), std::string::npos);
  EXPECT_EQ(f.engine->PositionOf(SourceName("corp")).cursor, "usn-1");
  f.disk->RefuseWrites("");
  EXPECT_FALSE(f.Deliver(Round("corp", f.clock.Wall(), seen, "usn-2")).ok());
  EXPECT_FALSE(f.Await(f.engine->Claim()).ok());
}

TEST(Engine, DeadlinesAreJudgedWhenTheyFallDue) {
  auto policy = TestPolicy();
  policy->remediation.mode = monitor::Mode::kObserve;
  EngineFixture f(policy);
  f.Baseline(1);
  f.Disable(1);
  const auto waited = f.Await(f.engine->WaitForDue(absl::Hours(2)));
  EXPECT_TRUE(waited.ok());
  const absl::Time start = f.clock.Wall();
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(f.Await(f.engine->ReviewDue()).ok());
    const monitor::OpenCountKey warning{monitor::DriftKind::kDisableLag,
                                        monitor::TierName(monitor::kStandard),
                                        monitor::Severity::kWarning};
    if (f.engine->State()->open.count(warning) > 0) break;
    // Both sides go on being read: nothing is stale.
    ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), {}, "usn-3")).ok());
    ASSERT_TRUE(f.Deliver(Round("contoso", f.clock.Wall(), {}, "delta-3")).ok());
    ASSERT_TRUE(f.Await(f.engine->WaitForDue(absl::Seconds(30))).ok());
  }
  EXPECT_NEAR(absl::ToDoubleMinutes(f.clock.Wall() - start), 40, 1);
}

TEST(Engine, AnAlertSaysWhoAndWhatAndIsToldUntilItIsReported) {
  auto policy = TestPolicy();
  policy->tiers = {monitor::TierPolicy()};
  policy->tiers[0].name = monitor::TierName(monitor::kStandard);
  policy->tiers[0].warn_after = absl::ZeroDuration();
  policy->remediation.mode = monitor::Mode::kObserve;
  EngineFixture f(policy);
  f.Baseline(1);
  f.scheduler.RunFor(absl::Seconds(5));
  f.Disable(1);
  auto pending = f.Await(f.engine->Pending());
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(pending->size(), 1u);
  const alerts::PendingAlert& told = pending->front();
  EXPECT_TRUE(told.firing);
  EXPECT_EQ(told.alert.labels.at("alertname"), "DriftwardenPerson");
  EXPECT_EQ(told.alert.labels.at("severity"), "warning");
  EXPECT_EQ(told.alert.annotations.at("upn"), "u1@corp.example");
  EXPECT_EQ(told.alert.annotations.at("sam_account_name"), "u1");
  EXPECT_NE(told.alert.annotations.at("summary").find("still enabled in Entra"), std::string::npos);
  EXPECT_NE(told.alert.annotations.at("evidence").find("corp-contoso:"), std::string::npos);
  EXPECT_GT(told.alert.ends_at, f.clock.Wall() + absl::Minutes(1));

  monitor::DeliveryReport report;
  report.incident = told.incident;
  report.labels = told.alert.labels;
  report.receiver = "book";
  const uint64_t before = f.store->commits();
  ASSERT_TRUE(f.Await(f.engine->ReportDeliveries({report})).ok());
  EXPECT_EQ(f.store->commits(), before + 1);
  ASSERT_TRUE(f.Await(f.engine->ReportDeliveries({report})).ok());
  EXPECT_EQ(f.store->commits(), before + 1) << "a repeat is no news";

  f.scheduler.RunFor(absl::Seconds(5));
  std::vector<monitor::Observation> seen = {
      Seen("corp", AdPerson(1, true, 3, f.clock.Wall()), f.clock.Wall())};
  ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), seen, "usn-3")).ok());
  pending = f.Await(f.engine->Pending());
  ASSERT_EQ(pending->size(), 1u);
  EXPECT_FALSE(pending->front().firing);
  report.firing = false;
  ASSERT_TRUE(f.Await(f.engine->ReportDeliveries({report})).ok());
  EXPECT_TRUE(f.Await(f.engine->Pending())->empty());
}

TEST(Engine, AnAlertThatAnEarlierVersionLeftBehindIsTakenBackAndForgotten) {
  EngineFixture f;
  f.Baseline(1);
  monitor::Incident left;
  left.id = monitor::IncidentId("e77.corp-contoso");
  left.alertname = "DriftwardenPerson";
  left.labels = {{"alertname", "DriftwardenPerson"}, {"episode", left.id.value}};
  left.person = 1;
  left.starts_at = f.clock.Wall();
  left.announced = {left.labels};
  monitor::Changes changes;
  changes.link = *f.engine->State();
  changes.incidents = {left};
  ASSERT_TRUE(f.store->Commit(f.lease, changes).ok());
  const auto pending = f.Await(f.engine->Pending());
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(pending->size(), 1u);
  EXPECT_FALSE(pending->front().firing);
  monitor::DeliveryReport report;
  report.incident = left.id;
  report.labels = left.labels;
  report.receiver = "book";
  report.firing = false;
  ASSERT_TRUE(f.Await(f.engine->ReportDeliveries({report})).ok());
  EXPECT_TRUE(f.Await(f.engine->Pending())->empty());
  EXPECT_TRUE(f.store->Incidents(f.engine->link())->empty());
}

TEST(Engine, AJumpOfOurClockIsSuspectUntilTwoSourcesAgree) {
  EngineFixture f;
  f.Baseline(1);
  f.scheduler.RunFor(absl::Seconds(5));
  f.clock.StepWall(absl::Seconds(-20));
  ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), {}, "usn-2")).ok());
  EXPECT_TRUE(f.engine->clock_suspect());
  f.scheduler.RunFor(absl::Seconds(5));
  ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), {}, "usn-3")).ok());
  EXPECT_TRUE(f.engine->clock_suspect());
  ASSERT_TRUE(f.Deliver(Round("contoso", f.clock.Wall(), {}, "delta-3")).ok());
  EXPECT_FALSE(f.engine->clock_suspect());
}

TEST(Engine, AJumpWhileACommandLoadsItsPeopleIsSeenBeforeItJudgesThem) {
  EngineFixture f;
  f.Baseline(1);
  f.scheduler.RunFor(absl::Seconds(5));
  f.lane.before = [&f] { f.clock.StepWall(absl::Hours(3)); };
  f.Disable(1);
  EXPECT_EQ(f.lane.before, nullptr);
  EXPECT_TRUE(f.engine->clock_suspect());
}

// Both sources are read, by a clock that they agree with.
void ReadBySteppedClock(EngineFixture& f) {
  f.scheduler.RunFor(absl::Seconds(5));
  const std::string at = Cat(absl::ToUnixMillis(f.clock.Wall()));
  ASSERT_TRUE(f.Deliver(Round("corp", f.clock.Wall(), {}, Cat("usn-", at))).ok());
  ASSERT_TRUE(f.Deliver(Round("contoso", f.clock.Wall(), {}, Cat("delta-", at))).ok());
}

TEST(Engine, WhoWasToBeLookedAtByAClockThatWasAheadIsJudgedAnewOnceItIsSetBack) {
  constexpr absl::Duration kAhead = absl::Hours(3);
  EngineFixture f;
  f.Baseline(2);
  f.clock.StepWall(kAhead);
  ReadBySteppedClock(f);
  ReadBySteppedClock(f);
  ASSERT_FALSE(f.engine->clock_suspect());
  f.Disable(1);
  const auto review_at = [&] {
    store::PeopleKeys keys;
    keys.entra_ids = {EntraIdOf(1)};
    const auto people = f.store->LoadPeople(f.engine->link(), keys);
    return people->by_ordinal.begin()->second.review_at;
  };
  f.clock.StepWall(-kAhead);
  ASSERT_GT(review_at(), f.clock.Wall() + absl::Hours(2));
  ReadBySteppedClock(f);
  ReadBySteppedClock(f);
  ASSERT_TRUE(f.Await(f.engine->ReviewDue()).ok());
  EXPECT_LT(review_at(), f.clock.Wall() + absl::Hours(1));
  EXPECT_TRUE(monitor::IsJudged(f.engine->State()->policy));
}

TEST(Engine, ActionsAreHandedOutWorstFirst) {
  auto policy = TestPolicy();
  policy->tiers = {monitor::TierPolicy()};
  policy->tiers[0].name = monitor::TierName(monitor::kStandard);
  policy->tiers[0].revoke_after = absl::ZeroDuration();
  policy->remediation.budgets.per_10m = 1;
  EngineFixture f(policy);
  f.Baseline(3);
  f.scheduler.RunFor(absl::Seconds(5));
  for (int n = 1; n <= 3; ++n) {
    f.Disable(n);
    f.scheduler.RunFor(absl::Seconds(2));
  }
  auto work = f.Await(f.engine->Claim());
  ASSERT_TRUE(work.ok());
  ASSERT_EQ(work->size(), 1u) << "one call in ten minutes";
  EXPECT_EQ(work->front().action.state, monitor::ActionState::kIntent);
  EXPECT_EQ(work->front().person.facts.ad.front().sam_account_name, "u1");
  // The gates after the re-reads: AD says disabled, Entra live.
  monitor::ReReads reads;
  reads.intent_at = *work->front().action.intent_at;
  reads.ad_read = reads.entra_read = TimeBounds::Exactly(f.clock.Wall());
  reads.ad = AdPerson(1, true, 1, f.clock.Wall());
  reads.entra = EntraPerson(1, true);
  const auto enabled = f.Await(f.engine->ReportGates(work->front().action.id, reads));
  ASSERT_TRUE(enabled.ok());
  EXPECT_FALSE(*enabled) << "a replica says enabled: no call";
}

// What was not read while we were down is no source's fault, whoever asks first after the start.
TEST(Engine, QueuedActionsOfAnEarlierProcessMakeNoSourceStale) {
  auto policy = TestPolicy();
  policy->tiers = {monitor::TierPolicy()};
  policy->tiers[0].name = monitor::TierName(monitor::kStandard);
  policy->tiers[0].revoke_after = absl::ZeroDuration();
  policy->remediation.budgets.per_10m = 1;
  const auto disk = std::make_shared<store::MemDisk>();
  {
    EngineFixture f(policy, "/dev/null", disk);
    f.clock.StepWall(absl::Hours(-1));
    f.Baseline(2);
    ReadBySteppedClock(f);
    ASSERT_FALSE(f.engine->clock_suspect());
    f.Disable(1);
    f.Disable(2);
  }
  EngineFixture f(policy, "/dev/null", disk);  // an hour later
  const auto live = f.store->LiveActions(f.engine->link());
  ASSERT_TRUE(live.ok());
  const auto queued = [](const auto& action) {
    return action.state == monitor::ActionState::kQueued;
  };
  ASSERT_TRUE(std::any_of(live->begin(), live->end(), queued));
  ASSERT_TRUE(f.Await(f.engine->Claim()).ok());
  EXPECT_TRUE(f.engine->State()->causes.causes.empty());
}

TEST(Engine, OperatorsWritesAreCheckedAndCommitted) {
  EngineFixture f;
  EXPECT_EQ(f.Await(f.engine->AcceptBaseline("ada")).code(), StatusCode::kFailedPrecondition);
  f.Baseline(1);
  ASSERT_TRUE(f.Await(f.engine->AcceptBaseline("ada")).ok());
  EXPECT_EQ(f.engine->State()->baseline_accepted_by, "ada");
  EXPECT_EQ(f.Await(f.engine->ResetGuard("nonsense", "ada", "why not")).code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(f.Await(f.engine->ResetGuard(monitor::kGuardPercent, "ada", "mended")).ok());
}

TEST(Engine, AnExemptionLastsOverARestartAndEndsByItself) {
  EngineFixture f;
  f.Baseline(2);
  const monitor::Exemption word{f.clock.Wall(), f.clock.Wall() + absl::Hours(2), "leave", "ada"};
  monitor::Exemption passed = word;
  passed.until = f.clock.Wall();
  EXPECT_EQ(f.Await(f.engine->AddExemption(1, passed)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(f.Await(f.engine->AddExemption(99, word)).code(), StatusCode::kNotFound);
  EXPECT_EQ(f.Await(f.engine->RemoveExemption(1, "ada")).code(), StatusCode::kNotFound);
  const auto one = f.store->Find("u1@corp.example");
  ASSERT_EQ(one->size(), 1u);
  ASSERT_TRUE(f.Await(f.engine->AddExemption(one->front().second, word)).ok());
  f.Disable(1);
  const auto exempt = monitor::UserCountKey{monitor::State::kExempt, monitor::TierName("standard")};
  EXPECT_EQ(f.engine->State()->users.at(exempt), 1);
  EXPECT_TRUE(f.Await(f.engine->OpenPeople(0, 10))->empty());
  EngineFixture again(TestPolicy(), "/dev/null", f.disk);
  EXPECT_EQ(again.engine->State()->users.at(exempt), 1);
  again.scheduler.RunFor(absl::Hours(2));
  ReadBySteppedClock(again);  // until then nobody vouches for the clock
  ASSERT_TRUE(again.Await(again.engine->ReviewDue()).ok());
  EXPECT_FALSE(again.engine->State()->users.contains(exempt));
  EXPECT_EQ(again.Await(again.engine->OpenPeople(0, 10))->size(), 1u);
}

TEST(Engine, AMarkAsCompromisedLastsOverARestartUntilItIsTakenBack) {
  EngineFixture f;
  f.Baseline(2);
  const auto ordinal_of = [&f](const std::string& upn) {
    return f.store->Find(upn)->front().second;
  };
  const monitor::PersonOrdinal one = ordinal_of("u1@corp.example");
  const monitor::CompromiseMark word{f.clock.Wall(), "phished", "ada"};
  const monitor::CompromiseMark empty{f.clock.Wall(), " ", "ada"};
  EXPECT_EQ(f.Await(f.engine->MarkCompromised(one, empty)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(f.Await(f.engine->MarkCompromised(99, word)).code(), StatusCode::kNotFound);
  EXPECT_EQ(f.Await(f.engine->UnmarkCompromised(one, "ada")).code(), StatusCode::kNotFound);
  ASSERT_TRUE(f.Await(f.engine->MarkCompromised(one, word)).ok());
  EXPECT_THAT(*f.Await(f.engine->OpenPeople(0, 10)), ::testing::ElementsAre(one));
  f.Disable(2);
  const monitor::PersonOrdinal two = ordinal_of("u2@corp.example");
  EXPECT_EQ(f.Await(f.engine->MarkCompromised(two, word)).code(), StatusCode::kFailedPrecondition);
  EngineFixture again(TestPolicy(), "/dev/null", f.disk);
  EXPECT_EQ(again.Await(again.engine->OpenPeople(0, 10))->size(), 2u);
  ASSERT_TRUE(again.Await(again.engine->UnmarkCompromised(one, "ada")).ok());
  EXPECT_THAT(*again.Await(again.engine->OpenPeople(0, 10)), ::testing::ElementsAre(two));
}

TEST(Engine, AResetHandsOutAtOnceWhatTheGuardHeldBack) {
  auto policy = TestPolicy();
  policy->remediation.budgets = {100, 1000, 1, absl::Minutes(10), 3};
  policy->tiers = {monitor::TierPolicy()};
  policy->tiers[0].name = monitor::TierName(monitor::kStandard);
  policy->tiers[0].revoke_after = absl::ZeroDuration();
  EngineFixture f(policy);
  f.Baseline(8);
  f.scheduler.RunFor(absl::Seconds(5));
  for (int i = 1; i <= 7; ++i) f.Disable(i);
  ASSERT_TRUE(f.engine->State()->guards.at(monitor::kGuardPercent).tripped);
  const auto before = f.Await(f.engine->Claim());
  ASSERT_TRUE(before.ok());
  ASSERT_EQ(before->size(), 5u);
  for (const remediation::ActionWork& work : *before) {
    const auto go = f.Await(f.engine->ReportGates(work.action.id, monitor::ReReads()));
    ASSERT_TRUE(go.ok());
    EXPECT_FALSE(*go);
  }
  EXPECT_TRUE(f.Await(f.engine->Claim())->empty());
  ASSERT_TRUE(f.Await(f.engine->ResetGuard(monitor::kGuardPercent, "ada", "a drill")).ok());
  EXPECT_EQ(f.Await(f.engine->Claim())->size(), 7u);
}

TEST(Engine, ANewPolicyJudgesOpenPeopleAtOnce) {
  auto policy = TestPolicy();
  policy->remediation.mode = monitor::Mode::kObserve;
  EngineFixture f(policy);
  f.Baseline(1);
  f.scheduler.RunFor(absl::Seconds(5));
  f.Disable(1);
  EXPECT_TRUE(f.Await(f.engine->Pending())->empty());
  auto sharper = std::make_shared<monitor::Policy>(*policy);
  sharper->tiers = {monitor::TierPolicy()};
  sharper->tiers[0].name = monitor::TierName(monitor::kStandard);
  sharper->tiers[0].warn_after = absl::ZeroDuration();
  ASSERT_TRUE(f.Await(f.engine->SetPolicy(sharper, "uid:test")).ok());
  EXPECT_EQ(f.engine->CurrentPolicy(), sharper);
  ASSERT_TRUE(f.Await(f.engine->ReviewOpen()).ok());
  EXPECT_EQ(f.Await(f.engine->Pending())->size(), 1u);
}

TEST(Engine, OnceStoppedItTurnsEverybodyAway) {
  EngineFixture f;
  f.Baseline(1);
  f.engine->Stop();
  f.scheduler.Settle();
  EXPECT_EQ(f.Deliver(Round("corp", f.clock.Wall(), {}, "usn-2")).code(), StatusCode::kCancelled);
  EXPECT_EQ(f.Await(f.engine->WaitForWork(absl::Seconds(5))).code(), StatusCode::kCancelled);
  EXPECT_EQ(f.Await(f.engine->WaitForChange(absl::Seconds(5))).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace driftwarden::daemon
