#include "watchers/graph_subscription.h"

#include <algorithm>
#include <utility>

#include "base/async/backoff.h"
#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

constexpr std::string_view kRoute = "subscriptions";
constexpr size_t kMaxPages = 20;
constexpr absl::Duration kLongestSleep = absl::Minutes(10);
constexpr absl::Duration kLeastRest = absl::Seconds(30);
constexpr absl::Duration kForgedToldEvery = absl::Hours(1);

// 256 bits, as text that needs no quoting anywhere.
Secret NewClientState(Rng& rng) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) {
    const uint64_t word = rng.Next();
    for (int shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<char>((word >> shift) & 0xff));
    }
  }
  return Secret(HexEncode(bytes));
}

std::string MendOf(const Status& status, const std::string& url) {
  if (status.code() == StatusCode::kPermissionDenied) {
    return "grant the application User.Read.All";
  }
  if (status.code() == StatusCode::kFailedPrecondition) {
    return Cat("make sure that ", url,
               " is reached from the internet by https with a certificate that everybody trusts, "
               "and leads to notifications.listen");
  }
  return "it is tried again";
}

}  // namespace

std::string_view GraphNoticeText(GraphNotice notice) {
  switch (notice) {
    case GraphNotice::kWoke:
      return "woke";
    case GraphNotice::kCoalesced:
      return "coalesced";
    case GraphNotice::kLifecycle:
      return "lifecycle";
    case GraphNotice::kUnknown:
      return "unknown_subscription";
    case GraphNotice::kForged:
      return "wrong_client_state";
    case GraphNotice::kMalformed:
      return "malformed";
    case GraphNotice::kValidated:
      return "validation";
  }
  return "";
}

GraphSubscription::GraphSubscription(asio::any_io_executor executor,
                                     GraphSubscriptionOptions options, graph::GraphClient& client,
                                     NoticePort& port, std::shared_ptr<TenantSight> sight,
                                     Scheduler& scheduler, Rng& rng, Logger& log,
                                     GraphNoticeObserver& observer)
    : options_(std::move(options)),
      client_(client),
      port_(port),
      sight_(std::move(sight)),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      observer_(observer),
      due_(executor),
      told_(std::move(executor)) {
  observer_.OnSubscription(absl::InfinitePast());
}

asio::awaitable<void> GraphSubscription::Run() {
  // With a lifetime as short as a test's it is tried again as soon.
  const absl::Duration first = std::min(options_.first_retry, options_.lifetime / 4);
  Backoff backoff(first, std::max(first, options_.last_retry), rng_);
  while (true) {
    Status done;
    if (live_) {
      done = co_await Renew();
    } else {
      done = co_await Establish();
    }
    if (done.code() == StatusCode::kCancelled) co_return;
    NoteResult(done);
    Status slept;
    if (done.ok()) {
      backoff.Reset();
      slept = co_await WaitUntilDue();
    } else {
      const absl::Duration wait =
          std::max(backoff.Next(), RetryAfter(done).value_or(absl::ZeroDuration()));
      slept = co_await scheduler_.SleepFor(wait);
    }
    if (!slept.ok()) co_return;
  }
}

asio::awaitable<Status> GraphSubscription::WaitUntilDue() {
  // Whoever asks for renewals without end gets one now and then.
  const Status rested = co_await scheduler_.SleepFor(RestAfterRenewal());
  if (!rested.ok()) co_return rested;
  while (!Due()) {
    const absl::Duration left = live_->granted_at + live_->lifetime / 2 - Steady();
    const absl::Duration at_most = std::min(left, kLongestSleep);
    const Status woken = co_await due_.WaitFor(scheduler_, at_most);
    if (!woken.ok()) co_return woken;
  }
  renewal_asked_ = false;
  co_return OkStatus();
}

bool GraphSubscription::Due() const {
  return !live_ || renewal_asked_ || Steady() >= live_->granted_at + live_->lifetime / 2;
}

absl::Duration GraphSubscription::RestAfterRenewal() const {
  return std::min(kLeastRest, options_.lifetime / 8);
}

