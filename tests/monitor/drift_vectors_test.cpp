// Each drift kind where it opens, for standard people and for tier 0, and where it looks as if it
// should and must not.

#include "tests/monitor/drift_vectors.h"

#include "base/strings.h"

namespace driftwarden::monitor {

std::set<std::pair<DriftKind, VectorSort>>& DriftVectors() {
  static std::set<std::pair<DriftKind, VectorSort>> vectors;
  return vectors;
}

namespace {

void CommitLog(World& world, const LogLook& look) {
  TouchedKeys keys;
  keys.entra_ids = {World::Entra(1).id};
  world.Commit(ApplyLog(world.context(), world.Load(keys), look));
  world.ReadWanted();
}

}  // namespace

World OnePerson(bool tier0) {
  World world;
  world.AddPerson(1);
  world.ad(1).admin_count = tier0;
  world.ReadAll();
  world.Advance(absl::Minutes(1));
  return world;
}

std::optional<Severity> OpenAs(const World& world, DriftKind kind) {
  const auto& episode = world.person(1).episode;
  if (!episode) return std::nullopt;
  for (const EpisodeKind& open : episode->kinds) {
    if (open.kind == kind && !open.cleared) return open.severity;
  }
  return std::nullopt;
}

void Leave(World& world) {
  world.SetAd(1, false);
  world.AdRound({1});
}

void Delete(World& world) {
  world.DeleteAd(1);
  world.AdRound({1});
}

void SetCloud(World& world, bool enabled) {
  world.SetEntra(1, enabled);
  world.ReadDirect(1);
}

void Audit(World& world, AccountChange change, absl::Time at, const std::string& user,
           const std::string& application) {
  LogLook look;
  look.source = kTenant;
  AuditRecord record;
  record.id = Cat("audit-", FormatRfc3339(at));
  record.entra_id = World::Entra(1).id;
  record.change = change;
  record.at = at;
  record.actor_id = user;
  record.actor_app_id = application;
  look.audits = {record};
  CommitLog(world, look);
}

void SignInAt(World& world, absl::Time at, int64_t error = 0) {
  LogLook look;
  look.source = kTenant;
  look.log = TenantLog::kInteractiveSignIns;
  look.entra_id = World::Entra(1).id;
  SignIn row;
  row.id = Cat("sign-in-", FormatRfc3339(at));
  row.at = TimeBounds::Exactly(at);
  row.error_code = error;
  look.sign_ins = {row};
  look.covers = TimeBounds{at - absl::Hours(1), world.now};
  CommitLog(world, look);
}

namespace {

// Gone from both, where no revocation is asked for.
World Converged(bool tier0 = false) {
  World world = OnePerson(tier0);
  world.policy.require_revocation = false;
  Leave(world);
  world.Advance(2 * kMinute);
  SetCloud(world, false);
  world.Advance(kMinute);
  return world;
}

void LookTwice(World& world) {
  for (int look = 0; look < 4; ++look) {
    world.Advance(absl::Seconds(40));
    world.ReadDirect(1);
  }
}

OPENS(DisableLag, kCritical, PastBreachAfter) {
  World world = OnePerson();
  Leave(world);
  world.Advance(absl::Minutes(71), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(DisableLag, kWarning, FiveMinutesAreEnough) {
  World world = OnePerson(true);
  Leave(world);
  world.Advance(absl::Minutes(6));
  return OpenAs(world, kind);
}
STAYS_SHUT(DisableLag, BeforeASecondLookAgreed) {
  World world = OnePerson();
  Leave(world);
  world.Advance(absl::Seconds(15));
  return OpenAs(world, kind);
}

OPENS(DeletedLive, kWarning, PastWarnAfter) {
  World world = OnePerson();
  Delete(world);
  world.Advance(absl::Minutes(41), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(DeletedLive, kCritical, ACycleAndTenMinutes) {
  World world = OnePerson(true);
  Delete(world);
  world.Advance(absl::Minutes(41), kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(DeletedLive, WhoIsMerelyDisabledHasTheOtherKind) {
  World world = OnePerson();
  Leave(world);
  world.Advance(absl::Minutes(41), kMinute);
  return OpenAs(world, kind);
}

OPENS(TokenNotRevoked, kInfo, DisabledInEntraAndNeverRevoked) {
  World world = OnePerson();
  Leave(world);
  SetCloud(world, false);
  world.Advance(absl::Minutes(47), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(TokenNotRevoked, kWarning, AfterTwoMinutes) {
  World world = OnePerson(true);
  Leave(world);
  SetCloud(world, false);
  world.Advance(3 * kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(TokenNotRevoked, RevokedByAnAdministratorAfterTheDisable) {
  World world = OnePerson();
  Leave(world);
  SetCloud(world, false);
  world.Advance(kMinute);
  Audit(world, AccountChange::kSessionsRevoked, world.now, "an-administrator");
  world.Advance(absl::Minutes(47), kMinute);
  return OpenAs(world, kind);
}

OPENS(CloudReenabled, kCritical, TwoDirectReadsAMinuteApart) {
  World world = Converged();
  world.SetEntra(1, true);
  LookTwice(world);
  return OpenAs(world, kind);
}
OPENS_TIER0(CloudReenabled, kCritical, TheSame) {
  World world = Converged(true);
  world.SetEntra(1, true);
  LookTwice(world);
  return OpenAs(world, kind);
}
STAYS_SHUT(CloudReenabled, OneLookMayBeAReplicaThatLagsBehind) {
  World world = Converged();
  SetCloud(world, true);
  SetCloud(world, false);
  world.Advance(2 * kMinute);
  return OpenAs(world, kind);
}

OPENS(SignInAfterDisable, kWarning, InteractiveBeforeAnybodyIsLate) {
  World world = OnePerson();
  Leave(world);
  world.Advance(5 * kMinute);
  SignInAt(world, world.now - kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(SignInAfterDisable, kCritical, AfterTheEntraDisable) {
  World world = OnePerson(true);
  Leave(world);
  world.Advance(kMinute);
  SetCloud(world, false);
  world.Advance(absl::Minutes(15));
  SignInAt(world, world.now - kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(SignInAfterDisable, AFailedOneIsNoSuccess) {
  World world = OnePerson();
  Leave(world);
  world.Advance(absl::Minutes(75), kMinute);
  SignInAt(world, world.now - kMinute, 50057);
  return OpenAs(world, kind);
}
STAYS_SHUT(SignInAfterDisable, ALateRecordOfBeforeTheDisable) {
  World world = OnePerson();
  const absl::Time before = world.now;
  world.Advance(kMinute);
  Leave(world);
  world.Advance(absl::Hours(1), kMinute);
  SignInAt(world, before);
  return OpenAs(world, kind);
}

OPENS(AccountExpiredLive, kWarning, TheTimePassesAndNothingChanges) {
  World world = OnePerson();
  world.ad(1).account_expires = world.now + absl::Hours(1);
  world.AdRound({1});
  world.Advance(absl::Minutes(61), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(AccountExpiredLive, kInfo, WhereADItselfRefusesSignIns) {
  World world = OnePerson(true);
  world.policy.auth_mode = AuthMode::kPassThrough;
  world.ad(1).account_expires = world.now + kMinute;
  world.AdRound({1});
  world.Advance(3 * kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(AccountExpiredLive, OutOfEntraAnyway) {
  World world = OnePerson();
  SetCloud(world, false);
  world.ad(1).account_expires = world.now + kMinute;
  world.AdRound({1});
  world.Advance(3 * kMinute);
  return OpenAs(world, kind);
}

OPENS(NeverSynced, kWarning, TwoCyclesLeftTheAccountAlone) {
  World world = OnePerson();
  Leave(world);
  world.link.engine_last_sync = world.now + absl::Minutes(61);
  world.Advance(absl::Minutes(62), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(NeverSynced, kCritical, TwoCyclesLeftTheAccountAlone) {
  World world = OnePerson(true);
  Leave(world);
  world.link.engine_last_sync = world.now + absl::Minutes(61);
  world.Advance(absl::Minutes(62), kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(NeverSynced, TheEngineStoodStill) {
  World world = OnePerson();
  world.link.engine_last_sync = world.now;
  Leave(world);
  world.Advance(absl::Hours(3), kMinute);
  return OpenAs(world, kind);
}

OPENS(ReverseDrift, kWarning, NobodyKnowsWhoForTwoCycles) {
  World world = OnePerson();
  SetCloud(world, false);
  world.Advance(absl::Minutes(62), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(ReverseDrift, kInfo, AContainmentByHandIsTheirs) {
  World world = OnePerson(true);
  const absl::Time at = world.now;
  world.Advance(kMinute);
  SetCloud(world, false);
  Audit(world, AccountChange::kDisabled, at + absl::Seconds(5), "an-administrator");
  return OpenAs(world, kind);
}
STAYS_SHUT(ReverseDrift, BackFromLeaveWithinTwoCycles) {
  World world = OnePerson();
  Leave(world);
  world.Advance(2 * kMinute);
  SetCloud(world, false);
  world.SetAd(1, true);
  world.AdRound({1});
  world.Advance(absl::Minutes(50), kMinute);
  return OpenAs(world, kind);
}

OPENS(AnchorConflict, kWarning, SidsDisagreeForTwoCycles) {
  World world = OnePerson();
  world.entra(1).on_premises_sid = World::Ad(7).sid;
  world.EntraRound({1});
  world.Advance(absl::Minutes(62), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(AnchorConflict, kCritical, SidsDisagreeForTwoCycles) {
  World world = OnePerson(true);
  world.entra(1).on_premises_sid = World::Ad(7).sid;
  world.EntraRound({1});
  world.Advance(absl::Minutes(62), kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(AnchorConflict, OneSideIsStillOnItsWay) {
  World world = OnePerson();
  world.entra(1).on_premises_sid = World::Ad(7).sid;
  world.EntraRound({1});
  world.Advance(absl::Minutes(40), kMinute);
  world.entra(1).on_premises_sid = World::Ad(1).sid;
  world.EntraRound({1});
  world.Advance(absl::Minutes(40), kMinute);
  return OpenAs(world, kind);
}

OPENS(ScopeExit, kWarning, LiveLongAfterItLeft) {
  World world = OnePerson();
  world.ad(1).in_scope = false;
  world.AdRound({1});
  world.Advance(absl::Minutes(45), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(ScopeExit, kCritical, LiveLongAfterItLeft) {
  World world = OnePerson(true);
  world.ad(1).in_scope = false;
  world.AdRound({1});
  world.Advance(absl::Minutes(45), kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(ScopeExit, TheEngineTookTheAccount) {
  World world = OnePerson();
  world.ad(1).in_scope = false;
  world.AdRound({1});
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.ReadDirect(1);
  world.Advance(absl::Hours(2), kMinute);
  return OpenAs(world, kind);
}

void HandOver(World& world) {
  TenantLook look;
  look.cloud_managed[World::Entra(1).id] = true;
  world.Commit(ApplyTenant(world.context(), world.LoadPeople({world.person(1).ordinal}), look));
}

OPENS(SourceOfAuthorityMoved, kWarning, ALeaverWhoseAccountIsTheClouds) {
  World world = OnePerson();
  HandOver(world);
  Leave(world);
  world.Advance(2 * kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(SourceOfAuthorityMoved, kCritical, ALeaverWhoseAccountIsTheClouds) {
  World world = OnePerson(true);
  HandOver(world);
  Leave(world);
  world.Advance(2 * kMinute);
  return OpenAs(world, kind);
}
STAYS_SHUT(SourceOfAuthorityMoved, NobodyLeft) {
  World world = OnePerson();
  HandOver(world);
  world.Advance(absl::Hours(2), kMinute);
  return OpenAs(world, kind);
}

World Restored(bool tier0) {
  World world = OnePerson(tier0);
  Leave(world);
  world.Advance(2 * kMinute);
  world.entra(1).deletion = EntraDeletion::kSoft;
  world.ReadDirect(1);
  world.Advance(kMinute);
  world.entra(1).deletion = EntraDeletion::kLive;
  LookTwice(world);
  return world;
}

OPENS(SoftDeletedRestored, kCritical, RestoredWhileADSaysDisabled) {
  return OpenAs(Restored(false), kind);
}
OPENS_TIER0(SoftDeletedRestored, kCritical, RestoredWhileADSaysDisabled) {
  return OpenAs(Restored(true), kind);
}
STAYS_SHUT(SoftDeletedRestored, EnabledAgainIsTheOtherKind) {
  World world = Converged();
  world.SetEntra(1, true);
  LookTwice(world);
  return OpenAs(world, kind);
}

TEST(DriftVectors, EveryKindHasThemOfEverySort) {
  for (const DriftKind kind : kAllDriftKinds) {
    for (const VectorSort sort :
         {VectorSort::kOpensForAnybody, VectorSort::kOpensForTier0, VectorSort::kStaysShut}) {
      EXPECT_EQ(DriftVectors().count({kind, sort}), 1u)
          << DriftKindText(kind) << " has no vector of sort " << static_cast<int>(sort)
          << ": add one to the drift vectors";
    }
  }
}

}  // namespace
}  // namespace driftwarden::monitor
