#include "watchers/graph_delta_round.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

graph::GraphReply Reply(int status, std::string code) {
  graph::GraphReply reply;
  reply.status = status;
  reply.error.code = std::move(code);
  return reply;
}

TEST(DeltaCursor, ComesBackAsItWas) {
  const std::string link = "https://g/v1.0/users/delta?$deltatoken=a_b";
  EXPECT_EQ(*ParseDeltaCursor(FormatDeltaCursor(link)), link);
}

TEST(DeltaCursor, JunkAndOtherSelectsAreToldApart) {
  for (const char* junk : {"x", "graph-delta 1\n", "graph-delta 2\na\nlink\n",
                           "graph-delta 1\na\n\n", "graph-delta 1\na\nlink\nmore\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseDeltaCursor(junk).status())) << junk;
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(
      ParseDeltaCursor("graph-delta 1\nid,accountEnabled\nhttps://g/x\n").status()));
}

TEST(DeadToken, EveryShapeThatWasSeen) {
  EXPECT_TRUE(IsDeadToken(Reply(410, "")));
  EXPECT_TRUE(IsDeadToken(Reply(410, "syncStateNotFound")));
  EXPECT_TRUE(IsDeadToken(Reply(410, "resyncRequired")));
  EXPECT_TRUE(IsDeadToken(Reply(400, "SyncStateNotFound")));
  EXPECT_TRUE(IsDeadToken(Reply(404, "syncstatenotfound")));
  EXPECT_TRUE(IsDeadToken(Reply(400, "Request_UnsupportedQuery")));
  EXPECT_TRUE(IsExpiredPage(Reply(400, "Directory_ExpiredPageToken")));
}

TEST(DeadToken, TroubleKeepsTheCheckpoint) {
  for (const int status : {200, 401, 403, 408, 429, 500, 502, 503, 504}) {
    EXPECT_FALSE(IsDeadToken(Reply(status, "syncStateNotFound"))) << status;
  }
  EXPECT_FALSE(IsDeadToken(Reply(400, "BadRequest")));
  EXPECT_FALSE(IsDeadToken(Reply(404, "Request_UnsupportedQuery")));
}

TEST(DeltaSelect, TheMinimumCannotBeDropped) {
  for (const char* needed : {"id", "accountEnabled", "onPremisesImmutableId"}) {
    const auto& all = DeltaSelect();
    EXPECT_NE(std::find(all.begin(), all.end(), needed), all.end());
    EXPECT_FALSE(MayDrop(needed));
  }
  EXPECT_TRUE(MayDrop("signInSessionsValidFromDateTime"));
}

}  // namespace
}  // namespace driftwarden::watchers
