#include "tests/fuzz/target.h"
#include "watchers/graph/notification_json.h"

namespace driftwarden::graph {

// What anybody may send to the listener, and what a tenant says of a subscription.
DW_FUZZ_TARGET(notifications) {
  const auto notifications = DecodeNotifications(input);
  DW_HOLDS(notifications.ok() || absl::IsDataLoss(notifications.status()));
  if (notifications.ok()) {
    for (const Notification& one : notifications->items) {
      DW_HOLDS(!one.subscription_id.empty() && !one.client_state.empty());
      DW_HOLDS(one.subscription_id.size() <= 128 && one.lifecycle_event.size() <= 64);
    }
    DW_HOLDS(notifications->items.size() + notifications->left_out <= input.size());
  }
  const auto subscription = DecodeSubscription(input);
  DW_HOLDS(subscription.ok() || absl::IsDataLoss(subscription.status()));
  DW_HOLDS(!subscription.ok() || !subscription->id.empty());
  const auto page = DecodeSubscriptions(input);
  DW_HOLDS(page.ok() || absl::IsDataLoss(page.status()));
}

}  // namespace driftwarden::graph