asio::awaitable<StatusOr<std::string>> GraphSubscription::Call(std::string method, std::string path,
                                                               std::string body) {
  graph::GraphRequest request(std::move(path), kRoute, graph::Priority::kEvidence);
  request.read_only = method == "GET";
  request.method = std::move(method);
  request.body = std::move(body);
  auto reply = co_await client_.Send(std::move(request));
  if (!reply.ok()) co_return reply.status();
  if (reply->clock_offset) tenant_ahead_ = *reply->clock_offset;
  const Status status = graph::ToStatus(*reply, kRoute);
  if (!status.ok()) co_return status;
  co_return std::move(reply->body);
}

asio::awaitable<Status> GraphSubscription::Establish() {
  const Status removed = co_await RemoveOld();
  if (!removed.ok()) co_return removed;
  client_state_ = NewClientState(rng_);
  std::string body =
      graph::SubscriptionRequest(options_.url, client_state_, TenantTime() + options_.lifetime);
  creating_ = true;
  std::string method = "POST";
  std::string path = "/subscriptions";
  const auto answer = co_await Call(std::move(method), std::move(path), std::move(body));
  creating_ = false;
  if (!answer.ok()) co_return answer.status();
  const auto granted = graph::DecodeSubscription(*answer);
  if (!granted.ok()) co_return granted.status();
  const Status adopted = Adopt(*granted);
  if (!adopted.ok()) co_return adopted;
  log_.Info("notifications_subscribed", "the tenant tells of changes as they happen",
            {{"source", options_.name.value}, {"until", FormatRfc3339(granted->expires)}});
  // What changed before it stood is told by nobody.
  AskForPoll();
  co_return OkStatus();
}

asio::awaitable<Status> GraphSubscription::RemoveOld() {
  const auto old = co_await FindOld();
  if (!old.ok()) co_return old.status();
  for (const std::string& id : *old) {
    std::string copy = id;
    const Status gone = co_await Delete(std::move(copy));
    if (!gone.ok()) co_return gone;
  }
  co_return OkStatus();
}

asio::awaitable<StatusOr<std::vector<std::string>>> GraphSubscription::FindOld() {
  std::vector<std::string> ids;
  std::string url = "/subscriptions";
  for (size_t pages = 0; !url.empty() && pages < kMaxPages; ++pages) {
    std::string method = "GET";
    const auto answer = co_await Call(std::move(method), std::move(url), std::string());
    if (!answer.ok()) co_return answer.status();
    auto page = graph::DecodeSubscriptions(*answer);
    if (!page.ok()) co_return page.status();
    for (graph::Subscription& one : page->items) {
      if (one.notification_url == options_.url) ids.push_back(std::move(one.id));
    }
    url = std::move(page->next_link);
  }
  co_return ids;
}

asio::awaitable<Status> GraphSubscription::Delete(std::string id) {
  std::string method = "DELETE";
  std::string path = Cat("/subscriptions/", graph::PathSegment(id));
  const auto answer = co_await Call(std::move(method), std::move(path), std::string());
  if (answer.status().code() == StatusCode::kNotFound) co_return OkStatus();
  co_return answer.status();
}

asio::awaitable<Status> GraphSubscription::Renew() {
  std::string method = "PATCH";
  std::string path = Cat("/subscriptions/", graph::PathSegment(live_->id));
  std::string body = graph::RenewalRequest(TenantTime() + options_.lifetime);
  const auto answer = co_await Call(std::move(method), std::move(path), std::move(body));
  const auto granted = answer.ok() ? graph::DecodeSubscription(*answer)
                                   : StatusOr<graph::Subscription>(answer.status());
  if (!live_) co_return NotFoundError("the tenant took the subscription away meanwhile");
  if (granted.ok()) co_return Adopt(*granted);
  const bool over = Steady() >= live_->granted_at + live_->lifetime;
  if (granted.status().code() == StatusCode::kNotFound || over) Lose();
  co_return granted.status();
}

