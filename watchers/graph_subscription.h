#pragma once

// A tenant's change notifications: keeps one subscription on its users alive and turns what comes
// in into an earlier poll, nothing else. A notification is believed for no more than that: what
// changed is read by the poll, and what is never told is found by the next one.
//
// One executor.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/async/scheduler.h"
#include "base/async/wake_up.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "monitor/ids.h"
#include "watchers/graph/client.h"
#include "watchers/graph/notification_json.h"
#include "watchers/notice_port.h"
#include "watchers/tenant_sight.h"

namespace driftwarden::watchers {

// What became of one notification, or of one request to the listener.
enum class GraphNotice : uint8_t {
  kWoke,       // the poll is due at once
  kCoalesced,  // it was due already
  kLifecycle,  // about the subscription itself
  kUnknown,    // of a subscription that is not ours, or not any more
  kForged,     // the clientState is wrong
  kMalformed,
  kValidated,  // Graph asked whether we answer
};
constexpr GraphNotice kAllGraphNotices[] = {
    GraphNotice::kWoke,   GraphNotice::kCoalesced, GraphNotice::kLifecycle, GraphNotice::kUnknown,
    GraphNotice::kForged, GraphNotice::kMalformed, GraphNotice::kValidated};
std::string_view GraphNoticeText(GraphNotice notice);

// Told on the executor, for metrics.
class GraphNoticeObserver {
 public:
  virtual ~GraphNoticeObserver() = default;
  virtual void OnNotice(GraphNotice notice) = 0;
  // Until when the subscription stands; InfinitePast: there is none.
  virtual void OnSubscription(absl::Time expires) = 0;
};

struct GraphSubscriptionOptions {
  monitor::SourceName name;
  std::string url;                             // where Graph sends to
  absl::Duration lifetime = absl::Hours(24);   // asked for; renewed at half of what is granted
  absl::Duration wake_gap = absl::Seconds(5);  // two polls are never woken closer together
  absl::Duration first_retry = absl::Seconds(30);
  absl::Duration last_retry = absl::Hours(1);
};

class GraphSubscription {
 public:
  // Everything must outlive it.
  GraphSubscription(asio::any_io_executor executor, GraphSubscriptionOptions options,
                    graph::GraphClient& client, NoticePort& port,
                    std::shared_ptr<TenantSight> sight, Scheduler& scheduler, Rng& rng, Logger& log,
                    GraphNoticeObserver& observer);

  // Both run until cancelled: one keeps the subscription, the other wakes the poll.
  asio::awaitable<void> Run();
  asio::awaitable<void> HandOn();
  // On an orderly stop, after both: the tenant need not send to nobody. What fails expires.
  asio::awaitable<void> Drop();

  // The body of a POST to our URL. False: it makes no sense.
  bool Take(std::string_view body);
  // Graph asked for its validation token.
  void NoteValidated() { observer_.OnNotice(GraphNotice::kValidated); }

 private:
  struct Live {
    std::string id;
    absl::Duration granted_at;  // steady
    absl::Duration lifetime;
  };

  asio::awaitable<Status> Establish();
  // Leftovers of a life before: their clientState went with it.
  asio::awaitable<Status> RemoveOld();
  asio::awaitable<StatusOr<std::vector<std::string>>> FindOld();
  asio::awaitable<Status> Delete(std::string id);
  asio::awaitable<Status> Renew();
  asio::awaitable<StatusOr<std::string>> Call(std::string method, std::string path,
                                              std::string body);
  asio::awaitable<Status> WaitUntilDue();
  Status Adopt(const graph::Subscription& granted);
  void Lose();
  void NoteResult(const Status& status);
  GraphNotice Judge(const graph::Notification& notification);
  GraphNotice TakeLifecycle(const std::string& event);
  GraphNotice AskForPoll();
  void NoteForged();
  bool Due() const;
  absl::Duration RestAfterRenewal() const;
  absl::Time TenantTime() const { return scheduler_.clock().Wall() + tenant_ahead_; }
  absl::Duration Steady() const { return scheduler_.clock().Steady(); }

  const GraphSubscriptionOptions options_;
  graph::GraphClient& client_;
  NoticePort& port_;
  const std::shared_ptr<TenantSight> sight_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  GraphNoticeObserver& observer_;

  WakeUp due_;                  // for Run: renew now
  WakeUp told_;                 // for HandOn
  bool poll_asked_ = false;     // and not yet woken
  bool renewal_asked_ = false;  // by the tenant
  bool creating_ = false;       // the tenant knows the new clientState, we not yet its id
  std::optional<Live> live_;
  Secret client_state_;                                     // of what lives or is being created
  absl::Duration tenant_ahead_;                             // the tenant's clock minus ours
  absl::Duration forged_told_ = -absl::InfiniteDuration();  // steady
};

}  // namespace driftwarden::watchers
