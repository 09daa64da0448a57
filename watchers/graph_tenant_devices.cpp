// The devices of one person: what they registered and own, and who else uses it.

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/graph_batch.h"
#include "watchers/graph_tenant_logs.h"

namespace driftwarden::watchers {
namespace {

using graph::GraphReply;
using monitor::Device;
using monitor::DeviceLook;

constexpr size_t kBatchLimit = 20;  // Graph's own
constexpr size_t kMaxPages = 10;
constexpr char kSelect[] =
    "$select=id,deviceId,displayName,operatingSystem,trustType,accountEnabled";
constexpr char kCast[] = "/microsoft.graph.device";
constexpr char kDevices[] = "devices";

// The part of a person's devices that a query names.
std::string PathOf(const std::string& id, bool owned, bool cast) {
  return Cat("/users/", graph::PathSegment(id), owned ? "/ownedDevices" : "/registeredDevices",
             cast ? kCast : "", "?", kSelect);
}

}  // namespace

asio::awaitable<Status> GraphTenantLogs::Collect(GraphReply reply, bool owned, std::string batch,
                                                 std::map<std::string, Device>* devices) {
  for (size_t pages = 0;; ++pages) {
    const Status status = graph::ToStatus(reply, owned ? "owned devices" : "registered devices");
    if (!status.ok()) co_return status;
    auto list = graph::DecodeDevices(reply.body);
    if (!list.ok()) co_return list.status();
    NoteLeftOut("devices", list->left_out, batch);
    for (Device& device : list->items) {
      const std::string id = device.id;
      Device& kept = devices->try_emplace(id, std::move(device)).first->second;
      (owned ? kept.owned : kept.registered) = true;
    }
    // What is beyond that is not kept anyway.
    if (list->next_link.empty() || devices->size() > monitor::kDevicesKept || pages > kMaxPages) {
      co_return OkStatus();
    }
    graph::GraphRequest request(std::move(list->next_link), "devices", graph::Priority::kEvidence);
    request.client_request_id = batch;
    auto next = co_await client_.Send(std::move(request));
    if (!next.ok()) co_return next.status();
    reply = *std::move(next);
  }
}

asio::awaitable<Status> GraphTenantLogs::CountUsers(DeviceLook* look) {
  for (size_t from = 0; from < look->devices.size(); from += kBatchLimit) {
    const size_t to = std::min(look->devices.size(), from + kBatchLimit);
    std::vector<std::string> paths;
    for (size_t i = from; i < to; ++i) {
      paths.push_back(
          Cat("/devices/", graph::PathSegment(look->devices[i].id), "/registeredUsers?$select=id"));
    }
    std::string batch = look->batch.value;
    auto replies = co_await GetBatch(&client_, std::move(paths), kDevices, std::move(batch));
    if (!replies.ok()) co_return replies.status();
    for (size_t i = from; i < to; ++i) {
      // Not told: unknown, which is no reason to know nothing of the device.
      if (!(*replies)[i - from].ok()) continue;
      const auto users = graph::DecodePrincipals((*replies)[i - from].body);
      if (users.ok()) look->devices[i].users = static_cast<int64_t>(users->items.size());
    }
    look->at.hi = replies->front().at.hi;
  }
  co_return OkStatus();
}

asio::awaitable<StatusOr<DeviceLook>> GraphTenantLogs::ReadDevices(std::string entra_id,
                                                                   monitor::BatchId batch) {
  DeviceLook look;
  look.batch = batch;
  look.source = name_;
  look.entra_id = ToLowerAscii(entra_id);
  if (entra_id.empty()) co_return InvalidError("no Entra id");
  std::vector<GraphReply> replies;
  while (true) {
    std::vector<std::string> paths;
    for (const bool owned : {false, true}) paths.push_back(PathOf(entra_id, owned, cast_devices_));
    std::string id = batch.value;
    auto answers = co_await GetBatch(&client_, std::move(paths), kDevices, std::move(id));
    if (!answers.ok()) co_return answers.status();
    replies = *std::move(answers);
    const bool refused = replies[0].status == 400 || replies[1].status == 400;
    if (!refused || !cast_devices_) break;
    cast_devices_ = false;  // the whole collections, of which devices are a part
  }
  look.at = replies[0].at;
  for (const GraphReply& reply : replies) {
    if (reply.status != 403 && reply.status != 400) continue;
    const Status status = graph::ToStatus(reply, "devices");
    const bool forbidden = reply.status == 403;
    look.limit = forbidden ? monitor::LogLimit::kPermission : monitor::LogLimit::kUnsupported;
    sight_->Raise(kDevicesUnread, Cat("the devices of people with an open episode are not known",
                                      forbidden ? "; grant the application Device.Read.All" : "",
                                      " (", Message(status), ")"));
    co_return look;
  }
  std::map<std::string, Device> devices;
  for (const bool owned : {false, true}) {
    GraphReply reply = std::move(replies[owned ? 1 : 0]);
    std::string id = batch.value;
    const Status collected = co_await Collect(std::move(reply), owned, std::move(id), &devices);
    if (!collected.ok()) co_return collected;
  }
  sight_->Lower(kDevicesUnread);
  look.complete = devices.size() <= monitor::kDevicesKept;
  for (auto& [id, device] : devices) {
    if (look.devices.size() < monitor::kDevicesKept) look.devices.push_back(std::move(device));
  }
  const Status counted = co_await CountUsers(&look);
  if (!counted.ok()) co_return counted;
  co_return look;
}

}  // namespace driftwarden::watchers
