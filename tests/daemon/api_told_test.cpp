// What people tell about people: who may, whom it reaches, and how it is listed.

#include <gmock/gmock.h>

#include "tests/daemon/api_fixture.h"

namespace driftwarden::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kExemptions[] = "/api/v1/exemptions";

class ApiTold : public ApiTest {
 protected:
  static monitor::Person Somebody(monitor::PersonOrdinal ordinal, const std::string& upn) {
    monitor::Person person = store::PlainPerson(ordinal);
    person.facts.ad[0].upn = upn;
    person.facts.entra->upn = upn;
    person.tier = monitor::TierName("standard");
    return person;
  }
  // The same AD account, as another tenant's link knows it.
  static monitor::Person Twin(const monitor::Person& person, monitor::PersonOrdinal ordinal) {
    monitor::Person twin = person;
    twin.ordinal = ordinal;
    return twin;
  }
  std::string Body(const std::string& user, absl::Duration ahead,
                   const std::string& more = "") const {
    return Cat(R"({"user": ")", user, R"(", "reason": "on leave", "until": ")",
               FormatRfc3339(clock_.Wall() + ahead), "\"", more, "}");
  }
  net::ServerResponse Delete(const std::string& path, net::QueryPairs query = {}) {
    net::ServerRequest request = Request("DELETE", path, std::move(query));
    request.over_unix = true;
    request.peer_uid = ::geteuid();
    return Call(std::move(request));
  }
};

TEST_F(ApiTold, AnExemptionReachesThePersonInEveryLinkOrInOne) {
  Put(a_, {Somebody(3, "ann@corp.example")});
  Put(b_, {Twin(Somebody(3, "ann@corp.example"), 5)});
  const auto answer = Post(kExemptions, Body("ANN@corp.example", absl::Hours(5)));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("exempt 3 until ")));
  EXPECT_THAT(a_.writes[0], HasSubstr("by uid:"));
  EXPECT_THAT(a_.writes[0], HasSubstr(": on leave"));
  EXPECT_THAT(b_.writes, ElementsAre(HasSubstr("exempt 5 until ")));
  EXPECT_THAT(Items(Json(answer), "link"), ElementsAre("corp-contoso", "emea-contoso"));
  Post(kExemptions, Body("ann@corp.example", absl::Hours(5), R"(, "link": "emea-contoso")"));
  EXPECT_THAT(a_.writes, SizeIs(1));
  EXPECT_THAT(b_.writes, SizeIs(2));
}

TEST_F(ApiTold, WhoIsNotOnePersonIsChosenById) {
  Put(a_, {Somebody(3, "ann@corp.example"), Somebody(4, "ann@corp.example")});
  const auto several = Post(kExemptions, Body("ann@corp.example", absl::Hours(5)));
  ExpectProblem(several, 409, "2 people");
  EXPECT_THAT(several.body, HasSubstr(monitor::PersonIdText(a_.link(), 4)));
  ExpectProblem(Post(kExemptions, Body("nobody", absl::Hours(5))), 404, "nobody is known as");
  ExpectProblem(Delete("/api/v1/exemptions/ann@corp.example"), 409, "2 people");
  EXPECT_THAT(a_.writes, IsEmpty());
  const std::string id = monitor::PersonIdText(a_.link(), 4);
  EXPECT_EQ(Post(kExemptions, Body(id, absl::Hours(5))).status, 200);
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("exempt 4 until")));
  // One name in two links, and not the same account: two people.
  Put(b_, {Somebody(5, "bob@corp.example")});
  Put(a_, {Somebody(6, "bob@corp.example")});
  ExpectProblem(Post(kExemptions, Body("bob@corp.example", absl::Hours(5))), 409, "2 people");
  EXPECT_THAT(b_.writes, IsEmpty());
}

TEST_F(ApiTold, FaultyExemptionsReachNobody) {
  Put(a_, {Somebody(3, "ann@corp.example")});
  ExpectProblem(Post(kExemptions, "{"), 400, "JSON object");
  ExpectProblem(Post(kExemptions, "{}"), 400, "until is RFC 3339");
  ExpectProblem(Post(kExemptions, R"({"user": "ann@corp.example", "until": "soon"})"), 400,
                "until is RFC 3339");
  ExpectProblem(Post(kExemptions, Body("ann@corp.example", -absl::Hours(1))), 400, "the future");
  ExpectProblem(Post(kExemptions, Body("ann@corp.example", absl::Hours(24 * 500))), 400,
                "at most 400 days");
  ExpectProblem(Post(kExemptions, Cat(R"({"user": "ann@corp.example", "until": ")",
                                      FormatRfc3339(clock_.Wall() + absl::Hours(1)), "\"}")),
                400, "for a reason");
  ExpectProblem(Post(kExemptions, Body("ann@corp.example", absl::Hours(1), R"(, "link": "x")")),
                404, "no link");
  EXPECT_THAT(a_.writes, IsEmpty());
}

TEST_F(ApiTold, OperatorsExemptAndViewersLook) {
  Put(a_, {Somebody(3, "ann@corp.example")});
  tokens_.push_back({"grafana", Role::kViewer, Sha256("grafana's")});
  tokens_.push_back({"ops", Role::kOperator, Sha256("ops's")});
  const auto as = [&](const std::string& token, const std::string& method,
                      const std::string& path) {
    net::ServerRequest request = Request(method, path);
    request.body = Body("ann@corp.example", absl::Hours(1));
    request.headers.emplace_back("Authorization", "Bearer " + token);
    return Call(std::move(request));
  };
  const std::string one = "/api/v1/exemptions/ann@corp.example";
  ExpectProblem(as("grafana's", "POST", kExemptions), 403, "this needs operator");
  ExpectProblem(as("grafana's", "DELETE", one), 403, "this needs operator");
  EXPECT_EQ(as("grafana's", "GET", kExemptions).status, 200);
  EXPECT_EQ(as("ops's", "POST", kExemptions).status, 200);
  EXPECT_EQ(as("ops's", "DELETE", one).status, 200);
  EXPECT_THAT(a_.writes, ElementsAre(HasSubstr("by ops"), "judge 3 again by ops"));
}

