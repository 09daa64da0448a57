#pragma once

// Direct reads of a source's accounts: from the controller that the source follows, and, for a
// second opinion before something is done, from another writable one.

#include <memory>

#include "base/async/event.h"
#include "base/async/scheduler.h"
#include "base/log.h"
#include "watchers/ad_options.h"
#include "watchers/ad_reader.h"
#include "watchers/change_source.h"

namespace driftwarden::watchers {

// See DirectoryReader. One executor. The second controller costs no session before it is asked for
// the first time; which one it is stays as long as it works.
class AdDirectReads final : public DirectoryReader {
 public:
  // `sessions`, `scheduler` and `log` must outlive it.
  AdDirectReads(AdSourceOptions options, directory::SessionFactory& sessions, Scheduler& scheduler,
                Logger& log);

  asio::awaitable<StatusOr<monitor::Observation>> ReadAccount(monitor::Guid guid) override;
  asio::awaitable<StatusOr<monitor::Observation>> ReadAccountElsewhere(monitor::Guid guid) override;
  asio::awaitable<StatusOr<std::vector<monitor::Observation>>> ReadAccounts(
      std::vector<monitor::Guid> guids) override;

 private:
  asio::awaitable<void> Ask(monitor::Guid guid, StatusOr<monitor::Observation>* answer,
                            AsyncEvent* done);
  asio::awaitable<void> GiveUp(AsyncEvent* done);

  const monitor::SourceName name_;
  Scheduler& scheduler_;
  AdReader reader_;
  std::shared_ptr<AdPin> avoided_;  // whom reader_ asks
  AdReader other_;
};

}  // namespace driftwarden::watchers
