// users, episodes, actions and evidence: shapes, filters, and pages over two links.

#include <gmock/gmock.h>

#include <algorithm>

#include "daemon/text_explain.h"
#include "net/url.h"
#include "tests/daemon/api_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::Person;
using monitor::State;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ApiPeople : public ApiTest {
 protected:
  // Link A: 1 and 2 aligned, 3 and 4 lagging. Link B: 5 aligned, 6 breached and of tier 0; 1 again.
  ApiPeople() {
    Person tier0 = Drifting(b_, 6, 1, State::kBreached);
    tier0.tier = tier0.episode->tier = monitor::TierName("tier0");
    tier0.episode->kinds[0].kind = monitor::DriftKind::kDeletedLive;
    monitor::Changes in_a;
    in_a.actions = {ActionOf(3, "act-1", 1), ActionOf(3, "act-2", 2), ActionOf(4, "act-3", 3)};
    for (int i = 0; i < 5; ++i) in_a.evidence.push_back(EntryOf(i % 2 == 0 ? 3 : 4, i));
    Put(a_, {store::PlainPerson(1), store::PlainPerson(2), Drifting(a_, 3, 1), Drifting(a_, 4, 2)},
        std::move(in_a));
    monitor::Changes in_b;
    in_b.actions = {ActionOf(6, "act-4", 4)};
    in_b.evidence = {EntryOf(6, 9)};
    Put(b_, {store::PlainPerson(1), store::PlainPerson(5), tier0}, std::move(in_b));
  }
  static monitor::Action ActionOf(monitor::PersonOrdinal person, const std::string& id, int at) {
    monitor::Action action = store::SampleAction();
    action.id = monitor::ActionId(id);
    action.person = person;
    action.requested_at = store::At(at);
    action.state = monitor::ActionState::kVerified;
    return action;
  }
  static monitor::EvidenceEntry EntryOf(monitor::PersonOrdinal person, int at) {
    monitor::EvidenceEntry entry;
    entry.at = store::At(at);
    entry.type = "ad_disabled";
    entry.person = person;
    entry.fact = {store::At(at - 1), store::At(at)};
    entry.source = "corp";
    entry.details = {{"uac", "514"}};
    return entry;
  }
  std::vector<std::string> Users(net::QueryPairs query) {
    return Items(GetJson("/api/v1/users", std::move(query)), "id");
  }
};

TEST_F(ApiPeople, UsersRunOverAllLinksInOrder) {
  EXPECT_THAT(Users({}), ElementsAre("p1.corp-contoso", "p2.corp-contoso", "p3.corp-contoso",
                                     "p4.corp-contoso", "p1.emea-contoso", "p5.emea-contoso",
                                     "p6.emea-contoso"));
  EXPECT_THAT(Users({{"link", "emea-contoso"}}),
              ElementsAre("p1.emea-contoso", "p5.emea-contoso", "p6.emea-contoso"));
}

TEST_F(ApiPeople, PagesOfAnySizeBringEverybodyOnce) {
  const std::vector<std::string> all = Users({});
  const std::vector<std::string> of_a = Users({{"link", "corp-contoso"}});
  for (size_t limit = 1; limit <= 8; ++limit) {
    EXPECT_EQ(AllPages("/api/v1/users", "id", limit), all) << limit;
    EXPECT_EQ(AllPages("/api/v1/users", "id", limit, {{"link", "corp-contoso"}}), of_a) << limit;
  }
}

TEST_F(ApiPeople, TheLastPageHasNoCursor) {
  const auto whole = GetJson("/api/v1/users", {{"limit", "7"}});
  EXPECT_TRUE(Field(whole, "next_cursor").is_null());
  const auto first = GetJson("/api/v1/users", {{"limit", "4"}});
  EXPECT_EQ(TextAt(first, "next_cursor"), "emea-contoso:");
}

TEST_F(ApiPeople, UsersAreFiltered) {
  EXPECT_THAT(Users({{"state", "lagging"}}), ElementsAre("p3.corp-contoso", "p4.corp-contoso"));
  EXPECT_THAT(Users({{"state", "breached"}}), ElementsAre("p6.emea-contoso"));
  EXPECT_THAT(Users({{"kind", "deleted_live"}}), ElementsAre("p6.emea-contoso"));
  EXPECT_THAT(Users({{"tier", "tier0"}}), ElementsAre("p6.emea-contoso"));
  EXPECT_THAT(Users({{"open", "true"}}),
              ElementsAre("p3.corp-contoso", "p4.corp-contoso", "p6.emea-contoso"));
  EXPECT_THAT(Users({{"q", "uSER5@"}}), ElementsAre("p5.emea-contoso"));
  EXPECT_THAT(Users({{"state", "blind"}}), IsEmpty());
  EXPECT_EQ(AllPages("/api/v1/users", "id", 1, {{"open", "true"}}), Users({{"open", "true"}}));
}

