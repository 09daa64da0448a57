#include "watchers/graph/report_pace.h"

namespace driftwarden::graph {

asio::awaitable<Status> ReportPace::Turn() {
  while (true) {
    const absl::Duration now = scheduler_.clock().Steady();
    while (!sent_.empty() && now - sent_.front() >= kWindow) sent_.pop_front();
    if (sent_.size() < kRequests) {
      sent_.push_back(now);
      co_return OkStatus();
    }
    const absl::Duration until = sent_.front() + kWindow;
    const Status slept = co_await scheduler_.SleepUntil(until);
    if (!slept.ok()) co_return slept;
  }
}

}  // namespace driftwarden::graph
