#pragma once

// Direct reads of single accounts from one controller, on a session of their own, so that they
// never wait for a poll.

#include <memory>

#include "base/async/event.h"
#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_connection.h"
#include "watchers/ad_options.h"
#include "watchers/change_source.h"

namespace driftwarden::watchers {

// See DirectoryReader::ReadAccount. One executor; several calls may wait for each other.
// FailedPrecondition: the object is there, but is no person's account.
class AdReader {
 public:
  // `sessions`, `clock` and `log` must outlive it.
  AdReader(AdSourceOptions options, directory::SessionFactory& sessions, const Clock& clock,
           Logger& log);

  asio::awaitable<StatusOr<monitor::Observation>> ReadAccount(monitor::Guid guid);
  asio::awaitable<StatusOr<std::vector<monitor::Observation>>> ReadAccounts(
      std::vector<monitor::Guid> guids);
  const AdConnection& connection() const { return connection_; }

 private:
  class Turn;

  asio::awaitable<Status> WaitForTurn();
  asio::awaitable<StatusOr<monitor::Observation>> ReadNow(monitor::Guid guid);
  asio::awaitable<StatusOr<std::vector<monitor::Observation>>> ReadManyNow(
      std::vector<monitor::Guid> guids);
  asio::awaitable<StatusOr<monitor::Observation>> Search(directory::SearchRequest request,
                                                         monitor::Guid guid);

  const AdSourceOptions options_;
  const Clock& clock_;
  AdConnection connection_;
  std::unique_ptr<AsyncEvent> free_;  // made by the first call, on its executor
  bool busy_ = false;
};

}  // namespace driftwarden::watchers
