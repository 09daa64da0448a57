// The table of drift kinds: where each opens, clears, how severe it is, and that a stale source
// makes blind without clearing anything.

#include "monitor/rules.h"

#include <gtest/gtest.h>

#include "monitor/evaluate.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

enum class Cloud { kLive, kDisabled, kSoftDeleted };

struct RuleCase {
  const char* what;
  bool deleted_in_ad;
  Cloud cloud;
  bool tier0;
  absl::Duration after;  // from the disable (or the Entra disable) to the verdict
  State phase;
  std::optional<DriftKind> kind;
  Severity severity;
};

// A person who left at T0, seen at once, both sides read `after` later.
Person PersonFor(const RuleCase& c, const World& world) {
  Person person;
  person.ordinal = 1;
  AdView ad = World::Ad(1);
  ad.admin_count = c.tier0;
  AdHalf& half = person.facts.ad.emplace_back();
  const auto look = [](absl::Time at) {
    return Look{kAd, {at - absl::Milliseconds(1), at}, LookKind::kFeed};
  };
  MergeAd(half, ad, look(T0() - absl::Hours(1)), absl::Seconds(5));
  if (c.deleted_in_ad) {
    ad.deleted = true;
    ad.deleted_stamp = MetadataStamp{1, T0(), {}, 5};
  } else {
    ad.user_account_control = 0x202;
    ad.uac_stamp->version = 2;
    ad.uac_stamp->originating_time = T0();
  }
  MergeAd(half, ad, look(T0()), absl::Seconds(5));
  EntraHalf& entra = person.facts.entra.emplace();
  EntraView view = World::Entra(1);
  Look cloud{kTenant, {T0() - absl::Hours(1), T0() - absl::Hours(1)}, LookKind::kFeed};
  MergeEntra(entra, view, cloud);
  if (c.cloud != Cloud::kLive) {
    view.account_enabled = c.cloud != Cloud::kDisabled;
    if (c.cloud == Cloud::kSoftDeleted) view.deletion = EntraDeletion::kSoft;
    cloud.at = TimeBounds::Exactly(T0());
    MergeEntra(entra, view, cloud);
  }
  person.tier = TierOf(person.facts, world.policy);
  person.phase = State::kPending;
  return person;
}

LinkState ReadAt(const World& world, absl::Time at) {
  LinkState link = world.link;
  link.baseline_at = T0() - absl::Hours(48);
  for (const SourceName& name : {kAd, kTenant}) {
    link.sources[name].last_success = at;
    link.sources[name].last_complete_begin = at;
  }
  return link;
}

TEST(Rules, OpenWithTheSeverityOfTheTable) {
  const absl::Duration m = absl::Minutes(1);
  const absl::Duration s = absl::Seconds(1);
  const auto lag = DriftKind::kDisableLag;
  const auto gone = DriftKind::kDeletedLive;
  const auto seal = DriftKind::kTokenNotRevoked;
  const Severity info = Severity::kInfo;
  const RuleCase cases[] = {
      {"not settled yet", false, Cloud::kLive, false, 10 * s, State::kPending, {}, info},
      {"settled", false, Cloud::kLive, false, 31 * s, State::kPending, lag, info},
      {"just before the warning", false, Cloud::kLive, false, 40 * m - s, State::kPending, lag,
       info},
      {"past warn_after", false, Cloud::kLive, false, 40 * m, State::kLagging, lag,
       Severity::kWarning},
      {"past breach_after", false, Cloud::kLive, false, 70 * m, State::kBreached, lag,
       Severity::kCritical},
      {"tier 0 settles sooner", false, Cloud::kLive, true, 16 * s, State::kPending, lag, info},
      {"tier 0 warns after 5 min", false, Cloud::kLive, true, 5 * m, State::kLagging, lag,
       Severity::kWarning},
      {"tier 0 breaches after a cycle and 10 min", false, Cloud::kLive, true, 40 * m,
       State::kBreached, lag, Severity::kCritical},
      {"deleted, settled", true, Cloud::kLive, false, 31 * s, State::kPending, gone, info},
      {"deleted, past warn_after", true, Cloud::kLive, false, 41 * m, State::kLagging, gone,
       Severity::kWarning},
      {"deleted, past breach_after", true, Cloud::kLive, false, 71 * m, State::kBreached, gone,
       Severity::kCritical},
      {"deleted tier 0", true, Cloud::kLive, true, 6 * m, State::kLagging, gone,
       Severity::kWarning},
      {"disabled in Entra, not revoked",
       false,
       Cloud::kDisabled,
       false,
       44 * m,
       State::kUnsealed,
       {},
       info},
      {"not revoked for revoke_after", false, Cloud::kDisabled, false, 46 * m, State::kUnsealed,
       seal, info},
      {"not revoked, tier 0", false, Cloud::kDisabled, true, 3 * m, State::kUnsealed, seal,
       Severity::kWarning},
      {"deleted on both sides",
       true,
       Cloud::kSoftDeleted,
       false,
       71 * m,
       State::kConverged,
       {},
       info},
      {"disabled, deleted in Entra",
       false,
       Cloud::kSoftDeleted,
       true,
       71 * m,
       State::kConverged,
       {},
       info},
  };
  for (const RuleCase& c : cases) {
    World world;
    const absl::Time now = T0() + c.after;
    const Person person = PersonFor(c, world);
    const Verdict verdict = Evaluate(person, ReadAt(world, now), world.policy, now);
    EXPECT_EQ(StateText(verdict.phase), StateText(c.phase)) << c.what;
    EXPECT_EQ(verdict.drift.size(), c.kind ? 1u : 0u) << c.what;
    if (c.kind && !verdict.drift.empty()) {
      EXPECT_EQ(verdict.drift[0].kind, *c.kind) << c.what;
      EXPECT_EQ(verdict.drift[0].severity, c.severity) << c.what;
      EXPECT_EQ(verdict.drift[0].since, T0()) << c.what;
    }
    EXPECT_GT(verdict.review_at, now) << c.what;
    EXPECT_FALSE(verdict.because.inputs.empty());
    EXPECT_FALSE(verdict.blind) << c.what;
  }
}

