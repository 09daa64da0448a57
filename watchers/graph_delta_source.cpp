#include "watchers/graph_delta_source.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

bool CarriesToken(std::string_view link) {
  const std::string lower = ToLowerAscii(link);
  return lower.find("deltatoken=") != std::string::npos ||
         lower.find("skiptoken=") != std::string::npos;
}

}  // namespace

GraphDeltaSource::GraphDeltaSource(GraphDeltaOptions options, graph::GraphClient& client,
                                   Logger& log)
    : options_(std::move(options)), client_(client), log_(log), select_(DeltaSelect()) {}

std::string GraphDeltaSource::FirstUrl() const {
  return client_.UrlOf(Cat("/users/delta?$select=", JoinStrings(select_, ",")));
}

asio::awaitable<Status> GraphDeltaSource::Poll(std::string cursor, monitor::BatchId batch,
                                               BatchSink& sink) {
  batch_ = std::move(batch);
  const auto link = ParseDeltaCursor(cursor);
  std::string reason;
  if (cursor.empty()) {
    reason = monitor::kFirstRead;
  } else if (!link.ok()) {
    reason = absl::IsFailedPrecondition(link.status()) ? monitor::kSelectChanged
                                                       : monitor::kCursorUnreadable;
  } else if (!client_.CheckLink(*link).ok()) {
    reason = monitor::kEndpointChanged;  // the configuration changed under the cursor
  }
  if (reason.empty()) {
    const Ended ended = co_await PollChanges(*link, sink);
    reason = WhyFull(ended);
    if (reason.empty()) co_return ended.status;
    log_.Warn("graph_cursor_lost", Message(ended.status),
              {{"source", options_.name.value}, {"batch", batch_.value}, {"reason", reason}});
  }
  loops_ = refusals_ = 0;
  const Status full = co_await PollFull(std::move(reason), sink);
  co_return full;
}

asio::awaitable<GraphDeltaSource::Ended> GraphDeltaSource::PollChanges(std::string link,
                                                                       BatchSink& sink) {
  for (int restart = 0;; ++restart) {
    std::string no_snapshot;
    Ended ended = co_await RunRound(link, std::move(no_snapshot), sink);
    if (ended.end != End::kPageExpired || restart >= options_.max_restarts) co_return ended;
  }
}

// Why a round of changes calls for a full one; empty: it does not. What is not known as a dead
// token, but fails the same way again and again, is one too: consumers that knew only the
// documented answers stood still for good.
std::string GraphDeltaSource::WhyFull(const Ended& ended) {
  loops_ = ended.end == End::kLoop ? loops_ + 1 : 0;
  refusals_ = ended.end == End::kRefused ? refusals_ + 1 : 0;
  if (ended.end == End::kTokenDead) return monitor::kTokenExpired;
  if (loops_ >= kPatience) return monitor::kPagingLoop;
  if (refusals_ >= kPatience) return monitor::kTokenRefused;
  return "";
}

asio::awaitable<Status> GraphDeltaSource::PollFull(std::string reason, BatchSink& sink) {
  log_.Info("graph_full_read", "reading every user of the tenant",
            {{"source", options_.name.value}, {"batch", batch_.value}, {"reason", reason}});
  // A property that was refused once is asked for again in each full read: tenants change too.
  select_ = DeltaSelect();
  for (int restart = 0;; ++restart) {
    const std::string url = FirstUrl();
    const Ended ended = co_await RunRound(url, reason, sink);
    const bool settled =
        ended.end == End::kDone || ended.end == End::kFailed || ended.end == End::kRefused;
    if (settled || restart >= options_.max_restarts) co_return ended.status;
    log_.Warn("graph_round_restarted", Message(ended.status),
              {{"source", options_.name.value}, {"restart", restart + 1}});
  }
}

asio::awaitable<GraphDeltaSource::Ended> GraphDeltaSource::RunRound(std::string link,
                                                                    std::string snapshot_reason,
                                                                    BatchSink& sink) {
  DeltaRound round(options_.name, std::move(snapshot_reason));
  const std::string start = link;
  while (true) {
    if (!round.Enter(link)) {
      co_return Ended(End::kLoop, DataLossError("users delta: nextLink leads in a circle"));
    }
    graph::GraphRequest request(link, "users_delta", graph::Priority::kPoll);
    request.client_request_id = batch_.value;
    auto reply = co_await client_.Send(std::move(request));
    if (!reply.ok()) co_return Ended(End::kFailed, reply.status());
    if (!reply->ok()) {
      const Status status = graph::ToStatus(*reply, "users delta");
      const bool with_token = CarriesToken(link);
      // A page that expired inside a round: the token at the round's start still holds.
      if (with_token && IsExpiredPage(*reply)) {
        co_return Ended(link == start ? End::kTokenDead : End::kPageExpired, status);
      }
      if (with_token && IsDeadToken(*reply)) co_return Ended(End::kTokenDead, status);
      if (!with_token && reply->status == 400 && DropRefused(reply->error)) {
        link = FirstUrl();
        continue;
      }
      co_return Ended(reply->status == 400 ? End::kRefused : End::kFailed, status);
    }
    round.Answered(*reply);
    auto page = client_.decoder().DecodeUsersPage(reply->body);
    if (!page.ok()) co_return Ended(End::kFailed, Annotate(page.status(), "users delta"));
    const std::string next = page->next_link;
    const Status link_ok = client_.CheckLink(next.empty() ? page->delta_link : next);
    if (!link_ok.ok()) co_return Ended(End::kFailed, Annotate(link_ok, "users delta"));
    const Status delivered = co_await DeliverPage(round, *std::move(page), reply->at, sink);
    if (!delivered.ok()) co_return Ended(End::kFailed, delivered);
    if (next.empty()) co_return Ended();
    link = next;
  }
}

asio::awaitable<Status> GraphDeltaSource::DeliverPage(DeltaRound& round, graph::UsersPage page,
                                                      TimeBounds at, BatchSink& sink) {
  for (const graph::Flaw& flaw : page.flaws) {
    log_.Warn("graph_object_flawed", flaw.what,
              {{"source", options_.name.value}, {"batch", batch_.value}, {"entra_id", flaw.id}});
  }
  const bool last = page.next_link.empty();
  size_t from = 0;
  while (from < page.users.size() || last) {
    const size_t to = std::min(page.users.size(), from + options_.batch_size);
    monitor::ChangeBatch batch = round.NextBatch(next_number_++);
    batch.observations.reserve(to - from);
    for (; from < to; ++from) {
      monitor::Observation seen;
      seen.look.source = options_.name;
      seen.look.at = at;
      seen.look.kind = monitor::LookKind::kFeed;
      seen.view = std::move(page.users[from]);
      batch.observations.push_back(std::move(seen));
    }
    const bool completes = last && from == page.users.size();
    if (completes) round.Complete(batch, FormatDeltaCursor(page.delta_link));
    const Status taken = co_await sink.Deliver(std::move(batch));
    if (!taken.ok() || completes) co_return taken;
  }
  co_return OkStatus();
}

bool GraphDeltaSource::DropRefused(const graph::GraphError& error) {
  const std::vector<std::string> dropped = RefusedProperties(error, select_);
  if (dropped.empty()) return false;
  log_.Warn("graph_property_refused",
            "the tenant does not give these properties in its change feed; they are read directly",
            {{"source", options_.name.value},
             {"batch", batch_.value},
             {"properties", JoinStrings(dropped, ",")}});
  std::erase_if(select_, [&](const std::string& property) {
    return std::find(dropped.begin(), dropped.end(), property) != dropped.end();
  });
  return true;
}

}  // namespace driftwarden::watchers
