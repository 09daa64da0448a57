#pragma once

// Direct reads of accounts in one tenant, never queued behind a poll: what an open episode and an
// action rest on. Delta is only a hint, above all for signInSessionsValidFromDateTime.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async/scheduler.h"
#include "base/log.h"
#include "watchers/change_source.h"
#include "watchers/graph/client.h"

namespace driftwarden::watchers {

struct GraphReaderOptions {
  monitor::SourceName name;
  // Replicas of the directory disagree for a while: an account that is in neither place is looked
  // for again after this pause before it counts as gone for good.
  absl::Duration second_look_after = absl::Seconds(15);
  int max_batch_rounds = 5;  // re-sends of the throttled part of a batch
  graph::Priority priority = graph::Priority::kDirectRead;
};

class GraphReader final : public TenantReader {
 public:
  // All references must outlive it.
  GraphReader(GraphReaderOptions options, graph::GraphClient& client, Scheduler& scheduler,
              Logger& log);

  asio::awaitable<StatusOr<monitor::Observation>> ReadUser(std::string id,
                                                           monitor::ActionId intent) override;
  asio::awaitable<std::vector<StatusOr<monitor::Observation>>> ReadUsers(
      std::vector<std::string> ids, monitor::BatchId batch) override;

 private:
  using Result = StatusOr<monitor::Observation>;
  enum class Place { kUsers, kDeletedItems };
  // Whom the requests are for, as the log names it.
  struct Origin {
    std::string_view key;  // "intent" or "batch"
    std::string id;        // the client-request-id
  };
  // One GET on its way; `result` is NotFound until something better is known.
  struct Item {
    std::string id;
    const Origin* origin;
    Result result;
    TimeBounds looked;  // the last answer
    Item(std::string entra_id, const Origin* of);
  };

  // Both places once; what is in neither stays NotFound.
  asio::awaitable<void> LookOnce(std::vector<Item*> items, bool single);
  asio::awaitable<void> Fetch(std::vector<Item*> items, Place place, bool single);
  asio::awaitable<void> FetchSingle(Item* item, Place place);
  asio::awaitable<void> FetchBatch(std::vector<Item*> items, Place place);
  // One $batch; returns the items to send again and, in `wait`, how long to wait before.
  asio::awaitable<std::vector<Item*>> SendBatch(std::vector<Item*> items, Place place,
                                                absl::Duration* wait);
  asio::awaitable<void> Resolve(std::vector<Item*> items, bool single);
  void SettleBatch(const std::vector<Item*>& items, Place place, const graph::GraphReply& outer,
                   std::vector<graph::BatchItem> answers, std::vector<Item*>& again,
                   absl::Duration& wait);
  void Settle(Item& item, Place place, graph::GraphReply reply);
  Result Observe(const Item& item, Place place, graph::GraphReply reply);
  std::string PathOf(const std::string& id, Place place) const;
  monitor::Observation Gone(const Item& item) const;

  const GraphReaderOptions options_;
  graph::GraphClient& client_;
  Scheduler& scheduler_;
  Logger& log_;
};

}  // namespace driftwarden::watchers
