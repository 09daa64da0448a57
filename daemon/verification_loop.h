#pragma once

// Goes through everybody that a link knows, slowly and for ever, and compares the AD accounts with
// the directory: what the change feed missed is found, counted and mended. A slice at a time, on
// the session of direct reads, so that no poll waits; never while a full read runs. Where it stands
// is in memory: after a restart it begins anew.
//
// A difference alone is no fault of the feed, which may bring the change with its next round: only
// what still differs after a complete round begun later is a mismatch. Whom neither an object nor a
// tombstone stands for is counted and nothing else: absence is no deletion.

#include <map>
#include <string>
#include <vector>

#include "base/async/lane.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/engine.h"
#include "store/state_store.h"
#include "watchers/change_source.h"

namespace driftwarden::daemon {

enum class Verified : uint8_t { kSame = 1, kMismatch = 2, kAbsent = 3 };
constexpr Verified kAllVerified[] = {Verified::kSame, Verified::kMismatch, Verified::kAbsent};
std::string_view VerifiedText(Verified v);  // the metric's `result`

// Told on the loop's executor, for metrics.
class VerificationObserver {
 public:
  virtual ~VerificationObserver() = default;
  virtual void OnVerified(const monitor::SourceName& source, Verified result) = 0;
  virtual void OnPass(const monitor::SourceName& source, absl::Time ended) = 0;
};

struct VerificationOptions {
  absl::Duration interval = absl::Seconds(1);  // between two slices
  size_t slice = 25;                           // people
};

struct VerificationParts {
  Engine& engine;
  store::StateStore& store;
  Lane& lane;  // where the store is read
  Scheduler& scheduler;
  Rng& rng;
  Logger& log;
  VerificationObserver& observer;
};

class VerificationLoop {
 public:
  using DirectoryReaders = std::map<monitor::SourceName, watchers::DirectoryReader*>;

  // Everything must outlive it.
  VerificationLoop(VerificationParts parts, DirectoryReaders directories,
                   VerificationOptions options);

  // Until cancelled, or until the engine is stopped.
  asio::awaitable<void> Run();
  // One slice, and who differed in an earlier one. The first error of a directory or the store.
  asio::awaitable<Status> VerifySlice();

 private:
  struct Suspect {
    monitor::SourceName source;
    absl::Time seen;  // when it differed
  };

  bool MayRead(const monitor::SourceName& source) const;
  bool RoundEndedSince(const monitor::SourceName& source, absl::Time at) const;
  asio::awaitable<StatusOr<std::vector<monitor::Person>>> NextPeople();
  asio::awaitable<Status> VerifySource(monitor::SourceName source,
                                       std::vector<monitor::AdHalf> halves);
  // Neither object nor tombstone in one look at many: asked for alone.
  asio::awaitable<Status> AskAlone(monitor::SourceName source, monitor::AdHalf half);
  void Compare(const monitor::AdHalf& known, const monitor::Observation& seen);
  asio::awaitable<Status> Deliver(std::vector<monitor::Observation> observations);
  asio::awaitable<Status> VerifySuspects();
  asio::awaitable<Status> VerifySuspect(monitor::Guid account, Suspect suspect);

  VerificationParts parts_;
  const DirectoryReaders directories_;
  const VerificationOptions options_;
  std::string cursor_;                           // of the store's list
  std::map<monitor::Guid, Suspect> suspects_;    // bounded
  std::vector<monitor::Observation> regrouped_;  // in other groups than is known, of this slice
  std::string last_error_;
};

// Whether the look shows what is not known of the account: what a poll should have brought.
bool Differs(const monitor::AdHalf& known, const monitor::Observation& seen);

}  // namespace driftwarden::daemon
