// Which accounts were handed over to the cloud, asked for in batches.

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/graph_tenant_reader.h"

namespace driftwarden::watchers {

using monitor::TenantLook;

namespace {

constexpr size_t kTransfersABatch = 20;  // Graph's own limit

}  // namespace

asio::awaitable<Status> GraphTenantReader::ReadTransfers(TenantLook* look,
                                                         std::vector<std::string> ids) {
  for (size_t from = 0; from < ids.size(); from += kTransfersABatch) {
    const size_t to = std::min(ids.size(), from + kTransfersABatch);
    std::vector<std::string> part(ids.begin() + static_cast<ptrdiff_t>(from),
                                  ids.begin() + static_cast<ptrdiff_t>(to));
    const Status read = co_await ReadSomeTransfers(look, std::move(part));
    if (!read.ok()) co_return read;
  }
  co_return OkStatus();
}

asio::awaitable<Status> GraphTenantReader::ReadSomeTransfers(TenantLook* look,
                                                             std::vector<std::string> ids) {
  const Ask ask{"sync_behavior", kTransfersUnread,
                "whether an account was handed over to the cloud, so that a disable in AD never "
                "reaches it, is not known; grant the application "
                "User-OnPremisesSyncBehavior.Read.All"};
  std::string body = "{\"requests\":[";
  for (size_t i = 0; i < ids.size(); ++i) {
    body += Cat(i == 0 ? "" : ",", "{\"id\":\"", i, "\",\"method\":\"GET\",\"url\":\"/users/",
                graph::PathSegment(ids[i]), "/onPremisesSyncBehavior?$select=isCloudManaged\"}");
  }
  body += "]}";
  graph::GraphRequest request("/$batch", "batch", ask.priority);
  request.method = "POST";
  request.body = std::move(body);
  const graph::RequestCost cost(static_cast<double>(ids.size()), 0);
  request.cost = cost;
  request.client_request_id = look->batch.value;
  auto reply = co_await client_.Send(std::move(request));
  if (!reply.ok()) co_return reply.status();
  const Status status = graph::ToStatus(*reply, ask.route);
  if (!status.ok()) co_return status;
  auto answers = client_.decoder().DecodeBatch(reply->body);
  if (!answers.ok()) co_return answers.status();
  client_.NoteInnerCosts("batch", ask.priority, cost, *answers);
  for (graph::BatchItem& answer : *answers) {
    const auto index = ParseUint64(answer.id);
    if (!index || *index >= ids.size()) continue;
    graph::GraphReply inner;
    inner.status = answer.status;
    inner.body = std::move(answer.body);
    if (inner.status == 403) {
      inner.error = client_.decoder().DecodeError(inner.body);
      (void)Limits(graph::ToStatus(inner, ask.route), ask);
      co_return OkStatus();
    }
    if (!inner.ok()) continue;  // gone, or asked again with the next round
    const auto managed = graph::DecodeSyncBehavior(inner.body);
    if (managed.ok() && managed->has_value()) look->cloud_managed[ids[*index]] = **managed;
    sight_->Lower(kTransfersUnread);
  }
  co_return OkStatus();
}

}  // namespace driftwarden::watchers
