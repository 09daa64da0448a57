// What remains of people who left: who is read when, what is kept of it, and what is told.

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <deque>

#include "base/async/task_group.h"
#include "daemon/residue_book.h"
#include "daemon/residue_loop.h"
#include "daemon/text_residue.h"
#include "tests/daemon/api_fixture.h"

namespace driftwarden::daemon {
namespace {

using monitor::Person;
using monitor::PersonOrdinal;
using monitor::ResidueArea;
using monitor::ResidueOutcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kResiduePath[] = "/api/v1/reports/residue";

std::string EntraIdOfPlain(PersonOrdinal ordinal) {
  return store::PlainPerson(ordinal).facts.entra->id;
}

// Everything is there to be read, and nothing is left; or what the test says.
class FakeTenantResidue final : public watchers::TenantResidue {
 public:
  explicit FakeTenantResidue(const Clock& clock) : clock_(clock) {}
  asio::awaitable<StatusOr<watchers::ResidueLook>> Read(std::string entra_id,
                                                        std::string) override {
    read.emplace_back(entra_id, clock_.Wall());
    if (!failures.empty()) {
      const Status failure = failures.front();
      failures.pop_front();
      if (!failure.ok()) co_return failure;
    }
    watchers::ResidueLook look;
    look.requests = requests;
    for (const ResidueArea area : monitor::kAllResidueAreas) {
      look.areas[area].outcome = ResidueOutcome::kEvaluated;
      look.areas[area].at = clock_.Wall();
    }
    for (const auto& [area, findings] : found) look.areas[area] = findings;
    co_return look;
  }

  std::vector<std::pair<std::string, absl::Time>> read;
  std::deque<Status> failures;
  size_t requests = kRequestsAtLeast;
  monitor::ResidueAreas found;

 private:
  const Clock& clock_;
};

class ResidueTest : public ApiTest {
 protected:
  ~ResidueTest() override { Stop(); }
  // A new process: nothing but the store is left of the one before.
  void Start(absl::Duration interval = absl::Minutes(1)) {
    Stop();
    book_ = std::make_unique<ResidueBook>(ResidueBookParts{*store_, lane_, lane_, clock_},
                                          a_.link(), lease_);
    ResidueOptions options;
    options.interval = interval;
    residue_loop_ =
        std::make_unique<ResidueLoop>(*book_, reader_, a_.link(), scheduler_, rng_, log_, options);
    group_ = std::make_unique<TaskGroup>(io_.get_executor());
    group_->Spawn(residue_loop_->Run());
    scheduler_.Settle();
  }
  void Stop() {
    if (group_ == nullptr) return;
    group_->Cancel();
    scheduler_.Settle();
    group_.reset();
  }
  std::vector<std::string> TakeRead() {
    std::vector<std::string> ids;
    for (const auto& [id, at] : std::exchange(reader_.read, {})) ids.push_back(id);
    return ids;
  }
  static void Close(Person& person, absl::Time at, monitor::Changes& changes) {
    person.episode->closed = at;
    changes.closed_episodes.push_back(*std::exchange(person.episode, std::nullopt));
    person.state = person.phase = monitor::State::kConverged;
  }
  boost::json::value AreaOf(const boost::json::value& person, std::string_view name) {
    for (const boost::json::value& area : ListAt(person, "areas")) {
      if (TextAt(area, "area") == name) return area;
    }
    ADD_FAILURE() << "nothing is said of " << name;
    return nullptr;
  }

