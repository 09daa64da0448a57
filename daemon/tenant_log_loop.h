#pragma once

// Reads what a link's tenant logs and what devices its people have: changes of accounts about every
// minute, then sign-ins and devices of some of the people the engine names. A round is bounded; a
// reading that takes more pages goes on in the next. What cannot be read for good is told to the
// engine and is no error; what may pass by itself is logged once and tried again, later and later.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/async/backoff.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/log_feed.h"
#include "watchers/tenant_logs.h"

namespace driftwarden::daemon {

struct TenantLogOptions {
  absl::Duration interval = absl::Minutes(1);
  bool directory_audits = true;  // and the log of provisioning
  bool sign_ins = true;          // interactive or not
};

// Of one round.
struct TenantLogRound {
  size_t pages = 20;          // of each log of changes
  size_t sign_in_pages = 10;  // of one person
  size_t people = 8;          // whose sign-ins are read, of each of the two logs
  size_t devices = 10;        // people whose devices are read
};

class TenantLogLoop {
 public:
  // Everything must outlive it. `cloud_sync`: whether Cloud Sync feeds the tenant now.
  TenantLogLoop(LogFeed& feed, watchers::TenantLogs& logs, monitor::LinkName link,
                monitor::SourceName source, std::function<bool()> cloud_sync, Scheduler& scheduler,
                Rng& rng, Logger& log, TenantLogOptions options);

  // Until cancelled.
  asio::awaitable<void> Run();
  // One round. The engine's error, else the first of the reader's.
  asio::awaitable<Status> ReadOnce(TenantLogRound bounds);

 private:
  // Where a log of changes stands between two rounds.
  struct Reading {
    watchers::LogPage page;
    absl::Time from;
  };
  // Somebody whose sign-ins took more pages than a round has.
  struct Person {
    LogTarget target;
    watchers::LogPage page;
  };

  asio::awaitable<Status> Round(TenantLogRound bounds);
  asio::awaitable<Status> SayWhatIsOff();
  asio::awaitable<Status> ReadChanges(monitor::TenantLog log, size_t pages);
  asio::awaitable<Status> ReadSignIns(monitor::TenantLog log, TenantLogRound bounds);
  // True in `*stop` when the log cannot be read for good.
  asio::awaitable<Status> ReadPerson(monitor::TenantLog log, Person person, size_t pages,
                                     bool* stop);
  asio::awaitable<Status> ReadDevices(size_t limit);
  asio::awaitable<Status> Deliver(monitor::LogLook look);
  // True: nothing more of this round. Keeps the first error that is only the reader's.
  bool Ends(const Status& status);
  void Note(const Status& status);

  LogFeed& feed_;
  watchers::TenantLogs& logs_;
  const monitor::LinkName link_;
  const monitor::SourceName source_;
  const std::function<bool()> cloud_sync_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
  const TenantLogOptions options_;
  Backoff backoff_;
  std::map<monitor::TenantLog, Reading> readings_;
  std::map<monitor::TenantLog, Person> unfinished_;
  std::set<monitor::TenantLog> said_off_;
  monitor::BatchId batch_;  // of the present round
  Status failed_;           // the reader's, of the present round
  bool engine_failed_ = false;
  std::string last_error_;  // logged when it begins and when it is over
};

}  // namespace driftwarden::daemon