TEST(Rules, AStaleSourceMakesBlindAndClearsNothing) {
  for (const bool deleted : {false, true}) {
    for (const SourceName& stale : {kAd, kTenant}) {
      World world;
      const RuleCase c{"",
                       deleted,
                       Cloud::kLive,
                       false,
                       absl::Minutes(75),
                       State::kBreached,
                       {},
                       Severity::kCritical};
      const absl::Time now = T0() + c.after;
      LinkState link = ReadAt(world, now);
      link.sources[stale].last_success = now - absl::Minutes(3);
      const Verdict verdict = Evaluate(PersonFor(c, world), link, world.policy, now);
      EXPECT_TRUE(verdict.blind);
      EXPECT_EQ(verdict.state, State::kBreached) << "blind is computed, not stored";
      EXPECT_EQ(verdict.drift.size(), 1u);
    }
  }
}

struct ContainedCase {
  AuthMode auth;
  absl::Duration after;
  Severity severity;
};

TEST(Rules, ContainedIsAsSevereAsThePasswordIsUseful) {
  const ContainedCase cases[] = {
      {AuthMode::kPasswordHashSync, absl::Minutes(30), Severity::kInfo},
      {AuthMode::kPasswordHashSync, absl::Minutes(50), Severity::kWarning},
      {AuthMode::kPasswordHashSync, absl::Minutes(71), Severity::kCritical},
      {AuthMode::kPassThrough, absl::Minutes(71), Severity::kWarning},
      {AuthMode::kFederated, absl::Minutes(71), Severity::kWarning},
      {AuthMode::kFederated, absl::Minutes(30), Severity::kInfo},
  };
  for (const ContainedCase& c : cases) {
    World world;
    world.policy.auth_mode = c.auth;
    const absl::Time now = T0() + c.after;
    Person person = PersonFor({"", false, Cloud::kLive, false, c.after, {}, {}, {}}, world);
    person.facts.last_revocation = Revocation{};
    person.facts.last_revocation->called = TimeBounds::Exactly(T0() + absl::Minutes(10));
    const Verdict verdict = Evaluate(person, ReadAt(world, now), world.policy, now);
    EXPECT_EQ(verdict.phase, State::kContained);
    ASSERT_EQ(verdict.drift.size(), 1u);
    EXPECT_EQ(verdict.drift[0].severity, c.severity) << absl::FormatDuration(c.after);
    EXPECT_TRUE(verdict.wanted.empty());
  }
}

TEST(Rules, ARevocationOfAnEarlierLeaveContainsNothing) {
  World world;
  const absl::Time now = T0() + absl::Minutes(75);
  Person person = PersonFor({"", false, Cloud::kLive, false, {}, {}, {}, {}}, world);
  person.facts.last_revocation = Revocation{};
  person.facts.last_revocation->called = TimeBounds::Exactly(T0() - absl::Hours(2));
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kBreached);
}

TEST(Rules, DisabledAloneConvergesWhereNoRevocationIsRequired) {
  World world;
  world.policy.require_revocation = false;
  const absl::Time now = T0() + absl::Minutes(75);
  const Person person = PersonFor({"", false, Cloud::kDisabled, false, {}, {}, {}, {}}, world);
  const Verdict verdict = Evaluate(person, ReadAt(world, now), world.policy, now);
  EXPECT_EQ(verdict.phase, State::kConverged);
  EXPECT_TRUE(verdict.wanted.empty());
}

TEST(Rules, SealedMeansRevokedAtOrAfterTheEntraDisable) {
  World world;
  const absl::Time now = T0() + absl::Minutes(75);
  Person person = PersonFor({"", false, Cloud::kDisabled, false, {}, {}, {}, {}}, world);
  const absl::Time disabled = person.facts.entra->disabled_since.hi;
  person.facts.last_revocation = Revocation{};
  person.facts.last_revocation->called = TimeBounds::Exactly(disabled - absl::Seconds(1));
  Verdict verdict = Evaluate(person, ReadAt(world, now), world.policy, now);
  EXPECT_EQ(verdict.phase, State::kUnsealed);
  EXPECT_EQ(verdict.wanted,
            (std::vector<WantedAction>{{ActionKind::kRevokeSessions, ActionReason::kSeal}}));
  person.facts.last_revocation->called = TimeBounds::Exactly(disabled);
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kConverged);
  person.facts.entra->restored_since = TimeBounds::Exactly(disabled + absl::Seconds(1));
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kUnsealed);
}

