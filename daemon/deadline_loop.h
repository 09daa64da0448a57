#pragma once

// Judges people anew when time alone may have changed the verdict. Deadlines are stored as wall
// time; how long to wait is computed anew at every wake-up.

#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/engine.h"

namespace driftwarden::daemon {

class DeadlineLoop {
 public:
  // Everything must outlive it.
  DeadlineLoop(Engine& engine, Scheduler& scheduler, Rng& rng, Logger& log)
      : engine_(engine), scheduler_(scheduler), rng_(rng), log_(log) {}

  // Until cancelled, or until the engine is stopped.
  asio::awaitable<void> Run();

 private:
  Engine& engine_;
  Scheduler& scheduler_;
  Rng& rng_;
  Logger& log_;
};

}  // namespace driftwarden::daemon
