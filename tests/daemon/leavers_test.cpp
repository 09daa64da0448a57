// Expected leavers: the CSV file, the loop that reads it, and the API.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "daemon/leaver_loop.h"
#include "tests/daemon/api_fixture.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kLeavers[] = "/api/v1/expected-leavers";
constexpr char kHeader[] = "identifier,effective,urgency,reference\n";

absl::Time Now() {
  return absl::FromUnixSeconds(1'800'000'000);
}

TEST(LeaverFile, TakesGoodRowsAndNamesBadOnes) {
  const LeaverFile file = ParseLeavers(
      "\xef\xbb\xbfIdentifier,urgency,effective,reference\r\n"
      "ann@corp.example,planned,2027-01-31T17:00:00Z,HR-1\r\n"
      "bob,Immediate,2027-01-31T18:00:00+01:00,\r\n"
      "bob,planned,2027-01-31T18:00:00Z,\r\n"
      "carl,planned,tomorrow,\r\n"
      "dora,soon,2027-01-31T17:00:00Z,\r\n"
      ",planned,2027-01-31T17:00:00Z,\r\n"
      "a,b,c\r\n"
      "old,planned,2020-01-01T00:00:00Z,\r\n",
      Now());
  EXPECT_FALSE(file.unusable);
  ASSERT_THAT(file.rows, SizeIs(2));
  EXPECT_EQ(file.rows[0].identifier, "ann@corp.example");
  EXPECT_EQ(file.rows[0].reference, "HR-1");
  EXPECT_EQ(file.rows[1].urgency, monitor::LeaveUrgency::kImmediate);
  EXPECT_EQ(file.rows[1].effective, file.rows[0].effective);
  EXPECT_EQ(file.past, 1u);
  EXPECT_EQ(file.bad, 5u);
  EXPECT_THAT(file.faults,
              ElementsAre("4: the identifier of line 3; keep one of the lines",
                          StartsWith("5: effective is no moment; write it like"),
                          StartsWith("6: urgency is none of"), StartsWith("7: identifier must be"),
                          StartsWith("8: 3 fields instead of 4")));
  for (const std::string& fault : file.faults) EXPECT_EQ(fault.find("carl"), std::string::npos);
}

TEST(LeaverFile, SaysNothingWithoutItsHeader) {
  for (const std::string text :
       {"", "ann,2027-01-31T17:00:00Z,planned\n", "identifier,effective\n",
        "identifier,effective,urgency,phone\n", "identifier,effective,urgency,urgency\n"}) {
    const LeaverFile file = ParseLeavers(text, Now());
    EXPECT_TRUE(file.unusable) << text;
    EXPECT_THAT(file.faults, ElementsAre(HasSubstr("write the header"))) << text;
  }
  EXPECT_FALSE(ParseLeavers("identifier,effective,urgency\n", Now()).unusable);
  EXPECT_TRUE(ParseLeavers(std::string(kMostLeaverBytes + 1, 'x'), Now()).unusable);
}

class Leavers : public ApiTest {
 protected:
  static monitor::Person Somebody(monitor::PersonOrdinal ordinal, const std::string& upn) {
    monitor::Person person = store::PlainPerson(ordinal);
    person.facts.ad[0].upn = upn;
    person.facts.entra->upn = upn;
    person.tier = monitor::TierName("standard");
    return person;
  }
  static std::string Item(const std::string& who, const std::string& urgency = "planned") {
    return Cat(R"({"identifier": ")", who,
               R"(", "effective": "2027-01-31T17:00:00Z", "urgency": ")", urgency, "\"}");
  }
  net::ServerResponse Delete(const std::string& path) {
    net::ServerRequest request = Request("DELETE", path);
    request.over_unix = true;
    request.peer_uid = ::geteuid();
    return Call(std::move(request));
  }
};

