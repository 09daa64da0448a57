// An operator's mark: what it opens, what answers it, and what is recorded of it.

#include "monitor/compromise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "monitor/origins.h"
#include "monitor/what_if.h"
#include "tests/monitor/drift_vectors.h"

namespace driftwarden::monitor {
namespace {

void MarkPersonOne(World& world, const std::string& reason = "token theft") {
  const PersonOrdinal who = world.person(1).ordinal;
  world.Commit(ApplyCompromiseMark(world.context(), world.LoadPeople({who}), who,
                                   {world.now, reason, "ada"}));
}
void UnmarkPersonOne(World& world) {
  const PersonOrdinal who = world.person(1).ordinal;
  world.Commit(ApplyCompromiseUnmark(world.context(), world.LoadPeople({who}), who, "bob"));
}
bool IsMarked(const World& world) {
  return world.person(1).memory.compromised.has_value();
}
std::optional<Severity> OpenForPersonOne(const World& world) {
  return OpenAs(world, DriftKind::kResetWithoutRevoke);
}
const EvidenceEntry& LatestOfType(const World& world, const std::string& type) {
  const auto found = std::find_if(world.evidence.rbegin(), world.evidence.rend(),
                                  [&](const EvidenceEntry& entry) { return entry.type == type; });
  static const EvidenceEntry kNone;
  return found == world.evidence.rend() ? kNone : *found;
}

OPENS(ResetWithoutRevoke, kInfo, AnOperatorsMark) {
  World world = OnePerson();
  MarkPersonOne(world);
  return OpenAs(world, kind);
}
OPENS_TIER0(ResetWithoutRevoke, kWarning, AnOperatorsMark) {
  World world = OnePerson(true);
  MarkPersonOne(world);
  return OpenAs(world, kind);
}
STAYS_SHUT(ResetWithoutRevoke, AMarkThatWasTakenBack) {
  World world = OnePerson(true);
  MarkPersonOne(world);
  UnmarkPersonOne(world);
  return OpenAs(world, kind);
}
STAYS_SHUT(ResetWithoutRevoke, ARevocationThatFollowsTheMark) {
  World world = OnePerson(true);
  MarkPersonOne(world);
  world.Advance(kMinute);
  Audit(world, AccountChange::kSessionsRevoked, world.now, "an-administrator");
  return OpenAs(world, kind);
}

TEST(CompromiseMark, NeedsAReasonThatIsAText) {
  CompromiseMark mark{T0(), "phished", "ada"};
  EXPECT_TRUE(CheckCompromiseMark(mark).ok());
  for (const std::string& reason :
       {std::string(), std::string(" \t"), std::string("\xff"), std::string(501, 'x')}) {
    mark.reason = reason;
    EXPECT_EQ(CheckCompromiseMark(mark).code(), StatusCode::kInvalidArgument) << reason;
  }
}

TEST(CompromiseMark, IsRecordedWithWhoAndWhyAndAnsweredByARevocationSinceThen) {
  World world = OnePerson();
  Audit(world, AccountChange::kSessionsRevoked, world.now - kMinute, "an-administrator");
  MarkPersonOne(world);
  const absl::Time marked = world.now;
  EXPECT_EQ(LatestOfType(world, "compromise_marked").details.at("actor"), "ada");
  EXPECT_EQ(LatestOfType(world, "compromise_marked").details.at("reason"), "token theft");
  EXPECT_EQ(OpenForPersonOne(world), Severity::kInfo) << "what was revoked before says nothing";
  EXPECT_EQ(world.person(1).episode->kinds.front().since, marked);
  EXPECT_TRUE(world.ActionsOf(1).empty()) << "a human decides what is done";
  world.Advance(absl::Hours(5), kMinute);
  EXPECT_TRUE(IsMarked(world)) << "never by time";
  Audit(world, AccountChange::kSessionsRevoked, world.now, "an-administrator");
  EXPECT_FALSE(IsMarked(world));
  EXPECT_EQ(
      LatestOfType(world, "compromise_answered").details.at("why").find("sessions revoked at "),
      0u);
  EXPECT_EQ(world.closed.back().result, EpisodeResult::kConverged);
}

TEST(CompromiseMark, EndsWithADepartureAndWithTheCloudAccount) {
  World world = OnePerson();
  MarkPersonOne(world);
  Leave(world);
  EXPECT_FALSE(IsMarked(world));
  EXPECT_EQ(LatestOfType(world, "compromise_answered").details.at("why"),
            "disabled or deleted in AD");
  World other = OnePerson();
  MarkPersonOne(other);
  SetCloud(other, false);
  EXPECT_FALSE(IsMarked(other));
  EXPECT_FALSE(OpenForPersonOne(other).has_value());
  SetCloud(other, true);
  EXPECT_FALSE(OpenForPersonOne(other).has_value()) << "it does not come back";
}

TEST(CompromiseMark, IsTakenBackBySomebodyWhoIsRecorded) {
  World world = OnePerson();
  MarkPersonOne(world);
  UnmarkPersonOne(world);
  EXPECT_FALSE(world.person(1).episode.has_value());
  EXPECT_EQ(LatestOfType(world, "compromise_unmarked").details.at("actor"), "bob");
  const size_t before = world.evidence.size();
  UnmarkPersonOne(world);
  EXPECT_EQ(world.evidence.size(), before) << "there is none";
}

TEST(CompromiseMark, ASecondOneReplacesTheFirst) {
  World world = OnePerson();
  MarkPersonOne(world);
  world.Advance(kMinute);
  MarkPersonOne(world, "seen again");
  EXPECT_EQ(world.person(1).memory.compromised->reason, "seen again");
  EXPECT_EQ(LatestOfType(world, "compromise_marked").details.count("instead_of"), 1u);
}

TEST(CompromiseMark, IsForAccountsThatAreInUse) {
  World world = OnePerson();
  EXPECT_TRUE(CheckMarkable(world.person(1)).ok());
  Leave(world);
  EXPECT_EQ(CheckMarkable(world.person(1)).code(), StatusCode::kFailedPrecondition);
  const size_t before = world.evidence.size();
  MarkPersonOne(world);
  EXPECT_EQ(world.evidence.size(), before);
  World out = OnePerson();
  SetCloud(out, false);
  EXPECT_EQ(CheckMarkable(out.person(1)).code(), StatusCode::kFailedPrecondition);
}

TEST(CompromiseMark, HoldsBesideTwoResetsUntilBothAreAnswered) {
  World world = OnePerson();
  world.policy.reset_without_revoke = true;
  world.people.at(world.person(1).ordinal).memory.reset_twice_at = world.now - kMinute;
  world.Review({world.person(1).ordinal});
  ASSERT_TRUE(OpenForPersonOne(world).has_value());
  Audit(world, AccountChange::kSessionsRevoked, world.now, "an-administrator");
  EXPECT_FALSE(OpenForPersonOne(world).has_value());
  world.Advance(kMinute);
  MarkPersonOne(world);
  EXPECT_TRUE(OpenForPersonOne(world).has_value()) << "the mark is later than what was revoked";
}

TEST(CompromiseMark, IsExplainedAndWhatWouldEndItIsSaid) {
  World world = OnePerson();
  MarkPersonOne(world);
  const PersonOrdinal who = world.person(1).ordinal;
  const Origins origins = OriginsOf(world.person(1), world.link, world.policy, world.now);
  ASSERT_EQ(origins.drift.size(), 1u);
  EXPECT_EQ(origins.drift[0].why.find("marked as compromised by ada at "), 0u);
  const auto changes =
      ChangesByEvidence(world.LoadPeople({who}), who, world.link, world.policy, world.now);
  for (const char* what : {"sessions revoked", "the mark as compromised is taken back"}) {
    const auto found = std::find_if(changes.begin(), changes.end(),
                                    [&](const Outlook& outlook) { return outlook.what == what; });
    ASSERT_NE(found, changes.end()) << what;
    EXPECT_TRUE(found->drift.empty()) << what;
  }
}

TEST(CompromiseMark, OfTwoRecordsOfOnePersonTheLaterHolds) {
  const CompromiseMark early{T0(), "a", "ada"};
  const CompromiseMark late{T0() + kMinute, "b", "bob"};
  EXPECT_EQ(LaterOf(std::optional(early), std::optional(late)), late);
  EXPECT_EQ(LaterOf(std::optional(late), std::optional(early)), late);
  EXPECT_EQ(LaterOf(std::optional(early), std::optional<CompromiseMark>()), early);
}

}  // namespace
}  // namespace driftwarden::monitor
