#pragma once

// Drives one link's actions: intent -> re-reads of both sides -> gates -> call -> read back until
// verified. Every step is committed by the engine before the next; the runner keeps no state, so
// that it may die anywhere:
//   intent   no call was made: read both sides, have the gates evaluated, call.
//   cleared  the gates passed and the call may or may not have been made (we died, or the answer
//            was lost): read. If the revocation shows, it was made; if it does not within
//            `reconcile_for`, start over with fresh re-reads. Never repeated blindly.
//   called   read back until it shows, or `verify_for` is over.
// Lives on one strand; one action at a time, each step bounded by time.

#include <map>
#include <string>

#include "base/async/scheduler.h"
#include "base/log.h"
#include "remediation/action_port.h"
#include "remediation/actuator.h"
#include "watchers/change_source.h"

namespace driftwarden::remediation {

struct ActionRunnerOptions {
  std::string link = {};                          // for the log
  absl::Duration idle_wait = absl::Seconds(5);    // at most between two looks for work
  absl::Duration verify_for = absl::Minutes(10);  // revocation takes minutes to show
  absl::Duration reconcile_for = absl::Minutes(2);
};

class ActionRunner {
 public:
  using DirectoryReaders = std::map<monitor::SourceName, watchers::DirectoryReader*>;

  // Everything must outlive it.
  ActionRunner(ActionPort& port, Actuator& actuator, DirectoryReaders directories,
               watchers::TenantReader& tenant, Scheduler& scheduler, Logger& log,
               ActionRunnerOptions options);

  // Until cancelled.
  asio::awaitable<void> Run();
  // Everything there is to do now, once. Cancelled when stopping.
  asio::awaitable<Status> RunOnce();

 private:
  asio::awaitable<Status> Drive(ActionWork work);
  asio::awaitable<Status> ReReadAndCall(ActionWork work);
  asio::awaitable<Status> Reconcile(ActionWork work);
  asio::awaitable<Status> VerifyCall(ActionWork work);
  // Fill `reads`; a failed read is part of it. Cancelled: we are stopping, nothing is to be
  // reported.
  asio::awaitable<Status> ReadDirectories(const ActionWork* work, monitor::ReReads* reads);
  asio::awaitable<Status> AskElsewhere(watchers::DirectoryReader* reader, monitor::Guid guid,
                                       monitor::ReReads* reads);
  asio::awaitable<Status> ReadTenant(const ActionWork* work, monitor::ReReads* reads);

  ActionPort& port_;
  Actuator& actuator_;
  DirectoryReaders directories_;
  watchers::TenantReader& tenant_;
  Scheduler& scheduler_;
  Logger& log_;
  ActionRunnerOptions options_;
};

}  // namespace driftwarden::remediation
