// The life of an episode: opened by the first look, followed through its phases, closed with a
// result; incidents and evidence along the way.

#include <gtest/gtest.h>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

class EpisodeTest : public ::testing::Test {
 protected:
  EpisodeTest() {
    for (int i = 1; i <= 3; ++i) world.AddPerson(i);
    world.ReadAll();
    world.Advance(absl::Minutes(5));
  }

  void Disable(int i) {
    world.SetAd(i, false);
    world.now += absl::Seconds(4);
    world.AdRound({i});
  }

  State Phase(int i) { return world.person(i).phase; }

  World world;
};

TEST_F(EpisodeTest, EverybodyStartsAligned) {
  EXPECT_EQ(Phase(1), State::kAligned);
  EXPECT_EQ(world.link.linked_people, 3u);
  EXPECT_TRUE(world.link.baseline_at.has_value());
  EXPECT_TRUE(world.closed.empty());
}

TEST_F(EpisodeTest, LagsBreachesAndConvergesBySealing) {
  world.policy.remediation.mode = Mode::kObserve;
  Disable(1);
  ASSERT_TRUE(world.person(1).episode.has_value());
  EXPECT_EQ(world.person(1).episode->id.value, "e1.corp-contoso");
  EXPECT_TRUE(world.person(1).episode->kinds.empty()) << "opens once a second look agrees";
  EXPECT_EQ(world.tally.episodes_opened.size(), 1u);
  world.Advance(absl::Minutes(1));
  EXPECT_EQ(Phase(1), State::kPending);
  ASSERT_EQ(world.person(1).episode->kinds.size(), 1u);
  EXPECT_EQ(world.IncidentOf(1), nullptr) << "info does not page";
  world.Advance(absl::Minutes(40));
  EXPECT_EQ(Phase(1), State::kLagging);
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(world.IncidentOf(1)->labels.at("severity"), "warning");
  EXPECT_EQ(world.IncidentOf(1)->labels.at("alertname"), "DriftwardenPerson");
  world.Deliver();
  world.Advance(absl::Minutes(30));
  EXPECT_EQ(Phase(1), State::kBreached);
  const Incident incident = *world.IncidentOf(1);
  EXPECT_EQ(incident.labels.at("severity"), "critical");
  ASSERT_EQ(incident.announced.size(), 1u) << "the old label set is to be resolved";
  EXPECT_EQ(incident.announced[0].at("severity"), "warning");
  world.Deliver();
  EXPECT_EQ(world.IncidentOf(1)->announced.size(), 1u);
  EXPECT_EQ(world.EvidenceOf("alert_sent"), 2u);
  EXPECT_TRUE(world.actions.empty()) << "mode observe";

  world.SetEntra(1, false);
  world.EntraRound({1});
  EXPECT_EQ(Phase(1), State::kUnsealed);
  ASSERT_EQ(world.tally.disable_lags.size(), 1u);
  EXPECT_GT(world.tally.disable_lags[0].lag, absl::Minutes(70));
  EXPECT_EQ(world.IncidentOf(1), nullptr) << "unsealed is info for standard: resolved";
  world.Deliver();
  EXPECT_TRUE(world.incidents.empty());
  EXPECT_EQ(world.EvidenceOf("alert_resolved"), 2u);

  world.policy.remediation.mode = Mode::kAuto;
  world.Review({world.person(1).ordinal});
  world.RunActions();
  EXPECT_EQ(Phase(1), State::kConverged);
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed[0].result, EpisodeResult::kConverged);
  EXPECT_EQ(world.closed[0].seals, 1u);
  EXPECT_EQ(world.closed[0].revokes, 0u);
  EXPECT_TRUE(world.link.open.empty());
}

TEST_F(EpisodeTest, DeletedInAdThenInEntraEndsAsDeleted) {
  world.DeleteAd(2);
  world.now += absl::Seconds(3);
  world.AdRound({2});
  world.Advance(absl::Minutes(1));
  ASSERT_TRUE(world.person(2).episode.has_value());
  EXPECT_EQ(LeadingKind(*world.person(2).episode), DriftKind::kDeletedLive);
  world.entra(2).deletion = EntraDeletion::kSoft;
  world.EntraRound({2});
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed[0].result, EpisodeResult::kDeleted);
  EXPECT_EQ(Phase(2), State::kConverged);
}

TEST_F(EpisodeTest, DisabledThenDeletedIsOneDepartureWithOneClock) {
  Disable(1);
  world.Advance(absl::Minutes(41));
  const absl::Time since = world.person(1).episode->kinds[0].since;
  world.DeleteAd(1);
  world.AdRound({1});
  const Episode& episode = *world.person(1).episode;
  EXPECT_EQ(episode.id.value, "e1.corp-contoso");
  EXPECT_EQ(LeadingKind(episode), DriftKind::kDeletedLive);
  EXPECT_EQ(episode.kinds.back().since, since);
  EXPECT_EQ(Phase(1), State::kLagging);
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(world.IncidentOf(1)->labels.at("kind"), "deleted_live");
}

