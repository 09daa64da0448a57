// GET /sim/subscriptions: what stands, and what was sent of late.
// POST /sim/subscriptions: {"expire":true} forgets them silently,
//   {"lifecycle":"reauthorizationRequired"|"missed"|"subscriptionRemoved"},
//   {"ca_file":"..."} whom the sender trusts.

#include <boost/json.hpp>

#include "base/strings.h"
#include "base/time.h"
#include "net/problem.h"
#include "simulator/control_api.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {

namespace json = boost::json;

net::ServerResponse ControlApi::ShowSubscriptions(absl::Time now) {
  json::array items;
  for (size_t i = 0; i < world_.tenants(); ++i) {
    for (const Subscription& one : subscriptions_->List(i, now)) {
      json::object item = SubscriptionJson(one, true);
      item["tenant"] = i;
      item["created"] = FormatRfc3339(one.created);
      item["expires"] = FormatRfc3339(one.expires);
      item["renewals"] = one.renewals;
      items.push_back(std::move(item));
    }
  }
  json::array deliveries;
  for (const Delivered& one : subscriptions_->delivered()) {
    deliveries.push_back({{"at", FormatRfc3339(one.at)},
                          {"status", one.status},
                          {"notifications", one.notifications}});
  }
  return JsonResponse(200, {{"items", std::move(items)}, {"deliveries", std::move(deliveries)}});
}

net::ServerResponse ControlApi::ChangeSubscriptions(const json::object& body, absl::Time now) {
  const auto tenants = TenantsOf(body);
  if (!tenants.ok())
    return net::Problem(400, "Bad request", std::string(Message(tenants.status())));
  for (const auto& member : body) {
    const std::string key(member.key());
    const json::value& value = member.value();
    const std::string text = value.is_string() ? std::string(value.as_string()) : std::string();
    if (key == "tenant") continue;
    if (key == "ca_file" && !text.empty()) {
      const Status trusted = trust_(text);
      if (!trusted.ok()) return net::Problem(400, "Bad request", std::string(Message(trusted)));
    } else if (key == "expire" && value == json::value(true)) {
      for (const size_t i : *tenants) subscriptions_->ExpireAll(i);
    } else if (key == "lifecycle" && !text.empty()) {
      for (const size_t i : *tenants) subscriptions_->SendLifecycle(i, text, now);
    } else {
      return net::Problem(400, "Bad request",
                          Cat(Printable(key, 40), ": expire, lifecycle, ca_file or tenant"));
    }
  }
  return ShowSubscriptions(now);
}

}  // namespace driftwarden::simulator
