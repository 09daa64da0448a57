#include "watchers/graph_reader.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/graph/retry_after.h"
#include "watchers/graph_delta_round.h"

namespace driftwarden::watchers {
namespace {

constexpr size_t kBatchLimit = 20;  // Graph's own
// For a refused part that does not say how long to wait.
const absl::Duration kInnerBackoff = absl::Seconds(5);

// Graph's word that there is no such object; a proxy's 404 is no word about users at all.
bool SaysNotFound(const graph::GraphReply& reply) {
  return reply.status == 404 && EndsWithIgnoreCase(reply.error.code, "NotFound");
}

bool IsTransient(int status) {
  return status == 408 || status == 429 || status >= 500;
}

}  // namespace

GraphReader::Item::Item(std::string entra_id, const Origin* of)
    : id(std::move(entra_id)), origin(of), result(NotFoundError("not looked for yet")) {}

GraphReader::GraphReader(GraphReaderOptions options, graph::GraphClient& client,
                         Scheduler& scheduler, Logger& log)
    : options_(std::move(options)), client_(client), scheduler_(scheduler), log_(log) {}

std::string GraphReader::PathOf(const std::string& id, Place place) const {
  const std::string safe = graph::PathSegment(id);
  if (place == Place::kUsers) {
    return Cat("/users/", safe, "?$select=", JoinStrings(DeltaSelect(), ","));
  }
  // Nothing else: a deleted account's userPrincipalName is no longer its own.
  return Cat("/directory/deletedItems/microsoft.graph.user/", safe, "?$select=id,deletedDateTime");
}

asio::awaitable<StatusOr<monitor::Observation>> GraphReader::ReadUser(std::string id,
                                                                      monitor::ActionId intent) {
  if (id.empty()) co_return InvalidError("no Entra id");
  const Origin origin{"intent", std::move(intent.value)};
  Item item(std::move(id), &origin);
  std::vector<Item*> items(1, &item);
  co_await Resolve(std::move(items), true);
  co_return std::move(item.result);
}

asio::awaitable<std::vector<StatusOr<monitor::Observation>>> GraphReader::ReadUsers(
    std::vector<std::string> ids, monitor::BatchId batch) {
  const Origin origin{"batch", std::move(batch.value)};
  std::vector<Item> items;
  items.reserve(ids.size());
  for (std::string& id : ids) items.emplace_back(std::move(id), &origin);
  std::vector<Item*> wanted;
  for (Item& item : items) {
    if (item.id.empty()) {
      item.result = InvalidError("no Entra id");
    } else {
      wanted.push_back(&item);
    }
  }
  co_await Resolve(std::move(wanted), false);
  std::vector<Result> results;
  results.reserve(items.size());
  for (Item& item : items) results.push_back(std::move(item.result));
  co_return results;
}

asio::awaitable<void> GraphReader::Resolve(std::vector<Item*> items, bool single) {
  co_await LookOnce(items, single);
  std::erase_if(items, [](const Item* item) { return !absl::IsNotFound(item->result.status()); });
  if (items.empty()) co_return;
  const Status slept = co_await scheduler_.SleepFor(options_.second_look_after);
  if (!slept.ok()) {
    for (Item* item : items) item->result = slept;
    co_return;
  }
  co_await LookOnce(items, single);
  for (Item* item : items) {
    if (absl::IsNotFound(item->result.status())) item->result = Gone(*item);
  }
}

asio::awaitable<void> GraphReader::LookOnce(std::vector<Item*> items, bool single) {
  co_await Fetch(items, Place::kUsers, single);
  std::erase_if(items, [](const Item* item) { return !absl::IsNotFound(item->result.status()); });
  co_await Fetch(items, Place::kDeletedItems, single);
}

asio::awaitable<void> GraphReader::Fetch(std::vector<Item*> items, Place place, bool single) {
  if (single) {
    for (Item* item : items) co_await FetchSingle(item, place);
    co_return;
  }
  for (size_t from = 0; from < items.size(); from += kBatchLimit) {
    const size_t to = std::min(items.size(), from + kBatchLimit);
    std::vector<Item*> part(items.begin() + static_cast<ptrdiff_t>(from),
                            items.begin() + static_cast<ptrdiff_t>(to));
    co_await FetchBatch(std::move(part), place);
  }
}

asio::awaitable<void> GraphReader::FetchSingle(Item* item, Place place) {
  const bool users = place == Place::kUsers;
  graph::GraphRequest request(PathOf(item->id, place), users ? "user" : "deleted_user",
                              options_.priority);
  request.client_request_id = item->origin->id;
  auto reply = co_await client_.Send(std::move(request));
  if (reply.ok()) {
    Settle(*item, place, *std::move(reply));
  } else {
    item->result = reply.status();
  }
}

asio::awaitable<void> GraphReader::FetchBatch(std::vector<Item*> items, Place place) {
  absl::Duration waited;
  for (int round = 1;; ++round) {
    absl::Duration wait;
    items = co_await SendBatch(std::move(items), place, &wait);
    if (items.empty()) co_return;
    waited += wait;
    Status status = ThrottledError("the tenant throttles reads in a batch", wait);
    if (round < options_.max_batch_rounds && waited <= client_.options().max_wait) {
      status = co_await scheduler_.SleepFor(wait);
    }
    if (status.ok()) continue;
    for (Item* item : items) item->result = status;
    co_return;
  }
}

asio::awaitable<std::vector<GraphReader::Item*>> GraphReader::SendBatch(std::vector<Item*> items,
                                                                        Place place,
                                                                        absl::Duration* wait) {
  std::string body = "{\"requests\":[";
  graph::RequestCost cost(0, 0);
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string path = PathOf(items[i]->id, place);
    cost.units += graph::CostOf("GET", path).units;
    // Neither ids (percent-encoded) nor paths hold anything that JSON would have to escape.
    body +=
        Cat(i == 0 ? "" : ",", "{\"id\":\"", i, "\",\"method\":\"GET\",\"url\":\"", path, "\"}");
  }
  body += "]}";
  graph::GraphRequest request("/$batch", "batch", options_.priority);
  request.method = "POST";
  request.body = std::move(body);
  request.cost = cost;
  request.client_request_id = items.front()->origin->id;
  auto reply = co_await client_.Send(std::move(request));
  std::vector<Item*> again;
  const Status failed = reply.ok() ? graph::ToStatus(*reply, "batch of reads") : reply.status();
  StatusOr<std::vector<graph::BatchItem>> answers = InternalError("no answer");
  if (failed.ok()) {
    answers = client_.decoder().DecodeBatch(reply->body);
  } else {
    answers = failed;
  }
  if (!answers.ok()) {
    for (Item* item : items) item->result = answers.status();
    co_return again;
  }
  client_.NoteInnerCosts("batch", options_.priority, cost, *answers);
  SettleBatch(items, place, *reply, *std::move(answers), again, *wait);
  co_return again;
}