TEST_F(Leavers, EachItemIsAnsweredAndGoodOnesAreTaken) {
  Put(a_, {Somebody(3, "ann@corp.example"), Somebody(4, "two@corp.example"),
           Somebody(5, "two@corp.example")});
  const auto answer =
      Post(kLeavers, Cat(R"({"items": [)", Item("ann@corp.example", "compromise"), ",",
                         Item("nobody@corp.example"), ",", Item("two@corp.example"), ",",
                         Item("ann@corp.example", "soon"), R"(, 7]})"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto body = Json(answer);
  EXPECT_THAT(Items(body, "status"),
              ElementsAre("accepted", "unknown", "ambiguous", "invalid", "invalid"));
  EXPECT_THAT(ListAt(ListAt(body, "items")[2], "people"), SizeIs(2));
  EXPECT_THAT(a_.writes, ElementsAre(StartsWith("expect 3 to leave at 2027-01-31T17:00:00Z, "
                                                "compromise by uid:")));
  EXPECT_THAT(b_.writes, IsEmpty());
  a_.outcome = monitor::LeaveOutcome::kUnchanged;
  EXPECT_THAT(Items(Json(Post(kLeavers, Item("ann@corp.example"))), "status"),
              ElementsAre("unchanged"));
}

TEST_F(Leavers, FaultyRequestsReachNobody) {
  ExpectProblem(Post(kLeavers, "{}"), 400, "or one such item");
  ExpectProblem(Post(kLeavers, R"({"items": 7})"), 400, "or one such item");
  std::string many = Item("x");
  for (int i = 0; i < 1000; ++i) many += Cat(",", Item("x"));
  ExpectProblem(Post(kLeavers, Cat(R"({"items": [)", many, "]}")), 400, "at most 1000 items");
  ExpectProblem(Call(Request("POST", kLeavers)), 403, "control.sock");
  Put(a_, {Somebody(3, "ann@corp.example")});
  a_.answer = PreconditionError("nobody can be expected yet");
  ExpectProblem(Post(kLeavers, Item("ann@corp.example")), 409, "corp-contoso: nobody can be");
  EXPECT_THAT(a_.writes, IsEmpty());
}

TEST_F(Leavers, AreListedAndWithdrawn) {
  monitor::Person person = Somebody(3, "ann@corp.example");
  person.memory.leave = {"ann",
                         clock_.Wall() - absl::Hours(1),
                         monitor::LeaveUrgency::kImmediate,
                         "HR-1",
                         "feed",
                         clock_.Wall(),
                         true,
                         monitor::LeaveEnd::kExpected};
  Put(a_, {person, Somebody(4, "bob@corp.example")});
  const auto list = GetJson(kLeavers);
  ASSERT_THAT(ListAt(list, "items"), SizeIs(1));
  const auto& item = ListAt(list, "items")[0];
  EXPECT_EQ(TextAt(item, "state"), "overdue");
  EXPECT_EQ(TextAt(item, "urgency"), "immediate");
  EXPECT_EQ(TextAt(item, "upn"), "ann@corp.example");
  EXPECT_EQ(TextAt(Field(GetJson("/api/v1/users/ann@corp.example"), "leaves"), "state"), "overdue");
  const auto answer = Delete(Cat(kLeavers, "/ann@corp.example"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(a_.writes, ElementsAre(StartsWith("withdraw 3 by uid:")));
}

class LeaverLoops : public Leavers {
 protected:
  LeaverLoops() { a_.state().baseline_at = b_.state().baseline_at = clock_.Wall(); }
  // As a file that is replaced.
  void Write(const std::string& rows, const std::string& header = kHeader) {
    const std::string path = folder_.path() + "/leavers.csv";
    std::ofstream(path + ".new") << header << rows;
    std::filesystem::last_write_time(path + ".new", std::filesystem::file_time_type::clock::now() +
                                                        std::chrono::seconds(++written_));
    std::filesystem::rename(path + ".new", path);
  }
  Status Look() { return loop_.Await(leavers_.Once()); }

  testing::TempDirectory folder_;
  testing::SimScheduler scheduler_{loop_.context(), clock_};
  LeaverLoop leavers_{LeaverLoopParts{*store_, lane_, scheduler_, log_},
                      {&a_, &b_},
                      folder_.path() + "/leavers.csv",
                      absl::Minutes(1)};
  int written_ = 0;
};

TEST_F(LeaverLoops, ReadTheFileWhenItChanged) {
  EXPECT_FALSE(Look().ok());
  EXPECT_THAT(leavers_.Report().faults, ElementsAre(HasSubstr("leavers.csv:1: cannot be read")));
  Put(a_, {Somebody(3, "ann@corp.example")});
  Write(
      "ann@corp.example,2027-01-31T17:00:00Z,planned,\nbob@corp.example,2027-01-31T17:00:00Z,"
      "planned,\ncarl,soon,planned,\n");
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("expect 3 to leave")));
  EXPECT_EQ(leavers_.Report().rows, 2u);
  EXPECT_EQ(leavers_.Report().unknown, 1u);
  EXPECT_THAT(leavers_.Report().faults, ElementsAre(HasSubstr("leavers.csv:4: effective")));
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, SizeIs(1)) << "nothing new";
  // Who was not known is tried again.
  Put(a_, {Somebody(7, "bob@corp.example")});
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("expect 3"), HasSubstr("expect 7")));
  EXPECT_EQ(leavers_.Report().unknown, 0u);
}

