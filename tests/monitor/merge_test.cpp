#include <gtest/gtest.h>

#include "monitor/facts.h"
#include "tests/monitor/world.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kPoll = absl::Seconds(5);

Look At(absl::Time at, LookKind kind = LookKind::kFeed) {
  return {kAd, {at - absl::Milliseconds(10), at}, kind};
}

AdView View(bool disabled, uint32_t version, absl::Time written) {
  AdView view = World::Ad(1);
  view.user_account_control = disabled ? 0x202u : 0x200u;
  view.uac_stamp->version = version;
  view.uac_stamp->originating_time = written;
  view.usn_changed += version;
  return view;
}

TEST(MergeAd, OneWriteGivesTheOriginatingTimeOnWindowsAndOnSamba) {
  for (const uint32_t writes : {1u, 2u}) {
    AdHalf half;
    MergeAd(half, View(false, 4, T0() - absl::Hours(1)), At(T0()), kPoll);
    const absl::Time written = T0() + absl::Seconds(3);
    const MergeResult result =
        MergeAd(half, View(true, 4 + writes, written), At(T0() + absl::Seconds(9)), kPoll);
    EXPECT_EQ(result.events, std::vector<std::string>{"ad_disabled"});
    EXPECT_EQ(half.disabled_since, TimeBounds::Exactly(written));
    EXPECT_FALSE(half.time_uncertain);
    EXPECT_EQ(half.disabled_seen, T0() + absl::Seconds(9));
  }
}

TEST(MergeAd, SeveralWritesGiveOnlyAnInterval) {
  AdHalf half;
  const Look first = At(T0());
  MergeAd(half, View(false, 4, T0() - absl::Hours(1)), first, kPoll);
  MergeAd(half, View(true, 9, T0() + absl::Hours(2)), At(T0() + absl::Hours(2)), kPoll);
  EXPECT_EQ(half.disabled_since.lo, first.at.lo);
  EXPECT_EQ(half.disabled_since.hi, T0() + absl::Hours(2));
  EXPECT_TRUE(half.time_uncertain);
}

TEST(MergeAd, FirstSightOfADisabledAccountKnowsOnlyTheLaterBound) {
  AdHalf half;
  const absl::Time written = T0() - absl::Hours(40);
  MergeAd(half, View(true, 7, written), At(T0()), kPoll);
  EXPECT_EQ(half.disabled_since.lo, absl::InfinitePast());
  EXPECT_EQ(half.disabled_since.hi, written);
  AdHalf created;
  MergeAd(created, View(true, 1, written), At(T0()), kPoll);
  EXPECT_EQ(created.disabled_since, TimeBounds::Exactly(written));
}

TEST(MergeAd, ALaterEditOfAnotherBitNeverMovesTheDisable) {
  AdHalf half;
  MergeAd(half, View(false, 4, T0() - absl::Hours(1)), At(T0()), kPoll);
  MergeAd(half, View(true, 5, T0() + absl::Seconds(1)), At(T0() + absl::Seconds(2)), kPoll);
  const TimeBounds known = half.disabled_since;
  const MergeResult edit =
      MergeAd(half, View(true, 6, T0() + absl::Hours(1)), At(T0() + absl::Hours(1)), kPoll);
  EXPECT_EQ(half.disabled_since, known);
  EXPECT_TRUE(edit.events.empty());
  EXPECT_TRUE(edit.unwatched);
}

TEST(MergeAd, AReplicaThatLagsBehindIsAReplay) {
  AdHalf half;
  MergeAd(half, View(false, 4, T0() - absl::Hours(1)), At(T0()), kPoll);
  MergeAd(half, View(true, 5, T0() + absl::Seconds(1)), At(T0() + absl::Seconds(2)), kPoll);
  AdHalf before = half;
  const AdView lagging = View(false, 4, T0() - absl::Hours(1));
  EXPECT_TRUE(MergeAd(half, lagging, At(T0() + absl::Minutes(1)), kPoll).replay);
  EXPECT_EQ(half, before);
  const Look direct = At(T0() + absl::Minutes(2), LookKind::kDirect);
  EXPECT_TRUE(MergeAd(half, lagging, direct, kPoll).replay);
  before.last_look = direct.at;
  EXPECT_EQ(half, before) << "asked, and it knows nothing newer";
}

// As the domain that the account was moved to shows it: another SID, versions counted anew.
AdView Moved(bool disabled, uint32_t version, absl::Time written) {
  AdView view = View(disabled, version, written);
  view.sid = Sid::Parse("S-1-5-21-7-8-9-1501");
  view.dn = "CN=User 1,OU=Staff,DC=emea,DC=corp";
  return view;
}