TEST_F(ApiPeople, OpenDeparturesOfAStaleLinkAreShownBlind) {
  a_.state().sources[kContoso].last_success = clock_.Wall() - absl::Hours(1);
  EXPECT_THAT(Users({{"state", "blind"}}), ElementsAre("p3.corp-contoso", "p4.corp-contoso"));
  const auto person = GetJson("/api/v1/users/p3.corp-contoso");
  EXPECT_EQ(TextAt(person, "state"), "blind");
  EXPECT_EQ(TextAt(person, "phase"), "lagging");
  EXPECT_EQ(TextAt(GetJson("/api/v1/users/p2.corp-contoso"), "state"), "aligned");
}

TEST_F(ApiPeople, FaultyParametersAreTold) {
  ExpectProblem(Get("/api/v1/users", {{"limit", "0"}}), 400, "from 1 to 1000");
  ExpectProblem(Get("/api/v1/users", {{"limit", "1001"}}), 400, "from 1 to 1000");
  ExpectProblem(Get("/api/v1/users", {{"limit", "ten"}}), 400, "from 1 to 1000");
  ExpectProblem(Get("/api/v1/users", {{"state", "asleep"}}), 400, "no state \"asleep\"");
  ExpectProblem(Get("/api/v1/users", {{"kind", "x"}}), 400, "no kind \"x\"");
  ExpectProblem(Get("/api/v1/users", {{"link", "x"}}), 404, "no link \"x\"");
  for (const std::string list : {"users", "episodes", "actions", "evidence"}) {
    const std::string path = "/api/v1/" + list;
    ExpectProblem(Get(path, {{"cursor", "abc"}}), 400, "cursor");
    ExpectProblem(Get(path, {{"cursor", "corp-contoso:abc"}}), 400, "cursor");
    ExpectProblem(Get(path, {{"cursor", "nowhere:1"}}), 404, "no link \"nowhere\"");
    ExpectProblem(Get(path, {{"limit", "-1"}}), 400, "limit");
  }
}

TEST_F(ApiPeople, ATierThatIsNowhereIsRefusedWithThoseThereAre) {
  b_.policy().tiers.insert(b_.policy().tiers.begin() + 1,
                           {monitor::TierName("vip"), {}, {}, {}, {}});
  ExpectProblem(Get("/api/v1/users", {{"tier", "teir0"}}), 400,
                "there is no tier \"teir0\"; there are standard, tier0, vip");
  EXPECT_THAT(Users({{"tier", "vip"}}), IsEmpty());
  EXPECT_THAT(Users({{"tier", "vip"}, {"link", "emea-contoso"}}), IsEmpty());
  ExpectProblem(Get("/api/v1/users", {{"tier", "vip"}, {"link", "corp-contoso"}}), 400,
                "there is no tier \"vip\" in link corp-contoso; there are standard, tier0");
  ExpectProblem(Get("/api/v1/users", {{"tier", "vip"}, {"link", "x"}}), 404, "no link \"x\"");
}

TEST_F(ApiPeople, ATierThatPeopleStillCarryIsTakenThoughNoPolicyNamesIt) {
  Person renamed = store::PlainPerson(2);
  renamed.tier = monitor::TierName("former");
  Put(a_, {renamed});
  EXPECT_THAT(Users({{"tier", "former"}}), ElementsAre("p2.corp-contoso"));
  ExpectProblem(Get("/api/v1/users", {{"tier", "former"}, {"link", "emea-contoso"}}), 400,
                "no tier \"former\"");
  renamed.tier = monitor::TierName("standard");
  Put(a_, {renamed});
  ExpectProblem(Get("/api/v1/users", {{"tier", "former"}}), 400, "no tier \"former\"");
}

