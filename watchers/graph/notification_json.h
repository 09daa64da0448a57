#pragma once

// Subscriptions and the notifications they bring, as JSON. What arrives at the listener comes from
// anybody: everything is bounded, and nothing of it is believed before its clientState was
// compared.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/secret.h"
#include "base/status.h"
#include "watchers/graph/tenant_json.h"

namespace driftwarden::graph {

// What of one notification counts.
struct Notification {
  std::string subscription_id;  // in lower case
  Secret client_state;
  std::string lifecycle_event;  // empty: a change
};

struct Notifications {
  std::vector<Notification> items;
  size_t left_out = 0;  // without a usable id or state
};

struct Subscription {
  std::string id;  // in lower case
  std::string notification_url;
  std::string resource;
  absl::Time expires = absl::InfinitePast();
};

// DataLoss for what is no collection of notifications.
StatusOr<Notifications> DecodeNotifications(std::string_view body);
// The answer to a POST or PATCH.
StatusOr<Subscription> DecodeSubscription(std::string_view body);
// GET /subscriptions
StatusOr<ListPage<Subscription>> DecodeSubscriptions(std::string_view body);

// The body of POST /subscriptions for changes of users.
std::string SubscriptionRequest(std::string_view url, const Secret& client_state,
                                absl::Time expires);
// The body of PATCH /subscriptions/{id}.
std::string RenewalRequest(absl::Time expires);

}  // namespace driftwarden::graph
