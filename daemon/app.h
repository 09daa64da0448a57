#pragma once

// The program put together: New wires everything, Run works until a signal, and what was built is
// taken down in reverse. The only place that constructs concrete classes of other modules, on one
// long straight line, because the order is the architecture.

#include <memory>
#include <string>

#include "base/log.h"
#include "base/status.h"
#include "daemon/config.h"

namespace driftwarden::daemon {

class App {
 public:
  // Opens the state store and builds every part; nothing runs yet. FailedPrecondition: another
  // process uses the data directory, or its schema is newer than this program. `log` must outlive.
  static StatusOr<std::unique_ptr<App>> New(Config config, Logger& log);
  // For New's error: when it is the disk that keeps the store from opening, the configured
  // receivers are told, within ten seconds. Blocks.
  static void TellUnopened(const Config& config, const Status& error, Logger& log);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // The monitor, until SIGTERM or SIGINT, or until RequestStop. Ok after an orderly end; the
  // store's error when it failed.
  Status Run();
  // SIGHUP makes Run read the configuration again, as POST /-/reload does. Before Run.
  void ReloadOnHangup();
  // One complete pass over every source, and the people with open episodes read directly. Nothing
  // is listened on, told or acted upon.
  struct OnceResult {
    std::string summary_json;         // the status object
    int64_t open = 0;                 // open departures and inherited people who are live in Entra
    std::vector<std::string> unread;  // sources that could not be read, with the reason
    std::vector<std::string> faults;  // what else went wrong and keeps nothing from being known
  };
  StatusOr<OnceResult> RunOnce();

  // Ends Run from another thread.
  void RequestStop();
  // "http://ADDRESS:PORT", once Run listens; empty before. Thread-safe.
  std::string Address() const;

 private:
  struct Parts;
  explicit App(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace driftwarden::daemon