TEST_F(ApiPeople, OnePersonIsFoundByTheIdsOfTheirEpisodesAndActions) {
  const std::string action = "0c8f0e3a-5a0c-4a53-9d2f-0123456789ab";
  monitor::Changes changes;
  changes.actions = {ActionOf(3, action, 5)};
  changes.closed_episodes = {*Drifting(a_, 3, 7).episode};
  changes.closed_episodes[0].closed = clock_.Wall();
  Put(a_, {Drifting(a_, 3, 1)}, std::move(changes));
  const std::string users = "/api/v1/users/";
  for (const std::string& id :
       {std::string("e1.corp-contoso"), std::string("e7.corp-contoso"), action}) {
    EXPECT_EQ(TextAt(GetJson(users + id), "id"), "p3.corp-contoso") << id;
    EXPECT_EQ(GetJson(users + id + "/explain"), GetJson(users + "p3.corp-contoso/explain")) << id;
  }
  for (const std::string none : {"e99.corp-contoso", "e1.nowhere", "e.corp-contoso",
                                 "0c8f0e3a-5a0c-4a53-9d2f-0123456789ac"}) {
    ExpectProblem(Get(users + none), 404, "the id of a person, episode or action");
  }
}

TEST_F(ApiPeople, OnePersonIsFoundByEveryKey) {
  const Person person = store::PlainPerson(3);
  const auto& ad = person.facts.ad[0];
  for (const std::string& key :
       {std::string("p3.corp-contoso"), ad.upn, std::string("user3@CORP.example"),
        ad.sam_account_name, ad.sid.ToString(), ad.object_guid.ToString(), person.facts.entra->id,
        person.facts.anchor.value}) {
    const auto found = GetJson("/api/v1/users/" + net::PercentEncode(key));
    EXPECT_EQ(TextAt(found, "id"), "p3.corp-contoso") << key;
  }
}

TEST_F(ApiPeople, OnePersonHasTheContractsShape) {
  const auto person = GetJson("/api/v1/users/p3.corp-contoso");
  for (const std::string field :
       {"id", "link", "state", "phase", "tier", "class", "grade", "upn", "anchor", "ad", "entra",
        "drift", "lags", "residual", "actions", "next", "timeline", "episode"}) {
    EXPECT_TRUE(person.as_object().contains(field)) << field;
  }
  EXPECT_EQ(TextAt(person, "state"), "lagging");
  EXPECT_EQ(TextAt(person, "upn"), "User3@corp.example");
  const auto& ad = Field(person, "ad");
  EXPECT_EQ(TextAt(ad, "source"), "corp");
  EXPECT_TRUE(Field(ad, "enabled").is_bool());
  EXPECT_FALSE(FlagAt(ad, "enabled"));
  EXPECT_EQ(TextAt(Field(ad, "disabled_since"), "lo"), "2027-01-15T07:40:00Z");
  EXPECT_TRUE(FlagAt(Field(person, "entra"), "enabled"));
  EXPECT_TRUE(Field(Field(person, "entra"), "sessions_valid_from").is_null());
  ASSERT_THAT(ListAt(person, "drift"), SizeIs(1));
  EXPECT_EQ(TextAt(ListAt(person, "drift")[0], "kind"), "disable_lag");
  EXPECT_EQ(TextAt(ListAt(person, "drift")[0], "severity"), "warning");
  ASSERT_THAT(ListAt(person, "actions"), SizeIs(2));
  EXPECT_EQ(TextAt(ListAt(person, "actions")[0], "id"), "act-2");  // newest first
  EXPECT_TRUE(FlagAt(Field(person, "residual"), "new_sessions_possible"));
  const auto& lags = Field(person, "lags");
  EXPECT_TRUE(FlagAt(Field(lags, "disable"), "running"));
  EXPECT_GE(NumberAt(Field(lags, "disable"), "hi"), NumberAt(Field(lags, "disable"), "lo"));
  EXPECT_TRUE(Field(lags, "revocation").is_null());
  ASSERT_THAT(ListAt(person, "timeline"), SizeIs(3));
  const auto& event = ListAt(person, "timeline")[0];
  EXPECT_EQ(TextAt(event, "type"), "ad_disabled");
  EXPECT_EQ(TextAt(event, "source"), "corp");
  EXPECT_EQ(TextAt(event, "seen"), FormatRfc3339(store::At(0)));
  EXPECT_EQ(TextAt(Field(event, "at"), "lo"), FormatRfc3339(store::At(-1)));
  EXPECT_EQ(NumberAt(Field(event, "evidence"), "seq"), 1);
}

