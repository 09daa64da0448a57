#include "watchers/directory/root_dse.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "tests/directory/run.h"

namespace driftwarden::directory {
namespace {

class StillClock final : public Clock {
 public:
  absl::Time Wall() const override { return *ParseRfc3339("2026-11-21T02:02:05.5Z"); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

class TwoAnswers final : public Session {
 public:
  asio::awaitable<StatusOr<SearchPage>> Search(SearchRequest request) override {
    SearchPage page;
    page.entries.push_back(request.base.empty() ? root : settings);
    bases.push_back(request.base);
    co_return page;
  }
  Entry root;
  Entry settings;
  std::vector<std::string> bases;
};

TwoAnswers Healthy() {
  TwoAnswers session;
  session.root.attributes = {
      {"dsservicename", {"CN=NTDS Settings,CN=DC1"}},   {"highestcommittedusn", {"9004"}},
      {"defaultnamingcontext", {"DC=corp,DC=example"}}, {"dnshostname", {"dc1.corp.example"}},
      {"currenttime", {"20261121020215.0Z"}},           {"issynchronized", {"TRUE"}}};
  session.settings.attributes = {{"objectguid", {std::string(16, 'a')}},
                                 {"invocationid", {std::string(16, 'b')}}};
  return session;
}

StatusOr<ServerState> Read(TwoAnswers& session) {
  const StillClock clock;
  asio::io_context context;
  return RunOn(context, ReadServerState(session, clock));
}

TEST(ServerState, JoinsRootDseAndNtdsSettings) {
  TwoAnswers session = Healthy();
  const auto state = Read(session);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->highest_usn, 9004u);
  EXPECT_EQ(state->naming_context, "DC=corp,DC=example");
  EXPECT_EQ(state->host_name, "dc1.corp.example");
  EXPECT_TRUE(state->synchronized);
  EXPECT_EQ(state->dsa.Raw(), std::string(16, 'a'));
  EXPECT_EQ(state->invocation_id.Raw(), std::string(16, 'b'));
  EXPECT_EQ(state->clock_offset, absl::Seconds(10));
  EXPECT_EQ(session.bases, (std::vector<std::string>{"", "CN=NTDS Settings,CN=DC1"}));
}

TEST(ServerState, OnlyTrueIsSynchronized) {
  TwoAnswers session = Healthy();
  session.root.attributes["issynchronized"] = {"FALSE"};
  EXPECT_FALSE(Read(session)->synchronized);
  session.root.attributes.erase("issynchronized");
  EXPECT_FALSE(Read(session)->synchronized);
}

TEST(ServerState, MissingPartsAreNamed) {
  for (const char* name : {"dsservicename", "highestcommittedusn", "currenttime"}) {
    TwoAnswers session = Healthy();
    session.root.attributes.erase(name);
    EXPECT_EQ(Read(session).status().code(), StatusCode::kDataLoss) << name;
  }
  TwoAnswers session = Healthy();
  session.settings.attributes.erase("invocationid");
  EXPECT_NE(std::string(Read(session).status().message()).find("invocationid"), std::string::npos);
}

TEST(GeneralizedTime, AcceptsTheDirectorysFormOnly) {
  EXPECT_EQ(FormatRfc3339(*ParseGeneralizedTime("20261121020215.0Z")), "2026-11-21T02:02:15Z");
  EXPECT_EQ(FormatRfc3339(*ParseGeneralizedTime("20261121020215Z")), "2026-11-21T02:02:15Z");
  for (const char* bad : {"", "Z", "2026", "20261121020215", "20261321020215Z", "2026112102021xZ",
                          "20261121020215.xZ", "20261121020215.Z", "20261121020215,0Z",
                          "20261121020215.00000000000000000000Z"}) {
    EXPECT_FALSE(ParseGeneralizedTime(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace driftwarden::directory
