#include "monitor/policy.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "monitor/policy_epoch.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

struct DefaultsCase {
  const char* what;
  SyncEngine engine;
  const char* tier;
  absl::Duration cycle;
  absl::Duration warn, revoke, breach;
};

TEST(Policy, DefaultsFollowEngineTierAndLearnedCycle) {
  const absl::Duration m = absl::Minutes(1);
  const DefaultsCase cases[] = {
      {"connect", SyncEngine::kConnect, kStandard, {}, 40 * m, 45 * m, 70 * m},
      {"cloud sync", SyncEngine::kCloudSync, kStandard, {}, 8 * m, 12 * m, 15 * m},
      {"twice the cycle", SyncEngine::kConnect, kStandard, 60 * m, 80 * m, 90 * m, 140 * m},
      {"a shorter cycle changes nothing", SyncEngine::kConnect, kStandard, 10 * m, 40 * m, 45 * m,
       70 * m},
      {"three hours at most", SyncEngine::kConnect, kStandard, 600 * m, 180 * m, 180 * m, 180 * m},
      {"tier 0", SyncEngine::kConnect, kTier0, {}, 5 * m, 2 * m, 40 * m},
      {"tier 0 cloud sync", SyncEngine::kCloudSync, kTier0, {}, 5 * m, 2 * m, 12 * m},
      {"tier 0 learned", SyncEngine::kConnect, kTier0, 50 * m, 5 * m, 2 * m, 60 * m},
  };
  for (const DefaultsCase& c : cases) {
    World world;
    world.policy.sync_engine = c.engine;
    world.link.learned_cycle = c.cycle;
    const Thresholds t = ThresholdsFor(TierName(c.tier), world.policy, world.link);
    EXPECT_EQ(t.warn_after, c.warn) << c.what;
    EXPECT_EQ(t.revoke_after, c.revoke) << c.what;
    EXPECT_EQ(t.breach_after, c.breach) << c.what;
  }
}

TEST(Policy, WrittenThresholdsAreUsedExactly) {
  World world;
  world.link.learned_cycle = absl::Hours(2);
  world.policy.settle = absl::Seconds(2);
  world.policy.tiers.back().warn_after = absl::Seconds(1);
  world.policy.tiers.back().breach_after = absl::Hours(9);
  const Thresholds t = ThresholdsFor(TierName(kStandard), world.policy, world.link);
  EXPECT_EQ(t.settle, absl::Seconds(2));
  EXPECT_EQ(t.warn_after, absl::Seconds(1));
  EXPECT_EQ(t.revoke_after, absl::Hours(3));
  EXPECT_EQ(t.breach_after, absl::Hours(9));
}

TEST(Policy, SettleIsHalfAMinuteAndAQuarterForTierZero) {
  World world;
  EXPECT_EQ(ThresholdsFor(TierName(kStandard), world.policy, world.link).settle, absl::Seconds(30));
  EXPECT_EQ(ThresholdsFor(TierName(kTier0), world.policy, world.link).settle, absl::Seconds(15));
  world.policy.settle = absl::Minutes(1);
  EXPECT_EQ(ThresholdsFor(TierName(kTier0), world.policy, world.link).settle, absl::Seconds(15));
}

TEST(Policy, TierByAdminCountAndByPlace) {
  World world;
  Facts facts;
  AdHalf& half = facts.ad.emplace_back();
  half.dn = "CN=a,OU=Staff,DC=corp";
  EXPECT_EQ(TierOf(facts, world.policy).value, kStandard);
  half.dn = "CN=a, ou=admins, dc=corp";
  EXPECT_EQ(TierOf(facts, world.policy).value, kTier0);
  half.dn = "CN=a,OU=NotAdmins,DC=corp";
  EXPECT_EQ(TierOf(facts, world.policy).value, kStandard);
  half.dn = "CN=a,XOU=Admins,DC=corp";
  EXPECT_EQ(TierOf(facts, world.policy).value, kStandard);
  half.admin_count = true;
  EXPECT_EQ(TierOf(facts, world.policy).value, kTier0);
  world.policy.tiers.clear();
  EXPECT_EQ(TierOf(facts, world.policy).value, kStandard);
}

TEST(Policy, FirstMatchingModeWins) {
  World world;
  Remediation& r = world.policy.remediation;
  r.mode = Mode::kObserve;
  r.modes.push_back({LinkName("other"), {}, {}, Mode::kShadow});
  r.modes.push_back({{}, TierName(kTier0), {}, Mode::kObserve});
  r.modes.push_back({{}, {}, ActionKind::kRevokeSessions, Mode::kAuto});
  EXPECT_EQ(ModeFor(world.policy, TierName(kTier0), ActionKind::kRevokeSessions), Mode::kObserve);
  EXPECT_EQ(ModeFor(world.policy, TierName(kStandard), ActionKind::kRevokeSessions), Mode::kAuto);
  EXPECT_EQ(ModeFor(world.policy, TierName(kStandard), ActionKind::kDisableAccount),
            Mode::kObserve);
}