TEST_F(LeaverLoops, TakeBackWhatCameFromTheFileAndIsGoneFromIt) {
  std::vector<monitor::Person> people;
  for (monitor::PersonOrdinal i = 1; i <= 4; ++i) {
    people.push_back(Somebody(i, Cat("u", i, "@corp.example")));
    people.back().memory.leave = {Cat("u", i, "@corp.example"),
                                  clock_.Wall(),
                                  monitor::LeaveUrgency::kPlanned,
                                  "",
                                  "feed",
                                  clock_.Wall(),
                                  i != 2,
                                  monitor::LeaveEnd::kExpected};
  }
  people[3].memory.leave->identifier = "renamed@corp.example";
  Put(a_, people);
  const std::string kept =
      "u1@corp.example,2027-01-31T17:00:00Z,planned,\nRenamed@corp.example,"
      "2027-01-31T17:00:00Z,planned,\n";
  a_.outcome = monitor::LeaveOutcome::kUnchanged;
  Write(kept + "x,soon,planned,\n");  // its faulty row may be one of theirs
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("expect 1")));
  Write(kept);
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, SizeIs(2)) << "not before the file stood still";
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("expect 1"), HasSubstr("expect 1"),
                                     "forget 3 by expected_leavers.csv_file"));
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, SizeIs(3));
  Write("", "nonsense\n");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, SizeIs(3)) << "such a file takes nothing back";
}

TEST_F(LeaverLoops, ALinkThatIsNotReadYetHoldsUpNobodyElse) {
  Put(a_, {Somebody(3, "ann@corp.example")});
  Put(b_, {Somebody(3, "ann@corp.example"), Somebody(4, "bob@corp.example")});
  b_.state().baseline_at.reset();
  Write(
      "ann@corp.example,2027-01-31T17:00:00Z,planned,\nbob@corp.example,2027-01-31T17:00:00Z,"
      "planned,\n");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("expect 3 to leave")));
  EXPECT_THAT(b_.writes, IsEmpty());
  EXPECT_THAT(leavers_.Report().waits_for, ElementsAre("emea-contoso"));
  EXPECT_EQ(leavers_.Report().unknown, 1u);
  // Read: it is told of everybody whom it has, also of those whom the other link had.
  b_.state().baseline_at = clock_.Wall();
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(b_.writes, ElementsAre(HasSubstr("expect 3"), HasSubstr("expect 4")));
  EXPECT_THAT(leavers_.Report().waits_for, IsEmpty());
  EXPECT_EQ(leavers_.Report().unknown, 0u);
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("expect 3"), HasSubstr("expect 3")));
}

TEST_F(LeaverLoops, WaitUntilBothSidesAreReadAndTryAgainWhatFailed) {
  Put(a_, {Somebody(3, "ann@corp.example")});
  Write("ann@corp.example,2027-01-31T17:00:00Z,planned,\n");
  a_.state().baseline_at.reset();
  b_.state().baseline_at.reset();
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, IsEmpty());
  a_.state().baseline_at = clock_.Wall();
  a_.answer = UnavailableError("too many commands wait");
  EXPECT_FALSE(Look().ok());
  a_.answer = OkStatus();
  EXPECT_TRUE(Look().ok());
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("expect 3")));
}

}  // namespace
}  // namespace driftwarden::daemon