TEST_F(ApiPeople, WhatTheLogsSayOfAPersonIsShownAndWhatWasNotReadIsSaid) {
  Person person = Drifting(a_, 3, 1);
  person.facts.entra->logs = store::SamplePerson().facts.entra->logs;
  Put(a_, {person});
  const auto shown = GetJson("/api/v1/users/p3.corp-contoso");
  const auto& activity = Field(shown, "activity");
  ASSERT_THAT(ListAt(activity, "changes"), SizeIs(1));
  EXPECT_EQ(TextAt(ListAt(activity, "changes")[0], "change"), "sessions_revoked");
  EXPECT_EQ(TextAt(ListAt(activity, "changes")[0], "by"), "sync");
  EXPECT_THAT(ListAt(Field(activity, "sign_ins"), "successes"), SizeIs(1));
  const auto& interactive = Field(Field(activity, "sign_ins"), "interactive");
  EXPECT_EQ(TextAt(Field(interactive, "read"), "hi"), FormatRfc3339(store::At(121)));
  const auto& devices = Field(Field(shown, "residual"), "devices");
  ASSERT_THAT(ListAt(devices, "items"), SizeIs(2));
  EXPECT_EQ(TextAt(ListAt(devices, "items")[0], "trust"), "hybrid");
  EXPECT_TRUE(Field(ListAt(devices, "items")[1], "enabled").is_null());
  EXPECT_FALSE(FlagAt(devices, "complete"));
  const auto other = GetJson("/api/v1/users/p4.corp-contoso");
  const auto& unread = Field(Field(Field(other, "activity"), "sign_ins"), "interactive");
  EXPECT_EQ(TextAt(unread, "not_read"), "not yet");
  const auto status = GetJson("/api/v1/status");
  EXPECT_THAT(ListAt(ListAt(status, "links")[0], "logs"), SizeIs(5));
}

TEST_F(ApiPeople, TimelineAndExplainStandBelowAPerson) {
  EXPECT_THAT(ListAt(GetJson("/api/v1/users/p4.corp-contoso/timeline"), "items"), SizeIs(2));
  const auto explained = GetJson("/api/v1/users/p3.corp-contoso/explain");
  EXPECT_EQ(TextAt(explained, "id"), "p3.corp-contoso");
  EXPECT_FALSE(TextAt(explained, "rule").empty());
  EXPECT_TRUE(Field(explained, "inputs").is_object());
  EXPECT_THAT(ListAt(explained, "thresholds"), SizeIs(5));
  EXPECT_FALSE(TextAt(ListAt(explained, "thresholds")[0], "from").empty());
  EXPECT_TRUE(Field(Field(explained, "clocks"), "sources").is_array());
  EXPECT_TRUE(Field(Field(explained, "would_change"), "by_time").is_array());
  EXPECT_FALSE(ListAt(Field(explained, "would_change"), "by_evidence").empty());
  const std::string text = ExplainText(explained);
  EXPECT_EQ(text.find("\n\n"), text.find("\n\nrule "));
  EXPECT_EQ(std::count(text.begin(), text.begin() + static_cast<long>(text.find("\n\n")), '\n'), 4);
  ExpectProblem(Get("/api/v1/users/p3.corp-contoso/other"), 404, "timeline and explain");
}

TEST_F(ApiPeople, ATimelineIsPagedOldestFirst) {
  const std::string path = "/api/v1/users/p3.corp-contoso/timeline";
  const std::vector<std::string> all = Items(GetJson(path), "seen");
  EXPECT_THAT(all, ElementsAre(FormatRfc3339(store::At(0)), FormatRfc3339(store::At(2)),
                               FormatRfc3339(store::At(4))));
  for (size_t limit = 1; limit <= 4; ++limit) EXPECT_EQ(AllPages(path, "seen", limit), all);
  const auto first = GetJson(path, {{"limit", "2"}});
  EXPECT_EQ(TextAt(first, "next_cursor"), "corp-contoso:3");
  EXPECT_THAT(ListAt(GetJson("/api/v1/users/p3.corp-contoso"), "timeline"), SizeIs(3));
  ExpectProblem(Get(path, {{"limit", "0"}}), 400, "from 1 to 1000");
  for (const std::string cursor : {"abc", "corp-contoso:", "corp-contoso:x", "emea-contoso:3"}) {
    ExpectProblem(Get(path, {{"cursor", cursor}}), 400, "cursor");
  }
}

TEST_F(ApiPeople, NobodyIsA404ThatSaysWhatToLookFor) {
  ExpectProblem(Get("/api/v1/users/nobody"), 404, "nobody is known as \"nobody\"");
  ExpectProblem(Get("/api/v1/users/p99.corp-contoso"), 404, "UPN");
}

