#pragma once

// For the crash tests of the whole program: DRIFTWARDEN_CRASH_AT=POINT:N makes the process kill
// itself with SIGKILL when it comes to that point for the N-th time. Without the variable nothing
// of this is in the way. Points: before_commit, after_commit, before_call (an intent is written,
// the call is not made), after_call (the call was answered, the answer is not recorded),
// after_alert (a receiver took it, that is not recorded).

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "alerts/alert_sink.h"
#include "remediation/actuator.h"
#include "store/state_store.h"

namespace driftwarden::daemon {

class CrashPoints {
 public:
  // Nothing when the variable is not set. InvalidArgument when it is not POINT:N.
  static StatusOr<std::optional<std::string>> FromEnvironment();

  explicit CrashPoints(const std::string& text);
  void Reach(const std::string& point);

 private:
  std::string point_;
  std::atomic<int64_t> left_{0};
};

// Wrap the parts; `points` must outlive them.
std::unique_ptr<store::StateStore> CrashingStore(std::unique_ptr<store::StateStore> inner,
                                                 CrashPoints& points);
std::unique_ptr<remediation::Actuator> CrashingActuator(
    std::unique_ptr<remediation::Actuator> inner, CrashPoints& points);
std::unique_ptr<alerts::AlertSink> CrashingSink(std::unique_ptr<alerts::AlertSink> inner,
                                                CrashPoints& points);

}  // namespace driftwarden::daemon
