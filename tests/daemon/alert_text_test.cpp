// What an alert says of a person, beyond who it is: what to do now, or what is at stake.

#include "daemon/alert_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/world.h"

namespace driftwarden::daemon {
namespace {

using monitor::AuditRecord;
using monitor::State;
using monitor::World;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class AlertText : public ::testing::Test {
 protected:
  void Start(bool tier0) {
    world_.AddPerson(1);
    world_.ad(1).admin_count = tier0;
    world_.ReadAll();
    world_.Advance(absl::Minutes(1));
  }
  void Leave() {
    world_.SetAd(1, false);
    world_.AdRound({1});
  }
  void DisableInEntra() {
    world_.SetEntra(1, false);
    world_.ReadDirect(1);
  }
  void WasDisabledBy(const std::string& actor, absl::Time at) {
    AuditRecord record;
    record.id = "audit-1";
    record.entra_id = World::Entra(1).id;
    record.change = monitor::AccountChange::kDisabled;
    record.at = at;
    record.actor_id = actor;
    monitor::LogLook look;
    look.source = monitor::kTenant;
    look.log = monitor::TenantLog::kDirectoryAudits;
    look.audits = {record};
    world_.Commit(ApplyLog(world_.context(), world_.LoadPeople({world_.person(1).ordinal}), look));
  }
  std::string Summary() {
    const monitor::Incident* incident = world_.IncidentOf(1);
    if (incident == nullptr) return "no alert";
    const AlertContext context{world_.link, world_.policy, world_.now, absl::Minutes(1), url_};
    const auto pending = PendingAlertsOf(*incident, &world_.person(1), Telling::kAlone, context);
    return pending.empty() ? "nothing" : pending.back().alert.annotations.at("summary");
  }

  World world_;
  std::string url_;
};

TEST_F(AlertText, TierZeroIsToStartADeltaSyncUntilTheCycleHasPassed) {
  Start(true);
  world_.policy.sync_engine = monitor::SyncEngine::kConnect;
  Leave();
  world_.Advance(absl::Minutes(6));
  ASSERT_EQ(world_.person(1).phase, State::kLagging);
  EXPECT_THAT(Summary(), EndsWith("still enabled in Entra: start a delta sync of the sync engine "
                                  "now"));
  world_.Advance(absl::Minutes(23));
  EXPECT_THAT(Summary(), HasSubstr("delta sync"));
  // The engine had its turn; tier 0 is breached ten minutes later.
  world_.Advance(absl::Minutes(2));
  ASSERT_EQ(world_.person(1).phase, State::kLagging);
  EXPECT_THAT(Summary(), EndsWith("still enabled in Entra"));
  world_.Advance(absl::Minutes(10));
  ASSERT_EQ(world_.person(1).phase, State::kBreached);
  EXPECT_THAT(Summary(), EndsWith("still enabled in Entra"));
}

TEST_F(AlertText, OthersWaitForTheEngine) {
  Start(false);
  Leave();
  world_.link.engine_last_sync = world_.now + absl::Minutes(1);
  world_.Advance(absl::Minutes(41), absl::Minutes(1));
  ASSERT_EQ(world_.person(1).phase, State::kLagging);
  EXPECT_THAT(Summary(), EndsWith("still enabled in Entra"));
}

TEST_F(AlertText, AnUnsealedAccountWouldComeBackToLife) {
  Start(true);
  Leave();
  world_.Advance(absl::Minutes(1));
  DisableInEntra();
  world_.Advance(absl::Minutes(3));
  ASSERT_EQ(world_.person(1).phase, State::kUnsealed);
  EXPECT_THAT(Summary(), HasSubstr("no sessions were revoked since: sessions from before would "
                                   "come back to life if it were re-enabled"));
}

TEST_F(AlertText, WhoContainedByHandIsToldWhenTheSyncUndoesIt) {
  Start(false);
  const absl::Time at = world_.now;
  world_.link.engine_last_sync = at;
  world_.Advance(absl::Seconds(15));
  DisableInEntra();
  WasDisabledBy("an-administrator", at + absl::Seconds(5));
  const absl::Time next = at + CycleOf(world_.policy, world_.link);
  EXPECT_THAT(Summary(), HasSubstr("out of Entra, but enabled in Active Directory: your "
                                   "containment will be undone at " +
                                   FormatRfc3339(next)));
  world_.Advance(absl::Minutes(31), absl::Minutes(1));
  EXPECT_THAT(Summary(), HasSubstr("undone with the next sync, due since " + FormatRfc3339(next)));
  world_.link.engine_last_sync.reset();
  EXPECT_THAT(Summary(), HasSubstr("undone with the next sync: disable the account in Active"));
}

TEST_F(AlertText, WhereNobodyKnowsWhoItMayBeUndone) {
  Start(false);
  DisableInEntra();
  world_.Advance(absl::Minutes(62), absl::Minutes(1));
  EXPECT_THAT(Summary(), EndsWith("enabled in Active Directory: the next sync may undo it"));
  EXPECT_THAT(Summary(), Not(HasSubstr("your containment")));
}

TEST_F(AlertText, WhoStandsInACountIsNotToldOfAlone) {
  Start(true);
  Leave();
  world_.Advance(absl::Minutes(6));
  world_.Deliver();
  const monitor::Incident* incident = world_.IncidentOf(1);
  ASSERT_NE(incident, nullptr);
  ASSERT_EQ(incident->announced.size(), 1u);
  const AlertContext context{world_.link, world_.policy, world_.now, absl::Minutes(1), url_};
  const auto folded = PendingAlertsOf(*incident, &world_.person(1), Telling::kFolded, context);
  ASSERT_EQ(folded.size(), 1u);
  EXPECT_TRUE(folded[0].firing) << "what was announced stays";
  const auto counted = PendingAlertsOf(*incident, &world_.person(1), Telling::kCounted, context);
  ASSERT_EQ(counted.size(), 1u);
  EXPECT_FALSE(counted[0].firing) << "what was announced is over";
}

}  // namespace
}  // namespace driftwarden::daemon
