#pragma once

// Keeps a wrong secret from being tried until the account is locked. What a controller or its KDC
// refused as wrong is tried again after a pause that grows, or at once when the file that holds the
// secret changes; in between every session of the source is given the same refusal.
//
// Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "watchers/directory/renewal_watch.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

class BindGuard {
 public:
  // `clock` must outlive it.
  explicit BindGuard(const Clock& clock) : clock_(clock) {}

  // One bind with the secret as it is now; begun before its file is read.
  class Attempt {
   private:
    friend class BindGuard;
    std::string account;
    absl::Duration begun;  // steady
    std::shared_ptr<const RenewalWatch> secret;
  };

  // The last refusal, when it is not time yet to try again, or somebody is trying.
  StatusOr<Attempt> Begin(const SessionOptions& options);
  // What became of it, as it is to be told.
  Status End(const Attempt& attempt, const SessionOptions& options, const Status& outcome);

 private:
  struct Refused {
    Status status;
    int times = 0;
    absl::Duration at;        // steady
    absl::Duration again_at;  // steady
    std::shared_ptr<const RenewalWatch> secret;
    std::weak_ptr<const RenewalWatch> trying;  // of an attempt that is under way
  };

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Refused> refused_;  // by source and account
};

}  // namespace driftwarden::directory