TEST_F(ApiTold, OperatorsMarkAnAccountAsCompromisedAndTakeItBack) {
  const std::string path = "/api/v1/users/ann@corp.example/compromised";
  monitor::Person ann = Somebody(3, "ann@corp.example");
  ann.memory.compromised = {clock_.Wall(), "phished", "ada"};
  Put(a_, {ann});
  Put(b_, {Twin(Somebody(3, "ann@corp.example"), 5)});
  EXPECT_EQ(TextAt(Field(GetJson("/api/v1/users/p3.corp-contoso"), "compromised"), "reason"),
            "phished");
  tokens_.push_back({"grafana", Role::kViewer, Sha256("grafana's")});
  tokens_.push_back({"ops", Role::kOperator, Sha256("ops's")});
  const auto as = [&](const std::string& token, const std::string& method) {
    net::ServerRequest request = Request(method, path);
    if (method == "POST") request.body = R"({"reason": " phished "})";
    request.headers.emplace_back("Authorization", "Bearer " + token);
    return Call(std::move(request));
  };
  ExpectProblem(as("grafana's", "POST"), 403, "this needs operator");
  ExpectProblem(as("grafana's", "DELETE"), 403, "this needs operator");
  const auto answer = as("ops's", "POST");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("by":"ada")"));
  EXPECT_THAT(a_.writes, ElementsAre("mark 3 by ops: phished"));
  EXPECT_THAT(b_.writes, ElementsAre("mark 5 by ops: phished"));
  EXPECT_EQ(as("ops's", "DELETE").status, 200);
  EXPECT_THAT(a_.writes, ElementsAre("mark 3 by ops: phished", "unmark 3 by ops"));
}

TEST_F(ApiTold, FaultyMarksReachNobody) {
  Put(a_, {Somebody(3, "ann@corp.example"), Somebody(4, "bob@corp.example"),
           Somebody(5, "bob@corp.example")});
  const std::string path = "/api/v1/users/ann@corp.example/compromised";
  ExpectProblem(Post(path, "{"), 400, "JSON object");
  ExpectProblem(Post(path, "{}"), 400, "for a reason");
  ExpectProblem(Post(path, R"({"reason": "x", "link": "nowhere"})"), 404, "no link");
  ExpectProblem(Post("/api/v1/users/nobody/compromised", R"({"reason": "x"})"), 404,
                "nobody is known as");
  ExpectProblem(Post("/api/v1/users/bob@corp.example/compromised", R"({"reason": "x"})"), 409,
                "2 people");
  EXPECT_THAT(a_.writes, IsEmpty());
  a_.answer = NotFoundError("p3 is not marked as compromised");
  ExpectProblem(Delete(path), 404, "not marked");
}

TEST_F(ApiTold, OneIsTakenAwayWhereItIs) {
  Put(a_, {Somebody(3, "ann@corp.example")});
  Put(b_, {Twin(Somebody(3, "ann@corp.example"), 5)});
  b_.answer = NotFoundError("p5 has no dated exemption");
  const auto answer = Delete("/api/v1/exemptions/ann@corp.example");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(ListAt(Json(answer), "removed"), SizeIs(1));
  ExpectProblem(Delete("/api/v1/exemptions/ann@corp.example", {{"link", "emea-contoso"}}), 404,
                "no dated exemption");
  ExpectProblem(Delete("/api/v1/users/3"), 404, "nothing to DELETE");
}

TEST_F(ApiTold, ExemptionsAreListedWithAWarningForTierZero) {
  std::vector<monitor::Person> people;
  for (monitor::PersonOrdinal i = 1; i <= 5; ++i) {
    people.push_back(Somebody(i, Cat("u", i, "@corp.example")));
    if (i == 2) continue;
    people.back().state = monitor::State::kExempt;
    people.back().memory.exemption = {clock_.Wall(), clock_.Wall() + absl::Hours(2), "why", "ada"};
  }
  people[3].tier = monitor::TierName(monitor::kTier0);
  Put(a_, people);
  EXPECT_THAT(AllPages(kExemptions, "upn", 2), ElementsAre("u1@corp.example", "u3@corp.example",
                                                           "u4@corp.example", "u5@corp.example"));
  const auto list = GetJson(kExemptions);
  EXPECT_THAT(Items(list, "warning"), ElementsAre("", "", HasSubstr("tier 0"), ""));
  const auto& exemption = Field(ListAt(list, "items")[0], "exemption");
  EXPECT_EQ(TextAt(exemption, "reason"), "why");
  EXPECT_EQ(TextAt(exemption, "by"), "ada");
  const auto person = GetJson("/api/v1/users/u1@corp.example");
  EXPECT_EQ(TextAt(Field(person, "exemption"), "until"),
            FormatRfc3339(clock_.Wall() + absl::Hours(2)));
  EXPECT_TRUE(Field(GetJson("/api/v1/users/u2@corp.example"), "exemption").is_null());
}

}  // namespace
}  // namespace driftwarden::daemon