Look InEmea(absl::Time at) {
  return {SourceName("emea"), {at - absl::Milliseconds(10), at}, LookKind::kFeed};
}

TEST(MergeAd, AMoveToAnotherDomainIsFollowedAndNoDisableThereIsTakenForAnOldWrite) {
  AdHalf half;
  MergeAd(half, View(false, 40, T0() - absl::Hours(1)), At(T0()), kPoll);
  const absl::Time moved_at = T0() + absl::Minutes(5);
  const MergeResult moved =
      MergeAd(half, Moved(false, 1, moved_at), InEmea(moved_at + absl::Seconds(2)), kPoll);
  EXPECT_EQ(moved.events, std::vector<std::string>{"ad_moved_domain"});
  EXPECT_EQ(half.source, SourceName("emea"));
  EXPECT_EQ(half.sid.ToString(), "S-1-5-21-7-8-9-1501");
  EXPECT_EQ(half.disabled, Tri::kNo);

  // A controller of the former domain that has not heard of the move.
  const AdHalf before = half;
  for (const bool disabled : {false, true}) {
    const AdView late = View(disabled, 41, T0() + absl::Minutes(1));
    EXPECT_TRUE(MergeAd(half, late, At(T0() + absl::Minutes(7)), kPoll).replay);
  }
  AdView tombstone = View(true, 41, T0() + absl::Minutes(1));
  tombstone.deleted = true;
  EXPECT_TRUE(MergeAd(half, tombstone, At(T0() + absl::Minutes(7)), kPoll).replay);
  EXPECT_EQ(half, before);

  const absl::Time disabled_at = T0() + absl::Minutes(10);
  const MergeResult left =
      MergeAd(half, Moved(true, 2, disabled_at), InEmea(disabled_at + absl::Seconds(2)), kPoll);
  EXPECT_EQ(left.events, std::vector<std::string>{"ad_disabled"});
  EXPECT_EQ(half.disabled_since, TimeBounds::Exactly(disabled_at));
}

TEST(MergeAd, WhoIsDisabledStaysSoAcrossAMoveAndBack) {
  AdHalf half;
  const absl::Time disabled_at = T0() + absl::Seconds(1);
  MergeAd(half, View(false, 4, T0() - absl::Hours(1)), At(T0()), kPoll);
  MergeAd(half, View(true, 5, disabled_at), At(T0() + absl::Seconds(2)), kPoll);
  const absl::Time moved_at = T0() + absl::Minutes(5);
  MergeAd(half, Moved(true, 1, moved_at), InEmea(moved_at), kPoll);
  EXPECT_EQ(half.disabled_since, TimeBounds::Exactly(disabled_at));
  AdView back = View(true, 1, moved_at + absl::Hours(1));
  back.sid = Sid::Parse("S-1-5-21-1-2-3-2001");
  const MergeResult returned = MergeAd(half, back, At(moved_at + absl::Hours(2)), kPoll);
  EXPECT_EQ(returned.events, std::vector<std::string>{"ad_moved_domain"});
  EXPECT_EQ(half.source, kAd);
  EXPECT_EQ(half.disabled_since, TimeBounds::Exactly(disabled_at));
  EXPECT_FALSE(half.deleted);
}

TEST(MergeAd, AMoveAloneDoesNotTellWhenTheAccountWasDisabled) {
  AdHalf half;
  MergeAd(half, View(false, 4, T0() - absl::Hours(1)), At(T0()), kPoll);
  const absl::Time moved_at = T0() + absl::Minutes(5);
  // Disabled before the move or with it: the new domain's read of before says nothing of that.
  const MergeResult moved = MergeAd(half, Moved(true, 1, moved_at), InEmea(T0() + absl::Minutes(9)),
                                    kPoll, T0() + absl::Minutes(8));
  EXPECT_EQ(moved.events, (std::vector<std::string>{"ad_moved_domain", "ad_disabled"}));
  EXPECT_EQ(half.disabled_since.hi, moved_at);
  EXPECT_LT(half.disabled_since.lo, T0() + absl::Seconds(1));
}

AdView Unstamped(bool disabled) {
  AdView view = View(disabled, 4, T0());
  view.uac_stamp.reset();
  return view;
}