asio::awaitable<void> GraphSubscription::Drop() {
  if (!live_) co_return;
  std::string id = live_->id;
  Lose();
  const Status gone = co_await Delete(std::move(id));
  if (!gone.ok()) {
    log_.Info("notifications_left", Cat("it ends by itself: ", Message(gone)),
              {{"source", options_.name.value}});
  }
}

Status GraphSubscription::Adopt(const graph::Subscription& granted) {
  const absl::Duration lifetime = granted.expires - TenantTime();
  if (lifetime <= absl::ZeroDuration()) {
    return DataLossError(
        Cat("the subscription ended at ", FormatRfc3339(granted.expires), ", before it began"));
  }
  Live live;
  live.id = granted.id;
  live.granted_at = Steady();
  live.lifetime = lifetime;
  live_ = std::move(live);
  observer_.OnSubscription(granted.expires);
  return OkStatus();
}

void GraphSubscription::Lose() {
  live_.reset();
  client_state_ = Secret();
  observer_.OnSubscription(absl::InfinitePast());
}

void GraphSubscription::NoteResult(const Status& status) {
  if (status.ok()) {
    sight_->Lower(kNotificationsOff);
    return;
  }
  sight_->Raise(kNotificationsOff,
                Cat(live_ ? "the subscription to change notifications could not be renewed"
                          : "the tenant does not tell of changes as they happen",
                    "; changes are found by the poll; ", MendOf(status, options_.url), " (",
                    Message(status), ")"));
}

bool GraphSubscription::Take(std::string_view body) {
  const auto decoded = graph::DecodeNotifications(body);
  if (!decoded.ok()) {
    observer_.OnNotice(GraphNotice::kMalformed);
    return false;
  }
  for (const graph::Notification& one : decoded->items) observer_.OnNotice(Judge(one));
  for (size_t i = 0; i < decoded->left_out; ++i) observer_.OnNotice(GraphNotice::kMalformed);
  return true;
}

GraphNotice GraphSubscription::Judge(const graph::Notification& notification) {
  // Its first notification may overtake the answer that tells the id.
  const bool ours = creating_ || (live_ && live_->id == notification.subscription_id);
  if (!ours) return GraphNotice::kUnknown;
  if (!SameSecret(notification.client_state, client_state_)) {
    NoteForged();
    return GraphNotice::kForged;
  }
  if (!notification.lifecycle_event.empty()) return TakeLifecycle(notification.lifecycle_event);
  return AskForPoll();
}

GraphNotice GraphSubscription::TakeLifecycle(const std::string& event) {
  log_.Info("notifications_lifecycle", event, {{"source", options_.name.value}});
  if (event == "missed") AskForPoll();
  if (event == "subscriptionRemoved" && live_) {
    Lose();
    AskForPoll();
    due_.Notify();
  }
  if (event == "reauthorizationRequired") {
    renewal_asked_ = true;
    due_.Notify();
  }
  return GraphNotice::kLifecycle;
}

GraphNotice GraphSubscription::AskForPoll() {
  if (std::exchange(poll_asked_, true)) return GraphNotice::kCoalesced;
  told_.Notify();
  return GraphNotice::kWoke;
}

void GraphSubscription::NoteForged() {
  if (Steady() - forged_told_ < kForgedToldEvery) return;
  forged_told_ = Steady();
  log_.Warn("notifications_forged",
            "a notification names our subscription and not its clientState: dropped; more of them "
            "are only counted",
            {{"source", options_.name.value}});
}

asio::awaitable<void> GraphSubscription::HandOn() {
  while (true) {
    const Status woken = co_await told_.WaitFor(scheduler_, absl::InfiniteDuration());
    if (!woken.ok()) co_return;
    // The feed may lag behind what tells of it, so every wake-up has a second one.
    bool again = poll_asked_;
    while (again) {
      const bool fresh = std::exchange(poll_asked_, false);
      port_.Wake();
      const Status rested = co_await scheduler_.SleepFor(options_.wake_gap);
      if (!rested.ok()) co_return;
      again = fresh || poll_asked_;
    }
  }
}

}  // namespace driftwarden::watchers