TEST_F(EpisodeTest, NoEntraAccountClosesAtOnce) {
  world.AddPerson(9);
  world.AdRound({9});
  EXPECT_EQ(Phase(9), State::kUnlinked);
  Disable(9);
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed[0].result, EpisodeResult::kNoCloudAccount);
  EXPECT_FALSE(world.person(9).episode.has_value());
  world.Review({world.person(9).ordinal});
  EXPECT_EQ(world.closed.size(), 1u) << "one departure, one episode";
  world.EntraRound({9});
  EXPECT_TRUE(world.person(9).episode.has_value()) << "a live account turned up after all";
}

TEST_F(EpisodeTest, EnabledAgainWithinGraceEndsAsReversedAndDropsActions) {
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.tiers.back().revoke_after = absl::Minutes(1);
  Disable(1);
  world.Advance(absl::Minutes(2));
  ASSERT_NE(world.Live(1), nullptr);
  EXPECT_EQ(world.link.calls.size(), 1u);
  world.SetAd(1, true);
  world.AdRound({1});
  EXPECT_EQ(Phase(1), State::kAligned);
  ASSERT_EQ(world.closed.size(), 1u);
  EXPECT_EQ(world.closed[0].result, EpisodeResult::kReversed);
  EXPECT_EQ(world.ActionsOf(1).at(0).state, ActionState::kDropped);
  EXPECT_TRUE(world.link.calls.empty()) << "no call was made: the budget is free again";
}

TEST_F(EpisodeTest, EnabledInAdWhileEntraIsOutIsReversedUntilBothAreEnabled) {
  Disable(1);
  world.SetEntra(1, false);
  world.EntraRound({1});
  EXPECT_EQ(Phase(1), State::kUnsealed);
  world.SetAd(1, true);
  world.AdRound({1});
  EXPECT_EQ(Phase(1), State::kReversed);
  EXPECT_EQ(world.closed.at(0).result, EpisodeResult::kReversed);
  world.SetEntra(1, true);
  world.EntraRound({1});
  EXPECT_EQ(Phase(1), State::kAligned);
}

TEST_F(EpisodeTest, FlappingIsOneEpisodeAndNothingIsDone) {
  world.policy.remediation.mode = Mode::kAuto;
  world.policy.tiers.back().warn_after = absl::Seconds(1);
  world.policy.tiers.back().revoke_after = absl::Minutes(1);
  for (int round = 0; round < 2; ++round) {
    Disable(1);
    world.now += absl::Seconds(20);
    world.SetAd(1, true);
    world.AdRound({1});
    world.now += absl::Seconds(20);
  }
  const size_t closed = world.closed.size();
  Disable(1);
  ASSERT_TRUE(world.person(1).episode.has_value());
  const EpisodeId id = world.person(1).episode->id;
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(world.Live(1), nullptr);
  ASSERT_FALSE(world.ActionsOf(1).empty());
  EXPECT_EQ(world.ActionsOf(1).back().state, ActionState::kBlocked);
  world.Deliver();
  world.SetAd(1, true);
  world.AdRound({1});
  ASSERT_TRUE(world.person(1).episode.has_value()) << "held open";
  ASSERT_NE(world.IncidentOf(1), nullptr) << "one alert";
  Disable(1);
  EXPECT_EQ(world.person(1).episode->id, id);
  world.SetAd(1, true);
  world.AdRound({1});
  EXPECT_EQ(world.closed.size(), closed);
  world.Advance(absl::Minutes(31));
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(world.closed.back().result, EpisodeResult::kReversed);
}

TEST_F(EpisodeTest, LiveAgainAfterConvergingIsACriticalEpisodeOfItsOwn) {
  world.policy.require_revocation = false;
  Disable(1);
  world.SetEntra(1, false);
  world.EntraRound({1});
  ASSERT_EQ(world.closed.size(), 1u);
  world.now += absl::Minutes(3);
  world.SetEntra(1, true);
  world.EntraRound({1});
  EXPECT_EQ(Phase(1), State::kConverged) << "one page is not enough";
  EXPECT_EQ(world.reads_wanted, std::vector<PersonOrdinal>{world.person(1).ordinal});
  world.now += absl::Seconds(5);
  world.ReadDirect(1);
  EXPECT_EQ(Phase(1), State::kConverged);
  world.now += absl::Seconds(61);
  world.ReadDirect(1);
  EXPECT_EQ(Phase(1), State::kRegressed);
  ASSERT_NE(world.IncidentOf(1), nullptr);
  EXPECT_EQ(world.IncidentOf(1)->labels.at("kind"), "cloud_reenabled");
  EXPECT_EQ(world.IncidentOf(1)->labels.at("severity"), "critical");
  world.SetEntra(1, false);
  world.now += absl::Seconds(5);
  world.ReadDirect(1);
  EXPECT_EQ(world.closed.back().result, EpisodeResult::kConverged);
  EXPECT_EQ(LeadingKind(world.closed.back()), DriftKind::kCloudReenabled);
}

