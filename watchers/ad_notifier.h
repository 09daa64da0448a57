#pragma once

// Hears of changes as they happen: one notification search (MS-ADTS 3.1.1.3.4.1.9) at the domain's
// head, on a session of its own with the controller that the poll reads. What it tells is handed on
// at once and the poll is woken; it is never taken for complete, as it forgets everything with its
// session, and Samba does not tell of deletions. One executor.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async/backoff.h"
#include "base/async/scheduler.h"
#include "base/async/wake_up.h"
#include "base/log.h"
#include "base/rng.h"
#include "watchers/ad_observer.h"
#include "watchers/ad_usn_source.h"
#include "watchers/notice_port.h"

namespace driftwarden::watchers {

class AdNotifier final : public RoundWitness {
 public:
  // Everything must outlive it. `source` says which controller to listen to and what its entries
  // mean.
  AdNotifier(asio::any_io_executor executor, AdSourceOptions options,
             directory::SessionFactory& sessions, AdUsnSource& source, NoticePort& port,
             Scheduler& scheduler, Rng& rng, Logger& log, AdObserver& observer);

  // Both run until cancelled: one hears, the other hands on, so that links that are busy never keep
  // the server waiting.
  asio::awaitable<void> Listen();
  asio::awaitable<void> HandOn();

  void OnDelivered(const monitor::ChangeBatch& batch) override;

 private:
  struct Ended {
    Status status;  // never ok
    AdRearm reason = AdRearm::kLost;
  };
  asio::awaitable<Ended> ListenTo(std::string server);
  asio::awaitable<Status> Arm(AdConnection& connection);
  asio::awaitable<Ended> Hear(AdConnection& connection, std::string server);
  // Another session where the one that stands is to be renewed.
  asio::awaitable<Status> Renew(AdConnection& connection);
  asio::awaitable<Status> Ping(directory::Session& session);
  void Take(const std::vector<directory::Entry>& entries, const monitor::Look& look);
  AdNotice TakeEntry(const directory::Entry& entry, const monitor::Look& look);
  monitor::Look LookAt(const AdConnection& connection, TimeBounds at) const;
  bool Missed() const;
  void NoteEnded(const Ended& ended);
  absl::Duration PauseAfter(const Ended& ended, Backoff& backoff) const;
  absl::Duration Steady() const { return scheduler_.clock().Steady(); }
  absl::Time Wall() const { return scheduler_.clock().Wall(); }

  const AdSourceOptions options_;
  directory::SessionFactory& sessions_;
  AdUsnSource& source_;
  NoticePort& port_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  AdObserver& observer_;

  WakeUp polled_;  // for Listen while it does not listen
  WakeUp pending_wake_;
  std::vector<monitor::Observation> pending_;  // bounded
  uint64_t number_ = 0;

  // While it listens.
  bool armed_ = false;
  bool heard_ = false;  // a change, since it was armed
  absl::Duration armed_at_;
  directory::ServerState state_;  // as read when it was armed
  uint64_t told_usn_ = 0;         // the highest that was told; at first the controller's own
  uint64_t missed_usn_ = 0;       // the poll saw it above told_usn_; 0: nothing
  absl::Duration missed_at_;
};

}  // namespace driftwarden::watchers