TEST(MergeAd, WithoutStampsAnotherCopyOfTheDirectoryCannotTakeADisableBack) {
  AdHalf half;
  MergeAd(half, Unstamped(false), At(T0()), kPoll);
  MergeAd(half, Unstamped(true), At(T0() + absl::Seconds(5)), kPoll);
  Look elsewhere = At(T0() + absl::Seconds(20));
  elsewhere.one_copy_since = T0() + absl::Seconds(10);
  const AdHalf before = half;
  for (const LookKind kind : {LookKind::kFeed, LookKind::kDirect}) {
    elsewhere.kind = kind;
    const MergeResult result = MergeAd(half, Unstamped(false), elsewhere, kPoll);
    EXPECT_TRUE(result.replay);
    EXPECT_EQ(half, before) << "unknown, not enabled";
  }
  // It hears of the disable; from then on what it says counts.
  elsewhere.at = {T0() + absl::Seconds(30), T0() + absl::Seconds(30)};
  EXPECT_FALSE(MergeAd(half, Unstamped(true), elsewhere, kPoll).changed);
  elsewhere.at = {T0() + absl::Seconds(40), T0() + absl::Seconds(40)};
  EXPECT_EQ(MergeAd(half, Unstamped(false), elsewhere, kPoll).events,
            std::vector<std::string>{"ad_enabled"});
  // A disable is taken from anybody, and from the copy that is always looked at a return as well.
  elsewhere.one_copy_since = absl::InfiniteFuture();
  EXPECT_EQ(MergeAd(half, Unstamped(true), elsewhere, kPoll).events,
            std::vector<std::string>{"ad_disabled"});
  EXPECT_EQ(MergeAd(half, Unstamped(false), At(T0() + absl::Minutes(1)), kPoll).events,
            std::vector<std::string>{"ad_enabled"});
}

TEST(MergeAd, StampsThatWentMissingDoNotLetAnotherCopyTakeADisableBack) {
  AdHalf half;
  MergeAd(half, View(true, 5, T0()), At(T0()), kPoll);
  Look elsewhere = At(T0() + absl::Seconds(20));
  elsewhere.one_copy_since = T0() + absl::Seconds(10);
  EXPECT_TRUE(MergeAd(half, Unstamped(false), elsewhere, kPoll).replay);
  EXPECT_EQ(half.disabled, Tri::kYes);
  EXPECT_FALSE(MergeAd(half, View(false, 6, T0()), elsewhere, kPoll).replay) << "stamps decide";
  EXPECT_EQ(half.disabled, Tri::kNo);
}

TEST(MergeAd, WithoutStampsAnotherCopyCannotBringADeletedAccountBack) {
  AdHalf half;
  AdView tombstone = Unstamped(false);
  MergeAd(half, tombstone, At(T0()), kPoll);
  tombstone.deleted = true;
  MergeAd(half, tombstone, At(T0() + absl::Seconds(5)), kPoll);
  Look elsewhere = At(T0() + absl::Seconds(20));
  elsewhere.one_copy_since = T0() + absl::Seconds(10);
  AdView alive = Unstamped(false);
  alive.deleted = false;
  EXPECT_TRUE(MergeAd(half, alive, elsewhere, kPoll).replay);
  EXPECT_TRUE(half.deleted);
}

TEST(MergeAd, AnOlderPageWithANewerStampStillCounts) {
  AdHalf half;
  MergeAd(half, View(false, 4, T0() - absl::Hours(1)), At(T0() + absl::Seconds(5)), kPoll);
  MergeAd(half, View(true, 5, T0() + absl::Seconds(1)), At(T0() + absl::Seconds(2)), kPoll);
  EXPECT_EQ(half.disabled, Tri::kYes);
}

TEST(MergeAd, EnabledAgainForgetsTheDisable) {
  AdHalf half;
  MergeAd(half, View(true, 5, T0()), At(T0()), kPoll);
  half.baseline_departed = true;
  const MergeResult result =
      MergeAd(half, View(false, 6, T0() + absl::Hours(1)), At(T0() + absl::Hours(1)), kPoll);
  EXPECT_EQ(result.events, std::vector<std::string>{"ad_enabled"});
  EXPECT_EQ(half.disabled, Tri::kNo);
  EXPECT_FALSE(half.baseline_departed);
  EXPECT_EQ(half.disabled_seen, absl::InfinitePast());
}