TEST(Rules, RegressionTakesTwoDirectReadsAMinuteApart) {
  World world;
  const absl::Time now = T0() + absl::Minutes(75);
  Person person = PersonFor({"", false, Cloud::kLive, false, {}, {}, {}, {}}, world);
  person.memory.last_converged = T0() + absl::Minutes(20);
  person.phase = State::kConverged;
  Verdict verdict = Evaluate(person, ReadAt(world, now), world.policy, now);
  EXPECT_EQ(verdict.phase, State::kConverged);
  EXPECT_TRUE(verdict.wants_reads);
  EntraHalf& entra = *person.facts.entra;
  entra.live_direct_first = now - absl::Seconds(59);
  entra.last_direct_look = TimeBounds::Exactly(now);
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kConverged);
  entra.live_direct_first = now - absl::Seconds(60);
  verdict = Evaluate(person, ReadAt(world, now), world.policy, now);
  EXPECT_EQ(verdict.phase, State::kRegressed);
  ASSERT_EQ(verdict.drift.size(), 1u);
  EXPECT_EQ(verdict.drift[0].kind, DriftKind::kCloudReenabled);
  EXPECT_EQ(verdict.drift[0].severity, Severity::kCritical);
  EXPECT_EQ(verdict.wanted.size(), 1u);
}

TEST(Rules, TierZeroBreachesEarlyWhereContainmentFailed) {
  World world;
  const absl::Time now = T0() + absl::Minutes(11);
  Person person = PersonFor({"", false, Cloud::kLive, true, {}, {}, {}, {}}, world);
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kLagging);
  person.episode = Episode{};
  person.episode->containment_failed = true;
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kBreached);
}

TEST(Rules, AfterAGapNobodyAdvancesUntilBothSidesAreReadAgain) {
  World world;
  const absl::Time now = T0() + absl::Minutes(75);
  Person person = PersonFor({"", false, Cloud::kLive, false, {}, {}, {}, {}}, world);
  LinkState link = ReadAt(world, now);
  link.sources[kTenant].gap_ended = now - absl::Minutes(1);
  Verdict verdict = Evaluate(person, link, world.policy, now);
  EXPECT_EQ(verdict.phase, State::kPending);
  EXPECT_TRUE(verdict.wanted.empty());
  EXPECT_LE(verdict.review_at, now + absl::Seconds(5));
  person.phase = State::kLagging;
  EXPECT_EQ(Evaluate(person, link, world.policy, now).phase, State::kLagging);
  person.facts.entra->last_direct_look = TimeBounds::Exactly(now);
  EXPECT_EQ(Evaluate(person, link, world.policy, now).phase, State::kLagging);
  person.facts.ad[0].last_look = TimeBounds::Exactly(now);
  EXPECT_EQ(Evaluate(person, link, world.policy, now).phase, State::kBreached);
}

TEST(Rules, ASuspectClockAdvancesNobody) {
  World world;
  const absl::Time now = T0() + absl::Minutes(75);
  const Person person = PersonFor({"", false, Cloud::kLive, false, {}, {}, {}, {}}, world);
  const Verdict verdict =
      Evaluate(person, ReadAt(world, now), world.policy, now, EvaluateOptions{true, true});
  EXPECT_EQ(verdict.phase, State::kPending);
  EXPECT_TRUE(verdict.wanted.empty());
}

TEST(Rules, ReviewIsTheNextThresholdAndMonotone) {
  World world;
  const Person person = PersonFor({"", false, Cloud::kLive, false, {}, {}, {}, {}}, world);
  absl::Time now = T0() + absl::Seconds(31);
  std::vector<absl::Duration> reviews;
  for (int i = 0; i < 3; ++i) {
    const Verdict verdict = Evaluate(person, ReadAt(world, now), world.policy, now);
    reviews.push_back(verdict.review_at - T0());
    EXPECT_FALSE(verdict.next.empty());
    now = verdict.review_at;
  }
  EXPECT_EQ(reviews,
            (std::vector<absl::Duration>{absl::Minutes(40), absl::Minutes(45), absl::Minutes(70)}));
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).review_at,
            absl::InfiniteFuture());
}

TEST(Rules, EnabledInAdButNotInEntraIsReversedAfterTwoCycles) {
  World world;
  Person person = PersonFor({"", false, Cloud::kDisabled, false, {}, {}, {}, {}}, world);
  person.facts.ad[0].disabled = Tri::kNo;
  absl::Time now = T0() + absl::Minutes(59);
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kAligned);
  now = T0() + absl::Minutes(60);
  EXPECT_EQ(Evaluate(person, ReadAt(world, now), world.policy, now).phase, State::kReversed);
}

}  // namespace
}  // namespace driftwarden::monitor