TEST_F(ApiPeople, SeveralPeopleAreA409ThatNamesThem) {
  const auto response = Get("/api/v1/users/User1");
  ExpectProblem(response, 409, "stands for 2 people");
  const auto body = Json(response);
  ASSERT_THAT(ListAt(body, "people"), SizeIs(2));
  EXPECT_EQ(TextOf(ListAt(body, "people")[0]), "p1.corp-contoso");
  EXPECT_EQ(TextOf(ListAt(body, "people")[1]), "p1.emea-contoso");
}

TEST_F(ApiPeople, APathThatIsNotPercentEncodedIsTold) {
  ExpectProblem(Get("/api/v1/users/%zz"), 400, "percent-encoded");
}

TEST_F(ApiPeople, EpisodesAreListedAndShown) {
  const std::vector<std::string> all = Items(GetJson("/api/v1/episodes"), "id");
  EXPECT_THAT(all, ElementsAre("e2.corp-contoso", "e1.corp-contoso", "e1.emea-contoso"));
  for (size_t limit = 1; limit <= 4; ++limit) {
    EXPECT_EQ(AllPages("/api/v1/episodes", "id", limit), all) << limit;
    EXPECT_EQ(AllPages("/api/v1/episodes", "id", limit, {{"open", "true"}}), all) << limit;
    EXPECT_THAT(AllPages("/api/v1/episodes", "id", limit, {{"link", "emea-contoso"}}),
                ElementsAre("e1.emea-contoso"));
  }
  const auto one = GetJson("/api/v1/episodes/e1.corp-contoso");
  EXPECT_EQ(TextAt(one, "user"), "p3.corp-contoso");
  EXPECT_EQ(TextAt(one, "kind"), "disable_lag");
  EXPECT_TRUE(Field(one, "closed").is_null());
  ExpectProblem(Get("/api/v1/episodes/e9.corp-contoso"), 404, "no episode \"e9.corp-contoso\"");
}

TEST_F(ApiPeople, ActionsAreListedNewestFirst) {
  const auto list = GetJson("/api/v1/actions");
  const std::vector<std::string> all = Items(list, "id");
  EXPECT_THAT(all, ElementsAre("act-3", "act-2", "act-1", "act-4"));
  const auto& action = ListAt(list, "items")[0];
  for (const std::string field : {"id", "episode", "user", "link", "action", "reason", "state",
                                  "gates", "requested_at", "expires_at", "request_id"}) {
    EXPECT_TRUE(action.as_object().contains(field)) << field;
  }
  EXPECT_EQ(TextAt(action, "user"), "p4.corp-contoso");
  EXPECT_EQ(TextAt(action, "user_name"), "User4@corp.example");
  for (size_t limit = 1; limit <= 5; ++limit) {
    EXPECT_EQ(AllPages("/api/v1/actions", "id", limit), all) << limit;
    EXPECT_THAT(AllPages("/api/v1/actions", "id", limit, {{"link", "corp-contoso"}}), SizeIs(3));
  }
}

TEST_F(ApiPeople, AnActionHasTheBestNameThereIs) {
  Person nameless = Drifting(a_, 4, 2);
  nameless.facts.ad[0].upn.clear();
  nameless.facts.entra.reset();
  Put(a_, {nameless});
  const auto list = GetJson("/api/v1/actions");
  EXPECT_EQ(TextAt(ListAt(list, "items")[0], "user_name"), "User4");
}

TEST_F(ApiPeople, AClearedActionIsShownAsAnIntent) {
  monitor::Changes changes;
  changes.actions = {ActionOf(3, "act-1", 1)};
  changes.actions[0].state = monitor::ActionState::kCleared;
  changes.link = a_.state();
  ASSERT_TRUE(store_->Commit(lease_, changes).ok());
  EXPECT_THAT(Items(GetJson("/api/v1/actions", {{"link", "corp-contoso"}}), "state"),
              ElementsAre("verified", "verified", "intent"));
}

