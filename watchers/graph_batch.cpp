#include "watchers/graph_batch.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/graph/retry_after.h"

namespace driftwarden::watchers {
namespace {

using graph::GraphReply;

const absl::Duration kInnerBackoff = absl::Seconds(5);

StatusOr<std::vector<GraphReply>> UnpackBatch(graph::GraphClient& client, const GraphReply& outer,
                                              std::vector<graph::BatchItem> items, size_t count,
                                              std::string_view what) {
  std::vector<GraphReply> replies(count);
  for (graph::BatchItem& item : items) {
    const auto index = ParseUint64(item.id);
    if (!index || *index >= count || replies[*index].status != 0) continue;
    GraphReply& reply = replies[*index];
    reply.status = item.status;
    reply.at = outer.at;
    reply.request_id = outer.request_id;
    reply.body = std::move(item.body);
    reply.retry_after = graph::ParseRetryAfter(item.retry_after, outer.at.hi);
    if (reply.status >= 400) reply.error = client.decoder().DecodeError(reply.body);
  }
  absl::Duration wait;
  for (const GraphReply& reply : replies) {
    if (reply.status == 0) return DataLossError(Cat("batch of ", what, ": an answer is missing"));
    if (reply.status == 429) wait = std::max(wait, reply.retry_after.value_or(kInnerBackoff));
  }
  if (wait <= absl::ZeroDuration()) return replies;
  client.NoteInnerThrottle("batch", graph::Priority::kEvidence, wait);
  return ThrottledError(Cat("the tenant throttles reads of ", what), wait);
}

}  // namespace

asio::awaitable<StatusOr<std::vector<GraphReply>>> GetBatch(graph::GraphClient* client,
                                                            std::vector<std::string> paths,
                                                            const char* what,
                                                            std::string request_id) {
  std::string body = "{\"requests\":[";
  for (size_t i = 0; i < paths.size(); ++i) {
    // Neither ids (percent-encoded) nor paths hold anything that JSON would have to escape.
    body += Cat(i == 0 ? "" : ",", "{\"id\":\"", i, "\",\"method\":\"GET\",\"url\":\"", paths[i],
                "\"}");
  }
  body += "]}";
  graph::GraphRequest request("/$batch", "batch", graph::Priority::kEvidence);
  request.method = "POST";
  request.body = std::move(body);
  request.client_request_id = std::move(request_id);
  auto reply = co_await client->Send(std::move(request));
  if (!reply.ok()) co_return reply.status();
  const Status status = graph::ToStatus(*reply, Cat("batch of ", what));
  if (!status.ok()) co_return status;
  auto items = client->decoder().DecodeBatch(reply->body);
  if (!items.ok()) co_return items.status();
  co_return UnpackBatch(*client, *reply, *std::move(items), paths.size(), what);
}

}  // namespace driftwarden::watchers