TEST(MergeAd, ATombstoneKeepsNamesAndOnlyANewerWriteBringsItBack) {
  AdHalf half;
  AdView alive = View(false, 4, T0() - absl::Hours(1));
  MergeAd(half, alive, At(T0()), kPoll);
  AdView tombstone = alive;
  tombstone.deleted = true;
  tombstone.dn = "CN=x,CN=Deleted Objects";
  tombstone.upn.reset();
  tombstone.deleted_stamp = MetadataStamp{1, T0() + absl::Seconds(4), {}, 9};
  const MergeResult gone = MergeAd(half, tombstone, At(T0() + absl::Seconds(8)), kPoll);
  EXPECT_EQ(gone.events, std::vector<std::string>{"ad_deleted"});
  EXPECT_EQ(half.deleted_since, TimeBounds::Exactly(T0() + absl::Seconds(4)));
  EXPECT_EQ(half.dn, *alive.dn);
  EXPECT_TRUE(Departed(half));
  EXPECT_TRUE(MergeAd(half, alive, At(T0() + absl::Minutes(1)), kPoll).replay);
  EXPECT_TRUE(half.deleted);
  AdView restored = alive;
  restored.deleted_stamp = MetadataStamp{2, T0() + absl::Minutes(2), {}, 10};
  MergeAd(half, restored, At(T0() + absl::Minutes(3)), kPoll);
  EXPECT_FALSE(half.deleted);
  EXPECT_TRUE(MergeAd(half, tombstone, At(T0() + absl::Minutes(4)), kPoll).replay);
}

TEST(MergeAd, AbsentIsUnknownNeverFalse) {
  AdHalf half;
  MergeAd(half, View(true, 5, T0()), At(T0()), kPoll);
  AdView nothing;
  nothing.object_guid = half.object_guid;
  nothing.usn_changed = half.usn_changed + 1;
  MergeAd(half, nothing, At(T0() + absl::Minutes(1)), kPoll);
  EXPECT_EQ(half.disabled, Tri::kYes);
  EXPECT_EQ(half.upn, "user1@corp.example");
  EXPECT_EQ(half.last_look.hi, T0());
}

EntraView Cloud(bool enabled) {
  EntraView view = World::Entra(1);
  view.account_enabled = enabled;
  return view;
}

TEST(MergeEntra, DisabledSinceIsBetweenTheLastLookThatShowedItEnabledAndThisOne) {
  EntraHalf half;
  const Look first = At(T0());
  MergeEntra(half, Cloud(true), first);
  const MergeResult result = MergeEntra(half, Cloud(false), At(T0() + absl::Seconds(15)));
  EXPECT_EQ(result.events, std::vector<std::string>{"entra_disabled"});
  EXPECT_EQ(half.disabled_since, (TimeBounds{first.at.lo, T0() + absl::Seconds(15)}));
}

TEST(MergeEntra, AFeedValueThatContradictsADirectReadQueuesAnotherAndChangesNothing) {
  EntraHalf half;
  MergeEntra(half, Cloud(true), At(T0(), LookKind::kDirect));
  const MergeResult result = MergeEntra(half, Cloud(false), At(T0() + absl::Seconds(15)));
  EXPECT_TRUE(result.events.empty());
  EXPECT_TRUE(half.needs_direct_read);
  EXPECT_EQ(half.enabled, Tri::kYes);
  MergeEntra(half, Cloud(false), At(T0() + absl::Seconds(16), LookKind::kDirect));
  EXPECT_FALSE(half.needs_direct_read);
  EXPECT_EQ(half.enabled, Tri::kNo);
}

TEST(MergeEntra, APageAnsweredBeforeTheDirectReadIsAReplay) {
  EntraHalf half;
  MergeEntra(half, Cloud(true), At(T0()));
  MergeEntra(half, Cloud(false), At(T0() + absl::Seconds(10), LookKind::kDirect));
  EXPECT_TRUE(MergeEntra(half, Cloud(true), At(T0() + absl::Seconds(5))).replay);
  EXPECT_FALSE(half.needs_direct_read);
}

TEST(MergeEntra, APageOnItsWayDuringADirectReadMayKnowMore) {
  EntraHalf half;
  MergeEntra(half, Cloud(true), At(T0() + absl::Seconds(12), LookKind::kDirect));
  const Look slow{kTenant, {T0() + absl::Seconds(10), T0() + absl::Seconds(20)}, LookKind::kFeed};
  MergeEntra(half, Cloud(false), slow);
  EXPECT_EQ(half.enabled, Tri::kYes);
  EXPECT_TRUE(half.needs_direct_read);
}

TEST(MergeEntra, TwoRecordsOfOneAnswerThatDifferDecideNothing) {
  EntraHalf half;
  MergeEntra(half, Cloud(true), At(T0()));
  MergeEntra(half, Cloud(false), At(T0()));
  EXPECT_EQ(half.enabled, Tri::kYes);
  EXPECT_TRUE(half.needs_direct_read);
}