TEST_F(ApiPeople, EvidenceIsReadALinkAtATimeAndPageByPage) {
  ExpectProblem(Get("/api/v1/evidence"), 400, "?link=NAME");
  for (size_t limit = 1; limit <= 6; ++limit) {
    EXPECT_THAT(AllPages("/api/v1/evidence", "seq", limit, {{"link", "corp-contoso"}}),
                ElementsAre("1", "2", "3", "4", "5"));
  }
  const auto list = GetJson("/api/v1/evidence", {{"link", "corp-contoso"}});
  const auto& items = ListAt(list, "items");
  EXPECT_EQ(TextAt(items[0], "previous"), std::string(64, '0'));
  EXPECT_EQ(TextAt(items[1], "previous"), TextAt(items[0], "hash"));
  EXPECT_EQ(TextAt(items[1], "person"), "p4.corp-contoso");
  EXPECT_EQ(TextAt(Field(items[1], "details"), "uac"), "514");
}

class ApiUnmanaged : public ApiTest {
 protected:
  // Link A is read completely on both sides, link B is not.
  ApiUnmanaged() {
    for (auto& [name, source] : a_.state().sources) {
      source.snapshot_complete = true;
      source.last_complete_begin = clock_.Wall();
    }
    a_.state().sources[kCorp].base_dn = "dc=corp,dc=example";
    Person cloud = store::PlainPerson(2);
    cloud.facts.ad.clear();
    cloud.facts.entra->immutable_id = monitor::Anchor();
    cloud.facts.entra->sync_enabled = monitor::Tri::kNo;
    cloud.facts.entra->first_seen = clock_.Wall() - absl::Hours(1);
    Person orphan = store::PlainPerson(3);
    orphan.facts.ad.clear();
    orphan.facts.entra->sync_enabled = monitor::Tri::kYes;
    orphan.facts.entra->on_premises_domain = "corp.example";
    orphan.facts.entra->first_seen = clock_.Wall() - absl::Hours(9);
    Person renamed = store::PlainPerson(4);
    renamed.facts.entra->upn = "another@corp.example";
    renamed.memory.upn_differs_since = clock_.Wall();
    Put(a_, {store::PlainPerson(1), cloud, orphan, renamed});
    Put(b_, {orphan});
  }
  static constexpr char kPath[] = "/api/v1/reports/unmanaged";
};

TEST_F(ApiUnmanaged, ListsWhomADDoesNotManageAndNamesWhatWasNotRead) {
  const auto report = GetJson(kPath);
  EXPECT_THAT(Items(report, "kind"),
              ElementsAre("cloud_only_unmanaged", "orphan_synced", "upn_drift"));
  EXPECT_THAT(Items(report, "link"), ElementsAre("corp-contoso", "corp-contoso", "corp-contoso"));
  const boost::json::value& orphan = ListAt(report, "items")[1];
  EXPECT_EQ(TextAt(orphan, "since"), FormatRfc3339(clock_.Wall() - absl::Hours(9)));
  EXPECT_EQ(TextAt(orphan, "what"), "synced from corp.example, there is no AD account");
  EXPECT_EQ(TextAt(Field(orphan, "observed"), "on_premises_domain"), "corp.example");
  EXPECT_TRUE(Field(Field(orphan, "observed"), "guest").is_null());
  ASSERT_THAT(ListAt(report, "not_evaluated"), SizeIs(1));
  const boost::json::value& skipped = ListAt(report, "not_evaluated")[0];
  EXPECT_EQ(TextAt(skipped, "link"), "emea-contoso");
  EXPECT_EQ(TextAt(skipped, "why"), "not read completely yet: corp, contoso");
}

TEST_F(ApiUnmanaged, GoesPageByPageAndByKind) {
  const auto first = GetJson(kPath, {{"limit", "2"}});
  EXPECT_THAT(Items(first, "kind"), ElementsAre("cloud_only_unmanaged", "orphan_synced"));
  const auto rest = GetJson(kPath, {{"limit", "2"}, {"cursor", TextAt(first, "next_cursor")}});
  EXPECT_THAT(Items(rest, "kind"), ElementsAre("upn_drift"));
  EXPECT_TRUE(Field(rest, "next_cursor").is_null());
  EXPECT_THAT(Items(GetJson(kPath, {{"kind", "upn_drift"}}), "id"), ElementsAre("p4.corp-contoso"));
  EXPECT_EQ(Get(kPath, {{"kind", "disable_lag"}}).status, 400);
  EXPECT_EQ(Get(kPath, {{"link", "nowhere"}}).status, 404);
  const auto other = GetJson(kPath, {{"link", "emea-contoso"}});
  EXPECT_THAT(ListAt(other, "items"), IsEmpty());
  EXPECT_THAT(ListAt(other, "not_evaluated"), SizeIs(1));
}

}  // namespace
}  // namespace driftwarden::daemon
