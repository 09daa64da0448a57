#include "simulator/notifier.h"

#include <utility>

#include "base/strings.h"
#include "net/http_client.h"
#include "net/url.h"

namespace driftwarden::simulator {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(20);
constexpr absl::Duration kIdleTick = absl::Milliseconds(200);
constexpr absl::Duration kValidationTime = absl::Seconds(10);
constexpr absl::Duration kDeliveryTime = absl::Seconds(3);
constexpr absl::Duration kRetryAfter = absl::Seconds(1);
constexpr int kMaxAttempts = 4;

}  // namespace

Notifier::Notifier(asio::any_io_executor executor, const Clock& clock, World& world,
                   Subscriptions& subscriptions)
    : executor_(executor),
      clock_(clock),
      world_(world),
      subscriptions_(subscriptions),
      scheduler_(clock),
      tasks_(std::move(executor)) {}

Status Notifier::Trust(const std::string& ca_file) {
  net::HttpClientOptions options;
  options.ca_file = ca_file;
  options.user_agent = "simulated Graph";
  DW_ASSIGN_OR_RETURN(http_, net::NewHttpClient(executor_, std::move(options)));
  return OkStatus();
}

void Notifier::Start() {
  tasks_.Spawn(Run());
}

asio::awaitable<void> Notifier::Stop() {
  tasks_.Cancel();
  co_await tasks_.Join();
  http_.reset();
}

asio::awaitable<void> Notifier::Run() {
  while (true) {
    const absl::Duration tick = subscriptions_.idle() ? kIdleTick : kTick;
    const Status slept = co_await scheduler_.SleepFor(tick);
    if (!slept.ok()) co_return;
    if (subscriptions_.idle()) continue;
    const absl::Time now = clock_.Wall();
    world_.AdvanceTo(now);
    for (Delivery& delivery : subscriptions_.TakeDue(now)) {
      tasks_.Spawn(Send(std::move(delivery)));
    }
  }
}

asio::awaitable<void> Notifier::Send(Delivery delivery) {
  const std::shared_ptr<net::HttpClient> http = http_;
  net::HttpRequest request("POST", delivery.url, "application/json", delivery.body);
  const auto answer = co_await http->Send(std::move(request), kDeliveryTime);
  if (absl::IsCancelled(answer.status())) co_return;
  Delivered done;
  done.at = clock_.Wall();
  done.status = answer.ok() ? answer->status : 0;
  done.notifications = delivery.notifications;
  subscriptions_.Note(done);
  if (done.status >= 200 && done.status < 300) co_return;
  if (++delivery.attempts >= kMaxAttempts) co_return;
  delivery.at = done.at + kRetryAfter;
  subscriptions_.PutBack(std::move(delivery));
}

asio::awaitable<Status> Notifier::Validate(std::string url) {
  // As opaque as Graph's: with what an encoding must not lose.
  const std::string token =
      Cat("Validation: Testing client application reachability for subscription Request-Id: ",
          next_token_++, " +/=&%");
  const std::shared_ptr<net::HttpClient> http = http_;
  const char* const joint = url.find('?') == std::string::npos ? "?" : "&";
  net::HttpRequest request("POST", Cat(url, joint, "validationToken=", net::PercentEncode(token)));
  request.AddHeader("Content-Type", "text/plain; charset=utf-8");
  const auto answer = co_await http->Send(std::move(request), kValidationTime);
  if (!answer.ok()) co_return answer.status();
  const std::string* const type = answer->Find("Content-Type");
  if (answer->status != 200) co_return UnavailableError(Cat("HTTP status ", answer->status));
  if (type == nullptr || !type->starts_with("text/plain")) {
    co_return UnavailableError("Must respond with text/plain.");
  }
  if (answer->body != token) co_return UnavailableError("The token came back changed.");
  co_return OkStatus();
}

}  // namespace driftwarden::simulator