TEST(MergeEntra, AbsentIsUnknownNeverFalse) {
  EntraHalf half;
  EntraView names;
  names.id = "entra-1";
  names.upn = "x@contoso.example";
  MergeEntra(half, names, At(T0()));
  EXPECT_EQ(half.enabled, Tri::kUnknown);
  MergeEntra(half, Cloud(false), At(T0() + absl::Seconds(1)));
  MergeEntra(half, names, At(T0() + absl::Seconds(2)));
  EXPECT_EQ(half.enabled, Tri::kNo);
}

TEST(MergeEntra, RestoreFromDeletionIsRemembered) {
  EntraHalf half;
  MergeEntra(half, Cloud(true), At(T0()));
  EntraView gone = Cloud(true);
  gone.deletion = EntraDeletion::kSoft;
  gone.account_enabled.reset();
  EXPECT_EQ(MergeEntra(half, gone, At(T0() + absl::Seconds(15))).events,
            std::vector<std::string>{"entra_deleted"});
  const Look back = At(T0() + absl::Hours(1));
  EXPECT_EQ(MergeEntra(half, Cloud(true), back).events, std::vector<std::string>{"entra_restored"});
  EXPECT_EQ(half.restored_since.hi, back.at.hi);
  EXPECT_EQ(half.deletion, EntraDeletion::kLive);
}

TEST(MergeEntra, ARecordOfADeletedAccountThatDoesNotSaySoAsksForADirectRead) {
  EntraHalf half;
  EntraView gone = Cloud(true);
  gone.deletion = EntraDeletion::kSoft;
  MergeEntra(half, gone, At(T0()));
  EntraView unsaid = Cloud(true);
  unsaid.deletion.reset();
  MergeEntra(half, unsaid, At(T0() + absl::Hours(1)));
  EXPECT_EQ(half.deletion, EntraDeletion::kSoft);
  EXPECT_TRUE(half.needs_direct_read);
}

TEST(MergeEntra, SessionsValidFromOnlyMovesForwardAndNullCountsOnlyDirectly) {
  EntraHalf half;
  EntraView view = Cloud(true);
  view.sessions_valid_from = SessionsValidFrom{true, {}};
  MergeEntra(half, view, At(T0()));
  EXPECT_FALSE(half.sessions_valid_from.has_value());
  MergeEntra(half, view, At(T0() + absl::Seconds(1), LookKind::kDirect));
  ASSERT_TRUE(half.sessions_valid_from.has_value());
  EXPECT_TRUE(half.sessions_valid_from->never);
  view.sessions_valid_from = SessionsValidFrom{false, T0()};
  EXPECT_EQ(MergeEntra(half, view, At(T0() + absl::Seconds(2), LookKind::kDirect)).events,
            std::vector<std::string>{"sessions_valid_from_moved"});
  view.sessions_valid_from = SessionsValidFrom{false, T0() - absl::Hours(1)};
  MergeEntra(half, view, At(T0() + absl::Seconds(3), LookKind::kDirect));
  EXPECT_EQ(half.sessions_valid_from->at, T0());
}

TEST(Grade, AnchorAndSidTogetherMakeItStrong) {
  Facts facts;
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kNone);
  MergeAd(facts.ad.emplace_back(), View(false, 4, T0()), At(T0()), kPoll);
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kNone);
  MergeEntra(facts.entra.emplace(), Cloud(true), At(T0()));
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kStrong);
  const Sid sid = facts.entra->on_premises_sid;
  facts.entra->on_premises_sid = {};
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kAnchor);
  facts.entra->on_premises_sid = *Sid::Parse("S-1-5-21-9-9-9-9");
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kAnchor);
  facts.sid_mismatch_confirmed = true;
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kConflict);
  facts.entra->on_premises_sid = sid;
  facts.entra->immutable_id = Anchor("other");
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kAnchor);
  facts.conflicts_with = 9;
  EXPECT_EQ(GradeOf(facts), IdentityGrade::kConflict);
}

TEST(Facts, AnEnabledAccountDecidesElseTheLastToLeave) {
  Facts facts;
  MergeAd(facts.ad.emplace_back(), View(true, 5, T0()), At(T0()), kPoll);
  AdView other = View(true, 5, T0() + absl::Hours(1));
  other.object_guid.bytes[0] = 99;
  MergeAd(facts.ad.emplace_back(), other, At(T0() + absl::Hours(1)), kPoll);
  EXPECT_EQ(facts.DecidingAd()->object_guid, other.object_guid);
  AdView on = View(false, 6, T0() + absl::Hours(2));
  MergeAd(facts.ad.front(), on, At(T0() + absl::Hours(2)), kPoll);
  EXPECT_EQ(facts.DecidingAd()->object_guid, on.object_guid);
}

}  // namespace
}  // namespace driftwarden::monitor
