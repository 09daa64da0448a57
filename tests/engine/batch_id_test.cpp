// One id for a round: what Graph is sent, what the evidence says and what the log says.

#include <gtest/gtest.h>

#include <set>

#include "base/files.h"
#include "daemon/direct_read_loop.h"
#include "tests/engine/engine_fixture.h"
#include "tests/testing/fake_http.h"
#include "tests/testing/temp_directory.h"
#include "watchers/graph/client.h"
#include "watchers/graph_delta_source.h"
#include "watchers/graph_reader.h"

namespace driftwarden::daemon {
namespace {

constexpr char kGraph[] = "https://graph.example.test";

class OneToken final : public graph::TokenSource {
 public:
  asio::awaitable<StatusOr<Secret>> Token() override { co_return Secret("token"); }
  void Refused(const Secret&) override {}
};

class NobodyCounts final : public graph::RequestObserver, public watchers::SourceObserver {
 public:
  void OnRequest(std::string_view, int) override {}
  void OnThrottled(std::string_view, std::string_view) override {}
  void OnUnits(std::string_view, double) override {}
  void OnHeld(std::string_view, absl::Duration) override {}
  void OnPoll(const monitor::SourceName&, const Status&, absl::Duration) override {}
};

std::string UserJson(int n, bool enabled) {
  return Cat(R"({"id":")", EntraIdOf(n), R"(","accountEnabled":)", enabled, "}");
}

class BatchId : public ::testing::Test {
 protected:
  BatchId() {
    fixture_.Baseline(3);
    fixture_.scheduler.RunFor(absl::Seconds(1));  // what was read then is no longer of this moment
    graph::ClientOptions options;
    options.endpoints = graph::Endpoints("https://login.example.test", kGraph);
    client_ = std::make_unique<graph::GraphClient>(options, http_, tokens_, fixture_.scheduler,
                                                   fixture_.rng, nobody_);
    watchers::GraphDeltaOptions delta;
    delta.name = monitor::SourceName("contoso");
    source_ = std::make_unique<watchers::GraphDeltaSource>(delta, *client_, fixture_.log);
    std::vector<watchers::LinkFeed*> links = {fixture_.engine.get()};
    loop_ = std::make_unique<watchers::SourceLoop>(fixture_.io.get_executor(), *source_, links,
                                                   fixture_.scheduler, fixture_.rng, fixture_.log,
                                                   nobody_, watchers::SourceLoopOptions());
    watchers::GraphReaderOptions reads;
    reads.name = delta.name;
    reader_ =
        std::make_unique<watchers::GraphReader>(reads, *client_, fixture_.scheduler, fixture_.log);
  }
  void Page(const std::string& user) {
    http_.Reply(200, Cat(R"({"value":[)", user, R"(],"@odata.deltaLink":")", kGraph,
                         R"(/v1.0/users/delta?$deltatoken=A"})"));
  }
  std::set<std::string> Sent() const {
    std::set<std::string> ids;
    for (const net::HttpRequest& request : http_.requests()) {
      const std::string* id = net::FindHeader(request.headers, "client-request-id");
      ids.insert(id == nullptr ? "(absent)" : *id);
    }
    return ids;
  }
  // The ids in the evidence of that type from `from` on.
  std::set<std::string> Recorded(const std::string& type, const std::string& key) const {
    std::set<std::string> ids;
    const auto entries = fixture_.store->Evidence(fixture_.engine->link(), 1, 1000);
    EXPECT_TRUE(entries.ok());
    for (const monitor::EvidenceEntry& entry : *entries) {
      const auto found = entry.details.find(key);
      if (entry.type == type && found != entry.details.end()) ids.insert(found->second);
    }
    return ids;
  }
  std::string Log() const {
    return ReadFile(folder_.path() + "/log", size_t{1} << 20).value_or("");
  }

  driftwarden::testing::TempDirectory folder_;
  EngineFixture fixture_{TestPolicy(), folder_.path() + "/log"};
  driftwarden::testing::FakeHttp http_;
  OneToken tokens_;
  NobodyCounts nobody_;
  std::unique_ptr<graph::GraphClient> client_;
  std::unique_ptr<watchers::GraphDeltaSource> source_;
  std::unique_ptr<watchers::SourceLoop> loop_;
  std::unique_ptr<watchers::GraphReader> reader_;
};

TEST_F(BatchId, OfAPollIsInTheRequestTheEvidenceAndTheLog) {
  fixture_.Disable(1);
  Page(UserJson(1, false));
  const Status polled = fixture_.Await(loop_->PollOnce());
  ASSERT_TRUE(polled.ok()) << polled;
  ASSERT_EQ(Sent().size(), 1u);
  const std::string id = *Sent().begin();
  EXPECT_EQ(id.size(), 36u);
  // The cursor that stood there was of no Graph source: that too is told with its round.
  EXPECT_EQ(Recorded("source_reset", "batch"), std::set<std::string>{id});
  EXPECT_EQ(Recorded("entra_disabled", "batch"), std::set<std::string>{id});
  EXPECT_NE(Log().find(Cat("batch=", id)), std::string::npos) << Log();
}

TEST_F(BatchId, OfAFailedPollIsInTheLineThatTellsIt) {
  http_.Fail(UnavailableError("refused"));
  EXPECT_FALSE(fixture_.Await(loop_->PollOnce()).ok());
  ASSERT_EQ(Sent().size(), 1u);
  const std::string log = Log();
  const size_t line = log.find("event=source_failed");
  ASSERT_NE(line, std::string::npos) << log;
  EXPECT_NE(log.find(Cat("batch=", *Sent().begin()), line), std::string::npos) << log;
}

TEST_F(BatchId, OfDirectReadsIsInTheRequestTheEvidenceAndTheLog) {
  fixture_.Disable(1);
  DirectReadLoop reads(*fixture_.engine, {}, *reader_, fixture_.scheduler, fixture_.rng,
                       fixture_.log, DirectReadOptions());
  http_.Reply(200, Cat(R"({"responses":[{"id":"0","status":200,"headers":{},"body":)",
                       UserJson(1, false), "}]}"));
  const Status read = fixture_.Await(reads.ReadOnce());
  ASSERT_TRUE(read.ok()) << read;
  ASSERT_EQ(Sent().size(), 1u);
  const std::string id = *Sent().begin();
  EXPECT_EQ(Recorded("entra_disabled", "batch"), std::set<std::string>{id});
  EXPECT_NE(Log().find(Cat("batch=", id)), std::string::npos) << Log();
}

}  // namespace
}  // namespace driftwarden::daemon
