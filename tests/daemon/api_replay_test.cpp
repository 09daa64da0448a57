// policy/replay over a store that holds a real history: two people who left, one in time.

#include <gmock/gmock.h>

#include "daemon/text_replay.h"
#include "tests/daemon/api_fixture.h"
#include "tests/monitor/world.h"

namespace driftwarden::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kPath[] = "/api/v1/policy/replay";

class ApiReplay : public ApiTest {
 protected:
  ApiReplay() {
    monitor::World world("corp-contoso");
    for (int i = 1; i <= 3; ++i) world.AddPerson(i);
    world.ReadAll();
    world.Advance(absl::Minutes(1));
    for (const int i : {1, 2}) {
      world.SetAd(i, false);
      world.AdRound({i});
    }
    world.Advance(absl::Minutes(20));
    world.SetEntra(1, false);
    world.EntraRound({1});
    world.ReadDirect(1);
    world.Advance(absl::Minutes(40));
    monitor::Changes all;
    all.link = world.link;
    for (const auto& [ordinal, person] : world.people) all.people.push_back(person);
    all.closed_episodes = world.closed;
    all.evidence = world.evidence;
    const Status status = store_->Commit(lease_, all);
    EXPECT_TRUE(status.ok()) << status;
    a_.state() = world.link;
    a_.policy() = world.policy;
    clock_.AdvanceTo(world.now - clock_.Wall());
  }

  // By name; null when there is no such row.
  static const boost::json::value& Row(const boost::json::value& answer, const std::string& name) {
    static const boost::json::value kNone;
    for (const auto& row : ListAt(answer, "rows")) {
      if (TextAt(row, "name") == name) return row;
    }
    return kNone;
  }
};

TEST_F(ApiReplay, ComparesThresholdsWithWhatWasRecorded) {
  const auto answer = GetJson(kPath, {{"warn", "10m,30m,2h"}, {"breach", "3h"}});
  EXPECT_THAT(ListAt(answer, "rows"), SizeIs(5));
  EXPECT_EQ(NumberAt(answer, "evaluated"), 2);
  EXPECT_EQ(NumberAt(answer, "not_evaluated"), 0);
  EXPECT_EQ(NumberAt(Row(answer, "recorded"), "people_paged"), 1);
  EXPECT_EQ(NumberAt(Row(answer, "present policy"), "people_paged"), 1);
  EXPECT_EQ(NumberAt(Row(answer, "present policy"), "as_recorded"), 2);
  EXPECT_EQ(NumberAt(Row(answer, "warn 10m, breach 3h"), "people_paged"), 2);
  EXPECT_EQ(NumberAt(Row(answer, "warn 30m, breach 3h"), "people_paged"), 1);
  const auto& late = Row(answer, "warn 2h, breach 3h");
  EXPECT_EQ(NumberAt(late, "people_paged"), 0);
  ASSERT_THAT(ListAt(late, "spared"), SizeIs(1));
  EXPECT_EQ(TextAt(ListAt(late, "spared")[0], "id"), "p2.corp-contoso");
  ASSERT_THAT(ListAt(late, "closest"), SizeIs(1));
  EXPECT_EQ(TextAt(ListAt(late, "closest")[0], "id"), "p1.corp-contoso");
}

TEST_F(ApiReplay, SaysWhomAutoWouldHaveRevoked) {
  const auto answer = GetJson(kPath, {{"mode", "observe,auto"}, {"link", "corp-contoso"}});
  EXPECT_EQ(NumberAt(Row(answer, "mode observe"), "people_revoked"), 0);
  const auto& acted = Row(answer, "mode auto");
  EXPECT_EQ(NumberAt(acted, "people_revoked"), 1);
  EXPECT_EQ(NumberAt(acted, "people_sealed"), 1);
  EXPECT_EQ(NumberAt(acted, "revocations_most_in_10_min"), 1);
  const std::string text = ReplayText(answer);
  EXPECT_THAT(text, HasSubstr("2 people had something open, 0 not evaluated"));
  EXPECT_THAT(text, HasSubstr("mode auto"));
  EXPECT_THAT(text, HasSubstr("assumed:"));
  EXPECT_THAT(text, HasSubstr("budgets of 5 calls in 10 min and 25 in an hour"));
  EXPECT_THAT(text, HasSubstr("gives what was recorded, for everybody"));
  EXPECT_THAT(text, Not(HasSubstr("in force since")));
  a_.state().policy.number = 2;
  a_.state().policy.since = clock_.Wall() - absl::Minutes(5);
  EXPECT_THAT(ReplayText(GetJson(kPath)), HasSubstr("in force since"));
  EXPECT_THAT(ReplayCsv(answer), HasSubstr("\nmode auto,"));
}