TEST_F(EpisodeTest, ARegressionIsBelievedOnceAdWasReadSinceTheReturn) {
  world.policy.require_revocation = false;
  Disable(1);
  world.SetEntra(1, false);
  world.EntraRound({1});
  ASSERT_EQ(Phase(1), State::kConverged);
  // No controller answers. Somebody is enabled there, and the sync engine carries it.
  world.SetEntra(1, true);
  for (int minute = 0; minute < 10; ++minute) {
    world.now += absl::Minutes(1);
    world.Apply(world.EntraBatch({1}));
    world.Observe(world.entra(1));
    world.Review({world.person(1).ordinal});
    ASSERT_EQ(Phase(1), State::kConverged) << "the directory may have brought them back";
  }
  EXPECT_EQ(world.IncidentOf(1), nullptr);
  world.AdRound({});
  world.Advance(absl::Seconds(30));
  EXPECT_EQ(Phase(1), State::kRegressed) << "it did not";
}

TEST_F(EpisodeTest, AGlimpseOfLifeThatADirectReadDeniesIsNoRegression) {
  world.policy.require_revocation = false;
  Disable(1);
  world.SetEntra(1, false);
  world.EntraRound({1});
  world.now += absl::Minutes(3);
  EntraView glimpse = world.entra(1);
  glimpse.account_enabled = true;
  world.Observe(glimpse, LookKind::kFeed);
  world.now += absl::Seconds(5);
  world.ReadDirect(1);
  world.now += absl::Seconds(70);
  world.ReadDirect(1);
  EXPECT_EQ(Phase(1), State::kConverged);
  EXPECT_FALSE(world.person(1).episode.has_value());
}

TEST_F(EpisodeTest, AResetOfASourceInfersNothingFromAbsence) {
  Disable(1);
  world.Advance(absl::Minutes(1));
  world.now += absl::Seconds(1);
  ChangeBatch reset = world.EntraBatch({2}, true);
  reset.snapshot_reason = "token_expired";
  world.Apply(reset);
  EXPECT_EQ(world.tally.source_resets.size(), 1u);
  EXPECT_EQ(world.EvidenceOf("source_reset"), 1u);
  EXPECT_EQ(Phase(1), State::kPending);
  EXPECT_EQ(Phase(3), State::kAligned);
  EXPECT_EQ(world.link.sources[kTenant].gap_ended, reset.round.lo);
  world.Apply(reset);
  EXPECT_EQ(world.EvidenceOf("source_reset"), 1u) << "a re-delivery counts once";
}

TEST_F(EpisodeTest, AfterASilenceTheLinkWaitsForReadsOfBothSides) {
  Disable(1);
  world.now += absl::Hours(24);
  world.Apply(world.AdBatch({}));
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(Phase(1), State::kPending);
  world.now += absl::Seconds(15);
  world.Apply(world.AdBatch({}));
  world.Apply(world.EntraBatch({}));
  world.Review({world.person(1).ordinal});
  EXPECT_EQ(Phase(1), State::kPending) << "no direct read yet";
  world.now += absl::Seconds(1);
  world.ReadDirect(1);
  EXPECT_EQ(Phase(1), State::kBreached);
}

TEST_F(EpisodeTest, TheStateIsQuarantinedOnAConflictOfIdentity) {
  Disable(1);
  world.entra(1).on_premises_sid = Sid::Parse("S-1-5-21-7-7-7-7");
  world.EntraRound({1});
  EXPECT_EQ(world.person(1).state, State::kPending) << "one side may be on its way";
  world.Advance(absl::Minutes(61), absl::Minutes(1));
  EXPECT_EQ(world.person(1).state, State::kQuarantined);
  EXPECT_EQ(world.Judge(1).drift.at(0).severity, Severity::kWarning);
  EXPECT_TRUE(world.Judge(1).wanted.empty());
}

// What counts quarantined people as open departures relies on it.
TEST_F(EpisodeTest, AConflictOfIdentityWithoutADepartureIsNoQuarantine) {
  world.entra(1).on_premises_sid = Sid::Parse("S-1-5-21-7-7-7-7");
  world.EntraRound({1});
  world.Advance(absl::Minutes(61), absl::Minutes(1));
  EXPECT_EQ(GradeOf(world.person(1).facts), IdentityGrade::kConflict);
  EXPECT_EQ(world.person(1).state, State::kAligned);
  EXPECT_FALSE(IsOpenState(world.person(1).state));
  Disable(1);
  EXPECT_EQ(world.person(1).state, State::kQuarantined);
  EXPECT_TRUE(IsOpenState(world.person(1).state));
}

TEST_F(EpisodeTest, TwoLinksAndOneForestForTwoTenantsAreIndependent) {
  World other("corp-fabrikam", 7);
  for (int i = 1; i <= 3; ++i) other.AddPerson(i);
  other.ReadAll();
  Disable(1);
  other.now = world.now;
  other.Apply(world.AdBatch({1}));
  EXPECT_EQ(other.person(1).episode->id.value, "e1.corp-fabrikam");
  world.SetEntra(1, false);
  world.EntraRound({1});
  EXPECT_EQ(Phase(1), State::kUnsealed);
  EXPECT_EQ(other.person(1).phase, State::kPending);
}

}  // namespace
}  // namespace driftwarden::monitor