  asio::io_context io_{1};
  testing::SimScheduler scheduler_{io_, clock_};
  SeededRng rng_{7};
  FakeTenantResidue reader_{clock_};
  std::unique_ptr<ResidueBook> book_;
  std::unique_ptr<ResidueLoop> residue_loop_;
  std::unique_ptr<TaskGroup> group_;
};

TEST_F(ResidueTest, ReadsWhoLeftLastFirstOnceADayAndNobodyElse) {
  Person stayed = store::PlainPerson(4);
  Person longago = Drifting(a_, 5, 1);
  Person recent = Drifting(a_, 6, 2);
  Person reverse = Drifting(a_, 7, 5);
  reverse.episode->departed = {};
  monitor::Changes changes;
  Close(longago, clock_.Wall() - absl::Hours(31 * 24), changes);
  Close(recent, clock_.Wall() - absl::Hours(28 * 24 + 12), changes);
  Put(a_, {Drifting(a_, 1, 3), Drifting(a_, 2, 4), stayed, longago, recent, reverse}, changes);
  Start(absl::Minutes(10));
  scheduler_.RunFor(absl::Minutes(30));
  EXPECT_THAT(TakeRead(), ElementsAre(EntraIdOfPlain(2), EntraIdOfPlain(1), EntraIdOfPlain(6)));
  scheduler_.RunFor(absl::Hours(22));
  Start(absl::Minutes(10));
  scheduler_.RunFor(absl::Hours(1));
  EXPECT_THAT(TakeRead(), IsEmpty()) << "a restart reads nobody again";
  scheduler_.RunFor(absl::Hours(2));
  EXPECT_THAT(TakeRead(), ElementsAre(EntraIdOfPlain(2), EntraIdOfPlain(1), EntraIdOfPlain(6)));
  scheduler_.RunFor(absl::Hours(24));
  EXPECT_THAT(TakeRead(), ElementsAre(EntraIdOfPlain(2), EntraIdOfPlain(1)))
      << "thirty days after the end nobody is read any more";
}

TEST_F(ResidueTest, KeepsWithinItsBudgetHoweverManyLeave) {
  std::vector<Person> people;
  for (int i = 1; i <= 260; ++i) people.push_back(Drifting(a_, static_cast<PersonOrdinal>(i), i));
  Put(a_, people);
  reader_.requests = 12;
  Start();
  scheduler_.RunFor(absl::Minutes(40));
  EXPECT_LE(reader_.read.size() * reader_.requests, 60U * 40);
  EXPECT_GE(reader_.read.size() * reader_.requests, 50U * 40) << "but it gets on";
  EXPECT_THAT(reader_.read, Not(SizeIs(260)));
  scheduler_.RunFor(absl::Minutes(30));
  std::vector<std::string> read = TakeRead();
  std::sort(read.begin(), read.end());
  EXPECT_EQ(read.size(), 260U) << "everybody has a turn, and nobody a second one";
  EXPECT_EQ(std::unique(read.begin(), read.end()), read.end());
}

TEST_F(ResidueTest, AFailureOfOnePersonHoldsUpNobodyAndOneOfTheTenantWaits) {
  Put(a_, {Drifting(a_, 1, 1), Drifting(a_, 2, 2)});
  reader_.failures = {DataLossError("nonsense")};
  Start();
  scheduler_.RunFor(absl::Minutes(2));
  EXPECT_THAT(TakeRead(), ElementsAre(EntraIdOfPlain(2), EntraIdOfPlain(1)));
  const auto kept = store_->LoadResidue(a_.link(), {1, 2});
  EXPECT_EQ(kept->at(2).areas.at(ResidueArea::kGroups).outcome, ResidueOutcome::kFailed);
  EXPECT_EQ(kept->at(1).areas.at(ResidueArea::kGroups).outcome, ResidueOutcome::kEvaluated);
  scheduler_.RunFor(absl::Hours(2));
  EXPECT_THAT(TakeRead(), ElementsAre(EntraIdOfPlain(2))) << "again after an hour";

  Put(a_, {Drifting(a_, 1, 1), Drifting(a_, 2, 2), Drifting(a_, 3, 3)});
  reader_.failures = {ThrottledError("later", absl::Minutes(40)), UnavailableError("down")};
  scheduler_.RunFor(absl::Minutes(30));
  EXPECT_THAT(TakeRead(), ElementsAre(EntraIdOfPlain(3)));
  EXPECT_THAT(*store_->LoadResidue(a_.link(), {3}), IsEmpty()) << "that nobody answers is no word";
  scheduler_.RunFor(absl::Hours(1));
  EXPECT_THAT(TakeRead(), ElementsAre(EntraIdOfPlain(3), EntraIdOfPlain(3)));
  EXPECT_EQ(store_->LoadResidue(a_.link(), {3})->size(), 1U);
}

TEST_F(ResidueTest, TheReportTellsWhatIsLeftAndWhatWasNotEvaluated) {
  Person person = Drifting(a_, 1, 1);
  const TimeBounds departed = person.episode->departed;
  Put(a_, {person, Drifting(a_, 2, 2)});
  monitor::ResidueFindings roles;
  roles.outcome = ResidueOutcome::kEvaluated;
  roles.items = {{"r", "Global Administrator", "directory_role", "", std::nullopt}};
  monitor::ResidueFindings methods = roles;
  methods.items = {{"m1", "old", "fido2", "", departed.lo - absl::Hours(1)},
                   {"m2", "new", "fido2", "", departed.hi + absl::Hours(1)},
                   {"m3", "", "phone", "", std::nullopt}};
  monitor::ResidueFindings grants;
  grants.outcome = ResidueOutcome::kPermission;
  grants.detail = "Authorization_RequestDenied";
  reader_.found = {{ResidueArea::kDirectoryRoles, roles},
                   {ResidueArea::kMethods, methods},
                   {ResidueArea::kGrants, grants}};
  const boost::json::value before = GetJson(kResiduePath);
  EXPECT_THAT(Items(before, "id"), ElementsAre("p2.corp-contoso", "p1.corp-contoso"));
  for (const boost::json::value& area : ListAt(ListAt(before, "items")[0], "areas")) {
    EXPECT_FALSE(FlagAt(area, "evaluated")) << boost::json::serialize(area);
    EXPECT_FALSE(FlagAt(area, "complete"));
  }
  const monitor::LinkState state_before = **store_->LoadLink(a_.link());
  Start();
  scheduler_.RunFor(absl::Minutes(2));
  const boost::json::value report = GetJson(kResiduePath, {{"link", "corp-contoso"}});
  const boost::json::value& one = ListAt(report, "items")[1];
  EXPECT_EQ(TextAt(one, "closed"), "");
  EXPECT_THAT(Items(AreaOf(one, "directory_roles"), "name"), ElementsAre("Global Administrator"));
  EXPECT_THAT(Items(AreaOf(one, "authentication_methods"), "id"), ElementsAre("m2", "m3"));
  EXPECT_TRUE(FlagAt(ListAt(AreaOf(one, "authentication_methods"), "items")[0], "after_departure"));
  EXPECT_EQ(TextAt(ListAt(AreaOf(one, "authentication_methods"), "items")[1], "after_departure"),
            "");
  EXPECT_EQ(TextAt(AreaOf(one, "oauth_grants"), "reason"), "no_permission");
  EXPECT_FALSE(FlagAt(AreaOf(one, "oauth_grants"), "evaluated"));
  EXPECT_TRUE(FlagAt(AreaOf(one, "groups"), "evaluated"));
  EXPECT_THAT(ListAt(AreaOf(one, "groups"), "items"), IsEmpty());
  for (const char* never : {"saas_accounts", "application_sessions"}) {
    EXPECT_FALSE(FlagAt(AreaOf(one, never), "evaluated"));
    EXPECT_EQ(TextAt(AreaOf(one, never), "reason"), "not_covered");
  }
  EXPECT_EQ(**store_->LoadLink(a_.link()), state_before) << "it changes nothing else";
  EXPECT_THAT(*store_->Check(), IsEmpty());

  const boost::json::array& people = ListAt(report, "items");
  const std::string text = ResidueText(people);
  EXPECT_THAT(text, HasSubstr("  directory_roles: Global Administrator\n"));
  EXPECT_THAT(text, HasSubstr("  authentication_methods: fido2 new registered after it, "));
  EXPECT_THAT(text, HasSubstr("  evaluated, none: eligible_roles, owned_applications, groups, "
                              "licences\n"));
  EXPECT_THAT(text, HasSubstr("  not evaluated: oauth_grants (no_permission)\n"));
  EXPECT_THAT(text, HasSubstr("  not evaluated: saas_accounts (not_covered)\n"));
  EXPECT_THAT(text, Not(HasSubstr("clean")));
  const auto rows = ResidueCsvRows(people);
  for (const TextRow& row : rows) EXPECT_EQ(row.size(), ResidueCsvHeader().size());
  EXPECT_EQ(rows.size(), 2U * 10) << "nine areas a person, one of them with two things";
}

TEST_F(ResidueTest, TheReportIsOfAWindowAndInPages) {
  monitor::Changes changes;
  std::vector<Person> people;
  for (int i = 1; i <= 30; ++i) {
    Person person = Drifting(a_, static_cast<PersonOrdinal>(i), i);
    person.episode->opened = clock_.Wall() - absl::Hours(24 * (100 - i));
    if (i % 2 == 0) Close(person, person.episode->opened + absl::Hours(1), changes);
    people.push_back(std::move(person));
  }
  // A later departure of the first one stands for the one before.
  people[1] = Drifting(a_, 2, 31);
  Put(a_, people, changes);
  Put(b_, {Drifting(b_, 1, 1)});
  EXPECT_EQ(AllPages(kResiduePath, "id", 4).size(), 15U + 1 + 1);
  const auto all = AllPages(kResiduePath, "id", 3, {{"from", "200d"}});
  EXPECT_EQ(all.size(), 31U);
  EXPECT_EQ(std::count(all.begin(), all.end(), "p2.corp-contoso"), 1);
  EXPECT_THAT(AllPages(kResiduePath, "id", 9, {{"from", "99d"}, {"to", "98d"}}),
              ElementsAre("p1.corp-contoso"));
  ExpectProblem(Get(kResiduePath, {{"from", "yesterday"}}), 400, "from");
  ExpectProblem(Get(kResiduePath, {{"from", "1d"}, {"to", "2d"}}), 400, "later");
  ExpectProblem(Get(kResiduePath, {{"link", "nowhere"}}), 404, "nowhere");
}

}  // namespace
}  // namespace driftwarden::daemon