void GraphReader::SettleBatch(const std::vector<Item*>& items, Place place,
                              const graph::GraphReply& outer, std::vector<graph::BatchItem> answers,
                              std::vector<Item*>& again, absl::Duration& wait) {
  std::vector<bool> answered(items.size(), false);
  for (graph::BatchItem& answer : answers) {
    const auto index = ParseUint64(answer.id);
    if (!index.has_value() || *index >= items.size() || answered[*index]) continue;
    answered[*index] = true;
    graph::GraphReply inner;
    inner.status = answer.status;
    inner.at = outer.at;
    inner.request_id = outer.request_id;
    inner.body = std::move(answer.body);
    inner.retry_after = graph::ParseRetryAfter(answer.retry_after, outer.at.hi);
    if (inner.status >= 400) inner.error = client_.decoder().DecodeError(inner.body);
    if (!IsTransient(inner.status)) {
      Settle(*items[*index], place, std::move(inner));
      continue;
    }
    // The wait is the largest that any part asks for.
    wait = std::max(wait, inner.retry_after.value_or(kInnerBackoff));
    again.push_back(items[*index]);
    if (inner.status == 429) {
      graph::Throttle throttle;
      throttle.scope = std::move(answer.throttle_scope);
      throttle.information = std::move(answer.throttle_information);
      client_.NoteInnerThrottle("batch", options_.priority, wait, throttle);
    }
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (!answered[i]) items[i]->result = DataLossError("batch of reads: an answer is missing");
  }
}

void GraphReader::Settle(Item& item, Place place, graph::GraphReply reply) {
  item.looked = reply.at;
  if (SaysNotFound(reply)) {
    item.result = graph::ToStatus(reply, Cat("account ", Printable(item.id, 80)));
    return;
  }
  item.result = Observe(item, place, std::move(reply));
  // Only SaysNotFound may count as "not there".
  if (absl::IsNotFound(item.result.status())) {
    item.result = UnavailableError(Message(item.result.status()));
  }
}

GraphReader::Result GraphReader::Observe(const Item& item, Place place, graph::GraphReply reply) {
  const std::string& id = item.id;
  const std::string what = Cat("account ", Printable(id, 80));
  DW_RETURN_IF_ERROR(graph::ToStatus(reply, what));
  auto user = client_.decoder().DecodeUser(reply.body);
  if (!user.ok()) return Annotate(user.status(), what);
  if (!EqualsIgnoreCase(user->view.id, id)) {
    return DataLossError(Cat(what, ": the answer is about ", user->view.id));
  }
  for (const graph::Flaw& flaw : user->flaws) {
    log_.Warn("graph_object_flawed", flaw.what,
              {{"source", options_.name.value},
               {item.origin->key, item.origin->id},
               {"entra_id", flaw.id}});
  }
  if (place == Place::kDeletedItems) user->view.deletion = monitor::EntraDeletion::kSoft;
  monitor::Observation seen;
  seen.look.source = options_.name;
  seen.look.at = reply.at;
  seen.look.kind = monitor::LookKind::kDirect;
  seen.view = std::move(user->view);
  return seen;
}

monitor::Observation GraphReader::Gone(const Item& item) const {
  monitor::EntraView view;
  view.id = ToLowerAscii(item.id);
  view.deletion = monitor::EntraDeletion::kHard;
  monitor::Observation seen;
  seen.look.source = options_.name;
  seen.look.at = item.looked;
  seen.look.kind = monitor::LookKind::kDirect;
  seen.view = std::move(view);
  return seen;
}

}  // namespace driftwarden::watchers
