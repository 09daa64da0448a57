#pragma once

// Reads the CSV file of expected leavers when it changed, tells the links whom it names, and takes
// back what came from it and is not in it any more. Rows of people who are not known (yet) are
// tried again at each poll. The file may be replaced at any time; one that is cut short takes
// nothing back, for that needs a file without faults that did not change between two polls.

#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/async/lane.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "daemon/leaver_file.h"
#include "daemon/link_port.h"
#include "store/state_store.h"

namespace driftwarden::daemon {

struct LeaverLoopParts {
  store::StateStore& store;
  Lane& lane;  // where the store and the file are read
  Scheduler& scheduler;
  Logger& log;
};

class LeaverLoop {
 public:
  // Everything must outlive it.
  LeaverLoop(LeaverLoopParts parts, std::vector<LinkPort*> links, std::string path,
             absl::Duration interval);

  // Until cancelled.
  asio::awaitable<void> Run();
  // One look at the file. A link of which both sides are not read yet is left out, and told
  // everything when they are.
  asio::awaitable<Status> Once();
  // Thread-safe.
  LeaverFileReport Report() const;

 private:
  // What makes a file another one.
  struct Stamp {
    int64_t modified = 0;  // nanoseconds
    int64_t size = -1;
    uint64_t inode = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Found;  // a few rows, looked up

  // These block: for the lane.
  StatusOr<Stamp> LookAtFile() const;
  StatusOr<Found> LookUp(const std::vector<LeaverRow>& rows, size_t begin, size_t end) const;
  StatusOr<std::vector<monitor::PersonOrdinal>> MissingOf(const monitor::LinkName& link) const;

  asio::awaitable<Status> ReadAnew(Stamp stamp);
  // Tells the links of these rows; those of nobody known are put behind `waiting_`.
  asio::awaitable<Status> Tell(std::vector<LeaverRow> rows);
  asio::awaitable<Status> TryWaiting();
  asio::awaitable<Status> TakeBackMissing();
  // Which links have a baseline; another one than the last time is told of the whole file.
  void LookAtLinks();
  void Publish(const LeaverFile& file);

  LeaverLoopParts parts_;
  const std::vector<LinkPort*> links_;
  const std::string path_;
  const absl::Duration interval_;

  std::vector<LinkPort*> ready_;       // of `links_`: who they have is known
  Stamp stamp_;                        // of what was taken in
  bool may_take_back_ = false;         // what the file says is whole, and was not acted on yet
  std::set<std::string> identifiers_;  // of the file, lower case
  std::deque<LeaverRow> waiting_;
  std::set<std::pair<std::string, monitor::PersonOrdinal>> told_;  // of these links and people
  std::string last_error_;
  mutable std::mutex mutex_;
  LeaverFileReport report_;
};

}  // namespace driftwarden::daemon
