#pragma once

// Tells the receivers what should be firing, for one incident port (a link's engine, or the
// daemon's own watchdog). Level-triggered: everything that fires is sent again every
// resend_interval with its end ahead, so that a lost message, a restarted receiver or a restart of
// ours heals by itself. What ended is sent resolved until every receiver took it, or for
// `give_up_resolving`: by then its end has passed at the receiver anyway.
//
// Lives on one strand. A failing receiver never keeps another from being told.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alerts/alert_sink.h"
#include "base/async/backoff.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"

namespace driftwarden::alerts {

class DispatchObserver {
 public:
  virtual ~DispatchObserver() = default;
  virtual void OnDelivery(const std::string& receiver, const Status& status, size_t alerts) = 0;
};

struct DispatcherOptions {
  std::string link = {};  // for the log; empty: of no link
  absl::Duration resend_interval = absl::Seconds(60);
  absl::Duration give_up_resolving = absl::Minutes(15);
};

class Dispatcher {
 public:
  // Everything must outlive it.
  Dispatcher(IncidentPort& port, std::vector<AlertSink*> sinks, Scheduler& scheduler, Rng& rng,
             Logger& log, DispatchObserver& observer, DispatcherOptions options);

  // Until cancelled.
  asio::awaitable<void> Run();
  // One pass over everything pending: at shutdown, and for tests. The first receiver's error.
  asio::awaitable<Status> DispatchOnce();

 private:
  struct Receiver {
    AlertSink* sink;
    std::string last_error;  // logged only when the text changes
  };
  void NoteOutcome(Receiver& receiver, const Status& status, size_t alerts);
  std::vector<monitor::DeliveryReport> Settle(const std::vector<PendingAlert>& pending,
                                              const std::vector<std::string>& accepted_by) const;

  IncidentPort& port_;
  std::vector<Receiver> receivers_;
  Scheduler& scheduler_;
  Logger& log_;
  DispatchObserver& observer_;
  DispatcherOptions options_;
  Backoff backoff_;
};

}  // namespace driftwarden::alerts
