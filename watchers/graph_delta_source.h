#pragma once

// The users of one tenant as GET /v1.0/users/delta tells them. Wire source: "Use delta query to
// track changes in Microsoft Graph data"; see docs on what it does not promise: records repeat,
// come late and in no order, so it is a hint and a checkpoint, never the last word.

#include <string>
#include <vector>

#include "base/log.h"
#include "watchers/change_source.h"
#include "watchers/graph/client.h"
#include "watchers/graph_delta_round.h"

namespace driftwarden::watchers {

struct GraphDeltaOptions {
  monitor::SourceName name;
  size_t batch_size = 1000;  // observations; a longer page is cut
  int max_restarts = 5;      // of one Poll, when a page's token died under way
};

// See ChangeSource. Pages are handed on as they come: draining a large tenant first would need
// memory without bound, and the sink is faster than the tenant.
class GraphDeltaSource final : public ChangeSource {
 public:
  // `client` and `log` must outlive it.
  GraphDeltaSource(GraphDeltaOptions options, graph::GraphClient& client, Logger& log);

  const monitor::SourceName& name() const override { return options_.name; }
  monitor::SourceKind kind() const override { return monitor::SourceKind::kEntra; }
  asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId batch,
                               BatchSink& sink) override;

 private:
  // What a round came to besides success or failure.
  enum class End { kDone, kFailed, kTokenDead, kPageExpired, kLoop, kRefused };
  struct Ended {
    End end = End::kDone;
    Status status;
    Ended() = default;
    Ended(End e, Status s) : end(e), status(std::move(s)) {}
  };

  // Polls in a row that must end in a paging loop, or in a 400 of no known meaning, before the
  // cursor is given up.
  static constexpr int kPatience = 3;

  asio::awaitable<Ended> PollChanges(std::string link, BatchSink& sink);
  std::string WhyFull(const Ended& ended);
  asio::awaitable<Status> PollFull(std::string reason, BatchSink& sink);
  asio::awaitable<Ended> RunRound(std::string link, std::string snapshot_reason, BatchSink& sink);
  asio::awaitable<Status> DeliverPage(DeltaRound& round, graph::UsersPage page, TimeBounds at,
                                      BatchSink& sink);
  // Drops the properties that a 400 names; false when it names none that can be missed.
  bool DropRefused(const graph::GraphError& error);
  std::string FirstUrl() const;

  const GraphDeltaOptions options_;
  graph::GraphClient& client_;
  Logger& log_;
  std::vector<std::string> select_;  // what this tenant accepts
  monitor::BatchId batch_;           // of the present round
  uint64_t next_number_ = 1;
  int loops_ = 0;     // polls in a row
  int refusals_ = 0;  // polls in a row
};

}  // namespace driftwarden::watchers