TEST(Policy, TheStrongestModeIsToldNotTheOneThatRulesOverride) {
  World world;
  Remediation& r = world.policy.remediation;
  r.mode = Mode::kObserve;
  EXPECT_EQ(StrongestMode(world.policy), Mode::kObserve);
  r.modes.push_back({{}, TierName(kTier0), {}, Mode::kAuto});
  EXPECT_EQ(StrongestMode(world.policy), Mode::kAuto);
  r.actions.clear();
  EXPECT_EQ(StrongestMode(world.policy), Mode::kObserve) << "nothing can be done at all";
}

TEST(Policy, StaleAfterFollowsThePollInterval) {
  World world;
  world.policy.poll_intervals = {{SourceName("a"), absl::Seconds(15)},
                                 {SourceName("b"), absl::Minutes(5)},
                                 {SourceName("c"), absl::Milliseconds(200)}};
  EXPECT_EQ(world.policy.StaleAfter(SourceName("a")), absl::Minutes(2));
  EXPECT_EQ(world.policy.StaleAfter(SourceName("b")), absl::Minutes(15));
  EXPECT_EQ(world.policy.StaleAfter(SourceName("c")), absl::Seconds(10));
}

TEST(Texts, EveryEnumeratorHasATextThatIsReadBack) {
  for (const State s : kAllStates) EXPECT_EQ(ParseState(StateText(s)), s);
  for (const DriftKind k : kAllDriftKinds) EXPECT_EQ(ParseDriftKind(DriftKindText(k)), k);
  for (const EpisodeResult r : kAllEpisodeResults) {
    EXPECT_EQ(ParseEpisodeResult(EpisodeResultText(r)), r);
  }
  for (const Mode m : kAllModes) EXPECT_EQ(ParseMode(ModeText(m)), m);
  EXPECT_FALSE(ParseState("nonsense").has_value());
  EXPECT_EQ(ActionStateText(ActionState::kCleared), "intent");
}

TEST(PolicyEpoch, EveryPartOfAPolicyHasADigestOfItsOwn) {
  Policy policy;
  policy.link = LinkName("main");
  const auto before = PolicyParts(policy);
  EXPECT_EQ(ChangedParts(before, PolicyParts(policy)), std::vector<std::string>());
  const std::vector<std::pair<std::string, std::function<void(Policy&)>>> edits = {
      {"link", [](Policy& p) { p.link = LinkName("other"); }},
      {"engine", [](Policy& p) { p.sync_engine = SyncEngine::kCloudSync; }},
      {"engine", [](Policy& p) { p.auth_mode = AuthMode::kFederated; }},
      {"engine", [](Policy& p) { p.auth_domains["a"] = AuthMode::kFederated; }},
      {"engine", [](Policy& p) { p.sync_actors = {"a"}; }},
      {"require_revocation", [](Policy& p) { p.require_revocation = false; }},
      {"act_on_expired", [](Policy& p) { p.act_on_expired = true; }},
      {"reset_without_revoke", [](Policy& p) { p.reset_without_revoke = true; }},
      {"settle", [](Policy& p) { p.settle = absl::ZeroDuration(); }},
      {"tiers", [](Policy& p) { p.tiers.emplace_back(); }},
      {"classes", [](Policy& p) { p.classes[PersonClass::kService].upns = {"a"}; }},
      {"remediation", [](Policy& p) { p.remediation.mode = Mode::kAuto; }},
      {"remediation", [](Policy& p) { p.remediation.modes.emplace_back(); }},
      {"remediation", [](Policy& p) { p.remediation.actions.clear(); }},
      {"budgets", [](Policy& p) { ++p.remediation.budgets.per_hour; }},
      {"breakers", [](Policy& p) { p.remediation.breakers.max_percent_per_day = 0.25; }},
      {"sources", [](Policy& p) { p.entra_source = SourceName("contoso"); }},
      {"sources", [](Policy& p) { p.poll_intervals[SourceName("corp")] = absl::Seconds(1); }},
  };
  for (const auto& [part, edit] : edits) {
    Policy edited = policy;
    edit(edited);
    const auto after = PolicyParts(edited);
    EXPECT_EQ(ChangedParts(before, after), std::vector<std::string>{part});
    EXPECT_NE(PolicyHash(before), PolicyHash(after)) << part;
  }
}

TEST(PolicyEpoch, EveryFieldOfATierCounts) {
  Policy policy;
  policy.tiers.emplace_back();
  const auto before = PolicyParts(policy);
  const std::vector<std::function<void(TierPolicy&)>> edits = {
      [](TierPolicy& t) { t.name = TierName("a"); },
      [](TierPolicy& t) { t.match.admin_count = true; },
      [](TierPolicy& t) { t.match.ous = {"OU=a"}; },
      [](TierPolicy& t) { t.match.groups = {"OU=a"}; },
      [](TierPolicy& t) { t.warn_after = absl::Seconds(1); },
      [](TierPolicy& t) { t.revoke_after = absl::Seconds(1); },
      [](TierPolicy& t) { t.breach_after = absl::Seconds(1); },
  };
  std::set<std::string> hashes = {PolicyHash(before)};
  for (const auto& edit : edits) {
    Policy edited = policy;
    edit(edited.tiers[0]);
    hashes.insert(PolicyHash(PolicyParts(edited)));
  }
  EXPECT_EQ(hashes.size(), edits.size() + 1);
}

}  // namespace
}  // namespace driftwarden::monitor
