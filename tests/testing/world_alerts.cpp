// The Alertmanager of the simulated world.

#include "tests/testing/world_adapters.h"

namespace driftwarden::testing {

void AlertBook::Take(const alerts::Alert& alert, absl::Time now) {
  const bool firing = alert.ends_at > now;
  const auto known = latest_.find(alert.labels);
  const bool fired = known != latest_.end() && known->second.ends_at > now;
  latest_[alert.labels] = alert;
  if (firing != fired) history_.push_back({now, firing, alert.labels});
}

std::vector<monitor::LabelSet> AlertBook::Firing(absl::Time now) const {
  std::vector<monitor::LabelSet> firing;
  for (const auto& [labels, alert] : latest_) {
    if (alert.ends_at > now) firing.push_back(labels);
  }
  return firing;
}

asio::awaitable<Status> BookSink::Deliver(std::vector<alerts::Alert> alerts) {
  const Status reached = co_await wire_.Go();
  if (!reached.ok()) co_return reached;
  for (const alerts::Alert& alert : alerts) book_.Take(alert, wire_.Wall());
  const Status back = co_await wire_.Return();
  co_return back;
}

}  // namespace driftwarden::testing
