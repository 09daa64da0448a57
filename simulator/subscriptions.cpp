#include "simulator/subscriptions.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

constexpr absl::Duration kLongest = absl::Minutes(41'760);
constexpr size_t kKeptDeliveries = 1000;
constexpr size_t kClientStateLimit = 128;

std::string Text(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string Seconds(absl::Time at) {
  return FormatRfc3339(absl::FromUnixSeconds(absl::ToUnixSeconds(at)));
}

bool IsHttps(const std::string& url) {
  return ToLowerAscii(url).starts_with("https://");
}

json::object Envelope(const Subscription& to, const Tenant& tenant) {
  const bool forged = tenant.faults().notify_forged;
  return {{"subscriptionId", to.id},
          {"clientState", forged ? std::string(to.client_state.size(), 'f') : to.client_state},
          {"tenantId", tenant.id()},
          {"subscriptionExpirationDateTime", Seconds(to.expires)}};
}

Delivery MakeDelivery(const std::string& url, json::array items, absl::Time at) {
  Delivery delivery;
  delivery.at = at;
  delivery.url = url;
  delivery.notifications = items.size();
  const json::object body = {{"value", std::move(items)}};
  delivery.body = json::serialize(body);
  return delivery;
}

}  // namespace

json::object SubscriptionJson(const Subscription& subscription, bool with_state) {
  json::object out = {{"id", subscription.id},
                      {"resource", subscription.resource},
                      {"changeType", subscription.change_type},
                      {"clientState", nullptr},
                      {"notificationUrl", subscription.url},
                      {"lifecycleNotificationUrl", nullptr},
                      {"expirationDateTime", Seconds(subscription.expires)},
                      {"latestSupportedTlsVersion", "v1_2"}};
  if (with_state) out["clientState"] = subscription.client_state;
  if (!subscription.lifecycle_url.empty()) {
    out["lifecycleNotificationUrl"] = subscription.lifecycle_url;
  }
  return out;
}

StatusOr<absl::Time> Subscriptions::ReadExpiry(size_t tenant, const json::object& body,
                                               absl::Time now) {
  const auto at = ParseRfc3339(Text(body, "expirationDateTime"));
  if (!at) return InvalidError("expirationDateTime is required.");
  if (*at <= now) return InvalidError("expirationDateTime must be in the future.");
  if (*at > now + kLongest) {
    return InvalidError("Subscription expiration can only be 41760 minutes in the future.");
  }
  return std::min(*at, now + world_.tenant(tenant).faults().subscription_cap);
}

StatusOr<Subscription> Subscriptions::Create(size_t tenant, const json::object& body,
                                             absl::Time now) {
  Subscription made;
  made.tenant = tenant;
  made.change_type = Text(body, "changeType");
  made.resource = Text(body, "resource");
  made.url = Text(body, "notificationUrl");
  made.lifecycle_url = Text(body, "lifecycleNotificationUrl");
  made.client_state = Text(body, "clientState");
  std::string resource = ToLowerAscii(made.resource);
  if (resource.starts_with("/")) resource.erase(0, 1);
  if (resource != "users") return InvalidError("The resource is not supported.");
  for (const std::string& type : SplitString(made.change_type, ',')) {
    if (type == "updated" || type == "deleted") continue;
    return InvalidError("Unsupported changeType for this resource.");
  }
  if (!IsHttps(made.url) || (!made.lifecycle_url.empty() && !IsHttps(made.lifecycle_url))) {
    return InvalidError("The notification URL must be https.");
  }
  if (made.client_state.size() > kClientStateLimit) {
    return InvalidError("clientState is longer than 128 characters.");
  }
  DW_ASSIGN_OR_RETURN(made.expires, ReadExpiry(tenant, body, now));
  made.created = now;
  made.id = GuidText(GuidFrom(world_.options().seed ^ 0x5b, next_id_++));
  made.position = world_.tenant(tenant).log_position();
  all_.push_back(made);
  return made;
}

StatusOr<Subscription> Subscriptions::Renew(size_t tenant, std::string_view id,
                                            const json::object& body, absl::Time now) {
  DropExpired(now);
  Subscription* found = Get(tenant, id);
  if (found == nullptr) return NotFoundError("The object was not found.");
  DW_ASSIGN_OR_RETURN(found->expires, ReadExpiry(tenant, body, now));
  ++found->renewals;
  return *found;
}

Subscription* Subscriptions::Get(size_t tenant, std::string_view id) {
  for (Subscription& one : all_) {
    if (one.tenant == tenant && EqualsIgnoreCase(one.id, id)) return &one;
  }
  return nullptr;
}

bool Subscriptions::Remove(size_t tenant, std::string_view id) {
  return std::erase_if(all_, [&](const Subscription& one) {
           return one.tenant == tenant && EqualsIgnoreCase(one.id, id);
         }) > 0;
}

void Subscriptions::Settle(std::string_view id, bool validated) {
  for (Subscription& one : all_) {
    if (one.id == id) one.validated = validated;
  }
  if (!validated) std::erase_if(all_, [&](const Subscription& one) { return one.id == id; });
}

void Subscriptions::Forget(size_t tenant) {
  std::erase_if(all_, [&](const Subscription& one) { return one.tenant == tenant; });
}

void Subscriptions::DropExpired(absl::Time now) {
  std::erase_if(all_, [&](const Subscription& one) { return one.expires <= now; });
}

std::vector<Subscription> Subscriptions::List(size_t tenant, absl::Time now) {
  DropExpired(now);
  std::vector<Subscription> out;
  for (const Subscription& one : all_) {
    if (one.tenant == tenant) out.push_back(one);
  }
  return out;
}

std::optional<Subscription> Subscriptions::Find(size_t tenant, std::string_view id,
                                                absl::Time now) {
  DropExpired(now);
  const Subscription* found = Get(tenant, id);
  return found == nullptr ? std::nullopt : std::optional<Subscription>(*found);
}

void Subscriptions::SendLifecycle(size_t tenant, std::string_view event, absl::Time now) {
  for (const Subscription& one : List(tenant, now)) {
    if (one.lifecycle_url.empty()) continue;
    json::object item = Envelope(one, world_.tenant(tenant));
    item["lifecycleEvent"] = std::string(event);
    json::array items;
    items.push_back(std::move(item));
    queue_.push_back(MakeDelivery(one.lifecycle_url, std::move(items), now));
  }
  if (event == "subscriptionRemoved") Forget(tenant);
}

void Subscriptions::Collect(Subscription& subscription, absl::Time now) {
  Tenant& tenant = world_.tenant(subscription.tenant);
  const TenantFaults& faults = tenant.faults();
  const std::vector<uint64_t> changed = tenant.ChangedSince(subscription.position);
  subscription.position = tenant.log_position();
  if (changed.empty() || faults.notify_lost || !subscription.validated) return;
  json::array items;
  for (const uint64_t person : changed) {
    const bool gone = tenant.Now(person).presence == Presence::kPurged;
    const std::string type = gone ? "deleted" : "updated";
    if (subscription.change_type.find(type) == std::string::npos) continue;
    const std::string id = tenant.EntraId(person);
    json::object item = Envelope(subscription, tenant);
    item["changeType"] = type;
    item["resource"] = Cat("Users/", id);
    item["resourceData"] = {
        {"@odata.type", "#Microsoft.Graph.User"}, {"@odata.id", Cat("Users/", id)}, {"id", id}};
    for (int i = 0; i < faults.notify_copies; ++i) items.push_back(item);
  }
  if (items.empty()) return;
  queue_.push_back(MakeDelivery(subscription.url, std::move(items), now + faults.notify_delay));
}

std::vector<Delivery> Subscriptions::TakeDue(absl::Time now) {
  DropExpired(now);
  for (Subscription& one : all_) Collect(one, now);
  std::vector<Delivery> due;
  for (size_t i = 0; i < queue_.size();) {
    if (queue_[i].at > now) {
      ++i;
      continue;
    }
    due.push_back(std::move(queue_[i]));
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return due;
}

void Subscriptions::Note(Delivered delivered) {
  delivered_.push_back(delivered);
  if (delivered_.size() > kKeptDeliveries) delivered_.pop_front();
}

}  // namespace driftwarden::simulator