TEST_F(ApiReplay, LeavesOutWhoIsOfAnotherTimeTierOrLink) {
  EXPECT_EQ(NumberAt(GetJson(kPath, {{"tier", "tier0"}}), "evaluated"), 0);
  EXPECT_EQ(NumberAt(GetJson(kPath, {{"link", "emea-contoso"}}), "evaluated"), 0);
  EXPECT_EQ(NumberAt(GetJson(kPath, {{"to", "2h"}}), "evaluated"), 0);
  EXPECT_EQ(NumberAt(GetJson(kPath, {{"from", "1m"}}), "evaluated"), 2);
}

TEST_F(ApiReplay, AnEndThatIsStillToComeIsNow) {
  const auto answer = GetJson(kPath, {{"to", FormatRfc3339(clock_.Wall() + absl::Hours(24 * 60))}});
  EXPECT_EQ(TextAt(answer, "to"), FormatRfc3339(clock_.Wall()));
  EXPECT_EQ(TextAt(answer, "from"), FormatRfc3339(clock_.Wall() - absl::Hours(24 * 30)));
  EXPECT_EQ(NumberAt(answer, "evaluated"), 2);
}

TEST_F(ApiReplay, ATierThatIsOnlyStillCarriedHasNoHistory) {
  a_.state().users[{monitor::State::kAligned, monitor::TierName("former")}] = 3;
  ExpectProblem(Get(kPath, {{"tier", "former"}}), 400, "no tier \"former\"");
}

TEST_F(ApiReplay, HistoryThatIsNotThereIsNotEvaluated) {
  Put(b_, {Drifting(b_, 6, 1)});
  const auto answer = GetJson(kPath);
  EXPECT_EQ(NumberAt(answer, "not_evaluated"), 1);
  EXPECT_EQ(NumberAt(Field(answer, "not_evaluated_because"), "evidence_expired"), 1);
}

TEST_F(ApiReplay, SaysWhatIsWrongWithAQuestion) {
  ExpectProblem(Get(kPath, {{"from", "yesterday"}}), 400, "from is neither a time");
  ExpectProblem(Get(kPath, {{"from", "1h"}, {"to", "2h"}}), 400, "earlier than to");
  ExpectProblem(Get(kPath, {{"from", FormatRfc3339(clock_.Wall() + absl::Hours(1))}}), 400,
                "must be earlier than now, ");
  ExpectProblem(Get(kPath, {{"from", "401d"}}), 400, "400 days");
  ExpectProblem(Get(kPath, {{"warn", "10m,soon"}}), 400, "warn");
  ExpectProblem(Get(kPath, {{"mode", "approve"}}), 400, "observe or auto");
  ExpectProblem(Get(kPath, {{"tier", "vip"}, {"warn", "1m"}}), 400, "no tier");
  ExpectProblem(Get(kPath, {{"tier", "nope"}}), 400,
                "there is no tier \"nope\"; there are standard, tier0");
  ExpectProblem(Get(kPath, {{"limit", "0"}}), 400, "limit");
  ExpectProblem(Get(kPath, {{"link", "nowhere"}}), 404, "no link");
  ExpectProblem(Get(kPath, {{"warn", "1m,2m,3m,4m"}, {"breach", "1h,2h,3h,4h"}}), 400, "16 rows");
}

}  // namespace
}  // namespace driftwarden::daemon
